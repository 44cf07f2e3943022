"""``moodtheme write-tags``: moods into the files themselves, where players look, and out again."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from moodtheme.cli.options import DEFAULT_MODEL, FilesAtOnce, Model, OwnMusic, Quiet
from moodtheme.errors import UsageError


def write_tags(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH...",
            help="Files and folders, as for `moodtheme tag`; with --undo, journals.",
        ),
    ] = None,
    *,
    library: Annotated[
        bool,
        typer.Option(
            "--library",
            help="Write what your library says of its files, all of them or those of PATH, and "
            "listen to none.",
        ),
    ] = False,
    library_file: Annotated[
        Path | None,
        typer.Option("--library-file", metavar="FILE", help="The same, of a library of this name."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")
    ] = False,
    most: Annotated[
        int, typer.Option("--max", min=1, metavar="N", help="Moods a file at most.")
    ] = 5,
    at_least: Annotated[
        float | None,
        typer.Option(
            "--at-least",
            min=0.0,
            max=1.0,
            metavar="STANDING",
            help="Only moods with such a standing, 0.99 being more than 99 of 100 pieces have; of "
            "a model without a reference, such a probability.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let moods that you wrote yourself make room.")
    ] = False,
    comment: Annotated[
        bool,
        typer.Option(
            "--comment", help="Also a line in the comment, [MOOD: a; b], for DJ software."
        ),
    ] = False,
    keep_time: Annotated[
        bool, typer.Option("--keep-time", help="Leave the files' modification times.")
    ] = False,
    part_links: Annotated[
        bool,
        typer.Option(
            "--part-links",
            help="Also write files with several names (hard links); only the one that is named "
            "gets the tags, the others keep the file as it was.",
        ),
    ] = False,
    undo: Annotated[
        bool,
        typer.Option(
            "--undo",
            help="Give the files of a journal the bytes that they had; of the last run unless "
            "journals are named.",
        ),
    ] = False,
    journal: Annotated[
        Path | None,
        typer.Option(
            "--journal",
            metavar="FILE",
            help="Where to keep what undoing needs; a new file in your data folder by default.",
        ),
    ] = None,
    model: Model = DEFAULT_MODEL,
    relative_to: OwnMusic = None,
    jobs: FilesAtOnce = None,
    quiet: Quiet = False,
) -> None:
    """Write moods into the tags of music files, or undo that.

    What changes is shown on standard output, a file at a time, before it is written; audio and
    all other fields stay byte for byte. Exit status 0: all done, 1: some files failed and were
    named, 2: wrong usage.
    """
    from moodtheme.cli.write_tags_run import Run, heard, known, undo_journals
    from moodtheme.files import locked, make_folder
    from moodtheme.library import Library
    from moodtheme.writing import Choice, journal_folder

    from_library = library or library_file is not None
    if undo and (dry_run or journal is not None or from_library):
        raise UsageError(
            "--undo reads journals and writes files; name journals alone, or nothing for the last"
        )
    if not (paths or undo or from_library):
        raise UsageError("nothing to write; name files or folders, or say --library")
    run = Run(
        Choice(most=most, at_least=at_least, replace=replace, comment=comment),
        keep_time=keep_time, part_links=part_links, quiet=quiet,
    )  # fmt: skip
    if not dry_run:
        make_folder(journal_folder())
    # Others are kept from writing: what is written beside a file has one name.
    with nullcontext() if dry_run else locked(journal_folder() / "writing", wait=False):
        if undo:
            failed = undo_journals([Path(path) for path in paths or ()], part_links, quiet=quiet)
        elif from_library:
            with Library(library_file) as opened:
                failed = run.on(known(opened, paths or (), relative_to), journal, dry_run=dry_run)
        else:
            source = heard(paths or (), model, relative_to, jobs, quiet=quiet)
            failed = run.on(source, journal, dry_run=dry_run)
    if failed:
        raise typer.Exit(1)
