"""What `moodtheme tag` is given: files, the model, the music to stand among."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from moodtheme.audio import ScanAccount, find_audio_files
from moodtheme.cli.streams import printable, say
from moodtheme.errors import AudioError, ReferenceMusicError, UsageError
from moodtheme.library import Library
from moodtheme.tagging.batch import in_shard, name_of
from moodtheme.tagging.device import TaggingDevice
from moodtheme.tagging.own_music import FEW_TRACKS
from moodtheme.tagging.tagger import Tagger


def chosen_files(
    paths: Iterable[str], files_from: Path | None, shard: str | None, account: ScanAccount
) -> list[Path | AudioError]:
    """What is wrong with paths that were named, and the files to tag.

    Raises
    ------
    UsageError
        There is nothing to tag, a list cannot be read, or a part is none.
    """
    given = [*paths, *(() if files_from is None else _listed(files_from))]
    if not given and files_from is None:
        raise UsageError("nothing to tag; name files or folders, or a list with --files-from")
    part = _part(shard)
    files, problems = find_audio_files(given, account)
    found: list[Path | AudioError] = [*problems, *files]
    return found if part is None else [one for one in found if in_shard(name_of(one), *part)]


def load_tagger(
    model: str,
    relative_to: Path | None,
    *,
    threads: int = 1,
    device: TaggingDevice = TaggingDevice.CPU,
    quiet: bool,
) -> Tagger:
    """Open the model, with the music among which standings are to be.

    Raises
    ------
    ReferenceMusicError, ModelNotFoundError, DeviceError, BundleError, LibraryError
        As `Tagger.load` and `moodtheme.Library`.
    """
    library = None if relative_to is None else _library_of(relative_to)
    if library is None:
        tagger = Tagger.load(model, threads=threads, device=device, relative_to=relative_to)
    else:
        with library as opened:
            its, reference = opened.model, opened.reference()
        tagger = Tagger.load(model, threads=threads, device=device, relative_to=reference)
        if its.bundle.digest != tagger.bundle.digest:
            raise ReferenceMusicError(
                f"{relative_to} holds results of {its.name}, not of {tagger.bundle.name} "
                f"{tagger.bundle.digest[:8]}; scan it with that, or tag with its model"
            )
    own = tagger.relative_to
    if own is not None and own.tracks < FEW_TRACKS and not quiet:
        say(
            f"warning: {printable(own.music)} has {own.tracks} tracks; standings among fewer than "
            f"{FEW_TRACKS} are rough"
        )
    return tagger


def _library_of(relative_to: Path) -> Library | None:
    """The library that is named, by its file or as ``library``; None for a file of results."""
    named = str(relative_to) == "library" and not relative_to.exists()
    if not named:
        try:
            with relative_to.open("rb") as file:
                if not file.read(16).startswith(b"SQLite format 3"):
                    return None
        except OSError:
            return None  # it fails where that is told
    return Library(None if named else relative_to)


def _part(shard: str | None) -> tuple[int, int] | None:
    if shard is None:
        return None
    number, _, of = shard.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise UsageError(f"--shard {shard}: is no part of several; write 3/10 for the third of ten")
    return int(number), int(of)


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
