"""moodtheme hears the moods and themes of music.

This module is the whole public face: the names in its ``__all__``, and those in the ``__all__`` of
the packages it names. Everything is loaded when it is first asked for; ``import moodtheme`` itself
loads nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "DimensionScore",
    "HeardWindow",
    "Library",
    "Listening",
    "MemberListening",
    "ModelIdentity",
    "Section",
    "TagPeak",
    "TagScore",
    "Tagger",
    "Timeline",
    "TimelineWindow",
    "TrackTags",
    "__version__",
    "audio",
    "audio_identity",
    "datasets",
    "demo",
    "errors",
    "evaluation",
    "explain",
    "explaining",
    "exporting",
    "features",
    "find_audio_files",
    "library",
    "over_time",
    "recipes",
    "scores",
    "tag_files",
    "track_dimensions",
    "track_embedding",
    "track_scores",
    "track_tags",
    "training",
    "writing",
]

if TYPE_CHECKING:
    from moodtheme import (
        audio,
        datasets,
        demo,
        errors,
        evaluation,
        explaining,
        features,
        library,
        recipes,
        scores,
    )
    from moodtheme.audio import audio_identity, find_audio_files
    from moodtheme.explaining import explain
    from moodtheme.library import Library
    from moodtheme.tagging.answers import (
        DimensionScore,
        ModelIdentity,
        TagScore,
        TrackTags,
        track_dimensions,
        track_embedding,
        track_scores,
        track_tags,
    )
    from moodtheme.tagging.batch import tag_files
    from moodtheme.tagging.ears import HeardWindow, MemberListening
    from moodtheme.tagging.following import over_time
    from moodtheme.tagging.listening import Listening
    from moodtheme.tagging.tagger import Tagger
    from moodtheme.tagging.timeline import Section, TagPeak, Timeline, TimelineWindow

_ANSWERS = {
    "DimensionScore", "ModelIdentity", "TagScore", "TrackTags", "track_dimensions",
    "track_embedding", "track_scores", "track_tags",
}  # fmt: skip
_TIMELINE = ("Section", "TagPeak", "Timeline", "TimelineWindow")
_HOMES = {
    "audio_identity": "audio",
    "find_audio_files": "audio",
    "explain": "explaining",
    "tag_files": "tagging.batch",
    "Library": "library",
    "Tagger": "tagging.tagger",
    **dict.fromkeys(("HeardWindow", "MemberListening"), "tagging.ears"),
    "Listening": "tagging.listening",
    "over_time": "tagging.following",
    **dict.fromkeys(_ANSWERS, "tagging.answers"),
    **dict.fromkeys(_TIMELINE, "tagging.timeline"),
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
