"""What a run was trained and chosen on, written down so that no test is on the same recordings.

``tracks.json`` in a run's folder names every training and validation track by the identity of its
audio, so that a file is known again when it was moved, renamed or put into another part of a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from moodtheme.datasets import Split, TrackTable, audio_identities
from moodtheme.errors import EvaluationError, TrainingError
from moodtheme.records import Records, read_record, write_record
from moodtheme.scores.names import Seen
from moodtheme.work import Report, no_report, some_of

TRACKS = "tracks.json"
_RECORDS = Records(
    error=TrainingError,
    missing="repeat the run's `moodtheme train` command, which writes it",
    again="repeat the run's `moodtheme train` command",
)


@dataclass(frozen=True, kw_only=True)
class KnownTrack:
    """A track that a run was trained or chosen on.

    Attributes
    ----------
    track, artist
        As in the table; ``""`` for an artist that is not known.
    split
        ``train`` or ``validation``.
    audio
        See `moodtheme.audio.audio_identity`; None where there was no file that could be read.
    """

    track: str
    artist: str
    split: Split
    audio: str | None


@dataclass(frozen=True, kw_only=True)
class KnownTracks:
    """All tracks of a run."""

    tracks: tuple[KnownTrack, ...]


def write_tracks(
    folder: Path, parts: Mapping[Split, TrackTable], *, jobs: int, report: Report
) -> None:
    """Write down what a run is trained and chosen on; identities are read once for each file."""
    known = [
        KnownTrack(track=track, artist=artist, split=split, audio=audio)
        for split, part in parts.items()
        for track, artist, audio in zip(
            part.tracks,
            part.artists,
            audio_identities(part.files, jobs=jobs, report=report),
            strict=True,
        )
    ]
    write_record(folder / TRACKS, KnownTracks(tracks=tuple(known)))


def seen_before(
    folder: Path, table: TrackTable, *, jobs: int = 1, report: Report
) -> tuple[Seen, ...]:
    """What a run saw of each track of a table.

    Recordings are told by their audio; where that is not known of either side, by the track's
    identifier.

    Parameters
    ----------
    folder
        The run's.
    table
        Tracks to be scored.
    jobs
        Files read at once.
    report
        Called with lines about how far it is.

    Raises
    ------
    TrainingError
        The run did not write down its tracks.
    """
    known = read_record(folder / TRACKS, KnownTracks, _RECORDS).tracks
    # What was trained on counts where a recording is in both parts.
    in_order = sorted(known, key=lambda track: track.split is Split.TRAIN)
    by_audio = {track.audio: track.split for track in in_order if track.audio}
    by_name = {track.track: track for track in in_order}
    artists = {track.artist for track in known if track.split is Split.TRAIN and track.artist}
    found = []
    identities = audio_identities(table.files, jobs=jobs, report=report)
    for name, artist, audio in zip(table.tracks, table.artists, identities, strict=True):
        split = by_audio.get(audio) if audio else None
        if split is None and name in by_name and not (audio and by_name[name].audio):
            split = by_name[name].split
        if split is not None:
            found.append(Seen(split))
        else:
            found.append(Seen.ARTIST if artist in artists else Seen.NOTHING)
    return tuple(found)


def require_unseen(
    folder: Path,
    table: TrackTable,
    *,
    allow_seen: bool = False,
    jobs: int = 1,
    report: Report = no_report,
) -> tuple[Seen, ...]:
    """See that a run was neither trained nor chosen on what it is to be tested on.

    Parameters
    ----------
    folder
        The run's.
    table
        The tracks to be scored. Those that it has in training may have been seen, and those in
        validation may be what the run was chosen, but not trained, on.
    allow_seen
        Score whatever was seen, and say so.
    jobs
        Files read at once.
    report
        Called with a line about recordings and artists that were seen.

    Returns
    -------
    What the run saw of each track.

    Raises
    ------
    EvaluationError
        A recording was seen.
    TrainingError
        The run did not write down its tracks.
    """
    seen = seen_before(folder, table, jobs=jobs, report=report)
    fitting = {Split.TRAIN: set(Seen), Split.VALIDATION: {Seen.VALIDATION}}
    unfit = [
        Seen.NOTHING if split and one in fitting.get(split, ()) else one
        for one, split in zip(seen, table.splits, strict=True)
    ]
    recordings, artists = _overlap(table, unfit)
    if recordings and not allow_seen:
        raise EvaluationError(
            f"{folder} has seen what is to be its test: {recordings}; score other recordings, or "
            "these with --allow-seen, which marks them"
        )
    for sentence in (recordings, artists):
        if sentence:
            report(f"warning: {sentence}, so that figures come out too good")
    return seen


def _overlap(table: TrackTable, seen: Sequence[Seen]) -> tuple[str | None, str | None]:
    """Which tracks a run was trained or chosen on, and whose others, in sentences."""

    def those(*kinds: Seen) -> list[str]:
        return [name for name, one in zip(table.tracks, seen, strict=True) if one in kinds]

    trained, chosen = those(Seen.TRAIN), those(Seen.VALIDATION)
    words = [
        f"{len(names)} of {len(table)} recordings {what} ({some_of(names)})"
        for names, what in ((trained, "were trained on"), (chosen, "chose the run's epoch"))
        if names
    ]
    artists = those(Seen.ARTIST)
    return (
        ", and ".join(words) or None,
        f"{len(artists)} of {len(table)} tracks are by artists that were trained on "
        f"({some_of(sorted({table.artists[table.tracks.index(name)] for name in artists}))})"
        if artists
        else None,
    )
