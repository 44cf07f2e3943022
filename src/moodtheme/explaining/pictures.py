"""An explanation as a picture: what was hidden where, over the piece's spectrogram.

Needs matplotlib. Figures are built without pyplot, so nothing global changes and no display is
needed.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from moodtheme.audio import open_audio
from moodtheme.errors import needing_extra
from moodtheme.evaluation.plots import save
from moodtheme.explaining.explanation import Explanation, PieceExplanation, Reason, hertz
from moodtheme.explaining.regions import LOWEST_HZ, Cells
from moodtheme.features.mel import hz_to_mel
from moodtheme.features.overview import overview
from moodtheme.work import clock, clock_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LIGHT = {"paper": "#ffffff", "ink": "#222222", "map": "gray_r"}
_DARK = {"paper": "#14171a", "ink": "#e6e6e6", "map": "gray"}
_RAISES, _LOWERS = "#EE6677", "#4477AA"  # Paul Tol's "bright" scheme
_ROWS = 96
_RANGE_DB = 70.0


def draw(found: PieceExplanation, path: str | os.PathLike[str], *, dark: bool = False) -> None:
    """Draw explanations below each other and write them as a picture.

    A panel has the piece's log-mel spectrogram in grey; red what raises the tag, blue what lowers
    it, the stronger the more; and the named regions, as frames, dashed where they are no more than
    parts elsewhere.

    Parameters
    ----------
    found
        With the piece's path, which is read again.
    path
        Ends in ``.png`` or ``.svg``.
    dark
        For a dark background.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    with needing_extra("drawing an explanation", "explain"):
        from matplotlib import rc_context
        from matplotlib.figure import Figure

    look = _DARK if dark else _LIGHT
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    style: Any = {"font.size": 9, **dict.fromkeys(inked, look["ink"])}
    with rc_context(style):
        count = max(len(found.explanations), 1)
        figure = Figure(figsize=(9, 0.6 + 2.5 * count), layout="constrained")
        figure.set_facecolor(look["paper"])
        panels = figure.subplots(count, 1, squeeze=False)[:, 0]
        if found.explanations:
            spectrogram = _spectrogram(found)
        for panel, explanation in zip(panels, found.explanations, strict=False):
            _panel(panel, explanation, spectrogram, look)
        save(figure, Path(path), facecolor=look["paper"])


def _spectrogram(found: PieceExplanation) -> np.ndarray[Any, Any]:
    """Decibel below the loudest, shape (mel bands, columns), low bands first."""
    rate = int(2 * found.explanations[0].cells.top_hz)
    with open_audio(found.path, sample_rate=rate) as stream:
        decibels = overview(stream, sample_rate=rate).mel_db
    return np.asarray(np.maximum(decibels - decibels.max(), -_RANGE_DB))


def _panel(
    panel: "Axes", explanation: Explanation, spectrogram: np.ndarray[Any, Any], look: dict[str, str]
) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    cells = explanation.cells
    edges = [_height(edge, cells) for edge in cells.edges_hz]
    extent = (0.0, cells.edges_s[-1], edges[0], edges[-1])
    panel.imshow(
        spectrogram, origin="lower", aspect="auto", extent=extent, cmap=look["map"],
        interpolation="nearest",
    )  # fmt: skip
    effects = explanation.effects
    most = max(float(np.abs(effects).max()), 1e-9)
    strength = LinearSegmentedColormap.from_list(
        "effect", [_LOWERS, _LOWERS + "00", _RAISES + "00", _RAISES]
    )
    # Without the grid of lines that transparent cells beside each other leave.
    panel.imshow(
        _rows(effects, edges), origin="lower", aspect="auto", extent=extent, cmap=strength,
        vmin=-most, vmax=most, alpha=0.75, interpolation="nearest",
    )  # fmt: skip
    for reason, colour in ((explanation.raises, _RAISES), (explanation.lowers, _LOWERS)):
        if reason is not None:
            _frame(panel, reason, cells, colour)
    panel.set_title(f"{explanation.of.name}: red raises it, blue lowers it", loc="left")
    panel.set_ylim(edges[0], edges[-1])
    panel.set_xlim(extent[0], extent[1])
    panel.set_yticks(edges[1:-1], [hertz(edge) for edge in cells.edges_hz[1:-1]])
    ticks = clock_ticks(extent[1])
    panel.set_xticks(ticks, [clock(tick) for tick in ticks])


def _rows(effects: np.ndarray[Any, Any], edges: list[float]) -> np.ndarray[Any, Any]:
    """Effects as an image whose rows are equally high, shape (rows, stretches)."""
    heights = np.linspace(edges[0], edges[-1], 4 * _ROWS + 1)
    middles = (heights[1:] + heights[:-1]) / 2
    bands = (np.searchsorted(edges, middles, side="right") - 1).clip(0, effects.shape[1] - 1)
    return np.asarray(effects.T[bands])


def _frame(panel: "Axes", reason: Reason, cells: Cells, colour: str) -> None:
    from matplotlib.patches import Rectangle

    low, high = (_height(end, cells) for end in (reason.region.low_hz, reason.region.high_hz))
    for start, end in reason.region.spans_s:
        panel.add_patch(
            Rectangle(
                (start, low), end - start, high - low, fill=False, edgecolor=colour, linewidth=1.8,
                linestyle="-" if reason.is_real else ":",
            )
        )  # fmt: skip


def _height(hz: float, cells: Cells) -> float:
    return float(hz_to_mel(min(max(hz, LOWEST_HZ), cells.top_hz)))
