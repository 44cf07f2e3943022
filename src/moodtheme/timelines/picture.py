"""A picture of a track over time: waveform, log-mel spectrogram, mood and tags.

Needs matplotlib. An SVG takes the colours of the page it is shown on, light or dark, by a style
sheet of its own; a PNG is drawn for one of them. Figures are built without pyplot, so nothing
global changes, and the same input gives the same SVG, byte for byte.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.errors import needing_extra
from moodtheme.features.mel import hz_to_mel
from moodtheme.features.overview import Overview
from moodtheme.files import replacing
from moodtheme.scores.decisions import standing
from moodtheme.tagging.in_words import findings
from moodtheme.tagging.timeline import Timeline
from moodtheme.timelines.exports import peaks_that_stand_out
from moodtheme.work import clock, clock_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 5
"""Tags drawn where none are named: as many lines as can be told apart."""
_INCHES = (10.0, 7.2)
_DPI = 150
_HELD_DB = 70.0  # range of the spectrogram's colours below its maximum
_TICKS_HZ = (100, 300, 1_000, 3_000)


@dataclass(frozen=True)
class _Colours:
    page: str
    ink: str
    faint: str
    curves: tuple[str, ...]


# Curves: hues of Paul Tol's schemes, darker on light pages and lighter on dark ones, so that each
# has a contrast of at least 3 to 1 with the page (a test computes it).
LIGHT = _Colours(
    "#ffffff", "#1f2328", "#8b949e",
    ("#3366aa", "#c8385a", "#1e7a35", "#8a7400", "#8a2a78", "#0b7f9c"),
)  # fmt: skip
DARK = _Colours(
    "#0d1117", "#e6edf3", "#7d8590",
    ("#6fa8ff", "#ff7a93", "#4cc76a", "#d8bf45", "#d87ac8", "#5cc8e6"),
)  # fmt: skip


def save_picture(
    path: Path,
    timeline: Timeline,
    sound: Overview,
    *,
    title: str,
    tags: Sequence[str] = (),
    dark: bool = False,
) -> None:
    """Draw a track over time and write it whole or not at all.

    Parameters
    ----------
    path
        Ends in ``.svg`` or ``.png``.
    timeline, sound
        Its curves and changes; its waveform and spectrogram.
    tags
        Which tags to draw. By default `SHOWN`: what stands out most in each section, and then
        where it peaks.
    dark
        Draw a PNG for a dark page; an SVG takes both.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    with needing_extra("drawing a timeline", "plots"):
        from matplotlib import rc_context

    is_svg = path.suffix.lower() == ".svg"
    colours = DARK if dark and not is_svg else LIGHT
    # A fixed salt and no date: otherwise every SVG differs from the last.
    with replacing(path) as temporary, rc_context({"svg.hashsalt": "moodtheme"}):
        figure = _draw(timeline, sound, title, tags or _foremost(timeline), colours)
        content = io.BytesIO()
        if is_svg:
            figure.savefig(content, format="svg", metadata={"Date": None}, transparent=True)
            temporary.write_text(_for_both_pages(content.getvalue().decode()), encoding="utf-8")
        else:
            figure.savefig(content, format="png", dpi=_DPI, facecolor=colours.page)
            temporary.write_bytes(content.getvalue())


def _foremost(timeline: Timeline) -> tuple[str, ...]:
    """What stands out most in each section, then where it peaks; else the highest peaks."""
    bundle = timeline.bundle
    found = [findings(section.tags, bundle.synonyms) or () for section in timeline.sections]
    peaks = peaks_that_stand_out(timeline) or timeline.peaks
    names = [row[0].names[0] for row in found if row] + [peak.tag.name for peak in peaks]
    return tuple(dict.fromkeys(names))[:SHOWN]


def _for_both_pages(svg: str) -> str:
    """An SVG drawn for light pages with a style sheet that changes its colours on dark ones."""
    light, dark = ((c.page, c.ink, c.faint, *c.curves) for c in (LIGHT, DARK))
    rules = "".join(
        f'[style*="{kind}: {one}"]{{{kind}:{other}!important}}'
        for one, other in zip(light, dark, strict=True)
        for kind in ("fill", "stroke")
    )
    # Text whose colour is not stated is black.
    rules += f"text:not([style*='fill']){{fill:{DARK.ink}}}"
    sheet = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    head, mark, rest = svg.partition("<defs>")
    return f"{head}{sheet}{mark}{rest}"


