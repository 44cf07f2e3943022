"""moodtheme hears the moods and themes of music.

This module is the whole public face: the names in its ``__all__``, and those in the ``__all__`` of
the packages it names. Everything is loaded when it is first asked for; ``import moodtheme`` itself
loads nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "TagScore",
    "Tagger",
    "TimelineWindow",
    "TrackTags",
    "__version__",
    "audio",
    "audio_identity",
    "datasets",
    "demo",
    "errors",
    "evaluation",
    "features",
    "find_audio_files",
    "recipes",
    "scores",
    "tag_files",
]

if TYPE_CHECKING:
    from moodtheme import audio, datasets, demo, errors, evaluation, features, recipes, scores
    from moodtheme.audio import audio_identity, find_audio_files
    from moodtheme.tagging.answers import TagScore, TimelineWindow, TrackTags
    from moodtheme.tagging.batch import tag_files
    from moodtheme.tagging.tagger import Tagger

_HOMES = {
    "audio_identity": "audio",
    "find_audio_files": "audio",
    "Tagger": "tagging.tagger",
    "TagScore": "tagging.answers",
    "TimelineWindow": "tagging.answers",
    "TrackTags": "tagging.answers",
    "tag_files": "tagging.batch",
}
"""Where the names live that are not packages themselves."""


def __getattr__(name: str) -> Any:
    if home := _HOMES.get(name):
        return getattr(import_module(f"{__name__}.{home}"), name)
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
