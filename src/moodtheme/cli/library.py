"""``moodtheme library``: a whole collection in one file, kept up to date."""

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.library_find import path, search, similar
from moodtheme.cli.library_lists import duplicates, merge, playlists, stats, words
from moodtheme.cli.options import DEFAULT_MODEL, LibraryFile, Model, Quiet, Windows
from moodtheme.cli.streams import printable, say, say_warnings
from moodtheme.errors import MoodthemeError, UsageError
from moodtheme.work import cores, counted, limit_numpy_threads

if TYPE_CHECKING:
    from moodtheme.library import Library, ScannedFile, ScanOptions, ScanReport
    from moodtheme.tagging.tagger import Tagger

app = typer.Typer(
    name="library",
    help="A whole collection in one file: kept up to date, searched, ranked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def scan(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER...", help="Folders, and files; by default the folders of before."
        ),
    ] = None,
    *,
    library: LibraryFile = None,
    model: Model = DEFAULT_MODEL,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and scan whatever changes, until Ctrl-C.")
    ] = False,
    every: Annotated[
        int,
        typer.Option(
            min=1, metavar="MINUTES", help="With --watch, how often to look at everything."
        ),
    ] = 60,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Files at work at once; by default all cores but one where there are more than "
            "two.",
        ),
    ] = None,
    nice: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=19,
            metavar="N",
            help="Give way to other programs, 19 the most; not on Windows.",
        ),
    ] = None,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Keep tags over time too, a window every 10 s.")
    ] = False,
    windows: Windows = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Look into files too whose size and time are as they were."),
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try again what failed before and has not changed.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Bring a library up to date with the files that are there.

    Only new and changed files are opened, and only audio that is new is heard; what was moved,
    renamed or retagged keeps its results. Killed at any moment, the same command goes on where it
    was. Exit status 0: all is well, 1: some files cannot be used and were named, 2: wrong usage.
    """
    limit_numpy_threads()
    if timeline and windows is not None:
        raise UsageError("--timeline hears the whole track, --windows does not; leave one out")
    if nice is not None:
        _give_way(nice)
    from moodtheme.library import Library, ScanOptions
    from moodtheme.tagging.tagger import Tagger

    jobs = threads or (cores() - 1 if cores() > 2 else cores())
    options = ScanOptions(jobs=jobs, timeline=timeline, windows=windows, verify=verify, retry=retry)
    with Library(library, write=True) as opened:
        roots = [*(folders or opened.roots)]
        if not roots:
            raise UsageError("nothing to scan; name the folders that hold your music")
        tagger = Tagger.load(model)
        report = _scan(opened, roots, tagger, options, quiet=quiet)
        if watch:
            _watch(opened, tagger, options, every_s=60 * every, quiet=quiet)
    if report.failed or report.problems:
        raise typer.Exit(1)


def _scan(
    library: "Library",
    folders: list[Path],
    tagger: "Tagger",
    options: "ScanOptions",
    *,
    quiet: bool,
    whole: bool = True,
) -> "ScanReport":
    from moodtheme.cli.progress import TaggingProgress

    start = time.monotonic()
    progress: TaggingProgress | None = None
    shown = ExitStack()

    def begin(count: int) -> None:
        nonlocal progress
        progress = shown.enter_context(TaggingProgress(count, quiet=quiet or not count))

    def tell(file: "ScannedFile") -> None:
        result = file.result
        if file.error is not None:
            say(f"{printable(file.path)}: {printable(file.reason or '')}")
        elif result is not None and not quiet:
            say_warnings(file.path, result.warnings)
        if progress is not None:
            duration_s = None if result is None else result.duration_s
            progress.add(duration_s=duration_s, failed=file.error is not None)

    with shown:
        report = library.scan(
            folders,
            tagger,
            options,
            whole=whole,
            begin=begin,
            tell=tell,
            report=lambda line: None if quiet else say(line),
        )
    _say_what_was_found(report, time.monotonic() - start, quiet=quiet, jobs=options.jobs)
    _refresh(library, quiet=quiet)
    return report


def _say_what_was_found(report: "ScanReport", spent_s: float, *, quiet: bool, jobs: int) -> None:
    departed = report.departed
    away = {os.fspath(folder) for folder in departed.away}
    for problem in report.problems:
        if str(problem.path) not in away:
            say(printable(str(problem)))
    for folder, count in departed.away.items():
        say(
            f"{printable(folder)}: {count} files of it cannot be reached, and stay in the library "
            "as they are; mount its drive and scan again, or: moodtheme library forget "
            f"{printable(folder)}"
        )
    if quiet:
        return
    parts = [f"{report.unchanged} of {report.files} files unchanged"]
    for count, what in (
        (report.scored, "tracks heard"),
        (report.recognised, "files known by their audio"),
        (departed.moved, "moved"),
        (departed.missing, "gone"),
        (report.failed, "cannot be used"),
    ):
        if count:
            parts.append(f"{count} {what}")
    say(f"{', '.join(parts)}; {spent_s:.1f} s, {jobs} at once")
    if line := report.account.line():
        say(line)


def _refresh(library: "Library", *, quiet: bool) -> None:
    """Write the kept playlists anew; one that cannot be is no reason to stop."""
    for playlist in library.playlists:
        if playlist.file is None:
            continue
        try:
            count = library.playlists.refresh(playlist)
        except MoodthemeError as error:
            say(f"playlist {printable(playlist.name)}: {printable(str(error))}")
        else:
            if not quiet:
                say(f"playlist {printable(playlist.name)}: {counted(count, 'tracks')}")


def _watch(
    library: "Library", tagger: "Tagger", options: "ScanOptions", *, every_s: float, quiet: bool
) -> None:
    from moodtheme.library.watch import can_watch, changes

    if not quiet:
        how = "changes are seen as they happen, and everything"
        if not can_watch():
            how = "pip install 'moodtheme[watch]' shows changes as they happen; everything"
        minutes = round(every_s / 60)
        say(f"watching {len(library.roots)} folders; {how} is looked at every {minutes} min")
    for touched in changes(library.roots, every_s=every_s):
        if touched is None:
            _scan(library, list(library.roots), tagger, options, quiet=True)
        else:
            _scan(library, touched, tagger, options, quiet=quiet, whole=False)


def _give_way(level: int) -> None:
    if not hasattr(os, "nice"):
        raise UsageError("--nice is not known to this system; use --threads")
    os.nice(level)


@app.command()
def forget(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH...", help="Files and folders to let go of.")
    ] = None,
    *,
    missing: Annotated[
        bool, typer.Option("--missing", help="Let go of all files that are gone.")
    ] = False,
    library: LibraryFile = None,
) -> None:
    """Let go of files, and of what was heard of tracks that no other file holds.

    The files themselves stay as they are.
    """
    from moodtheme.library import Library

    if not paths and not missing:
        raise UsageError("nothing to forget; name files or folders, or use --missing")
    with Library(library, write=True) as opened:
        count = opened.forget(paths or (), missing=missing)
    say(f"{counted(count, 'files')} forgotten")


for _command in (search, similar, path, words, stats, duplicates, playlists, merge):
    app.command()(_command)
