"""The page's templates, with everything escaped and every name checked."""

import re
from typing import TYPE_CHECKING, Any

from moodtheme.errors import MissingExtraError
from moodtheme.reproduction.page import formats
from moodtheme.reproduction.page.table_lines import FAMILY_NAMES, label, system_family
from moodtheme.reproduction.page.timelines import TagStrip
from moodtheme.reproduction.page.together_map import LEVELS

if TYPE_CHECKING:
    from jinja2 import Environment

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of the text after them."""


def environment() -> "Environment":
    """Make what renders the templates.

    Raises
    ------
    MissingExtraError
        Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("writing a report") from error
    made = Environment(
        loader=PackageLoader("moodtheme.reproduction.page"),
        # Names of tracks, artists and tags are whatever the collection says.
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "clock": formats.clock,
        "count": formats.count,
        "decimal": formats.decimal,
        "duration": formats.duration,
        "family_names": FAMILY_NAMES,
        "interval": formats.interval,
        "label": label,
        "levels": LEVELS,
        "percent": formats.percent,
        "plural": formats.plural,
        "printed": formats.printed,
        "signed": formats.signed,
        "signed_interval": formats.signed_interval,
        "signed_points": formats.signed_points,
        "size": formats.size,
        "system_family": system_family,
        "tick_text": formats.tick_text,
        "verdict": verdict,
    }
    return made


def visible(value: Any) -> Any:
    """Leave out of a text what would change how the text around it is read."""
    return _UNSEEN.sub("", value) if type(value) is str else value


def verdict(strip: TagStrip) -> str:
    """What the model and the label say of a tag, in a few words."""
    if strip.is_decided:
        return "decided, labelled" if strip.is_true else "decided, not labelled"
    return "labelled, not decided" if strip.is_true else "neither"
