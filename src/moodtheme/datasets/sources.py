"""A collection by what a user calls it: a known one, a table, or a folder with a folder a tag."""

import os
from pathlib import Path

from moodtheme.datasets import jamendo
from moodtheme.datasets.collections import COLLECTIONS
from moodtheme.datasets.jamendo import SUBSETS, Metadata
from moodtheme.datasets.readers import read_table
from moodtheme.datasets.table import TrackTable, label_matrix
from moodtheme.errors import DatasetError
from moodtheme.scores.vocabulary import bare_name, tag_key
from moodtheme.work import some_of, twice

JAMENDO = "jamendo"


def load_dataset(
    source: str, *, metadata: Metadata | None = None, split: int = 0, check_files: bool = True
) -> TrackTable:
    """
    Read a collection by what a user calls it.

    Parameters
    ----------
    source
        ``jamendo`` (the lists alone), ``jamendo:FOLDER`` (with the files downloaded there), or
        another of `moodtheme.datasets.jamendo.SUBSETS`; ``deam:FOLDER`` or another of
        `moodtheme.datasets.collections.COLLECTIONS`; a CSV or TSV file; or a folder with a folder
        a tag.
    metadata
        Where MTG-Jamendo's lists come from; by default its repository.
    split
        Which of MTG-Jamendo's five divisions.
    check_files
        Whether every file that a table names must be there.

    Returns
    -------
    TrackTable
        For MTG-Jamendo all tracks of the division, even if only some have been downloaded:
        `TrackTable.present` selects those.
    """
    name, colon, folder = source.partition(":")
    if name in COLLECTIONS and colon:
        return COLLECTIONS[name](Path(folder))
    subset = SUBSETS.get(name)
    if subset is not None and (colon or not Path(source).exists()):
        root = Path(folder)
        if not root.is_dir():
            raise DatasetError(
                f"{root}: no such folder; give the one the dataset was downloaded to"
            )
        return jamendo.load(
            metadata or Metadata(),
            subset=subset,
            split=split,
            data_type=(colon and jamendo.downloaded_type(root)) or jamendo.DataType.AUDIO,
            root=root,
        )
    path = Path(source)
    return read_folder(path) if path.is_dir() else read_table(path, check_files=check_files)


def read_folder(root: Path) -> TrackTable:
    """
    Read a folder that holds a folder a tag, each with its tracks at any depth.

    Tags and tracks are sorted by name. A track with several tags is in one folder and linked
    from the others; it becomes one row. Names that begin with a dot are left alone, and so are
    files without an audio extension.

    Raises
    ------
    DatasetError
        There is no tag folder, one has no audio, or audio lies outside them.
    """
    from moodtheme.audio.files import AUDIO_EXTENSIONS, find_audio_files

    entries = sorted(entry for entry in root.iterdir() if not entry.name.startswith("."))
    folders = [entry for entry in entries if entry.is_dir()]
    if not folders:
        raise DatasetError(f"{root}: holds no folder; make one a tag and put its tracks in it")
    loose = [entry.name for entry in entries if entry.suffix.lower() in AUDIO_EXTENSIONS]
    loose = [name for name in loose if (root / name).is_file()]
    if loose:
        raise DatasetError(
            f"{root}: {some_of(loose)} in no tag's folder; move each into the folder of its tag"
        )
    if pair := twice(tag_key(folder.name) for folder in folders):
        one, other = (folders[place].name for place in pair)
        raise DatasetError(
            f"{root}: the folders {one!r} and {other!r} are one tag; make one of the two"
        )
    path_of: dict[str, str] = {}
    tags_of: dict[str, set[str]] = {}
    for folder in folders:
        files, problems = find_audio_files([folder])
        if problems:
            raise DatasetError(f"{problems[0]} or remove the folder")
        for file in files:
            real = os.path.realpath(file)
            path_of.setdefault(real, file.relative_to(root).as_posix())
            tags_of.setdefault(real, set()).add(bare_name(folder.name))
    paths = tuple(path_of.values())
    tags = tuple(bare_name(folder.name) for folder in folders)
    return TrackTable(
        tracks=paths,
        paths=paths,
        tags=tags,
        labels=label_matrix(list(tags_of.values()), tags),
        root=root,
    )
