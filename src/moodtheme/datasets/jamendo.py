"""
The MTG-Jamendo dataset, above all its mood/theme part: its lists, splits, names of files.

Source: https://github.com/MTG/mtg-jamendo-dataset. A list is tab-separated with the columns
TRACK_ID, ARTIST_ID, ALBUM_ID, PATH, DURATION (seconds) and TAGS, where a row ends in one or more
tags, a cell each. A tag is written ``category---name``; its bare name is used everywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np

from moodtheme.datasets.cells import read_text, rows_of
from moodtheme.datasets.table import Split, TrackTable, concatenate, label_matrix
from moodtheme.errors import DatasetError, DownloadError, UsageError
from moodtheme.fetched import cache_dir
from moodtheme.fetched.downloads import fetch
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS, bare_name

HEADER = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
SPLIT_COUNT = 5

COMMIT = "1b4fa8c32e076c73b5175c1703ae805b4109309d"
REPOSITORY_DATA = f"https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/{COMMIT}/data"

# Of the official files at that commit. The other lists are vouched for by the commit in their
# address and by the encrypted connection.
SHA256: Mapping[str, str] = MappingProxyType(
    {
        "splits/split-0/autotagging_moodtheme-train.tsv": (
            "e5e9e798364b34bd241b773e5011809b24429edf471f27cf21dd8181077ba2d4"
        ),
        "splits/split-0/autotagging_moodtheme-validation.tsv": (
            "ecaa279367153476884d84d686479e566234cef1814bd6892a8755ba0a550dbf"
        ),
        "splits/split-0/autotagging_moodtheme-test.tsv": (
            "4341b5586bb3e5a80a882ce9ef33cb8b1bdaa7df856246ecc5de188dfe1cf394"
        ),
        "download/autotagging_moodtheme_audio_sha256_tars.txt": (
            "cab7bd1b599a000a296f4aab03fa0ce37422a18fa2820338ec39c7fb47eca8b0"
        ),
        "download/autotagging_moodtheme_audio-low_sha256_tars.txt": (
            "4d88ed2e461bd58de90b50632075d110ef8fab72fc8e83c90c2ffc21f0c12cb1"
        ),
    }
)


SUBSETS: Mapping[str, str] = MappingProxyType(
    {
        "jamendo": "autotagging_moodtheme",
        "jamendo-genre": "autotagging_genre",
        "jamendo-instrument": "autotagging_instrument",
        "jamendo-top50tags": "autotagging_top50tags",
        "jamendo-all": "autotagging",
    }
)
"""What the lists of the dataset's parts are called, by the name a user gives."""


class DataType(StrEnum):
    """What is published of every track."""

    AUDIO = "audio"
    """The MP3 file as uploaded."""
    AUDIO_LOW = "audio-low"
    """The same in low quality."""
    MELSPECS = "melspecs"
    """A mel spectrogram in NumPy's format."""


_SUFFIXES = {
    DataType.AUDIO: ".mp3",
    DataType.AUDIO_LOW: ".low.mp3",
    DataType.MELSPECS: ".npy",
}


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """
    The lists of the dataset.

    Parameters
    ----------
    folder
        Take them from here: the repository's ``data`` folder, the whole repository, or a folder
        with ``split-0`` to ``split-4`` and the other files beside them. They are read as they
        are. None: fetch them once and keep them in `moodtheme.fetched.cache_dir`.
    base_url
        The address of the repository's ``data`` folder.
    sha256
        Known SHA-256 of the fetched files, by name.
    """

    folder: Path | None = None
    base_url: str = REPOSITORY_DATA
    sha256: Mapping[str, str] = field(default_factory=lambda: SHA256)

    def file(self, name: str) -> Path:
        """Return a list's place on this machine; ``name`` is relative to ``data``."""
        if self.folder is None:
            return self._fetched(name)
        without_kind = PurePosixPath(*PurePosixPath(name).parts[1:])
        for candidate in (self.folder / "data" / name, self.folder / name):
            if candidate.is_file():
                return candidate
        if (self.folder / without_kind).is_file():
            return self.folder / without_kind
        raise DatasetError(
            f"{self.folder}: holds neither {name} nor {without_kind}; give the folder «data» of a "
            "copy of the MTG-Jamendo repository, or leave --metadata out to have it fetched"
        )

    def _fetched(self, name: str) -> Path:
        target = cache_dir() / "mtg-jamendo" / COMMIT / name
        try:
            return fetch([f"{self.base_url}/{name}"], target, sha256=self.sha256.get(name))
        except DownloadError as error:
            raise DownloadError(
                f"{error}; without a connection, give a copy of the repository's folder «data» "
                "with --metadata"
            ) from error


