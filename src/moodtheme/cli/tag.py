"""``moodtheme tag``: files and folders in, moods and themes out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.results import Format, printable
from moodtheme.errors import UsageError

if TYPE_CHECKING:
    from moodtheme.tagging.answers import TrackTags


def tag(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Files, tried whatever their names, and folders, searched for audio files.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME|DIR", help="A model's name, or a bundle's folder.")
    ] = "moodtheme-small",
    form: Annotated[Format, typer.Option("--format", help="Form of the results.")] = Format.TABLE,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Only the N highest tags; all by default, 5 in a table.",
            show_default=False,
        ),
    ] = None,
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
        typer.Option(metavar="FILE", help="Write to FILE, not to standard output."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep what FILE has and tag only the rest (with --format jsonl and --output).",
        ),
    ] = False,
) -> None:
    """Tag music with moods and themes.

    Works offline. Results go to standard output or FILE, everything else to standard error. Exit
    status 0: all files tagged, 1: some failed and were named, 2: wrong usage.
    """
    from moodtheme.audio import find_audio_files
    from moodtheme.cli.outputs import finished_lines, result_file
    from moodtheme.cli.progress import TaggingProgress
    from moodtheme.cli.results import make_writer
    from moodtheme.tagging.batch import failed, tag_files
    from moodtheme.tagging.tagger import Tagger
    from moodtheme.work import cores

    kept: dict[str, str] = {}
    if resume:
        if form is not Format.JSONL or output is None:
            raise UsageError("--resume goes with --format jsonl and --output FILE; give both")
        kept = finished_lines(output)
    tagger = Tagger.load(model)
    files, problems = find_audio_files(paths)
    todo = [file for file in files if str(file) not in kept]
    failures = 0
    writer = make_writer(form, top=top, paths=[*todo, *(Path(p.path) for p in problems)])

    # The bar first: it takes over standard output where both are one terminal.
    with TaggingProgress(len(todo)) as progress, result_file(output) as out:
        results = tag_files(tagger, todo, jobs=jobs or cores(), timeline=timeline)
        try:
            out.write(writer.begin())
            out.writelines(kept.values())
            for problem in problems:
                result = failed(tagger, Path(problem.path), problem)
                out.write(writer.add(result))
                _complain(result)
                failures += 1
            for result in results:
                out.write(writer.add(result))
                out.flush()
                _complain(result)
                failures += result.error is not None
                progress.add(duration_s=result.duration_s, failed=result.error is not None)
        finally:
            out.write(writer.end())
            out.flush()
            results.close()
    if len(todo) > 1 or failures:
        print(f"moodtheme: {progress.summary()}", file=sys.stderr)
    if kept:
        print(f"moodtheme: {len(kept)} results kept from before", file=sys.stderr)
    if failures:
        raise typer.Exit(1)


def _complain(result: "TrackTags") -> None:
    """Name on standard error what is wrong with a file."""
    kind = "" if result.error else "warning: "
    for text in [result.error] if result.error else result.warnings:
        print(f"moodtheme: {kind}{printable(result.path)}: {printable(text)}", file=sys.stderr)
