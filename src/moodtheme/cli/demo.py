"""``moodtheme demo``: a few pieces written by moodtheme itself, and what the model hears."""

import sys
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
    from moodtheme.cli.page import Page
    from moodtheme.cli.tag_table import TableWriter
    from moodtheme.demo import demo_pieces, write_demo_pieces
    from moodtheme.files import claimed_folder
    from moodtheme.tagging.batch import tag_file
    from moodtheme.tagging.tagger import Tagger

    page = Page.of(sys.stdout)
    with claimed_folder(folder):
        paths = write_demo_pieces(folder)
    typer.echo(f"Written to {page.shown(folder)}:")
    for path, piece in zip(paths, demo_pieces(), strict=True):
        typer.echo(f"  {page.shown(path.name)}")
        written = f"written to be {piece.mood}: {piece.description}"
        for line in page.prose(written, page.cells and page.cells - 4):
            typer.echo(f"    {line}")
    tagger = Tagger.load()
    typer.echo(f"\nWhat {tagger.bundle.name} hears:")
    table = TableWriter(tagger.bundle, paths, page)
    typer.echo(table.begin(), nl=False)
    for path in paths:
        typer.echo(table.add(tag_file(tagger, path)), nl=False)
    typer.echo(table.end(), nl=False)
    typer.echo(f"\nYour own music: moodtheme tag {page.shown(folder)} or any file or folder")
