"""Pictures of an evaluation: figures tag by tag, and the curves behind them.

Needs matplotlib. Figures are built without pyplot, so nothing global changes and no display is
needed, and the same input gives the same SVG, byte for byte.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.errors import MissingExtraError
from moodtheme.evaluation import results
from moodtheme.evaluation.results import SystemFigures
from moodtheme.evaluation.thresholds import operating_points
from moodtheme.files import replacing
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, as_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (
    "#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB",
)  # fmt: skip
"""Paul Tol's "bright" scheme, told apart by colour-blind readers too."""

LINES = ("-", "--", ":")
MARKERS = ("o", "s", "^")
"""What tells systems apart once the colours are used up."""


class Curve(StrEnum):
    """Which curve to draw."""

    ROC = "roc"
    PRECISION_RECALL = "pr"


def tag_dots(systems: Sequence[SystemFigures], n_tracks: int) -> "Figure":
    """Draw ROC-AUC and PR-AUC of every tag as dots, one colour a system, with intervals.

    Parameters
    ----------
    systems
        From `moodtheme.evaluation.evaluate_systems`; intervals are drawn if they are in there.
        Tags stand in the order of the first system's ROC-AUC, best on top, and are followed by
        their number of positives.
    n_tracks
        Tracks in the set. A tick beside each tag's PR-AUC marks its share of positives, which is
        what scores without any knowledge reach; for ROC-AUC that is the dotted line at 0.5.
    """
    tags = systems[0].tags
    known = [tag.figures["roc_auc"].value for tag in tags]
    order = sorted(range(len(tags)), key=lambda i: (known[i] is not None, known[i] or 0))
    figure = _figure(11, 1.6 + len(tags) * max(0.16, 0.07 * len(systems)))
    axes = figure.subplots(1, 2, sharey=True)
    for panel, key, label in (
        (axes[0], "roc_auc", "ROC-AUC"),
        (axes[1], "pr_auc", "PR-AUC (average precision)"),
    ):
        for index, system in enumerate(systems):
            # Side by side within a tag's line, the first system on top.
            shift = 0.6 * (0.5 - index / (len(systems) - 1)) if len(systems) > 1 else 0.0
            _dots(panel, [system.tags[i].figures[key] for i in order], system=index, shift=shift)
        panel.set_xlabel(label)
        panel.grid(axis="both", color="#e5e5e5", linewidth=0.6)
        panel.set_axisbelow(True)
    axes[0].axvline(0.5, color="#888888", linewidth=0.8, linestyle=":")
    axes[0].set_yticks(
        range(len(tags)), [f"{tags[i].tag} ({tags[i].positives})" for i in order], fontsize=7
    )
    axes[0].set_ylim(-0.8, len(tags) - 0.2)
    shares = [tags[i].positives / n_tracks for i in order]
    axes[1].plot(shares, range(len(order)), "|", color="#888888")
    _legend(figure, [system.name for system in systems])
    return figure


def _dots(panel: "Axes", figures: Sequence[results.Figure], *, system: int, shift: float) -> None:
    colour, _, marker = _style(system)
    for place, figure in enumerate(figures):
        if figure.value is None:
            continue
        if figure.low is not None and figure.high is not None:
            ends = [figure.low, figure.high]
            panel.plot(ends, [place + shift] * 2, color=colour, linewidth=0.9, alpha=0.6)
        panel.plot(figure.value, place + shift, marker, color=colour, markersize=3)


