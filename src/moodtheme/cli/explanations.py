"""Explanations for people, as lines, and for programs, as JSON."""

import math
from typing import Any

from moodtheme.cli.page import Page, padded, widest
from moodtheme.explaining import (
    Described,
    Explanation,
    PieceExplanation,
    Reason,
    description,
    sentence,
)
from moodtheme.explaining.explanation import frequency_range, spans
from moodtheme.files import short
from moodtheme.tagging.answers import TagScore
from moodtheme.work import clock

_HEADS = ("", "SECONDS", "FREQUENCIES", "HIDDEN", "ELSEWHERE", "NOISE")
_GAP = "  "


def lines(found: PieceExplanation, described: Described | None, page: Page) -> list[str]:
    """What is printed: a table of the regions, a sentence for each tag, what the piece is like."""
    title = f"{found.path}, {clock(found.duration_s)}, by {found.model.name}"
    written = [page.cut(page.shown(title), page.cells or len(title)), ""]
    if not found.explanations:
        written += page.prose("Nothing stands out in it; name a tag with --tag.", page.cells)
    else:
        written += _table(found, page)
        for explanation in found.explanations:
            written += ["", *page.prose(sentence(explanation), page.cells)]
    for note in found.notes:
        written += ["", *page.prose(f"Note: {note}.", page.cells)]
    if described is not None:
        written += ["", *page.prose(description(described), page.cells)]
    return written


def record(found: PieceExplanation, described: Described | None) -> dict[str, Any]:
    """All of it as a JSON object; an open end of a range of frequencies is null."""
    return {
        "path": str(found.path),
        "duration_s": round(found.duration_s, 3),
        "explanations": [_explanation(explanation) for explanation in found.explanations],
        "descriptors": None
        if described is None
        else {
            "music": described.music,
            "tracks": described.tracks,
            "values": {
                d.name: {"value": short(d.value), "standing": short(d.standing)}
                for d in described.descriptors
            },
        },
        "notes": list(found.notes),
        "warnings": list(found.warnings),
        "windows_heard": found.windows_heard,
        "seed": found.seed,
        "audio": found.audio,
        "model": {"name": found.model.name, "digest": found.model.digest},
        "version": found.version,
    }


def _explanation(explanation: Explanation) -> dict[str, Any]:
    cells = explanation.cells
    return {
        **_said(explanation.of),
        "raises": None if explanation.raises is None else _reason(explanation.raises),
        "lowers": None if explanation.lowers is None else _reason(explanation.lowers),
        "sentence": sentence(explanation),
        "map": {
            "edges_s": [round(edge, 3) for edge in cells.edges_s],
            "edges_hz": [_hertz(edge) for edge in cells.edges_hz],
            "effects": [[short(value) for value in row] for row in explanation.effects.tolist()],
        },
    }


def _said(of: Any) -> dict[str, Any]:
    is_tag = isinstance(of, TagScore)
    return {
        "tag" if is_tag else "dimension": of.name,
        "score" if is_tag else "value": short(of.score if is_tag else of.value),
        "standing": None if of.standing is None else short(of.standing),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "spans_s": [[round(start, 3), round(end, 3)] for start, end in reason.region.spans_s],
        "low_hz": _hertz(reason.region.low_hz),
        "high_hz": _hertz(reason.region.high_hz),
        "effect": short(reason.effect),
        "elsewhere": [short(value) for value in reason.elsewhere],
        "noise": short(reason.noise),
        "is_real": reason.is_real,
        "without": _said(reason.without),
    }


def _hertz(value: float) -> float | None:
    return None if math.isinf(value) else round(value, 1)


def _table(found: PieceExplanation, page: Page) -> list[str]:
    rows: list[tuple[str, ...]] = [_HEADS]
    for explanation in found.explanations:
        name = explanation.of.name
        for verb, reason in (("raised", explanation.raises), ("lowered", explanation.lowers)):
            if reason is not None:
                rows.append(_row(f"{name}, {verb}{'' if reason.is_real else '?'}", reason))
    widths = [widest(cells) for cells in zip(*rows, strict=True)]
    return [
        page.shown(
            _GAP.join(
                padded(cell, width, right=index > 2)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )
        for row in rows
    ]


def _row(name: str, reason: Reason) -> tuple[str, ...]:
    mean = sum(reason.elsewhere) / len(reason.elsewhere)
    return (
        name,
        spans(reason.region),
        frequency_range(reason.region) or "all",
        # What becomes of the tag, so the sign is turned.
        f"{-reason.effect:+.2f}",
        f"{-mean + 0.0:+.2f}",
        f"{-reason.noise + 0.0:+.2f}",
    )
