"""A whole library of music in one file: kept up to date, searched, ranked.

Loaded when it is asked for: searching needs none of what scanning needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from moodtheme.library.database import default_place
from moodtheme.library.library import Library
from moodtheme.library.tracks import Track

__all__ = [
    "Among",
    "Library",
    "Match",
    "Neighbour",
    "Playlist",
    "ScanOptions",
    "ScanReport",
    "ScannedFile",
    "SearchResult",
    "Track",
    "Why",
    "default_place",
]

if TYPE_CHECKING:
    from moodtheme.library.keeping import ScannedFile, ScanOptions, ScanReport, Why
    from moodtheme.library.neighbours import Neighbour
    from moodtheme.library.playlists import Playlist
    from moodtheme.library.search import Among, Match, SearchResult

_HOMES = {
    **dict.fromkeys(("ScannedFile", "ScanOptions", "ScanReport", "Why"), "keeping"),
    **dict.fromkeys(("Among", "Match", "SearchResult"), "search"),
    "Neighbour": "neighbours",
    "Playlist": "playlists",
}


def __getattr__(name: str) -> Any:
    if home := _HOMES.get(name):
        return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
