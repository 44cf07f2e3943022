"""Following a track: curves from short windows, where they change for good, where they peak.

A model that hears windows of many seconds is given short ones, looped to its length: what it would
say of a file that held those seconds alone. The windows stand about the middle of each step, so
they overlap, and a change shows as a slope about as long as a window with its middle at the change.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.scores.curves import change_points, rise
from moodtheme.scores.decisions import logit
from moodtheme.tagging.answers import mean_of, place, rank, silent
from moodtheme.tagging.bundle import Bundle
from moodtheme.tagging.listening import Listening
from moodtheme.tagging.session import fuse_systems
from moodtheme.tagging.timeline import Section, TagPeak, Timeline

HOP_S = 2.0
SPAN_S = 6.0
"""What a window shows; chosen with `PRICE_S` by ``benchmarks/timeline.py --choose``."""
HOPS_S, SPANS_S = (0.25, 30.0), (1.0, 30.0)
"""What may be asked for."""
PRICE_S = 12.0
"""What a change must be worth: seconds of music times the mean over the tags of the squared
difference from the stretch's mean, in units of the tag's spread among the reference."""
SHORTEST_S = 10.0
"""Stretches between changes are at least so long."""
_NAMED = 3
"""Tags named that rose or fell at a change."""
_NAMEABLE = 0.5
"""Least change of a tag that is named, in units of its spread among the reference."""
_LEAST_SPREAD = 0.1  # of a logit; a tag that is the same everywhere must not decide
_IQR_OF_NORMAL = 1.349  # quartiles of a normal distribution lie so many deviations apart


def over_time(listening: Listening) -> Timeline:
    """Tags over time, if the listening has steps; those without sound are left out.

    Raises
    ------
    SilentAudioError
        If a member heard nothing.
    ValueError
        If the track was not followed.
    """
    bundle, members, steps = listening.bundle, listening.members, listening.steps
    if steps is None:
        raise ValueError("nothing was heard over time; listen with timeline=True")
    shared = [n for n in members[0].steps if all(n in member.steps for member in members)]
    if not shared:
        raise silent(listening)
    windows = [[member.steps[number] for member in members] for number in shared]
    scores = np.stack(
        [fuse_systems(bundle, np.concatenate([w.scores for w in row])) for row in windows]
    )
    placed = [[w.dimensions for w in row if w.dimensions is not None] for row in windows]
    dimensions = np.stack([mean_of(row) for row in placed]) if placed[0] else None
    starts = np.array(shared) * steps.hop_s
    ends = starts + steps.hop_s
    duration_s = listening.duration_s
    if duration_s is not None and shared[-1] == max(int(duration_s / steps.hop_s + 0.5), 1) - 1:
        ends[-1] = duration_s
    return followed(Timeline(bundle, listening.reference, steps, starts, ends, scores, dimensions))


def followed(curves: Timeline) -> Timeline:
    """A timeline, of at least one step, with its changes and peaks."""
    return replace(curves, sections=_sections(curves), peaks=_peaks(curves))


def change_steps(
    bundle: Bundle, scores: FloatArray, *, hop_s: float, price_s: float = PRICE_S
) -> tuple[int, ...]:
    """Steps at which the tags change for good.

    The change points (`moodtheme.scores.curves`) of the tags' logits, each in units of its spread
    among the bundle's reference, or as they are without one.

    Parameters
    ----------
    bundle
        The model's.
    scores
        In [0, 1], shape (steps, tags).
    hop_s
        Length of a step.
    price_s
        As `PRICE_S`.
    """
    curves = logit(scores) / spreads(bundle)
    shortest = max(round(SHORTEST_S / hop_s), 1)
    return change_points(curves, price=price_s / hop_s, shortest=shortest)


def _sections(curves: Timeline) -> tuple[Section, ...]:
    bundle, scores = curves.bundle, curves.scores
    levels = logit(scores) / spreads(bundle)
    cuts = change_steps(bundle, scores, hop_s=curves.steps.hop_s)
    sections: list[Section] = []
    before = None
    for first, behind in pairwise((0, *cuts, len(scores))):
        part = slice(first, behind)
        level = levels[part].mean(axis=0)
        change = np.zeros_like(level) if before is None else level - before
        before = level
        dimensions = None if curves.dimensions is None else mean_of(curves.dimensions[part])
        sections.append(
            Section(
                float(curves.starts_s[first]),
                float(curves.ends_s[behind - 1]),
                rank(bundle, mean_of(scores[part]), curves.reference),
                place(bundle, dimensions, curves.reference),
                _most(bundle, change),
                _most(bundle, -change),
            )
        )
    return tuple(sections)


def _most(bundle: Bundle, change: Float64Array) -> tuple[str, ...]:
    """Tags that changed most and enough, one of each group of synonyms."""
    group_of = {tag: group for group in bundle.synonyms for tag in group}
    found: dict[tuple[str, ...], str] = {}
    for index in np.argsort(-change, kind="stable"):
        if change[index] < _NAMEABLE:
            break
        tag = bundle.tags[index]
        found.setdefault(group_of.get(tag, (tag,)), tag)
    return tuple(found.values())[:_NAMED]


def spreads(bundle: Bundle) -> Float64Array:
    """How far the tags' logits spread among the bundle's reference; 1 without one."""
    if bundle.reference is None:
        return np.ones(len(bundle.tags))
    levels = np.array(bundle.reference.levels)
    rows = logit(np.array(bundle.reference.tags))
    low, high = (
        np.array([np.interp(share, levels, row) for row in rows]) for share in (0.25, 0.75)
    )
    return np.asarray(np.maximum((high - low) / _IQR_OF_NORMAL, _LEAST_SPREAD))


def _peaks(curves: Timeline) -> tuple[TagPeak, ...]:
    peaks = []
    for index, name in enumerate(curves.bundle.tags):
        if (found := rise(curves.scores[:, index])) is None:
            continue
        ranked = rank(curves.bundle, curves.scores[found.top], curves.reference)
        peaks.append(
            TagPeak(
                next(tag for tag in ranked if tag.name == name),
                float(curves.starts_s[found.top] + curves.ends_s[found.top]) / 2,
                float(curves.starts_s[found.first]),
                float(curves.ends_s[found.last]),
            )
        )
    return tuple(sorted(peaks, key=lambda peak: (-(peak.tag.standing or 0.0), -peak.tag.score)))
