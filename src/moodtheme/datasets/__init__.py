"""
Collections of music with tags, as one table of tracks whatever their form.

`load_dataset` takes what a command line takes; the modules hold the parts.
"""

from pathlib import Path

from moodtheme.datasets import jamendo
from moodtheme.datasets.duplicates import (
    SharedAudio,
    find_shared_audio,
    shared_audio_warning,
)
from moodtheme.datasets.folders import read_folder
from moodtheme.datasets.metadata import Metadata
from moodtheme.datasets.readers import read_table, write_table
from moodtheme.datasets.splits import check_splits, group_folds, split_by_artist
from moodtheme.datasets.summary import Summary, summarise
from moodtheme.datasets.table import Split, TrackTable, concatenate
from moodtheme.errors import DatasetError

__all__ = [
    "Metadata",
    "SharedAudio",
    "Split",
    "Summary",
    "TrackTable",
    "check_splits",
    "concatenate",
    "find_shared_audio",
    "group_folds",
    "load_dataset",
    "read_folder",
    "read_table",
    "shared_audio_warning",
    "split_by_artist",
    "summarise",
    "write_table",
]

JAMENDO = "jamendo"


def load_dataset(
    source: str, *, metadata: Metadata | None = None, split: int = 0, check_files: bool = True
) -> TrackTable:
    """
    Read a collection by what a user calls it.

    Parameters
    ----------
    source
        ``jamendo`` (the lists alone), ``jamendo:FOLDER`` (with the files downloaded there), a
        CSV or TSV file, or a folder with a folder a tag.
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
    if name == JAMENDO and (colon or not Path(source).exists()):
        root = Path(folder)
        if not root.is_dir():
            raise DatasetError(
                f"{root}: no such folder; give the one the dataset was downloaded to"
            )
        return jamendo.load(
            metadata or Metadata(),
            split=split,
            data_type=(colon and jamendo.downloaded_type(root)) or jamendo.DataType.AUDIO,
            root=root,
        )
    path = Path(source)
    return read_folder(path) if path.is_dir() else read_table(path, check_files=check_files)
