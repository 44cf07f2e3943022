"""The ``moodtheme`` program: the list of commands and what happens to their errors."""

import io
import os
import sys
from typing import Annotated

import typer

from moodtheme import __version__
from moodtheme.cli import (
    dataset,
    decide,
    demo,
    distil,
    doctor,
    evaluate,
    export,
    features,
    fuse,
    models,
    predict,
    report,
    reproduce,
    tag,
    train,
)
from moodtheme.errors import MoodthemeError

app = typer.Typer(
    name="moodtheme",
    help="Hears the moods and themes of music.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


app.command("tag")(tag.tag)
app.command("demo")(demo.demo)
app.add_typer(models.app)
app.command("doctor")(doctor.doctor)
app.command("distil")(distil.distil)
app.command("train")(train.train)
app.command("reproduce")(reproduce.reproduce)
app.command("predict")(predict.predict)
app.command("export")(export.export)
app.add_typer(dataset.app)
app.add_typer(features.app)
app.add_typer(report.app)
app.command("evaluate")(evaluate.evaluate)
app.command("fuse")(fuse.fuse)
app.command("decide")(decide.decide)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"moodtheme {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Hears the moods and themes of music."""


def main() -> None:
    """Run the program; errors meant for users are printed as one sentence, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks is shown escaped, not a reason to stop.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except MoodthemeError as error:
        print(f"moodtheme: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("moodtheme: interrupted", file=sys.stderr, flush=True)
        # Results are written by now; threads still at work on long files are not waited for.
        os._exit(130)
