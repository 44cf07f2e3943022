"""``moodtheme explain``: which part of a piece makes a model say what it says."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from moodtheme.cli.options import DEFAULT_MODEL, Model, Output, OwnMusic, Seed, Theme
from moodtheme.cli.streams import say, say_warnings
from moodtheme.errors import needing_extra
from moodtheme.work import cores, limit_numpy_threads


def explain(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A piece.")],
    *,
    tags: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="TAG",
            help="A tag to explain; may be repeated. What stands out where nothing is named.",
        ),
    ] = None,
    dimensions: Annotated[
        list[str] | None,
        typer.Option(
            "--dimension",
            metavar="NAME",
            help="A dimension to explain, such as arousal; may be repeated.",
        ),
    ] = None,
    model: Model = DEFAULT_MODEL,
    relative_to: OwnMusic = None,
    budget: Annotated[
        int, typer.Option(min=1, metavar="N", help="Windows the model may hear; more look closer.")
    ] = 800,
    seed: Seed = 0,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also draw it; FILE ends in .png or .svg (needs the `explain` extra).",
        ),
    ] = None,
    theme: Annotated[Theme, typer.Option(help="The page that the picture is for.")] = "light",
    form: Annotated[
        Literal["table", "json"] | None,
        typer.Option(
            "--format",
            help="Form of the result; JSON where the output's name ends so, else a table.",
        ),
    ] = None,
    output: Output = None,
) -> None:
    """Say which seconds and frequencies of a piece raise or lower a tag.

    Parts of the piece are hidden and the model hears it again. What is said was measured on the
    model; it is no statement about the music or its listeners.
    """
    limit_numpy_threads()
    from moodtheme.cli.explanations import lines, record
    from moodtheme.cli.outputs import require_output, result_stream
    from moodtheme.cli.page import Page
    from moodtheme.cli.progress import progress_bar
    from moodtheme.cli.tag_inputs import load_tagger
    from moodtheme.explaining import can_describe, describe, explain

    require_output(output, inputs=[path, relative_to])
    require_output(picture, inputs=[path, output, relative_to], suffixes=(".png", ".svg"))
    if picture is not None:
        with needing_extra("drawing an explanation", "explain"):
            import matplotlib  # noqa: F401 - before the minutes that hearing takes

        from moodtheme.explaining.pictures import draw
    tagger = load_tagger(model, relative_to, threads=cores(), quiet=False)
    with progress_bar("hearing", unit="windows") as progress:
        found = explain(
            tagger,
            path,
            tags=tags or (),
            dimensions=dimensions or (),
            budget=budget,
            seed=seed,
            progress=progress,
        )
    say_warnings(path, found.warnings)
    described = describe(path) if can_describe() else None
    if described is None:
        say("tempo, register and the like, and a picture, with: pip install 'moodtheme[explain]'")
    named_json = output is not None and output.suffix.lower() == ".json"
    is_json = named_json if form is None else form == "json"
    with result_stream(output, is_json=is_json) as out:
        if is_json:
            import json

            out.write(json.dumps(record(found, described), ensure_ascii=False, indent=2) + "\n")
        else:
            page = Page.of(sys.stdout if output is None else None)
            for line in lines(found, described, page):
                out.write(line + "\n")
    if picture is not None:
        draw(found, picture, dark=theme == "dark")
