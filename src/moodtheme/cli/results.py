"""The formats that `moodtheme tag` writes for programs, one result at a time."""

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from moodtheme.files import csv_line, short

if TYPE_CHECKING:  # the command's options are built from this module before anything is loaded
    from moodtheme.tagging.answers import DimensionScore, TagScore, TrackTags
    from moodtheme.tagging.bundle import Bundle, Reference
    from moodtheme.tagging.timeline import Section, TimelineWindow

BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets take UTF-8 for the system's old encoding."""
_LIST = "; "  # between the parts of a CSV field that holds several


class Format(StrEnum):
    """Output formats."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


_FORMATS = {
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
}


def format_of(output: Path | None) -> Format:
    """The format that an output's name asks for; a table where it asks for none."""
    return Format.TABLE if output is None else _FORMATS.get(output.suffix.lower(), Format.TABLE)


class Writer(Protocol):
    """Turns results into text."""

    def begin(self) -> str:
        """Text before the first result."""
        return ""

    def add(self, result: "TrackTags") -> str:
        """Text of one result."""

    def end(self) -> str:
        """Text after the last result."""
        return ""


def record(result: "TrackTags", top: int | None) -> dict[str, Any]:
    """A result as the JSON object of the contract."""
    entry: dict[str, Any] = {
        "path": str(result.path),
        "duration_s": None if result.duration_s is None else round(result.duration_s, 3),
        "tags": _tags(result.tags, top),
        "dimensions": _dimensions(result.dimensions),
        "notes": list(result.notes),
        "warnings": list(result.warnings),
        "audio": result.audio,
        "model": None
        if result.model is None
        else {"name": result.model.name, "digest": result.model.digest},
        "version": result.version,
        "error": result.error,
    }
    if result.windows is not None:
        entry["windows"] = result.windows
    if (own := result.relative_to) is not None:
        from moodtheme.tagging.own_music import reference_digest

        told = {"music": own.music, "tracks": own.tracks, "digest": reference_digest(own)}
        entry["relative_to"] = told
    if result.timeline is not None:
        entry["timeline"] = [_span(window, top) for window in result.timeline]
        entry["sections"] = [section_record(section, top) for section in result.timeline.sections]
    return entry


def section_record(section: "Section", top: int | None) -> dict[str, Any]:
    """A stretch between two changes as a JSON object."""
    return {**_span(section, top), "rose": list(section.rose), "fell": list(section.fell)}


def _span(span: "TimelineWindow | Section", top: int | None) -> dict[str, Any]:
    return {
        "start_s": round(span.start_s, 3),
        "end_s": round(span.end_s, 3),
        "tags": _tags(span.tags, top),
        "dimensions": _dimensions(span.dimensions),
    }


class _DataWriter(Writer):
    """A form for programs, with the `top` highest tags of each result, or all."""

    def __init__(self, top: int | None) -> None:
        self._top = top


class JsonWriter(_DataWriter):
    """One JSON list, one element a line."""

    _first = True

    def begin(self) -> str:
        """Open the list."""
        return "["

    def add(self, result: "TrackTags") -> str:
        """One element, behind its comma."""
        lead = "\n" if self._first else ",\n"
        self._first = False
        return lead + _line(record(result, self._top))

    def end(self) -> str:
        """Close the list."""
        return "]\n" if self._first else "\n]\n"


class JsonLinesWriter(_DataWriter):
    """One JSON object a line."""

    def add(self, result: "TrackTags") -> str:
        """One line."""
        return _line(record(result, self._top)) + "\n"


_ABOUT = (
    *("notes", "warnings", "audio", "model", "model_digest", "version", "error", "windows"),
    "relative_to",
)
"""Columns of every CSV that say how its numbers came to be."""


