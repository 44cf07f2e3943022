"""``moodtheme tag``: files and folders in, moods and themes out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import (
    DEFAULT_MODEL,
    Address,
    EngineOption,
    FilesAtOnce,
    Model,
    Output,
    OwnMusic,
    Quiet,
    Windows,
)
from moodtheme.cli.results import Format, format_of
from moodtheme.cli.streams import printable, say, say_warnings
from moodtheme.engines import Engine, Workers
from moodtheme.errors import UsageError
from moodtheme.tagging.device import TaggingDevice
from moodtheme.work import cores, limit_numpy_threads

if TYPE_CHECKING:
    from moodtheme.cli.results import Writer
    from moodtheme.tagging.answers import TrackTags


def tag(
    paths: Annotated[
        list[str] | None,  # a Path would turn no name into a dot
        typer.Argument(
            metavar="PATH...",
            help="Files, tried whatever their names, and folders, searched for audio files.",
        ),
    ] = None,
    *,
    model: Model = DEFAULT_MODEL,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Form of the results; by the end of FILE's name unless given, else a table.",
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Only the N foremost tags, in a table the N that stand out most; all by default, "
            "5 in a table.",
        ),
    ] = None,
    scores: Annotated[
        bool,
        typer.Option(
            "--scores", help="In a table, the model's raw scores in place of what stands out."
        ),
    ] = False,
    wide: Annotated[
        bool,
        typer.Option(
            "--wide", help="CSV with one row a file and a column a tag, for spreadsheets."
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
    windows: Windows = None,
    relative_to: OwnMusic = None,
    jobs: FilesAtOnce = None,
    device: Annotated[
        TaggingDevice,
        typer.Option(help="Where the model computes; cuda needs ONNX Runtime's build for it."),
    ] = TaggingDevice.CPU,
    output: Output = None,
    files_from: Annotated[
        Path | None,
        typer.Option(
            "--files-from",
            metavar="FILE|-",
            help="Also tag what FILE, or standard input, lists: a path a line, or ended by NUL.",
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Only part I of N of the files, by their names; for batch queues."
        ),
    ] = None,
    engine: EngineOption = Engine.LOCAL,
    address: Address = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep what FILE has of the same audio, model and options, and tag only the rest "
            "(with --format jsonl and --output).",
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Tag music with moods and themes.

    Works offline. Results go to standard output or FILE, everything else to standard error. Exit
    status 0: all files tagged, 1: some failed and were named, or results could not be written, 2:
    wrong usage.
    """
    limit_numpy_threads()
    from moodtheme.audio import ScanAccount
    from moodtheme.cli.outputs import claimed, is_file, require_output
    from moodtheme.cli.page import Page
    from moodtheme.cli.progress import TaggingProgress
    from moodtheme.cli.results import DATA_WRITERS, WideWriter
    from moodtheme.cli.tag_inputs import chosen_files, load_tagger
    from moodtheme.cli.tag_run import Run, tag_to_journal, tag_to_stream
    from moodtheme.cli.tag_table import TableWriter
    from moodtheme.tagging.batch import name_of

    form = form or (Format.CSV if wide else format_of(output))
    for apart, advice in (
        (
            resume and (form is not Format.JSONL or output is None),
            "--resume goes with JSON Lines and --output FILE; give both",
        ),
        (
            scores and form is not Format.TABLE,
            "--scores is about the table; leave it out, the other formats have all",
        ),
        (
            wide and (form is not Format.CSV or timeline),
            "--wide is CSV with one row a file; leave --format and --timeline out",
        ),
        (
            timeline and windows is not None,
            "--timeline hears the whole track, --windows does not; leave one out",
        ),
        (
            address is not None and engine is not Engine.RAY,
            "--address is a Ray cluster's; add --engine ray, or leave it out",
        ),
    ):
        if apart:
            raise UsageError(advice)
    account = ScanAccount()
    found = chosen_files(paths or (), files_from, shard, account)
    names = [name_of(one) for one in found]
    require_output(output, inputs=[*names, files_from, relative_to])
    is_table = form is Format.TABLE
    # What is wrong with a file is in the table: on a terminal that shows both, not said again.
    in_sight = is_table and output is None and sys.stdout.isatty() and sys.stderr.isatty()
    with claimed(output):
        tagger = load_tagger(model, relative_to, device=device, quiet=quiet)
        if is_table:
            page = Page.of(sys.stdout if output is None else None)
            writer: Writer = TableWriter(
                tagger.bundle, names, page, top=top, raw=scores, relative_to=tagger.relative_to
            )
        elif wide:
            writer = WideWriter(tagger.bundle, tagger.relative_to, top)
        else:
            writer = DATA_WRITERS[form](top)
        # The bar first: it takes over standard output where both are one terminal.
        with TaggingProgress(len(found), quiet=quiet) as progress:

            def tell(result: "TrackTags") -> None:
                failed = result.error is not None
                if failed and not in_sight:
                    say(f"{printable(result.path)}: {printable(result.error or '')}")
                elif not quiet and not in_sight:
                    say_warnings(result.path, result.warnings)
                progress.add(duration_s=result.duration_s, failed=failed)

            workers = Workers(engine=engine, jobs=jobs or cores(), address=address)
            run = Run(tagger, model, found, workers, timeline, windows, tell)
            if form is Format.JSONL and output is not None and is_file(output):
                tag_to_journal(run, output, top=top, resume=resume, progress=progress)
            else:
                tag_to_stream(run, output, form, writer)
    if not quiet and (len(found) > 1 or progress.failed):
        here = f"{workers.jobs} at once, a thread each"
        say(f"{progress.summary()}; {here if engine is Engine.LOCAL else 'on a Ray cluster'}")
    if not quiet and (passed_over := account.line()):
        say(passed_over)
    if progress.failed:
        raise typer.Exit(1)
