"""
Collections that others collected, in the folders that their archives unpack to.

========== ================================================================= =====================
name       what is read                                                      gives
========== ================================================================= =====================
deam       ``static_annotations_averaged_songs_*.csv``, ``metadata_*.csv``   valence, arousal 1..9
emomusic   ``static_annotations.csv``, ``songs_info.csv``                    valence, arousal 1..9,
                                                                             train and test
pmemo      ``static_annotations.csv``, ``metadata.csv``                      valence, arousal 0..1
emopia     ``label.csv``, ``*train*.csv``, ``*val*.csv``, ``*test*.csv``     tags Q1 to Q4, splits
mtt        ``annotations_final.csv``, ``clip_info_final.csv``                the 50 most used tags,
                                                                             splits by folder
========== ================================================================= =====================

Lists are looked for at any depth, audio by the track's number or name, whatever its form. Columns
are known by their names in lower case without spaces around. Nothing is fetched: how to get each
collection, and on what terms, its page says.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from moodtheme.audio.files import AUDIO_EXTENSIONS
from moodtheme.datasets.cells import read_text
from moodtheme.datasets.table import Split, TrackTable, label_matrix, sides
from moodtheme.errors import DatasetError
from moodtheme.scores.ratings import Dimension
from moodtheme.work import some_of

_NINE = (Dimension("valence", 1, 9), Dimension("arousal", 1, 9))
_ONE = (Dimension("valence", 0, 1), Dimension("arousal", 0, 1))
_TOP_TAGS = 50
"""Of MagnaTagATune's 188 tags, as nearly all that is published on it takes (Dieleman and Schrauwen
2014)."""
_MTT_VALIDATION, _MTT_TEST = "c", "def"  # the division of the same paper


@dataclass
class _Track:
    """A row to be."""

    name: str
    audio: str
    tags: set[str] = field(default_factory=set)
    ratings: tuple[float, ...] = ()
    artist: str = ""
    split: Split | None = None


def read_deam(root: Path) -> TrackTable:
    """The MediaEval Database for Emotional Analysis of Music: ratings of 1,802 songs."""
    artists = _column(_lists(root, "metadata_*.csv", needed=False), "artist")
    tracks = [
        _Track(row["song_id"], row["song_id"], ratings=_two(row, "valence_mean", "arousal_mean"))
        for row in _lists(root, "static_annotations_averaged_songs_*.csv")
    ]
    return _table(root, tracks, artists=artists, dimensions=_NINE)


def read_emomusic(root: Path) -> TrackTable:
    """The 1000 Songs database: ratings of 744 songs, divided for MediaEval 2013."""
    info = list(_lists(root, "songs_info.csv", needed=False))
    sets = _column(info, "mediaeval 2013 set")
    tracks = [
        _Track(
            row["song_id"],
            row["song_id"],
            ratings=_two(row, "mean_valence", "mean_arousal"),
            split={"development": Split.TRAIN, "evaluation": Split.TEST}.get(
                sets.get(row["song_id"], "")
            ),
        )
        for row in _lists(root, "static_annotations.csv")
    ]
    return _table(root, tracks, artists=_column(info, "artist"), dimensions=_NINE)


def read_pmemo(root: Path) -> TrackTable:
    """PMEmo: ratings of the choruses of 767 songs."""
    info = list(_lists(root, "metadata.csv", needed=False))
    tracks = [
        _Track(row["musicid"], row["musicid"], ratings=_two(row, "valence(mean)", "arousal(mean)"))
        for row in _lists(root, "static_annotations.csv")
    ]
    return _table(root, tracks, artists=_column(info, "artist"), dimensions=_ONE)


def read_emopia(root: Path) -> TrackTable:
    """EMOPIA: the quadrants of 1,087 clips of piano music; its songs stand for artists."""
    splits: dict[str, Split] = {}
    for word, split in (("train", Split.TRAIN), ("val", Split.VALIDATION), ("test", Split.TEST)):
        for row in _lists(root, f"*{word}*.csv", needed=False):
            splits[PurePosixPath(row.get("clip_name", row.get("clip", ""))).stem] = split
    tracks = []
    for row in _lists(root, "label.csv"):
        name = PurePosixPath(row["id"]).stem
        quadrant, _, rest = name.partition("_")
        song = rest.rpartition("_")[0]
        tracks.append(_Track(name, name, tags={quadrant}, artist=song, split=splits.get(name)))
    return _table(root, tracks, tags=("Q1", "Q2", "Q3", "Q4"))


def read_mtt(root: Path) -> TrackTable:
    """MagnaTagATune: 25,863 clips with the tags that players of a game agreed on."""
    artists = _column(_lists(root, "clip_info_final.csv", needed=False), "artist")
    tracks = []
    for row in _lists(root, "annotations_final.csv"):
        path = row["mp3_path"]
        if not path:
            continue
        folder = path[0]
        part = Split.TEST if folder in _MTT_TEST else Split.TRAIN
        tracks.append(
            _Track(
                row["clip_id"],
                path,
                tags={
                    tag
                    for tag, cell in row.items()
                    if tag not in {"clip_id", "mp3_path"} and cell == "1"
                },
                split=Split.VALIDATION if folder == _MTT_VALIDATION else part,
            )
        )
    used: dict[str, int] = {}
    for track in tracks:
        for tag in track.tags:
            used[tag] = used.get(tag, 0) + 1
    most = sorted(sorted(used), key=lambda tag: -used[tag])[:_TOP_TAGS]
    for track in tracks:
        track.tags.intersection_update(most)
    return _table(root, tracks, artists=artists, tags=tuple(sorted(most)))


COLLECTIONS: Mapping[str, Callable[[Path], TrackTable]] = {
    "deam": read_deam,
    "emomusic": read_emomusic,
    "emopia": read_emopia,
    "mtt": read_mtt,
    "pmemo": read_pmemo,
}
"""Readers by the name that stands before the folder, such as ``deam:FOLDER``."""


def _lists(root: Path, pattern: str, *, needed: bool = True) -> Iterator[dict[str, str]]:
    """Rows of all lists of a name in a folder, with their columns' names in lower case."""
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder; give the one that the archive unpacked to")
    files = sorted(root.rglob(pattern))
    if needed and not files:
        raise DatasetError(
            f"{root}: holds no {pattern}; give the folder that the collection's lists and audio "
            "unpacked to"
        )
    for path in files:
        text = read_text(path)
        delimiter = "\t" if "\t" in text.partition("\n")[0] and "mp3_path" in text else ","
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
        for row in reader:
            yield {
                (name or "").strip().lower(): (cell or "").strip()
                for name, cell in row.items()
                if isinstance(cell, str) or cell is None
            }


