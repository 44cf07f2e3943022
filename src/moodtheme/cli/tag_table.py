"""The table of `moodtheme tag`: what stands out in each piece and how it feels, for people.

Where a line is wide enough there is a column each for the name, the length, what stands out and
the mood; a value that finds no room in its column goes to the next line whole. On narrower pages
a name and its length stand on one line, and everything else below them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.cells import cell_len

from moodtheme.cli.page import Page, flow, padded, short_names, widest
from moodtheme.tagging.answers import DimensionScore, TagScore, TrackTags
from moodtheme.tagging.bundle import Bundle
from moodtheme.tagging.in_words import dimension_in_words, findings, in_reading_order

TABLE_TOP = 5  # tags, or groups of them, that a piece has unless told
_COLUMNS_FROM = 72  # cells of a line from which there are columns
_NAMES = 3 / 10  # share of a line that names take at most
_SPAN = len("1:00:00-1:00:29")
_LENGTH = len("1:00:00")
_OUT = 28  # cells that what stands out needs beside a mood on one line: two tags
_LONG_OUT = 44  # and has where a line has no end: three tags or four
_GAP = "  "
_SHORT_DIGEST = 8  # hexadecimal digits that are shown of an identity


class TableWriter:
    """Lines for people.

    Parameters
    ----------
    bundle
        Of the model whose results they are.
    paths
        All files to come.
    page
        Where the lines go.
    top
        Tags, or groups of tags, a piece; None for `TABLE_TOP`.
    raw
        Scores as the model gave them, in place of words.
    """

    def __init__(
        self,
        bundle: Bundle,
        paths: Sequence[Path],
        page: Page,
        *,
        top: int | None = None,
        raw: bool = False,
    ) -> None:
        self._page, self._raw = page, raw
        self._top = TABLE_TOP if top is None else top
        self._synonyms = bundle.synonyms
        self._by: tuple[str, ...] = ()
        self._dimensions = () if raw else tuple(in_reading_order(bundle.dimensions))
        if raw:
            self._head = "SCORES"
        elif bundle.thresholds is not None or bundle.reference is not None:
            self._head = "WHAT STANDS OUT"
        else:
            self._head = "HIGHEST SCORES" if bundle.calibration is None else "MOST PROBABLE"
        cells = page.cells
        self._has_columns = cells is None or cells >= _COLUMNS_FROM
        most = None if cells is None else cells - len(_GAP) - _LENGTH
        if cells is not None and self._has_columns:
            most = int(cells * _NAMES)
        self._folder, self._names = short_names(paths, most, page)
        if self._has_columns or most is None:
            self._name = max(widest(self._names.values()), _SPAN)
            self._margin = self._name + _LENGTH + 2 * len(_GAP)
        else:
            self._name, self._margin = most, len(_GAP)
        self._room = None if cells is None else cells - self._margin
        self._out, self._mood = self._columns()

    def begin(self) -> str:
        """The folder of all files where their names leave it out, and the heading."""
        heading = padded("FILE", self._name) + _GAP + padded("LENGTH", _LENGTH, right=True)
        mood = ["MOOD (-1 TO +1)"] if self._dimensions else []
        if self._has_columns:
            head = padded(self._head, self._out or 0) if mood else self._head
            lines = [_GAP.join([heading, head, *mood])]
        else:
            lines = [heading, *self._below(flow([self._head, *mood], self._room))]
        lines = list(map(self._page.strong, lines))
        if self._folder:
            label, cells = "FILES IN ", self._page.cells
            cut = (
                self._folder if cells is None else self._page.cut(self._folder, cells - len(label))
            )
            lines.insert(0, label + cut)
        return _text(lines)

    def add(self, result: TrackTags) -> str:
        """A piece, what there is to say about it, and each window of its timeline."""
        if result.model is not None:
            model = f"{result.model.name} {result.model.digest[:_SHORT_DIGEST]}"
            self._by = (f"by {model}", f"moodtheme {result.version}")
        name = self._names.get(result.path) or self._page.shown(result.path)
        if result.error is not None:
            reason = self._page.prose(f"error: {result.error}", self._room)
            return _text(self._beside(name, "-", map(self._page.alarming, reason)))
        said = self._said(result.tags, result.dimensions, self._room)
        lines = self._beside(name, _clock(result.duration_s), said)
        about = [*(f"note: {n}" for n in result.notes), *(f"warning: {w}" for w in result.warnings)]
        if self._raw and result.audio:
            about.append(f"audio: {result.audio.rpartition(':')[2][:_SHORT_DIGEST]}")
        for text in about:
            lines += self._below(self._page.prose(text, self._room))
        for window in result.timeline or ():
            span = f"{_clock(window.start_s)}-{_clock(window.end_s)}"
            if self._has_columns:
                said = self._said(window.tags, window.dimensions, self._room)
                lines += self._beside(padded(span, self._name, right=True), "", said)
            else:
                room = None if self._room is None else self._room - len(_GAP)
                said = self._said(window.tags, window.dimensions, room)
                lines += self._below([span, *(_GAP + line for line in said)])
        return _text(lines)

    def end(self) -> str:
        """Which model and version it was."""
        return _text(flow(self._by, self._page.cells))

    def _columns(self) -> tuple[int | None, int | None]:
        """Cells for what stands out and for the mood; None for as many as they need."""
        if self._room is None:
            return _LONG_OUT if self._dimensions else None, None
        if not self._has_columns or not self._dimensions:
            return self._room, self._room
        steps = [step / 20 for step in range(21)]
        moods = [
            widest(
                dimension_in_words(d, d.lowest + step * (d.highest - d.lowest)) + ","
                for step in steps
            )
            for d in self._dimensions
        ]
        mood = sum(moods) + len(moods) - 1
        if self._room - len(_GAP) - mood < _OUT:
            mood = max(moods)
        return self._room - len(_GAP) - mood, mood

    def _said(
        self, tags: Sequence[TagScore], dimensions: Sequence[DimensionScore], room: int | None
    ) -> list[str]:
        """Lines about tags and mood, side by side or below each other."""
        out, mood = (self._out, self._mood) if self._has_columns else (room, room)
        fit = None if self._room is None else out
        values = {place.name: place.value for place in dimensions}
        left = flow(self._pieces(tags, dimensions, fit), fit)
        right = flow(
            [dimension_in_words(d, values[d.name]) for d in self._dimensions if d.name in values],
            mood,
        )
        if not self._has_columns or not right:
            return left + right
        rows = max(len(left), len(right))
        left, right = ([*lines, *[""] * (rows - len(lines))] for lines in (left, right))
        return [padded(a, out or 0) + _GAP + b for a, b in zip(left, right, strict=True)]

    def _pieces(
        self, tags: Sequence[TagScore], dimensions: Sequence[DimensionScore], cells: int | None
    ) -> list[str]:
        """What is said of the tags, in pieces that must not be broken."""
        if self._raw:
            scores = [
                self._value([tag.name], f"{tag.score:.2f}", cells) for tag in tags[: self._top]
            ]
            return scores + [f"{place.name} {place.value:+.2f}" for place in dimensions]
        found = findings(tags, self._synonyms)
        if found is not None:
            pieces = [self._value(f.names, "+" * f.strength, cells) for f in found[: self._top]]
            rest = len(found) - self._top
            return [*pieces, *([f"and {rest} more"] if rest > 0 else [])] or ["nothing stands out"]
        figures = [(tag.name, f"{tag.score:.2f}") for tag in tags]
        if all(tag.probability is not None for tag in tags):
            likely = sorted(tags, key=lambda tag: tag.probability or 0.0, reverse=True)
            figures = [(tag.name, f"{tag.probability:.0%}") for tag in likely]
        return [self._value([name], figure, cells) for name, figure in figures[: self._top]]

    def _value(self, names: Sequence[str], figure: str, cells: int | None) -> str:
        """Names that mean the same, as many as there is room for, with what is behind them."""
        behind = f" {figure}" if figure else ""
        shown = [self._page.shown(name) for name in names]
        if cells is None:
            return "/".join(shown) + behind
        room = cells - len(behind) - 1  # a comma may follow
        for count in range(len(shown), 0, -1):
            joined = "/".join(shown[:count])
            if cell_len(joined) <= room:
                return joined + behind
        return self._page.cut_end(shown[0], room) + behind

    def _beside(self, name: str, length: str, lines: Iterable[str]) -> list[str]:
        """Lines that begin beside a name and a length, or below them."""
        head = padded(name, self._name) + _GAP + padded(length, _LENGTH, right=True)
        if not self._has_columns:
            return [head, *self._below(lines)]
        first, *others = lines
        return [head + _GAP + first, *self._below(others)]

    def _below(self, lines: Iterable[str]) -> list[str]:
        return [" " * self._margin + line for line in lines]


def _text(lines: Iterable[str]) -> str:
    return "".join(line.rstrip() + "\n" for line in lines)


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
