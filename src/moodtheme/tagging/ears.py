"""A member that listens: it cuts windows from what is played to it and hears those with sound."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.audio import SILENCE_PEAK, Resampler
from moodtheme.tagging.bundle import Member
from moodtheme.tagging.session import Heard, MemberSession
from moodtheme.tagging.spectrum import Spectrum, spectrum_of
from moodtheme.tagging.windows import (
    CentredWindows,
    Excerpt,
    ScatteredWindows,
    SlidingWindows,
    Window,
    loop_to_length,
)


@dataclass(frozen=True, slots=True)
class HeardWindow:
    """A stretch of a track and what a member says about it.

    Attributes
    ----------
    start_s, end_s
        Where it lies; shorter than the member's excerpt in a track that was looped. One that was
        joined from stretches (see `Spread`) starts where the first does, and is as long as all.
    weight
        Its share in the track's mean: 1, or less for a last window that overlaps the one before.
    scores
        Float32 in [0, 1], shape (systems, tags).
    dimensions
        Float32, shape (dimensions,); None where the member has none.
    embedding
        Float32, shape (size,); None where the member has none.
    spectrum
        Of its sound; None where nobody asked for it.
    """

    start_s: float
    end_s: float
    weight: float
    scores: FloatArray
    dimensions: FloatArray | None
    embedding: FloatArray | None
    spectrum: Spectrum | None = None

    @classmethod
    def of(
        cls, place: tuple[int, int, float], rate: int, said: Heard, row: int,
        spectrum: Spectrum | None = None,
    ) -> Self:  # fmt: skip
        """What was said of a window, by its row; `place` is its start, length and weight."""
        start, length, weight = place
        return cls(
            start / rate,
            (start + length) / rate,
            weight,
            said.scores[row],
            None if said.dimensions is None else said.dimensions[row],
            None if said.embedding is None else said.embedding[row],
            spectrum,
        )


@dataclass(frozen=True, slots=True)
class MemberListening:
    """What one member heard; windows without sound are left out.

    Attributes
    ----------
    member
        The member.
    track
        The windows that its policy asks for.
    steps
        Short windows over the whole track by the number of their step; empty unless they were
        asked for.
    """

    member: Member
    track: tuple[HeardWindow, ...]
    steps: Mapping[int, HeardWindow]


class Cut:
    """Windows on their way: the cutter, and where those it gave lie."""

    def __init__(
        self, cutter: SlidingWindows | ScatteredWindows | CentredWindows | Excerpt
    ) -> None:
        self.cutter = cutter
        self.places: list[tuple[int, int, float]] = []


class Ear:
    """A member that hears each window with sound once, whatever it is wanted for.

    Parameters
    ----------
    session
        The member's.
    batch_size
        Windows given to the graph in one call.
    spectra
        Whether the windows that stand for the track are looked at too.
    """

    def __init__(self, session: MemberSession, batch_size: int, *, spectra: bool) -> None:
        self.member, self._spectra = session.member, spectra
        self.track: Cut | None = None
        self.steps: Cut | None = None
        self.session, self._batch_size = session, batch_size
        self._waiting: list[Window] = []
        # By start and length; None without sound.
        self._heard: dict[tuple[int, int], tuple[Heard, int] | None] = {}
        self._seen: dict[int, Spectrum] = {}

    @property
    def full(self) -> bool:
        """Whether further samples would change nothing."""
        return all(cut.cutter.full for cut in self._cuts)

    @property
    def complete(self) -> bool:
        """Whether the windows that the policy asks for were there."""
        return self.track is None or bool(self.track.places)

    @property
    def _cuts(self) -> list[Cut]:
        return [cut for cut in (self.track, self.steps) if cut is not None]

    def go_to(self, place_s: Fraction) -> None:
        """What is taken next lies there in the track, in seconds; for windows with gaps between."""
        for cut in self._cuts:
            if isinstance(cut.cutter, ScatteredWindows):
                cut.cutter.go_to(int(place_s * self.member.sample_rate))

    def is_past(self, place_s: float) -> bool:
        """Whether all that is wanted before that second, where there are gaps, was given."""
        place = place_s * self.member.sample_rate
        return all(
            cut.cutter.is_past(place)
            for cut in self._cuts
            if isinstance(cut.cutter, ScatteredWindows)
        )

    def take(self, samples: FloatArray) -> None:
        """Hear on."""
        for cut in self._cuts:
            self._add(cut, cut.cutter.push(samples))

    def finish(self, duration_s: float) -> None:
        """Hear what is left at the end of a track of that length."""
        for cut in self._cuts:
            if isinstance(cut.cutter, Excerpt):
                self._add(cut, cut.cutter.finish(duration_s * self.member.sample_rate))
            else:
                self._add(cut, cut.cutter.finish())

    def hear_excerpt(self, samples: FloatArray, duration_s: float) -> None:
        """Hear the excerpt, read separately."""
        assert self.track is not None
        start = round(max((duration_s - self.member.excerpt_s) / 2, 0) * self.member.sample_rate)
        looped = loop_to_length(samples, self.member.samples)
        self._add(self.track, iter([Window(start, len(samples), 1.0, looped)]))

    def _add(self, cut: Cut, windows: Iterator[Window]) -> None:
        for window in windows:
            cut.places.append((window.start, window.length, window.weight))
            if (window.start, window.length) in self._heard:
                continue
            self._heard[window.start, window.length] = None
            if float(np.abs(window.audio).max()) >= SILENCE_PEAK:
                self._waiting.append(window)
                if self._spectra and cut is self.track:
                    sound = window.audio[: window.length]
                    self._seen[window.start] = spectrum_of(sound, self.member.sample_rate)
            if len(self._waiting) == self._batch_size:
                self._hear_waiting()

    def _hear_waiting(self) -> None:
        if self._waiting:
            heard = self.session.hear(np.stack([window.audio for window in self._waiting]))
            for row, window in enumerate(self._waiting):
                self._heard[window.start, window.length] = heard, row
            self._waiting.clear()

    def heard(self) -> MemberListening:
        """All that was heard."""
        self._hear_waiting()
        track = () if self.track is None else tuple(w for _, w in self._windows(self.track))
        steps = {} if self.steps is None else dict(self._windows(self.steps))
        return MemberListening(self.member, track, steps)

    def _windows(self, cut: Cut) -> Iterator[tuple[int, HeardWindow]]:
        """Windows with sound, each with its number among all."""
        rate = self.member.sample_rate
        for number, place in enumerate(cut.places):
            if (found := self._heard[place[:2]]) is not None:
                yield number, HeardWindow.of(place, rate, *found, self._seen.get(place[0]))


class Feed:
    """Plays a track to all ears, resampled once for each rate.

    Parameters
    ----------
    ears
        They take what is given in order.
    sample_rate
        Of the track.
    """

    def __init__(self, ears: Sequence[Ear], sample_rate: int) -> None:
        self._ears = ears
        rates = dict.fromkeys(ear.member.sample_rate for ear in ears)
        self._resamplers = {rate: Resampler(sample_rate, rate) for rate in rates}

    def play(self, blocks: Iterator[FloatArray], has_enough: Callable[[Ear], bool]) -> bool:
        """Play blocks until all ears have enough; say whether that went on to their end."""
        for block in blocks:
            self._give(lambda resampler, block=block: resampler.push(block))  # type: ignore[misc]
            if all(map(has_enough, self._ears)):
                return False
        self._give(Resampler.finish)
        return True

    def _give(self, ready: Callable[[Resampler], FloatArray]) -> None:
        for rate, resampler in self._resamplers.items():
            samples = ready(resampler)
            for ear in self._ears:
                if ear.member.sample_rate == rate:
                    ear.take(samples)