def _column(rows: Iterator[dict[str, str]] | list[dict[str, str]], wanted: str) -> dict[str, str]:
    """A column by the list's first one, which numbers the tracks."""
    return {next(iter(row.values())): row[wanted] for row in rows if wanted in row}


def _two(row: Mapping[str, str], valence: str, arousal: str) -> tuple[float, float]:
    try:
        return float(row[valence]), float(row[arousal])
    except (KeyError, ValueError) as error:
        raise DatasetError(
            f"track {next(iter(row.values()))!r}: has no numbers {valence} and {arousal} "
            f"({error}); unpack the collection's lists again"
        ) from error


def _table(
    root: Path,
    tracks: list[_Track],
    *,
    artists: Mapping[str, str] | None = None,
    dimensions: tuple[Dimension, ...] = (),
    tags: tuple[str, ...] = (),
) -> TrackTable:
    """All tracks whose audio is there."""
    audio: dict[str, str] = {}
    for file in sorted(root.rglob("*")):
        if file.suffix.lower() in AUDIO_EXTENSIONS:
            inside = file.relative_to(root)
            audio.setdefault(file.stem, inside.as_posix())
            audio.setdefault("/".join(inside.parts[-2:]), inside.as_posix())  # as MagnaTagATune
    there = [track for track in tracks if track.audio in audio]
    if not there:
        raise DatasetError(
            f"{root}: lists {len(tracks)} tracks and holds the audio of none of them, such as "
            f"{some_of([track.audio for track in tracks], most=2)}; unpack the audio into it too"
        )
    ratings = np.array([track.ratings for track in there], dtype=np.float64)
    labels = label_matrix([track.tags for track in there], tags)
    if dimensions:
        tags, labels = sides(dimensions, ratings)
    known = artists or {}
    return TrackTable(
        tracks=tuple(track.name for track in there),
        paths=tuple(audio[track.audio] for track in there),
        tags=tags,
        labels=labels,
        artists=tuple(track.artist or known.get(track.name, "") for track in there),
        splits=tuple(track.split for track in there),
        root=root,
        dimensions=dimensions,
        ratings=ratings if dimensions else np.empty((len(there), 0)),
    )
