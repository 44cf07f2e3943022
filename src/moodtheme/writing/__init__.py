"""Moods written into files, where players look for them, and taken back byte for byte.

`said` turns a result into what there is to write, `plan_tags` finds what a file lacks of that,
`write_tags` writes it, a `Journal` keeps what `undo` needs. Only the stretches of a file that hold
our fields change.
"""

from moodtheme.writing.changing import Plan, Undone, plan_tags, undo, write_tags
from moodtheme.writing.edits import SEPARATOR, Field
from moodtheme.writing.journal import (
    UNDONE,
    Journal,
    Written,
    journal_folder,
    last_journal,
    read_journal,
)
from moodtheme.writing.moods import Choice, Record, Said, said

__all__ = [
    "SEPARATOR",
    "UNDONE",
    "Choice",
    "Field",
    "Journal",
    "Plan",
    "Record",
    "Said",
    "Undone",
    "Written",
    "journal_folder",
    "last_journal",
    "plan_tags",
    "read_journal",
    "said",
    "undo",
    "write_tags",
]
