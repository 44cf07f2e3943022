"""The table of `moodtheme tag`: what stands out in each piece and how it feels, for people.

Where a line is wide enough there is a column each for the name, the length, what stands out and
the mood; a value that finds no room in its column goes to the next line whole. On narrower pages
a name and its length stand on one line, and everything else below them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Self

from rich.cells import cell_len

from moodtheme.cli.page import Page, flow, padded, short_names, widest
from moodtheme.tagging.answers import DimensionScore, TagScore, TrackTags
from moodtheme.tagging.bundle import Bundle, Dimension, Reference
from moodtheme.tagging.in_words import changed, dimension_in_words, findings, in_reading_order
from moodtheme.tagging.timeline import Section
from moodtheme.work import clock

TABLE_TOP = 5  # tags, or groups of them, that a piece has unless told
_COLUMNS_FROM = 76  # cells of a line from which there are columns
_NAMES = 3 / 10  # share of a line that names take at most
_SPAN = len("1:00:00-1:00:29")
_LENGTH = len("1:00:00")
_NOTHING = "nothing stands out"
_OUT = 28  # cells that what stands out needs beside a mood on one line: two tags
_LONG_OUT = 44  # and has where a line has no end: three tags or four
_GAP = "  "
_SHORT_DIGEST = 8  # hexadecimal digits that are shown of an identity


@dataclass(frozen=True)
class _Layout:
    """Where things stand, in cells.

    Attributes
    ----------
    has_columns
        Whether what is said of a piece stands beside its name, and the mood beside what stands out.
    name
        Width of names.
    room
        Width of all that is said of a piece; None for as much as it needs, here and below.
    out, mood
        Width of what stands out, and of the mood.
    """

    has_columns: bool
    name: int
    room: int | None
    out: int | None
    mood: int | None

    @staticmethod
    def most_for_names(cells: int | None) -> int | None:
        """Width that names may have on lines of a width."""
        if cells is None or cells >= _COLUMNS_FROM:
            return None if cells is None else int(cells * _NAMES)
        return cells - len(_GAP) - _LENGTH

    @classmethod
    def of(cls, cells: int | None, names: Iterable[str], moods: Sequence[int]) -> Self:
        """Layout of lines of a width, for names that have it and dimensions of widths."""
        if cells is not None and cells < _COLUMNS_FROM:
            room = cells - len(_GAP)
            return cls(False, room - _LENGTH, room, room, room)
        name = max(widest(names), _SPAN)
        if cells is None:
            return cls(True, name, None, _LONG_OUT if moods else None, None)
        room = cells - name - _LENGTH - 2 * len(_GAP)
        if not moods:
            return cls(True, name, room, room, 0)
        mood = sum(moods) + len(moods) - 1  # all on one line
        if room - len(_GAP) - mood < _OUT:
            mood = min(max(moods), room - len(_GAP) - len(_NOTHING))
        return cls(True, name, room, room - len(_GAP) - mood, mood)

    def indented(self) -> Self:
        """The layout of what stands a step further in, where there are no columns."""
        room = None if self.room is None else self.room - len(_GAP)
        return type(self)(False, self.name, room, room, room)

    def piece(self, name: str, length: str, lines: Iterable[str]) -> list[str]:
        """A name and a length, and beside or below them lines."""
        head = padded(name, self.name) + _GAP + padded(length, _LENGTH, right=True)
        if not self.has_columns:
            return [head, *self.below(lines)]
        first, *others = lines
        return [head + _GAP + first, *self.below(others)]

    def below(self, lines: Iterable[str]) -> list[str]:
        """Lines that belong to the piece above."""
        margin = self.name + _LENGTH + 2 * len(_GAP) if self.has_columns else len(_GAP)
        return [" " * margin + line for line in lines]

    def side_by_side(self, out: Sequence[str], mood: Sequence[str]) -> list[str]:
        """What stands out, and the mood beside or below it."""
        if not self.has_columns or not mood:
            return [*out, *mood]
        return [
            padded(left, self.out or 0) + _GAP + right
            for left, right in zip_longest(out, mood, fillvalue="")
        ]


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
    relative_to
        Music among which the standings are instead of the bundle's reference.
    """

    def __init__(
        self,
        bundle: Bundle,
        paths: Sequence[Path | str],
        page: Page,
        *,
        top: int | None = None,
        raw: bool = False,
        relative_to: Reference | None = None,
    ) -> None:
        self._own = relative_to
        self._page, self._raw = page, raw
        self._top = TABLE_TOP if top is None else top
        self._synonyms = bundle.synonyms
        self._dimensions = [] if raw else in_reading_order(bundle.dimensions)
        self._head = _head(bundle, raw=raw, own=relative_to)
        self._folder, self._names = short_names(paths, _Layout.most_for_names(page.cells), page)
        moods = [widest(f"{words}," for words in _examples(d)) for d in self._dimensions]
        self._layout = _Layout.of(page.cells, self._names.values(), moods)
        self._by: tuple[str, ...] = ()

    def begin(self) -> str:
        """The folder of all files where their names leave it out, and the heading."""
        layout, cells = self._layout, self._page.cells
        mood = ["MOOD (-1 TO +1)"] if self._dimensions else []
        heads = layout.side_by_side([self._head], mood)
        if not layout.has_columns:
            heads = flow(heads, layout.room)
        lines = [self._page.strong(line.rstrip()) for line in layout.piece("FILE", "LENGTH", heads)]
        if self._folder:
            label = "FILES IN "
            room = cells and cells - len(label)
            lines.insert(0, label + (self._page.cut(self._folder, room) if room else self._folder))
        if self._own is not None and not self._raw:
            music = f"AMONG {self._own.tracks} TRACKS OF {self._page.shown(self._own.music)}"
            lines.insert(0, self._page.cut_end(music, cells) if cells else music)
        return _text(lines)

    def add(self, result: TrackTags) -> str:
        """A piece, what there is to say about it, and the stretches between its changes."""
        layout, prose = self._layout, self._page.prose
        if result.model is not None:
            model = f"{result.model.name} {result.model.digest[:_SHORT_DIGEST]}"
            self._by = (f"by {model}", f"moodtheme {result.version}")
        name = self._names.get(result.path) or self._page.shown(result.path)
        if result.error is not None:
            reason = map(self._page.alarming, prose(f"error: {result.error}", layout.room))
            return _text(layout.piece(name, "-", reason))
        said = self._said(result.tags, result.dimensions, layout)
        lines = layout.piece(name, clock(result.duration_s), said)
        about = [*(f"note: {n}" for n in result.notes), *(f"warning: {w}" for w in result.warnings)]
        if self._raw and result.audio:
            about.append(f"audio: {result.audio.rpartition(':')[2][:_SHORT_DIGEST]}")
        for text in about:
            lines += layout.below(prose(text, layout.room))
        for section in () if result.timeline is None else result.timeline.sections:
            lines += self._section(section)
        return _text(lines)

    def end(self) -> str:
        """Which model and version it was."""
        return _text(flow(self._by, self._page.cells))

    def _section(self, section: Section) -> list[str]:
        layout = self._layout
        span = f"{clock(section.start_s)}-{clock(section.end_s)}"
        inner = layout if layout.has_columns else layout.indented()
        said = self._said(section.tags, section.dimensions, inner)
        if section.rose or section.fell:
            said += self._page.prose(changed(section), inner.room)
        if layout.has_columns:
            return layout.piece(padded(span, layout.name, right=True), "", said)
        return layout.below([span, *(_GAP + line for line in said)])

    def _said(
        self, tags: Sequence[TagScore], dimensions: Sequence[DimensionScore], layout: _Layout
    ) -> list[str]:
        """Lines about tags and mood."""
        values = {place.name: place.value for place in dimensions}
        moods = [
            dimension_in_words(d, values[d.name]) for d in self._dimensions if d.name in values
        ]
        if layout.mood is not None:
            moods = [self._page.cut(words, layout.mood - 1) for words in moods]
        # Where lines have no end, the width of what stands out is only what it is filled up to.
        fit = layout.room and layout.out
        out = flow(self._pieces(tags, dimensions, fit), fit)
        return layout.side_by_side(out, flow(moods, layout.mood))

    def _pieces(
        self, tags: Sequence[TagScore], dimensions: Sequence[DimensionScore], cells: int | None
    ) -> list[str]:
        """What is said of the tags, in pieces that must not be broken."""
        if self._raw:
            scores = [
                self._value([tag.name], f"{tag.score:.2f}", cells) for tag in tags[: self._top]
            ]
            return scores + [f"{place.name} {place.value:+.2f}" for place in dimensions]
        found = findings(tags, self._synonyms, by_standing=self._own is not None)
        if found is not None:
            pieces = [self._value(f.names, "+" * f.strength, cells) for f in found[: self._top]]
            rest = len(found) - self._top
            return [*pieces, *([f"and {rest} more"] if rest > 0 else [])] or [_NOTHING]
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


def _head(bundle: Bundle, *, raw: bool, own: Reference | None) -> str:
    """What there is to say of tags."""
    if raw:
        return "SCORES"
    if any(part is not None for part in (bundle.thresholds, bundle.reference, own)):
        return "WHAT STANDS OUT"
    return "HIGHEST SCORES" if bundle.calibration is None else "MOST PROBABLE"


def _examples(dimension: Dimension) -> Iterable[str]:
    """What is said of values over a dimension's range, each of its words among it."""
    span = dimension.highest - dimension.lowest
    return (dimension_in_words(dimension, dimension.lowest + span * n / 20) for n in range(21))


def _text(lines: Iterable[str]) -> str:
    return "".join(line.rstrip() + "\n" for line in lines)
