"""
Collections of music with tags, as one table of tracks whatever their form.

`load_dataset` takes what a command line takes; the modules hold the parts.
"""

from moodtheme.datasets.duplicates import (
    SharedAudio,
    audio_identities,
    find_shared_audio,
    leaks,
)
from moodtheme.datasets.jamendo import Metadata
from moodtheme.datasets.readers import read_table, write_table
from moodtheme.datasets.sources import JAMENDO, load_dataset, read_folder
from moodtheme.datasets.splits import check_splits, group_folds, split_by_artist
from moodtheme.datasets.summary import Summary, as_text, summarise
from moodtheme.datasets.table import Split, TrackTable, concatenate

__all__ = [
    "JAMENDO",
    "Metadata",
    "SharedAudio",
    "Split",
    "Summary",
    "TrackTable",
    "as_text",
    "audio_identities",
    "check_splits",
    "concatenate",
    "find_shared_audio",
    "group_folds",
    "leaks",
    "load_dataset",
    "read_folder",
    "read_table",
    "split_by_artist",
    "summarise",
    "write_table",
]
