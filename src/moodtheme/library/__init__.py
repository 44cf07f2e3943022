"""A whole library of music in one file: kept up to date, searched, ranked."""

from moodtheme.library.database import default_place
from moodtheme.library.library import Library
from moodtheme.library.scanned import ScannedFile, ScanOptions, ScanReport, Why
from moodtheme.library.tracks import Track

__all__ = [
    "Library",
    "ScanOptions",
    "ScanReport",
    "ScannedFile",
    "Track",
    "Why",
    "default_place",
]
