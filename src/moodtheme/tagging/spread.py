"""A few windows spread evenly over a track, heard in place of all of it, by seeking.

The track is cut into N equal parts and a window is heard of each. Where N is small, the window is
joined from stretches, each from the middle of an equal piece of the part, so that twelve places of
the track are heard: they say more of it than one stretch as long as all, and cost as much to decode
but for the seeking. Members that hear one excerpt hear it as ever.
"""

import math
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

from moodtheme.audio import MARGIN_S, AudioStream, ExcerptPolicy
from moodtheme.tagging.bundle import Member
from moodtheme.tagging.ears import Cut, Ear, Feed
from moodtheme.tagging.windows import ScatteredWindows

_WORTH_A_SEEK_S = 2.0  # less is decoded as fast as it is sought over
# Chosen on 40 pieces of game music (Spearman with the whole track, median over tags): 2 windows
# of 1, 2, 4, 6, 8 stretches 0.951, 0.957, 0.965, 0.971, 0.974; 3 of 1, 2, 4, 8 0.974, 0.980,
# 0.982, 0.979.
_PLACES = 12  # heard of a track, if no more windows were asked for
_LEAST_STRETCH_S = 3.6  # one window of 8, 12, 16 stretches: 0.954, 0.953, 0.952


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a track is heard.

    Attributes
    ----------
    stretches
        Start and length of what each member hears, in samples at its rate, in order; they make
        whole windows.
    spans
        What is decoded for them, in seconds: from where samples of all rates coincide, and until
        where.
    """

    stretches: tuple[tuple[tuple[int, int], ...], ...]
    spans: tuple[tuple[Fraction, float], ...]


def spread_windows(
    members: Sequence[Member], sample_rate: int, duration_s: float, windows: int
) -> Spread | None:
    """Where members listen to a track; None if the windows would be all of it, or any is longer.

    Parameters
    ----------
    members
        Those with ``ExcerptPolicy.COVER`` hear `windows` windows, others one.
    sample_rate, duration_s
        Of the track.
    windows
        At least 1.
    """
    stretches, wanted = [], []
    for member in members:
        parts = windows if member.policy is ExcerptPolicy.COVER else 1
        if duration_s <= parts * member.excerpt_s:
            return None
        joined = 1
        if member.policy is ExcerptPolicy.COVER:
            most = int(member.excerpt_s / _LEAST_STRETCH_S)
            joined = max(1, min(math.ceil(_PLACES / windows), most))
        middles = [(part + 0.5) * duration_s / (parts * joined) for part in range(parts * joined)]
        if member.policy is ExcerptPolicy.START:
            middles = [member.excerpt_s / 2]
        edges = [member.samples * number // joined for number in range(joined + 1)]
        its = []
        for number, middle_s in enumerate(middles):
            length = edges[number % joined + 1] - edges[number % joined]
            half_s = length / member.sample_rate / 2
            its.append((round((middle_s - half_s) * member.sample_rate), length))
            wanted.append((middle_s - half_s, middle_s + half_s))
        stretches.append(tuple(its))
    grid = math.gcd(sample_rate, *(member.sample_rate for member in members))
    return Spread(tuple(stretches), tuple(_joined(wanted, grid)))


def plan_spread(
    stream: AudioStream, members: Sequence[Member], windows: int
) -> tuple[Spread | None, str | None]:
    """Where members listen to a file, as `spread_windows`; and a warning where that cannot be."""
    if not any(member.policy is ExcerptPolicy.COVER for member in members):
        return None, None
    info = stream.info
    if info.duration_s is None:
        return None, "all of it was heard: the file does not say how long it is"
    if not stream.can_seek:
        return None, "all of it was heard: places in such a file are found only by decoding"
    return spread_windows(members, info.sample_rate, info.duration_s, windows), None


def play_spread(stream: AudioStream, ears: Sequence[Ear], spread: Spread) -> None:
    """Give all ears their windows of a stream at its own rate; fewer where it ends before."""
    for ear, its in zip(ears, spread.stretches, strict=True):
        ear.track = Cut(ScatteredWindows(samples=ear.member.samples, stretches=its))
    with closing(iter(stream)) as blocks:  # type: ignore[type-var]
        for begin_s, end_s in spread.spans:
            stream.skip_to(float(begin_s), pause_s=end_s + MARGIN_S)
            for ear in ears:
                ear.go_to(begin_s)
            feed = Feed(ears, stream.info.sample_rate)
            if feed.play(blocks, lambda ear, end_s=end_s: ear.is_past(end_s)):  # type: ignore[misc]
                return


def _joined(wanted: Iterable[tuple[float, float]], grid: int) -> list[tuple[Fraction, float]]:
    """Spans from which stretches' starts and ends follow; near ones become one."""
    spans: list[tuple[Fraction, float]] = []
    for start_s, end_s in sorted(wanted):
        begin_s = Fraction(max(math.floor((start_s - MARGIN_S) * grid), 0), grid)
        if spans and begin_s - spans[-1][1] < _WORTH_A_SEEK_S:
            spans[-1] = spans[-1][0], max(spans[-1][1], end_s)
        else:
            spans.append((begin_s, end_s))
    return spans
