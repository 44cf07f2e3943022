"""What a run was trained and chosen on, written down so that no test is on the same recordings.

``tracks.json`` in a run's folder names every training and validation track by the identity of its
audio, so that a file is known again when it was moved, renamed or put into another part of a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from moodtheme.datasets import Split, TrackTable, audio_identities
from moodtheme.errors import TrainingError
from moodtheme.records import Records, read_record, write_record
from moodtheme.scores.names import Seen
from moodtheme.work import Report, some_of

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


def overlap(table: TrackTable, seen: Sequence[Seen]) -> tuple[str | None, str | None]:
    """What a run saw of the tracks to be scored, in sentences.

    Returns
    -------
    recordings
        Which of them it was trained or chosen on; None where there are none.
    artists
        Whose other tracks it was trained on; None where there are none.
    """

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
