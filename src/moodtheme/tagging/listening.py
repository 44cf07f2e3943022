"""One pass over a track: decoded once, resampled once for each rate, heard by every member.

Where only excerpts are heard, only the span that holds them is read. The centre of a track lies
where the header says; where it does not say, it is found while the whole track is decoded. A
second reading is needed only if a header promised an excerpt that is not there, or a track without
a stated length is so long that its possible centres were not held (see `Excerpt`): a member that
hears the centre then reads its excerpt by itself.
"""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy.typing as npt

from moodtheme.audio import (
    HIGHEST_RATE,
    LOWEST_RATE,
    MARGIN_S,
    SHORTFALL_S,
    AudioStream,
    ExcerptPolicy,
    mono_of_array,
    open_audio,
    read_excerpt,
    resample,
    varies,
)
from moodtheme.errors import TooShortError
from moodtheme.tagging.bundle import Bundle, Member, Reference
from moodtheme.tagging.ears import Cut, Ear, Feed, MemberListening
from moodtheme.tagging.session import MemberSession
from moodtheme.tagging.spread import plan_spread, play_spread
from moodtheme.tagging.windows import MINIMUM_S, CentredWindows, Excerpt, SlidingWindows, Steps
from moodtheme.work import Progress, no_progress


@dataclass(frozen=True, slots=True)
class Listening:
    """All that a model said about a track: scores, tags and timelines follow from it.

    Attributes
    ----------
    bundle
        The model's.
    source
        The file, or a description of where the samples came from.
    duration_s
        Length of the track; None where it is not known.
    audio
        `moodtheme.audio.audio_identity` of the file; None for samples in memory.
    members
        In the bundle's order.
    warnings
        What went wrong without making the outputs useless.
    windows
        How many windows were asked for in place of the whole track; None for all of it.
    relative_to
        Among which music it stands instead of the bundle's reference, if any was named.
    steps
        How closely the track was followed; None where it was not.
    """

    bundle: Bundle
    source: Path | str
    duration_s: float | None
    audio: str | None
    members: tuple[MemberListening, ...]
    warnings: tuple[str, ...] = ()
    windows: int | None = None
    relative_to: Reference | None = None
    steps: Steps | None = None

    @property
    def reference(self) -> Reference | None:
        """Among which music the track stands."""
        return self.bundle.reference if self.relative_to is None else self.relative_to


