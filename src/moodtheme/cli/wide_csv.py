"""CSV for spreadsheets: one row a file, a column a tag."""

from moodtheme.cli.results import Writer
from moodtheme.files import csv_line, short
from moodtheme.tagging.answers import TagScore, TrackTags
from moodtheme.tagging.bundle import Bundle
from moodtheme.tagging.in_words import findings

BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets take UTF-8 for the system's old encoding."""
_LIST = "; "


class WideWriter(Writer):
    """One row a file: what stands out, dimensions, and a number for each tag.

    The number is the standing, or the score where a model knows no other music.

    Parameters
    ----------
    bundle
        Of the model whose results they are.
    top
        Moods a file at most; None for all that stand out.
    has_reference
        Whether standings are known.
    """

    def __init__(self, bundle: Bundle, top: int | None, *, has_reference: bool) -> None:
        self._bundle, self._top, self._has_reference = bundle, top, has_reference
        self._dimensions = [dimension.name for dimension in bundle.dimensions]

    def begin(self) -> str:
        """The header."""
        columns = (
            *("path", "duration_s", "moods", *self._dimensions, *self._bundle.tags),
            *("notes", "warnings", "audio", "model", "model_digest", "version", "error"),
            *("windows", "relative_to"),
        )
        return BYTE_ORDER_MARK + csv_line(columns)

    def add(self, result: TrackTags) -> str:
        """The row of a file."""
        numbers = {tag.name: self._number(tag) for tag in result.tags}
        values = {place.name: short(place.value) for place in result.dimensions}
        own, model = result.relative_to, result.model
        found = findings(result.tags, self._bundle.synonyms, by_standing=own is not None) or ()
        moods = [name for finding in found[: self._top] for name in finding.names]
        return csv_line(
            (
                str(result.path),
                None if result.duration_s is None else round(result.duration_s, 3),
                _LIST.join(moods),
                *(values.get(name) for name in self._dimensions),
                *(numbers.get(name) for name in self._bundle.tags),
                *(_LIST.join(result.notes), _LIST.join(result.warnings), result.audio),
                *((None, None) if model is None else (model.name, model.digest)),
                *(result.version, result.error, result.windows),
                None if own is None else own.music,
            )
        )

    def _number(self, tag: TagScore) -> float:
        return short(
            tag.standing if self._has_reference and tag.standing is not None else tag.score
        )
