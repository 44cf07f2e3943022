"""moodtheme hears the moods and themes of music.

``from moodtheme import Tagger`` is the front door; ``moodtheme.evaluation``, ``moodtheme.scores``
and ``moodtheme.datasets`` serve research. Importing the package itself loads nothing heavy.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Tagger", "__version__"]

if TYPE_CHECKING:
    from moodtheme.tagging.tagger import Tagger


def __getattr__(name: str) -> Any:
    if name == "Tagger":
        from moodtheme.tagging.tagger import Tagger

        return Tagger
    raise AttributeError(f"module 'moodtheme' has no attribute {name!r}")
