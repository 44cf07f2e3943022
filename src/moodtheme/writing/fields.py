"""The fields that are read and written, whatever a form of tags calls them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from moodtheme.writing.edits import Edit

SEPARATOR = "; "
"""Between the values of a field where a form has room for one text only: ID3v2.3 and older."""


class Field(StrEnum):
    """A field, by the name that Vorbis comments give it."""

    MOOD = "MOOD"
    VALENCE = "MOODTHEME_VALENCE"
    AROUSAL = "MOODTHEME_AROUSAL"
    RECORD = "MOODTHEME"
    COMMENT = "COMMENT"


Values = tuple[str, ...]

MOST_BYTES = 1 << 26
"""Tags that are longer are refused, pictures included: a file may claim whatever it likes."""


class TagForm(Protocol):
    """The tags of a file, in the form that its format has; made of a `Source` that is open.

    Attributes
    ----------
    name
        Such as ``ID3v2.3``.
    values
        What the fields hold; those that are not there are left out.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def values(self) -> Mapping[Field, Values]: ...  # noqa: D102

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """What makes of the file one whose fields hold these values; none removes a field.

        Raises
        ------
        FormError
            The form has no room for them.
        """


def grouped(found: Iterable[tuple[Field | None, str]]) -> dict[Field, Values]:
    """Texts by their fields, in order; those of no field are left out."""
    groups: dict[Field, list[str]] = {}
    for name, text in found:
        if name is not None:
            groups.setdefault(name, []).append(text)
    return {name: tuple(texts) for name, texts in groups.items()}


def by_name(text: str) -> Field | None:
    """The field of a name, whatever its capitals."""
    try:
        return Field(text.upper())
    except ValueError:
        return None