def _about(result: "TrackTags") -> tuple[object, ...]:
    model, own = result.model, result.relative_to
    return (
        *(_LIST.join(result.notes), _LIST.join(result.warnings), result.audio),
        *((None, None) if model is None else (model.name, model.digest)),
        *(result.version, result.error, result.windows, None if own is None else own.music),
    )


class CsvWriter(_DataWriter):
    """One row a tag (and window); a file that failed has one row with its error."""

    def begin(self) -> str:
        """The header."""
        tag = ("tag", "score", "standing", "probability", "decision")
        return csv_line(("path", "duration_s", "start_s", "end_s", *tag, "dimensions", *_ABOUT))

    def add(self, result: "TrackTags") -> str:
        """The rows of a file; those of the whole track have no start and end."""
        entry = record(result, self._top)
        head, about = (entry["path"], entry["duration_s"]), _about(result)
        if result.error is not None:
            return csv_line((*head, *[None] * 8, *about))
        rows: list[str] = []
        for span in (entry, *entry.get("timeline", ())):
            pairs = (f"{name}={place['value']}" for name, place in span["dimensions"].items())
            where, dimensions = (span.get("start_s"), span.get("end_s")), _LIST.join(pairs)
            rows += [
                csv_line((*head, *where, *tag.values(), dimensions, *about)) for tag in span["tags"]
            ]
        return "".join(rows)


DATA_WRITERS: dict[Format, Callable[[int | None], Writer]] = {
    Format.JSON: JsonWriter,
    Format.JSONL: JsonLinesWriter,
    Format.CSV: CsvWriter,
}
"""Of the formats for programs; the table is laid out for a page (`moodtheme.cli.tag_table`)."""


class WideWriter(Writer):
    """CSV for spreadsheets, one row a file: what stands out, dimensions, a number for each tag.

    The number is the standing, or the score where a model knows no other music.

    Parameters
    ----------
    bundle
        Of the model whose results they are.
    own
        Music among which the standings are instead of the bundle's reference.
    top
        Moods a file at most; None for all that stand out.
    """

    def __init__(self, bundle: "Bundle", own: "Reference | None", top: int | None) -> None:
        self._bundle, self._top = bundle, top
        self._has_reference = (own or bundle.reference) is not None
        self._dimensions = [dimension.name for dimension in bundle.dimensions]

    def begin(self) -> str:
        """The header."""
        columns = ("path", "duration_s", "moods", *self._dimensions, *self._bundle.tags, *_ABOUT)
        return BYTE_ORDER_MARK + csv_line(columns)

    def add(self, result: "TrackTags") -> str:
        """The row of a file."""
        from moodtheme.tagging.in_words import findings

        numbers = {tag.name: self._number(tag) for tag in result.tags}
        values = {place.name: short(place.value) for place in result.dimensions}
        by_standing = result.relative_to is not None
        found = findings(result.tags, self._bundle.synonyms, by_standing=by_standing) or ()
        return csv_line(
            (
                str(result.path),
                None if result.duration_s is None else round(result.duration_s, 3),
                _LIST.join(name for finding in found[: self._top] for name in finding.names),
                *(values.get(name) for name in self._dimensions),
                *(numbers.get(name) for name in self._bundle.tags),
                *_about(result),
            )
        )

    def _number(self, tag: "TagScore") -> float:
        if self._has_reference and tag.standing is not None:
            return short(tag.standing)
        return short(tag.score)


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False)


def _tags(tags: Sequence["TagScore"], top: int | None) -> list[dict[str, Any]]:
    return [
        {
            "tag": tag.name,
            "score": short(tag.score),
            "standing": None if tag.standing is None else short(tag.standing),
            "probability": None if tag.probability is None else short(tag.probability),
            "decision": tag.decision,
        }
        for tag in tags[:top]
    ]


def _dimensions(dimensions: Sequence["DimensionScore"]) -> dict[str, Any]:
    return {
        place.name: {
            "value": short(place.value),
            "standing": None if place.standing is None else short(place.standing),
        }
        for place in dimensions
    }
