"""``moodtheme demo``: a few pieces written by moodtheme itself, and what the model hears."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the pieces go.")] = Path(
        "demo-music"
    ),
) -> None:
    """Write a few short contrasting pieces of music and tag them.

    The pieces are composed and played by moodtheme's own generator; listen to them beside what the
    model says. The generator's mood is what was written, not what anyone heard.
    """
    from moodtheme.cli.results import Format, make_writer
    from moodtheme.demo import demo_pieces, write_demo_pieces
    from moodtheme.files import claimed_folder
    from moodtheme.tagging.batch import tag_file
    from moodtheme.tagging.tagger import Tagger

    with claimed_folder(folder):
        paths = write_demo_pieces(folder)
    typer.echo(f"Written to {folder}:")
    for path, piece in zip(paths, demo_pieces(), strict=True):
        typer.echo(
            f"  {path.name}: “{piece.title}”, written to be {piece.mood}: {piece.description}"
        )
    tagger = Tagger.load()
    typer.echo(f"\nWhat {tagger.bundle.name} hears:")
    writer = make_writer(Format.TABLE, top=None, paths=paths)
    typer.echo(writer.begin(), nl=False)
    for path in paths:
        typer.echo(writer.add(tag_file(tagger, path)), nl=False)
    typer.echo(writer.end(), nl=False)
    typer.echo(f"\nYour own music: moodtheme tag {folder} or any file or folder")
