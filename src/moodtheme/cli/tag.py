"""``moodtheme tag``: files and folders in, moods and themes out."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.results import Format, format_of
from moodtheme.cli.streams import printable, say
from moodtheme.errors import UsageError

if TYPE_CHECKING:
    from moodtheme.cli.results import Writer
    from moodtheme.tagging.answers import TrackTags
    from moodtheme.tagging.tagger import Tagger


def tag(
    paths: Annotated[
        list[str] | None,  # a Path would turn no name into a dot
        typer.Argument(
            metavar="PATH...",
            help="Files, tried whatever their names, and folders, searched for audio files.",
            show_default=False,
        ),
    ] = None,
    *,
    model: Annotated[
        str, typer.Option(metavar="NAME|DIR", help="A model's name, or a bundle's folder.")
    ] = "moodtheme-small",
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Form of the results; by the end of FILE's name unless given, else a table.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Only the N foremost tags, in a table the N that stand out most; all by default, "
            "5 in a table.",
            show_default=False,
        ),
    ] = None,
    scores: Annotated[
        bool,
        typer.Option(
            "--scores", help="In a table, the model's raw scores in place of what stands out."
        ),
    ] = False,
    timeline: Annotated[
        bool,
        typer.Option(
            "--timeline",
            help="Add tags over time, every 2 s, and where the mood changes; in a table the "
            "stretches between changes.",
        ),
    ] = False,
    windows: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Hear N windows spread over each track, not all of it; for models that hear "
            "whole tracks.",
            show_default=False,
        ),
    ] = None,
    relative_to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Say where tracks stand among your own music: what --format jsonl gave of it.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Files at work at once; the number of cores by default.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to FILE, not to standard output."
        ),
    ] = None,
    files_from: Annotated[
        Path | None,
        typer.Option(
            "--files-from",
            metavar="FILE|-",
            help="Also tag what FILE, or standard input, lists: a path a line, or ended by NUL.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep what FILE has of the same audio, model and options, and tag only the rest "
            "(with --format jsonl and --output).",
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Say nothing but what failed."),
    ] = False,
) -> None:
    """Tag music with moods and themes.

    Works offline. Results go to standard output or FILE, everything else to standard error. Exit
    status 0: all files tagged, 1: some failed and were named, or results could not be written, 2:
    wrong usage.
    """
    # Read when NumPy loads: its products of whole blocks would start threads of their own.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from moodtheme.audio import ScanAccount, find_audio_files
    from moodtheme.cli.outputs import claimed, is_file, require_output
    from moodtheme.cli.page import Page
    from moodtheme.cli.progress import TaggingProgress
    from moodtheme.cli.results import data_writer
    from moodtheme.cli.tag_run import Run, tag_to_journal, tag_to_stream
    from moodtheme.cli.tag_table import TableWriter
    from moodtheme.work import cores

    form = form or format_of(output)
    if resume and (form is not Format.JSONL or output is None):
        raise UsageError("--resume goes with JSON Lines and --output FILE; give both")
    if scores and form is not Format.TABLE:
        raise UsageError("--scores is about the table; leave it out, the other formats have all")
    if timeline and windows is not None:
        raise UsageError("--timeline hears the whole track, --windows does not; leave one out")
    given = [*(paths or ()), *(() if files_from is None else _listed(files_from))]
    if not given and files_from is None:
        raise UsageError("nothing to tag; name files or folders, or a list with --files-from")
    account = ScanAccount()
    files, problems = find_audio_files(given, account)
    require_output(output, inputs=[*files, files_from, relative_to])
    is_table = form is Format.TABLE
    # What is wrong with a file is in the table: on a terminal that shows both, not said again.
    in_sight = is_table and output is None and sys.stdout.isatty() and sys.stderr.isatty()
    with claimed(output):
        tagger = _tagger(model, relative_to, quiet=quiet)
        if is_table:
            page = Page.of(sys.stdout if output is None else None)
            names = [*(problem.path for problem in problems), *files]
            writer: Writer = TableWriter(
                tagger.bundle, names, page, top=top, raw=scores, relative_to=tagger.relative_to
            )
        else:
            writer = data_writer(form, top)
        # The bar first: it takes over standard output where both are one terminal.
        with TaggingProgress(len(files) + len(problems), quiet=quiet) as progress:

            def tell(result: "TrackTags") -> None:
                failed = result.error is not None
                if not in_sight and (failed or not quiet):
                    _complain(result)
                progress.add(duration_s=result.duration_s, failed=failed)

            run = Run(tagger, files, problems, jobs or cores(), timeline, windows, tell)
            if form is Format.JSONL and output is not None and is_file(output):
                tag_to_journal(run, output, top=top, resume=resume, progress=progress)
            else:
                tag_to_stream(run, output, form, writer)
    if not quiet and (len(files) + len(problems) > 1 or progress.failed):
        say(f"{progress.summary()}; {run.jobs} at once, a thread each")
    if not quiet and (passed_over := account.line()):
        say(passed_over)
    if progress.failed:
        raise typer.Exit(1)


def _tagger(model: str, relative_to: Path | None, *, quiet: bool) -> "Tagger":
    from moodtheme.tagging.own_music import FEW_TRACKS
    from moodtheme.tagging.tagger import Tagger

    tagger = Tagger.load(model, relative_to=relative_to)
    own = tagger.relative_to
    if own is not None and own.tracks < FEW_TRACKS and not quiet:
        say(
            f"warning: {printable(own.music)} has {own.tracks} tracks; standings among fewer than "
            f"{FEW_TRACKS} are rough"
        )
    return tagger


def _listed(source: Path) -> Iterator[str]:
    """Paths that a list names, separated by NUL if it holds any, else by line breaks."""
    try:
        if str(source) == "-":
            content = b"" if sys.stdin is None else sys.stdin.buffer.read()
        else:
            content = source.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--files-from {source}: cannot be read ({error.strerror}); name a file with a path a "
            "line, or - for standard input"
        ) from error
    if b"\0" in content:
        names = content.split(b"\0")
    else:
        names = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    return (os.fsdecode(name) for name in names if name)


def _complain(result: "TrackTags") -> None:
    """Name on standard error what is wrong with a file."""
    kind = "" if result.error else "warning: "
    for text in [result.error] if result.error else result.warnings:
        say(f"{kind}{printable(result.path)}: {printable(text)}")