class Listener:
    """Sessions that listen together to one track at a time.

    Parameters
    ----------
    bundle, sessions
        The model and a session for each member.
    batch_size
        Windows given to a graph in one call.
    relative_to
        Of the listenings.
    """

    def __init__(
        self,
        bundle: Bundle,
        sessions: Sequence[MemberSession],
        batch_size: int,
        *,
        relative_to: Reference | None = None,
    ) -> None:
        self._bundle, self._sessions, self._relative_to = bundle, tuple(sessions), relative_to
        self._new = partial(Ear, batch_size=batch_size, spectra=bundle.doubts is not None)

    def hear_file(
        self, path: Path, *, steps: Steps | None = None, progress: Progress = no_progress
    ) -> Listening:
        """Listen to a file, and follow it in steps if there are some; progress is in seconds.

        Raises
        ------
        AudioError
            If the file cannot be used; silence is no error here.
        """
        with open_audio(path) as stream:
            return self._hear_stream(path, stream, steps, progress)

    def hear_windows(self, path: Path, windows: int) -> Listening:
        """Listen to a few windows of a file, spread over it (see `Spread`), or all where not.

        All is heard where that is no more, where places in the file are not found without decoding
        up to them, and where the windows do not hold what the header promised, or only silence.

        Raises
        ------
        AudioError
            As `hear_file`.
        """
        with open_audio(path) as stream:
            spread, warning = plan_spread(stream, self._bundle.members, windows)
            if spread is None:
                heard = self._hear_stream(path, stream, None, no_progress)
            else:
                ears = [self._new(session) for session in self._sessions]
                play_spread(stream, ears, spread)
                heard = self._listening(
                    path, stream.info.duration_s, stream.identity(), ears, stream.warnings
                )
                if not all(ear.full for ear in ears):
                    warning = "all of it was heard: it is shorter than its header says, or damaged"
                elif not stream.varies or not all(member.track for member in heard.members):
                    warning = "all of it was heard: the windows asked for are silent"
                if warning is not None:
                    heard = self.hear_file(path)
        warnings = heard.warnings if warning is None else (*heard.warnings, warning)
        return replace(heard, windows=windows, warnings=warnings)

    def _hear_stream(
        self, path: Path, stream: AudioStream, steps: Steps | None, progress: Progress
    ) -> Listening:
        begin_s = Fraction(0) if steps is not None else self._begin(stream)
        stream.start_at(float(begin_s))
        claimed_s = stream.info.duration_s
        ears = [self._ear(s, claimed_s, begin_s, steps) for s in self._sessions]
        total = None if claimed_s is None else round(claimed_s)

        def has_enough(ear: Ear) -> bool:
            progress(int(stream.decoded_s), total)
            return ear.full

        with closing(iter(stream)) as blocks:  # type: ignore[type-var]
            ended = Feed(ears, stream.info.sample_rate).play(blocks, has_enough)
        decoded_s = float(begin_s) + stream.decoded_s
        if ended and not begin_s:
            stream.require(MINIMUM_S)
        identity = stream.identity()
        warnings = list(stream.warnings)
        for ear in ears:
            if ended:
                ear.finish(decoded_s)
            if not ear.complete:
                audio = read_excerpt(
                    path,
                    sample_rate=ear.member.sample_rate,
                    length_s=ear.member.excerpt_s,
                    policy=ear.member.policy,
                    minimum_s=MINIMUM_S,
                )
                ear.hear_excerpt(audio.samples, decoded_s)
                warnings += audio.warnings
        if not stream.varies:  # a constant offset is silent too
            ears = [self._new(ear.session) for ear in ears]
        duration_s = decoded_s if ended and not begin_s else claimed_s
        return self._listening(path, duration_s, identity, ears, warnings, steps)

    def hear_samples(
        self, audio: npt.ArrayLike, sample_rate: int, *, steps: Steps | None
    ) -> Listening:
        """Listen to samples, shape (samples,) or (samples, channels).

        Raises
        ------
        TooShortError
            If there is less than a second.
        ValueError
            If the samples or their rate cannot be.
        """
        if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
            raise ValueError(f"{sample_rate} Hz is no sample rate of audio; pass the samples' own")
        source = "audio in memory"
        mono, warnings = mono_of_array(audio)
        duration_s = len(mono) / sample_rate
        if duration_s < MINIMUM_S:
            raise TooShortError(
                source,
                f"too short: {duration_s:.2f} s, at least {MINIMUM_S:g} s is needed; "
                "give more of it",
            )
        rates = {session.member.sample_rate for session in self._sessions}
        resampled = {rate: resample(mono, sample_rate, rate) for rate in rates}
        ears = []
        for session in self._sessions:
            samples = resampled[session.member.sample_rate]
            begin = Fraction(0)
            ear = self._ear(session, None, begin, steps, length=len(samples))
            ear.take(samples)
            ear.finish(duration_s)
            ears.append(ear)
        if not varies(mono):
            ears = [self._new(ear.session) for ear in ears]
        return self._listening(source, duration_s, None, ears, warnings, steps)

    def _begin(self, stream: AudioStream) -> Fraction:
        """Seconds that nobody needs; they end where the samples of all rates coincide."""
        rates = [session.member.sample_rate for session in self._sessions]
        grid = math.gcd(stream.info.sample_rate, *rates)
        steps = []
        for session, rate in zip(self._sessions, rates, strict=True):
            start_s = _excerpt_start_s(session.member, stream.info.duration_s)
            if start_s is None:
                return Fraction(0)
            steps.append((round(start_s * rate) - round(MARGIN_S * rate)) * grid // rate)
        return Fraction(max(min(steps), 0), grid)

    def _ear(
        self,
        session: MemberSession,
        claimed_s: float | None,
        begin_s: Fraction,
        steps: Steps | None,
        *,
        length: int | None = None,
    ) -> Ear:
        """A member with the cutters it needs; `length` is that of samples, where all are there."""
        member = session.member
        rate, samples = member.sample_rate, member.samples
        ear = self._new(session)
        if steps is not None:
            span = min(round(steps.span_s * rate), samples)
            hop = round(steps.hop_s * rate)
            ear.steps = Cut(CentredWindows(samples=samples, span=span, hop=hop))
        if member.policy is ExcerptPolicy.COVER:
            ear.track = Cut(SlidingWindows(samples=samples))
            return ear
        start: int | None
        least = 1
        if length is not None:
            start = max(0, (length - samples) // 2) if member.policy is ExcerptPolicy.CENTRE else 0
        else:
            start_s = _excerpt_start_s(member, claimed_s)
            start = None if start_s is None else round(start_s * rate)
            if member.policy is ExcerptPolicy.CENTRE and claimed_s is not None:
                least = round((min(claimed_s, member.excerpt_s) - SHORTFALL_S) * rate)
        ear.track = Cut(
            Excerpt(samples=samples, start=start, least=max(least, 1), begin=int(begin_s * rate))
        )
        return ear

    def _listening(
        self, source: Path | str, duration_s: float | None, identity: str | None,
        ears: Sequence[Ear], warnings: Sequence[str], steps: Steps | None = None,
    ) -> Listening:  # fmt: skip
        return Listening(
            self._bundle, source, duration_s, identity, tuple(ear.heard() for ear in ears),
            tuple(dict.fromkeys(warnings)), relative_to=self._relative_to, steps=steps,
        )  # fmt: skip


def _excerpt_start_s(member: Member, claimed_s: float | None) -> float | None:
    """Where a member's one excerpt starts; None where it hears all, or nobody knows yet."""
    if member.policy is ExcerptPolicy.START:
        return 0.0
    if member.policy is ExcerptPolicy.COVER or claimed_s is None:
        return None
    return max((claimed_s - member.excerpt_s) / 2, 0.0)
