"""``moodtheme tag``: files and folders in, moods and themes out."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.results import Format, format_of
from moodtheme.cli.streams import printable, say
from moodtheme.errors import AudioError, UsageError

if TYPE_CHECKING:
    from moodtheme.cli.progress import TaggingProgress
    from moodtheme.cli.results import Writer
    from moodtheme.tagging.answers import TrackTags
    from moodtheme.tagging.tagger import Tagger


@dataclass(frozen=True)
class _Run:
    """What is to be done, and how results are told."""

    tagger: "Tagger"
    files: Sequence[Path]
    problems: Sequence[AudioError]
    jobs: int
    timeline: bool
    tell: Callable[["TrackTags"], None]


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
            help="Only the N highest tags, in a table the N that stand out most; all by default, 5 "
            "in a table.",
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
        bool, typer.Option("--timeline", help="Add tags over time, a window every 10 s.")
    ] = False,
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
    from moodtheme.cli.tag_table import TableWriter
    from moodtheme.tagging.tagger import Tagger
    from moodtheme.work import cores

    form = form or format_of(output)
    if resume and (form is not Format.JSONL or output is None):
        raise UsageError("--resume goes with JSON Lines and --output FILE; give both")
    if scores and form is not Format.TABLE:
        raise UsageError("--scores is about the table; leave it out, the other formats have all")
    given = [*(paths or ()), *(() if files_from is None else _listed(files_from))]
    if not given and files_from is None:
        raise UsageError("nothing to tag; name files or folders, or a list with --files-from")
    account = ScanAccount()
    files, problems = find_audio_files(given, account)
    require_output(output, inputs=[*files, files_from])
    is_table = form is Format.TABLE
    # What is wrong with a file is in the table: on a terminal that shows both, not said again.
    in_sight = is_table and output is None and sys.stdout.isatty() and sys.stderr.isatty()
    with claimed(output):
        tagger = Tagger.load(model)
        if is_table:
            page = Page.of(sys.stdout if output is None else None)
            names = [*(Path(problem.path) for problem in problems), *files]
            writer: Writer = TableWriter(tagger.bundle, names, page, top=top, raw=scores)
        else:
            writer = data_writer(form, top)
        # The bar first: it takes over standard output where both are one terminal.
        with TaggingProgress(len(files) + len(problems), quiet=quiet) as progress:

            def tell(result: "TrackTags") -> None:
                failed = result.error is not None
                if not in_sight and (failed or not quiet):
                    _complain(result)
                progress.add(duration_s=result.duration_s, failed=failed)

            run = _Run(tagger, files, problems, jobs or cores(), timeline, tell)
            if form is Format.JSONL and output is not None and is_file(output):
                _tag_to_journal(run, output, top=top, resume=resume, progress=progress)
            else:
                _tag_to_stream(run, output, form, writer)
    if not quiet and (len(files) + len(problems) > 1 or progress.failed):
        say(f"{progress.summary()}; {run.jobs} at once, a thread each")
    if not quiet and (passed_over := account.line()):
        say(passed_over)
    if progress.failed:
        raise typer.Exit(1)


def _tag_to_stream(run: _Run, output: Path | None, form: Format, writer: "Writer") -> None:
    """Write results as they come, in the order of the inputs."""
    from moodtheme.cli.outputs import JSON_ESCAPES, PYTHON_ESCAPES, result_stream
    from moodtheme.tagging.batch import failed, tag_files

    is_json = form in {Format.JSON, Format.JSONL}
    results = tag_files(run.tagger, run.files, jobs=run.jobs, timeline=run.timeline)
    with result_stream(output, errors=JSON_ESCAPES if is_json else PYTHON_ESCAPES) as out:
        try:
            out.write(writer.begin())
            for problem in run.problems:
                result = failed(run.tagger, Path(problem.path), problem)
                out.write(writer.add(result))
                run.tell(result)
            for result in results:
                out.write(writer.add(result))
                out.flush()
                run.tell(result)
        except OSError:
            results.close()
            raise  # nothing more can be written
        except BaseException:
            results.close()
            out.write(writer.end())
            raise
        out.write(writer.end())


def _tag_to_journal(
    run: _Run, output: Path, *, top: int | None, resume: bool, progress: "TaggingProgress"
) -> None:
    """Put each result on the disk as soon as it is there; write the file at the end."""
    from moodtheme.audio import audio_identity
    from moodtheme.cli.journal import Journal, Settings
    from moodtheme.cli.results import JsonLinesWriter
    from moodtheme.tagging.batch import failed, tag_file
    from moodtheme.work import read_ahead

    bundle = run.tagger.bundle
    settings = Settings(
        model=bundle.digest,
        tags=len(bundle.tags) if top is None else min(top, len(bundle.tags)),
        timeline=run.timeline,
    )
    writer = JsonLinesWriter(top)
    with Journal.open(output, settings, resume=resume) as journal:

        def work(path: Path) -> "TrackTags | None":
            """None where the row of before is current."""
            if journal.has_rows:
                try:
                    if journal.take_over(path, audio_identity(path)):
                        return None
                except AudioError:
                    pass  # it fails below, where that is told
            result = tag_file(run.tagger, path, timeline=run.timeline)
            journal.add(path, writer.add(result), failed=result.error is not None)
            return result

        for problem in run.problems:
            result = failed(run.tagger, Path(problem.path), problem)
            journal.add(result.path, writer.add(result), failed=True)
            run.tell(result)
        for found in read_ahead(work, run.files, jobs=run.jobs, ahead=4 * run.jobs):
            if found is None:
                progress.add(duration_s=None, failed=False)
            else:
                run.tell(found)
        journal.finish([*(Path(problem.path) for problem in run.problems), *run.files])
    if journal.kept:
        say(f"{journal.kept} results kept from before")
    for reason, count in journal.redone.items():
        say(f"{count} results of before were made anew: {reason}")


def _listed(source: Path) -> Iterator[Path]:
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
    return (Path(os.fsdecode(name)) for name in names if name)


def _complain(result: "TrackTags") -> None:
    """Name on standard error what is wrong with a file."""
    kind = "" if result.error else "warning: "
    for text in [result.error] if result.error else result.warnings:
        say(f"{kind}{printable(result.path)}: {printable(text)}")