def read_list(path: Path, *, tags: Sequence[str] | None = None, root: Path = Path()) -> TrackTable:
    """
    Read a list in the official form.

    Parameters
    ----------
    path
        The TSV file.
    tags
        The columns of the label matrix as bare names; a tag that is not among them is an error.
        By default the tags that occur, sorted.
    root
        The folder the paths shall be relative to.

    Returns
    -------
    TrackTable
        The tracks in the file's order, without splits.
    """
    rows = rows_of(path, read_text(path), "\t")
    _, header = next(rows, (0, []))
    if header != HEADER:
        raise DatasetError(
            f"{path}: does not begin with the columns {' '.join(HEADER)}, tab-separated; give a "
            "list of the MTG-Jamendo dataset"
        )
    cells: list[list[str]] = []
    tag_sets: list[set[str]] = []
    durations: list[float] = []
    for line, row in rows:
        if len(row) < len(HEADER):
            raise DatasetError(
                f"{path}, line {line}: has {len(row)} cells instead of {len(HEADER)} or more; "
                "fetch the list again"
            )
        inside = PurePosixPath(row[3])
        if inside.is_absolute() or ".." in inside.parts or "\\" in row[3]:
            raise DatasetError(
                f"{path}, line {line}: the path {row[3]!r} leads out of the dataset's folder; "
                "fetch the list again"
            )
        try:
            durations.append(float(row[4]))
        except ValueError as error:
            raise DatasetError(
                f"{path}, line {line}: {row[4]!r} is not a duration in seconds; fetch the list "
                "again"
            ) from error
        tag_sets.append({bare_name(cell.strip()) for cell in row[5:] if cell.strip()})
        if tags is not None and (unknown := tag_sets[-1].difference(tags)):
            raise DatasetError(
                f"{path}, line {line}: the tag {min(unknown)!r} is not in the list of tags; read "
                "lists and tags of the same version"
            )
        cells.append(row)
    if not cells:
        raise DatasetError(f"{path}: holds no track; fetch the list again")
    columns = tuple(sorted(set().union(*tag_sets)) if tags is None else tags)
    return TrackTable(
        tracks=tuple(row[0] for row in cells),
        artists=tuple(row[1] for row in cells),
        albums=tuple(row[2] for row in cells),
        paths=tuple(row[3] for row in cells),
        durations=np.array(durations),
        tags=columns,
        labels=label_matrix(tag_sets, columns),
        root=root,
    )


def load(
    metadata: Metadata,
    *,
    subset: str = SUBSETS["jamendo"],
    split: int = 0,
    data_type: DataType = DataType.AUDIO,
    root: Path = Path(),
) -> TrackTable:
    """
    Return one of the five official divisions: train, validation, then test, in official order.

    Parameters
    ----------
    metadata
        Where the lists come from.
    subset
        Which of `SUBSETS`' lists.
    split
        The division, 0 to 4; results are usually given for 0.
    data_type
        Which of the published files the paths shall name.
    root
        The folder the dataset was, or will be, downloaded to.

    Returns
    -------
    TrackTable
        All tracks, for the mood/theme part with the 56 tags in official order and for others with
        the tags that occur, sorted, whether their files are there or not;
        `TrackTable.present` selects.
    """
    if split not in range(SPLIT_COUNT):
        raise UsageError(f"MTG-Jamendo has no split {split}; choose one from 0 to 4")
    files = {part: metadata.file(f"splits/split-{split}/{subset}-{part}.tsv") for part in Split}
    tags = MOOD_THEME_TAGS
    if subset != SUBSETS["jamendo"]:
        tags = tuple(sorted({tag for file in files.values() for tag in read_list(file).tags}))
    parts = []
    for part, file in files.items():
        table = read_list(file, tags=tags)
        paths = tuple(file_name(path, data_type) for path in table.paths)
        parts.append(replace(table, paths=paths, splits=(part,) * len(table), root=root))
    return concatenate(parts)


def file_name(path: str, data_type: DataType) -> str:
    """Return the published name of a track's file, from its path in the lists."""
    return path.removesuffix(".mp3") + _SUFFIXES[data_type]


def downloaded_type(root: Path) -> DataType | None:
    """Return what a folder holds: audio before low quality before spectrograms, or None."""
    found = {
        data_type
        for file in root.glob("[0-9][0-9]/*")
        for data_type in DataType
        if file.name.partition(".")[2] == _SUFFIXES[data_type][1:]
    }
    return next((data_type for data_type in DataType if data_type in found), None)
