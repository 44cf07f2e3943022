"""Windows over a track: the excerpts a model scores, cut from an array or a stream of blocks."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import FloatArray
from moodtheme.audio import ExcerptPolicy

MINIMUM_S = 1.0  # a shorter track is too short, for tagging as for training
_TAIL_SHARE = 0.25  # a rest shorter than this share of a window is not worth a window of its own
_MOST_HELD = 8_000_000  # samples

_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Steps:
    """How closely a track is followed: one short window about the middle of each step.

    Attributes
    ----------
    hop_s
        Length of a step in seconds.
    span_s
        What each window shows; a member whose excerpt is shorter hears that much.
    """

    hop_s: float
    span_s: float


@dataclass(frozen=True, slots=True)
class Window:
    """One excerpt on its way to a model.

    Attributes
    ----------
    start
        Position of its first sample in the track; of a joined one's first stretch.
    length
        Samples of the track it shows; less than ``len(audio)`` when the track was looped.
    weight
        Its share in the track's mean: 1, or less for a last window that overlaps the one before.
    audio
        Float32 mono of the model's excerpt length.
    """

    start: int
    length: int
    weight: float
    audio: FloatArray


def loop_to_length(audio: npt.NDArray[_Number], samples: int) -> npt.NDArray[_Number]:
    """`audio` repeated from its beginning until it is `samples` long (or cut to that length)."""
    return audio[:samples] if len(audio) >= samples else np.resize(audio, samples)


def cut_excerpt(audio: FloatArray, *, samples: int, policy: ExcerptPolicy) -> Window:
    """The one excerpt that `ExcerptPolicy.CENTRE` or ``START`` asks for.

    Parameters
    ----------
    audio
        The track, shape (n,), n ≥ 1; looped when it is shorter than the excerpt.
    samples
        Length of the excerpt.
    policy
        Where the excerpt lies.
    """
    start = max(0, (len(audio) - samples) // 2) if policy is ExcerptPolicy.CENTRE else 0
    piece = audio[start : start + samples]
    return Window(start, len(piece), 1.0, loop_to_length(piece, samples))


def slide_windows(blocks: Iterable[FloatArray], *, samples: int) -> Iterator[Window]:
    """Windows that tile a whole track, read block by block.

    When a rest of at least a quarter of a window remains behind the last of them, one more ends
    where the track ends, weighted by the rest's share of a window. A track shorter than a window is
    looped. Memory is bounded by two windows and a block.

    Parameters
    ----------
    blocks
        The track's samples in order, float32, in pieces of any length.
    samples
        Length of a window.
    """
    windows = SlidingWindows(samples=samples)
    for block in blocks:
        yield from windows.push(block)
    yield from windows.finish()


class SlidingWindows:
    """`slide_windows` for blocks that are pushed, not pulled."""

    full = False

    def __init__(self, *, samples: int) -> None:
        self._samples = samples
        # Begins at `_start`, where the last window given out began (or will begin).
        self._held = np.empty(0, dtype=np.float32)
        self._start, self._given = 0, False

    def push(self, block: FloatArray) -> Iterator[Window]:
        """Take the next block; give the windows that it completes."""
        self._held = np.concatenate([self._held, block])
        while len(self._held) >= self._samples * (1 + self._given):
            if self._given:
                self._held, self._start = self._held[self._samples :], self._start + self._samples
            self._given = True
            yield Window(self._start, self._samples, 1.0, self._held[: self._samples])

    def finish(self) -> Iterator[Window]:
        """Give what the end of the track leaves."""
        if not self._given:
            if len(self._held):
                looped = loop_to_length(self._held, self._samples)
                yield Window(0, len(self._held), 1.0, looped)
            return
        rest = len(self._held) - self._samples
        if rest >= _TAIL_SHARE * self._samples:
            share = rest / self._samples
            yield Window(self._start + rest, self._samples, share, self._held[rest:])


class Excerpt:
    """One excerpt out of blocks that are pushed.

    Parameters
    ----------
    samples
        Its length; a shorter track is looped.
    start
        Where it starts, in samples of the track. None is the centre of a track whose length is
        known at its end only: all that may be the centre yet is held, half the track at most, and
        let go of where that is more than 8 million samples (32 MB).
    least
        Samples that the track must have of it.
    begin
        Position in the track of the first block's first sample.
    """

    def __init__(self, *, samples: int, start: int | None, least: int = 1, begin: int = 0) -> None:
        self._samples, self._start, self._least = samples, start, least
        self._blocks: deque[FloatArray] = deque()
        self._first = self._end = begin
        self.full = False

    def push(self, block: FloatArray) -> Iterator[Window]:
        """Take the next block; give the excerpt if it is complete."""
        if self.full:
            return
        self._blocks.append(block)
        self._end += len(block)
        needed = self._start
        if needed is None:
            # Two samples for rounding, which depends on the rates.
            needed = (self._end - self._samples) // 2 - 2
            if self._end - needed > _MOST_HELD:
                needed = self._end
        while self._blocks and self._first + len(self._blocks[0]) <= needed:
            self._first += len(self._blocks.popleft())
        if self._start is not None and self._end >= self._start + self._samples:
            yield from self.finish()
            self.full = True

    def finish(self, length: float = 0.0) -> Iterator[Window]:
        """Give the excerpt if the track, of so many samples, has enough of it and it was held."""
        start = self._start
        if start is None:
            start = round(max((length - self._samples) / 2, 0.0))
        if self.full or start < self._first or not self._blocks:
            return
        held = np.concatenate(self._blocks)[start - self._first :][: self._samples]
        self._blocks.clear()
        if len(held) >= self._least:
            yield Window(start, len(held), 1.0, loop_to_length(held, self._samples))


class ScatteredWindows:
    """Whole windows, each joined from stretches of a track of which the rest is left out.

    Parameters
    ----------
    samples
        Length of a window.
    stretches
        Start and length of each, in samples of the track, in order; as many as have the length of
        a window are one.
    """

    def __init__(self, *, samples: int, stretches: Iterable[tuple[int, int]]) -> None:
        self._samples, self._stretches = samples, deque(stretches)
        self._held = np.empty(0, dtype=np.float32)
        self._first = 0
        self._joined: list[FloatArray] = []
        self._start = 0

    @property
    def full(self) -> bool:
        """Whether all windows were given."""
        return not self._stretches

    def is_past(self, place: float) -> bool:
        """Whether no stretch that starts before that sample of the track is to come."""
        return not self._stretches or self._stretches[0][0] >= place

    def go_to(self, place: int) -> None:
        """The next block begins at that sample of the track."""
        self._held, self._first = self._held[:0], place

    def push(self, block: FloatArray) -> Iterator[Window]:
        """Take the next block; give the windows that it completes."""
        self._held = np.concatenate([self._held, block])
        while self._stretches:
            start, length = self._stretches[0]
            unneeded = min(max(start - self._first, 0), len(self._held))
            self._held, self._first = self._held[unneeded:], self._first + unneeded
            if self._first > start or len(self._held) < length:
                return
            self._stretches.popleft()
            self._start = self._start if self._joined else start
            self._joined.append(self._held[:length])
            if sum(map(len, self._joined)) == self._samples:
                yield Window(self._start, self._samples, 1.0, np.concatenate(self._joined))
                self._joined = []

    def finish(self) -> Iterator[Window]:
        """Give nothing: what is not whole by now is not in the track."""
        return iter(())


class CentredWindows:
    """A short window about the middle of each step of a track, out of blocks that are pushed.

    Steps tile the track: each is `hop` long but the last, of half a hop to one and a half, which
    ends where the track ends. Near the ends of the track the window is its first or its last
    stretch, so that all windows show as much; they are looped to what the model takes.

    Parameters
    ----------
    samples
        What the model takes.
    span
        What a window shows, at most `samples`; all of a shorter track.
    hop
        Length of a step.
    """

    full = False

    def __init__(self, *, samples: int, span: int, hop: int) -> None:
        if not 0 < span <= samples or hop < 1:
            raise ValueError(f"span must be from 1 to {samples} samples, hop at least 1")
        self._samples, self._span, self._hop = samples, span, hop
        self._held = np.empty(0, dtype=np.float32)
        self._first = self._end = self._step = 0

    def push(self, block: FloatArray) -> Iterator[Window]:
        """Take the next block; give the windows that it completes, one a step."""
        self._held = np.concatenate([self._held, block])
        self._end += len(block)
        while self._end >= max((self._step + 0.5) * self._hop, self._start + self._span):
            yield self._window(self._start)
            self._step += 1
            unneeded = min(self._start - self._first, len(self._held) - self._span)
            if unneeded > 0:
                self._held, self._first = self._held[unneeded:], self._first + unneeded

    def finish(self) -> Iterator[Window]:
        """Give the windows of the steps that are left."""
        steps = max(math.floor(self._end / self._hop + 0.5), 1) if self._end else 0
        for _ in range(self._step, steps):
            yield self._window(max(min(self._start, self._end - self._span), 0))
            self._step += 1

    @property
    def _start(self) -> int:
        """Where the next step's window starts, if the track goes on for long enough."""
        return max(round((self._step + 0.5) * self._hop - self._span / 2), 0)

    def _window(self, start: int) -> Window:
        shown = self._held[start - self._first :][: self._span]
        return Window(start, len(shown), 1.0, loop_to_length(shown, self._samples))
