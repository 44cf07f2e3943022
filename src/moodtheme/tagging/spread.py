"""A few windows spread evenly over a track, heard in place of all of it, by seeking.

The track is cut into N equal parts and the window in the middle of each is heard. Members that
hear one excerpt hear it as ever.
"""

import math
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from moodtheme.audio import MARGIN_S, AudioStream, ExcerptPolicy
from moodtheme.tagging.bundle import Member
from moodtheme.tagging.ears import Cut, Ear, Feed
from moodtheme.tagging.windows import ScatteredWindows

_WORTH_A_SEEK_S = 2.0  # less is decoded as fast as it is sought over


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a track is heard.

    Attributes
    ----------
    starts
        Of each member's windows, in samples at its rate.
    spans
        What is decoded for them: from which whole second on, where the samples of all rates
        coincide, and until which second.
    """

    starts: tuple[tuple[int, ...], ...]
    spans: tuple[tuple[int, float], ...]


def spread_windows(members: Sequence[Member], duration_s: float, windows: int) -> Spread | None:
    """Where members listen to a track; None if the windows would be all of it, or any is longer.

    Parameters
    ----------
    members
        Those with ``ExcerptPolicy.COVER`` hear `windows` windows, others one.
    duration_s
        Length of the track.
    windows
        At least 1.
    """
    starts, wanted = [], []
    for member in members:
        parts = windows if member.policy is ExcerptPolicy.COVER else 1
        if duration_s <= parts * member.excerpt_s:
            return None
        middles = [(part + 0.5) * duration_s / parts for part in range(parts)]
        if member.policy is ExcerptPolicy.START:
            middles = [member.excerpt_s / 2]
        firsts = [round((s - member.excerpt_s / 2) * member.sample_rate) for s in middles]
        starts.append(tuple(firsts))
        wanted += [(s - member.excerpt_s / 2, s + member.excerpt_s / 2) for s in middles]
    return Spread(tuple(starts), tuple(_joined(wanted)))


def plan_spread(
    stream: AudioStream, members: Sequence[Member], windows: int
) -> tuple[Spread | None, str | None]:
    """Where members listen to a file, as `spread_windows`; and a warning where that cannot be."""
    if not any(member.policy is ExcerptPolicy.COVER for member in members):
        return None, None
    if stream.info.duration_s is None:
        return None, "all of it was heard: the file does not say how long it is"
    if not stream.can_seek:
        return None, "all of it was heard: places in such a file are found only by decoding"
    return spread_windows(members, stream.info.duration_s, windows), None


def play_spread(stream: AudioStream, ears: Sequence[Ear], spread: Spread) -> None:
    """Give all ears their windows of a stream at its own rate; fewer where it ends before."""
    for ear, starts in zip(ears, spread.starts, strict=True):
        ear.track = Cut(ScatteredWindows(samples=ear.member.samples, starts=starts))
    with closing(iter(stream)) as blocks:  # type: ignore[type-var]
        for begin_s, end_s in spread.spans:
            stream.skip_to(begin_s)
            for ear in ears:
                ear.go_to(begin_s)
            feed = Feed(ears, stream.info.sample_rate)
            if feed.play(blocks, lambda ear, end_s=end_s: ear.is_past(end_s)):  # type: ignore[misc]
                return


def _joined(wanted: Iterable[tuple[float, float]]) -> list[tuple[int, float]]:
    """Spans from which windows' starts and ends follow; near ones become one."""
    spans: list[tuple[int, float]] = []
    for start_s, end_s in sorted(wanted):
        begin_s = max(math.floor(start_s - MARGIN_S), 0)
        if spans and begin_s - spans[-1][1] < _WORTH_A_SEEK_S:
            spans[-1] = spans[-1][0], max(spans[-1][1], end_s)
        else:
            spans.append((begin_s, end_s))
    return spans
