"""The same audio, or the same artist, in two parts of a collection."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from moodtheme.audio import KnownFiles, audio_beginning
from moodtheme.datasets.splits import shared_names
from moodtheme.datasets.table import Split, TrackTable
from moodtheme.errors import AudioError
from moodtheme.fetched import cache_dir
from moodtheme.work import Report, counted, no_report, some_of

_NAMED = 5
_KEPT_IN = "audio"
_BEGINNINGS = "beginnings.jsonl"


@dataclass(frozen=True, slots=True)
class SharedAudio:
    """Files that hold the same audio and do not lie in the same part.

    Attributes
    ----------
    identity
        The audio's, see `moodtheme.audio.audio_identity`.
    files
        With their parts, in the table's order.
    """

    identity: str
    files: tuple[tuple[Split, Path], ...]

    def __str__(self) -> str:
        return " = ".join(f"{file} ({split})" for split, file in self.files)


def find_shared_audio(
    table: TrackTable, *, jobs: int = 1, report: Report = no_report
) -> tuple[SharedAudio, ...]:
    """Find audio that is in more than one part of a collection.

    The first 256 kB of each file's audio are read, once for as long as it does not change, and
    whole files only where those agree. Tracks without a part and files that are missing or cannot
    be read are passed over.

    Parameters
    ----------
    table
        With splits.
    jobs
        Files read at once.
    report
        Called with a line about how far it is, if it takes long.
    """
    files = [(split, file) for split, file in zip(table.splits, table.files, strict=True) if split]
    folder = _folder()
    quick = KnownFiles(folder, table=_BEGINNINGS, identify=audio_beginning)
    alike = [
        pair for group in _in_several_parts(files, quick, jobs, report).values() for pair in group
    ]
    shared = _in_several_parts(alike, KnownFiles(folder), jobs, report)
    return tuple(SharedAudio(identity, tuple(group)) for identity, group in shared.items())


def audio_identities(
    files: Sequence[Path], *, jobs: int = 1, report: Report = no_report
) -> list[str | None]:
    """Identities of files' audio, in order; None for a file that is missing or cannot be read.

    A file is read once for as long as it does not change.
    """
    found = KnownFiles(_folder()).find_all(files, jobs=jobs, report=report)
    return [None if isinstance(one, AudioError) else one for one in found]


def leaks(table: TrackTable, *, jobs: int = 1, report: Report = no_report) -> list[str]:
    """What makes figures on this collection come out too good, a sentence each."""
    said = [shared_audio_warning(table, jobs=jobs, report=report), shared_artists_warning(table)]
    return [sentence for sentence in said if sentence]


def shared_artists_warning(table: TrackTable) -> str | None:
    """Artists with tracks in more than one part, in a sentence; None where there are none."""
    pairs = list(combinations(Split, 2))
    shared = sorted({a for pair in pairs for a in shared_names(table.artists, table.splits, *pair)})
    if not shared:
        return None
    said = f"{_too_good(len(shared), 'artists')} {some_of(shared)}"
    return f"{said}; divide it with `moodtheme dataset split`"


def shared_audio_warning(
    table: TrackTable, *, jobs: int = 1, report: Report = no_report
) -> str | None:
    """`find_shared_audio` in a sentence for a person; None where there is none."""
    shared = find_shared_audio(table, jobs=jobs, report=report)
    if not shared:
        return None
    more = f" and {len(shared) - _NAMED} more" if len(shared) > _NAMED else ""
    named = "; ".join(map(str, shared[:_NAMED]))
    return f"{_too_good(len(shared), 'recordings')} {named}{more}; leave them in one"


def _too_good(number: int, what: str) -> str:
    """How a warning of shared things begins."""
    return (
        f"warning: {counted(number, what)} {'is' if number == 1 else 'are'} in more than one part "
        "of the collection, so that figures come out too good:"
    )


def _folder() -> Path:
    folder = cache_dir() / _KEPT_IN
    with suppress(OSError):  # without it files are read again next time
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _in_several_parts(
    files: Sequence[tuple[Split, Path]],
    known: KnownFiles,
    jobs: int,
    report: Report,
) -> dict[str, list[tuple[Split, Path]]]:
    """Files by what they are known by, where that is found in more than one part."""
    groups: dict[str, list[tuple[Split, Path]]] = {}
    found = known.find_all([file for _, file in files], jobs=jobs, report=report)
    for pair, identity in zip(files, found, strict=True):
        if not isinstance(identity, AudioError):
            groups.setdefault(identity, []).append(pair)
    return {
        identity: group
        for identity, group in groups.items()
        if len({split for split, _ in group}) > 1
    }