def _draw(
    timeline: Timeline, sound: Overview, title: str, tags: Sequence[str], colours: _Colours
) -> "Figure":
    from matplotlib.figure import Figure

    has_mood = timeline.dimensions is not None
    heights = [1.0, 2.0, *([1.6] if has_mood else []), 2.4]
    figure = Figure(figsize=_INCHES, layout="constrained", facecolor=colours.page)
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    figure.suptitle(title, color=colours.ink, fontsize=11)
    for panel in panels:
        _dress(panel, colours)
        for change in timeline.changes_s:
            panel.axvline(change, color=colours.ink, linewidth=1.0, linestyle=(0, (4, 3)))
    _waveform(panels[0], sound, colours)
    _spectrogram(panels[1], sound)
    if has_mood:
        _mood(panels[2], timeline, colours)
    _tags(panels[-1], timeline, tags, colours)
    ticks = clock_ticks(sound.duration_s)
    panels[-1].set_xticks(ticks, [clock(tick) for tick in ticks])
    panels[-1].set_xlim(0, sound.duration_s)
    return figure


def _dress(panel: "Axes", colours: _Colours) -> None:
    panel.set_facecolor("none")
    panel.tick_params(colors=colours.ink, labelsize=8)
    for side, spine in panel.spines.items():
        spine.set_color(colours.faint)
        spine.set_visible(side in {"left", "bottom"})


def _waveform(panel: "Axes", sound: Overview, colours: _Colours) -> None:
    times = (np.arange(len(sound.lowest)) + 0.5) * sound.column_s
    panel.fill_between(times, sound.lowest, sound.highest, color=colours.faint, linewidth=0)
    panel.set_ylim(-1, 1)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    panel.set_ylabel("waveform", color=colours.ink, fontsize=8)


def _spectrogram(panel: "Axes", sound: Overview) -> None:
    top = float(sound.mel_db.max())
    columns = sound.mel_db.shape[1]
    low, high = (float(hz_to_mel(edge)) for edge in sound.edges_hz)
    panel.imshow(
        sound.mel_db,
        origin="lower",
        aspect="auto",
        extent=(0, columns * sound.column_s, low, high),
        cmap="magma",
        vmin=top - _HELD_DB,
        vmax=top,
        interpolation="nearest",
    )
    ticks = [hz for hz in _TICKS_HZ if sound.edges_hz[0] < hz < sound.edges_hz[1]]
    panel.set_yticks(hz_to_mel(ticks), [f"{hz:,} Hz" for hz in ticks])


def _mood(panel: "Axes", timeline: Timeline, colours: _Colours) -> None:
    assert timeline.dimensions is not None
    shown = timeline.bundle.dimensions
    for index, dimension in enumerate(shown):
        _curve(
            panel, timeline, timeline.dimensions[:, index].astype(np.float64),
            dimension.name, colours.curves[-1 - index % len(colours.curves)],
        )  # fmt: skip
    panel.set_ylim(min(d.lowest for d in shown), max(d.highest for d in shown))
    panel.axhline(0, color=colours.faint, linewidth=0.6)
    _legend(panel, colours, "mood")


def _tags(panel: "Axes", timeline: Timeline, tags: Sequence[str], colours: _Colours) -> None:
    """Standings where there is a reference, else scores."""
    bundle, reference = timeline.bundle, timeline.reference
    values: Float64Array = timeline.scores.astype(np.float64)
    if reference is not None:
        values = standing(timeline.scores, reference.levels, reference.tags)
    for number, tag in enumerate(tags):
        colour = colours.curves[number % len(colours.curves)]
        _curve(panel, timeline, values[:, bundle.tags.index(tag)], tag, colour)
    panel.set_ylim(0, 1 if reference is not None else None)
    _legend(panel, colours, "score" if reference is None else "standing of tags")


def _curve(
    panel: "Axes", timeline: Timeline, values: Float64Array, label: str, colour: str
) -> None:
    """A line through the middles of the steps, broken where some have no sound."""
    middles = (timeline.starts_s + timeline.ends_s) / 2
    gaps = np.flatnonzero(np.diff(timeline.starts_s) > 1.5 * timeline.steps.hop_s) + 1
    times, values = np.insert(middles, gaps, np.nan), np.insert(values, gaps, np.nan)
    panel.plot(times, values, color=colour, linewidth=1.4, label=label)


def _legend(panel: "Axes", colours: _Colours, title: str) -> None:
    panel.set_ylabel(title, color=colours.ink, fontsize=8)
    panel.legend(
        loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False,
        labelcolor=colours.ink,
    )  # fmt: skip
