"""The ``moodtheme`` program: the list of commands and what happens to their errors."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from moodtheme import __version__
from moodtheme.cli import (
    compare,
    dataset,
    decide,
    demo,
    distil,
    doctor,
    evaluate,
    explain,
    export,
    features,
    fuse,
    library,
    models,
    predict,
    report,
    reproduce,
    tag,
    timeline,
    train,
    write_tags,
)
from moodtheme.cli.streams import (
    Terminated,
    abandon_output,
    end_on_sigterm,
    prepare_streams,
    printable,
    say,
    working_folder_is_there,
    world_failed,
)
from moodtheme.errors import MoodthemeError


class _Program(TyperGroup):
    """The commands; a path where a command should be gets the command it most likely wants."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the arguments begin with."""
        first = args[0]
        if self.get_command(ctx, first) is None and _is_path(first):
            ctx.fail(
                f"there is no command {printable(first)}; to tag music: "
                f"moodtheme tag {printable(shlex.join(args))}"
            )
        return super().resolve_command(ctx, args)


def _is_path(word: str) -> bool:
    return os.sep in word or bool(Path(word).suffix) or os.path.lexists(word)


app = typer.Typer(
    name="moodtheme",
    cls=_Program,
    help="Hears the moods and themes of music.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


for _command in (
    *(tag.tag, explain.explain, timeline.timeline, write_tags.write_tags, demo.demo),
    *(doctor.doctor, distil.distil, train.train, reproduce.reproduce, predict.predict),
    *(export.export, evaluate.evaluate, compare.compare, fuse.fuse, decide.decide),
):
    app.command()(_command)
for _group in (library, models, dataset, features, report):
    app.add_typer(_group.app)


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
    """Run the program; what goes wrong is one sentence on standard error, without a traceback."""
    prepare_streams()
    end_on_sigterm()
    try:
        status = _run()
        sys.stdout.flush()  # here, where what goes wrong can still be said
    except MoodthemeError as error:
        say(str(error))
        status = error.exit_code
    except OSError as error:
        if working_folder_is_there():
            say(world_failed(error))
        abandon_output()
        status = 1
    except KeyboardInterrupt as interruption:
        terminated = isinstance(interruption, Terminated)
        say("terminated" if terminated else "interrupted")
        # Results are written by now; threads still at work on long files are not waited for.
        os._exit(143 if terminated else 130)
    if status and not working_folder_is_there():
        say("the working folder has been deleted; change to another and run the command again")
    sys.exit(status)


def _run() -> int:
    try:
        app(prog_name="moodtheme")
    except SystemExit as end:
        # Typer and Lightning end on these themselves, without the sentence and its exit status.
        behind = list(_behind(end))
        for kind in (Terminated, KeyboardInterrupt, BrokenPipeError):
            for cause in behind:
                if isinstance(cause, kind):
                    raise cause from None
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _behind(error: BaseException) -> Iterator[BaseException]:
    """What an error was raised from, and that in turn."""
    found = error.__cause__ or error.__context__
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