def curve_grid(
    truth: BoolMatrix,
    systems: Mapping[str, ScoreMatrix],
    tags: Sequence[str],
    curve: Curve,
) -> "Figure":
    """Draw one curve of every tag as small panels.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    systems
        Scores by name, floats (tracks, tags).
    tags
        Column names.
    curve
        Which.
    """
    columns = min(8, len(tags))
    n_rows = -(-len(tags) // columns)
    width, height = 1.4 * columns + 0.8, 1.5 * n_rows + 0.9
    # The constrained layout takes seconds for 56 panels, whose place is known anyway.
    figure = _figure(width, height, layout=None)
    figure.subplots_adjust(
        left=0.6 / width, right=1 - 0.15 / width, bottom=0.5 / height, top=1 - 0.6 / height
    )
    # Not shared axes: every panel has the same limits, and keeping 56 in step takes seconds too.
    panels = figure.subplots(n_rows, columns, squeeze=False).ravel()
    for index, tag in enumerate(tags):
        _curves(panels[index], truth[:, index], systems, index, curve)
        panels[index].set_title(tag, fontsize=8, pad=2)
        ticks, left, bottom = [0, 0.5, 1], index % columns == 0, index + columns >= len(tags)
        panels[index].set_xticks(ticks, ["0", "0.5", "1"] if bottom else [""] * 3, fontsize=6)
        panels[index].set_yticks(ticks, ["0", "0.5", "1"] if left else [""] * 3, fontsize=6)
    for spare in panels[len(tags) :]:
        spare.set_axis_off()
    x, y = _axis_names(curve)
    figure.supxlabel(x, fontsize=9)
    figure.supylabel(y, fontsize=9)
    _legend(figure, list(systems), "upper center")
    return figure


def tag_curves(
    truth: BoolMatrix, systems: Mapping[str, ScoreMatrix], index: int, tag: str
) -> "Figure":
    """Draw both curves of one tag, side by side.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    systems
        Scores by name, floats (tracks, tags).
    index
        The tag's column.
    tag
        Its name.
    """
    figure = _figure(9, 4.9)
    for panel, curve in zip(figure.subplots(1, 2), Curve, strict=True):
        _curves(panel, truth[:, index], systems, index, curve)
        x, y = _axis_names(curve)
        panel.set_xlabel(x)
        panel.set_ylabel(y)
    figure.suptitle(f"{tag}: {int(truth[:, index].sum())} of {len(truth)} tracks", fontsize=11)
    _legend(figure, list(systems), "outside lower center")
    return figure


def _curves(
    panel: "Axes",
    truth: BoolMatrix,
    systems: Mapping[str, ScoreMatrix],
    index: int,
    curve: Curve,
) -> None:
    if curve is Curve.ROC:
        panel.plot([0, 1], [0, 1], color="#888888", linewidth=0.7, linestyle=":")
    else:
        panel.axhline(truth.mean(), color="#888888", linewidth=0.7, linestyle=":")
    panel.set_xlim(-0.02, 1.02)
    panel.set_ylim(-0.02, 1.02)
    if not truth.any() or truth.all():
        panel.text(0.5, 0.5, "undefined", ha="center", fontsize=7)
        return
    for number, scores in enumerate(systems.values()):
        points = operating_points(truth, as_scores(scores)[:, index])
        colour, line, _ = _style(number)
        if curve is Curve.ROC:
            x, y = np.r_[0, points.false_positive_rate], np.r_[0, points.recall]
            corners = _corners(x, y)
            panel.plot(x[corners], y[corners], color=colour, linestyle=line, linewidth=1)
        else:
            # Average precision is the area under these steps, not under straight lines. Points
            # that add no recall add no step.
            steps = np.diff(points.hits, prepend=0) > 0
            recall, precision = points.recall[steps], points.precision[steps]
            panel.step(
                np.r_[0, recall],
                np.r_[precision[0], precision],
                color=colour,
                linestyle=line,
                linewidth=1,
            )


def _corners(x: Float64Array, y: Float64Array) -> BoolMatrix:
    """Points where a path of horizontal and vertical pieces turns; the others need no ink."""
    across, up = np.diff(x) > 0, np.diff(y) > 0
    turns = (across[1:] != across[:-1]) | (up[1:] != up[:-1]) | (across & up)[1:]
    return np.asarray(np.r_[True, turns | (across & up)[:-1], True])


def _axis_names(curve: Curve) -> tuple[str, str]:
    if curve is Curve.ROC:
        return "false-positive rate", "recall (true-positive rate)"
    return "recall", "precision"


def _style(index: int) -> tuple[str, Any, str]:
    """Colour, line and marker of a system."""
    cycle = index // len(COLOURS) % len(LINES)
    return COLOURS[index % len(COLOURS)], LINES[cycle], MARKERS[cycle]


def require_matplotlib() -> None:
    """Fail early where nothing can be drawn.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError("drawing plots")


def _figure(
    width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> "Figure":
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def _legend(figure: "Figure", names: Sequence[str], loc: Any = "outside upper center") -> None:
    from matplotlib.lines import Line2D

    handles = []
    for index, name in enumerate(names):
        colour, line, marker = _style(index)
        handles.append(
            Line2D([], [], color=colour, linestyle=line, marker=marker, markersize=4, label=name)
        )
    figure.legend(handles=handles, loc=loc, ncols=min(4, len(names)), fontsize=8)


def save(figure: "Figure", path: Path, **look: Any) -> None:
    """Write a figure in the format its name ends in, whole or not at all.

    Parameters
    ----------
    figure
        Of matplotlib.
    path
        Ends in ``.png`` or ``.svg``.
    look
        More that matplotlib's ``savefig`` takes.
    """
    from matplotlib import rc_context

    kind = path.suffix[1:].lower()
    metadata = {"Date": None} if kind == "svg" else None
    # A fixed salt and no date: otherwise every SVG differs from the last.
    with replacing(path) as temporary, rc_context({"svg.hashsalt": "moodtheme"}):
        figure.savefig(temporary, format=kind, dpi=150, metadata=metadata, **look)
