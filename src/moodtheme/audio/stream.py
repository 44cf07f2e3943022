"""A file as a stream of mono blocks at the wanted rate."""

import math
from collections.abc import Iterator
from typing import Self

import numpy as np

from moodtheme.audio.decoders import open_source, open_with_pyav
from moodtheme.audio.identity import identity_of
from moodtheme.audio.mono import broken, not_finite_note, varies
from moodtheme.audio.opened import OpenFile
from moodtheme.audio.resample import MARGIN_S, ResampleQuality, Resampler, Samples
from moodtheme.audio.sources import (
    MOST_VALUES,
    SHORTFALL_S,
    BrokenOffError,
    Decoder,
    UnsupportedError,
)
from moodtheme.errors import AudioError, DecodeError, EmptyAudioError, TooShortError

# Of one sample that is none, see `broken`.
_LEAST_BROKEN_POWER = 1e20
_NOTHING: Samples = np.zeros(0, dtype=np.float32)


class AudioStream:
    """An open file that iterates over mono float32 blocks; made by `open_audio`.

    Iterate once, inside a ``with`` statement. Each block has memory of its own and values are
    finite. Where soundfile breaks off in damaged data, FFmpeg reads on behind it.

    Attributes
    ----------
    info
        What the header says.
    sample_rate
        Rate of the blocks in Hz.
    warnings
        What went wrong without ending the stream; complete once iteration has ended.
    varies
        Whether there was anything to hear so far: silence and a constant offset do not vary.
    """

    def __init__(
        self,
        file: OpenFile,
        *,
        sample_rate: int | None,
        start_s: float,
        duration_s: float | None,
        block_s: float,
        quality: ResampleQuality,
    ) -> None:
        try:
            source, findings = open_source(file)
        except BaseException:
            file.close()
            raise
        self.info = source.info
        self.sample_rate = sample_rate or source.info.sample_rate
        self.warnings: list[str] = list(findings.warnings)
        self._cut = findings.warnings[-1] if findings.is_cut else None
        self._file = file
        self._source = source
        self._start = round(start_s * self.sample_rate)
        self._wanted = None if duration_s is None else round(duration_s * self.sample_rate)
        self._block = max(
            min(round(block_s * source.info.sample_rate), MOST_VALUES // source.info.channels), 1
        )
        self._quality = quality
        self.varies = False
        self._position = self._pause = 0
        self._delivered = 0
        self._not_finite = 0
        self._broken: str | None = None
        self._ended = False
        self._began_anew = False

    @property
    def can_seek(self) -> bool:
        """Whether `skip_to` spares decoding what lies between."""
        return self._source.can_seek and not self._began_anew

    @property
    def decoded_s(self) -> float:
        """Seconds of audio delivered so far."""
        return self._delivered / self.sample_rate

    def identity(self) -> str:
        """`audio_identity` of the file, through the same opening; before, amid or after iteration.

        Raises
        ------
        MissingAudioError
            If the file cannot be read any more.
        """
        return identity_of(self._file)

    def start_at(self, start_s: float) -> None:
        """Start there, in seconds, instead; before iteration, where the header decides on it."""
        self._start = round(start_s * self.sample_rate)

    def skip_to(self, start_s: float, *, pause_s: float = 0.0) -> None:
        """Go on there, in seconds, if it lies ahead; between blocks, at the file's own rate.

        A block ends at `pause_s`, so that no more need be decoded than what is wanted.
        """
        frame = round(start_s * self.info.sample_rate)
        self._pause = round(pause_s * self.info.sample_rate)
        if frame > self._position:
            self._move_to(frame, seek=self.can_seek)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._source.close()
        self._file.close()

    def __iter__(self) -> Iterator[Samples]:
        try:
            for block in self._resampled(self._approach()):
                self._delivered += len(block)
                yield block
                if self._delivered == self._wanted:
                    break
        finally:
            self._conclude()

    def _approach(self) -> int:
        """Go to a place before the start; return the samples to drop from there on.

        The place is a multiple of the period after which both rates' sample grids coincide, so
        that the excerpt's samples are those of the whole stream.
        """
        common = math.gcd(self.info.sample_rate, self.sample_rate)
        period_in = self.info.sample_rate // common
        period_out = self.sample_rate // common
        margin = 0 if period_in == period_out else round(MARGIN_S * self.sample_rate)
        periods = max(self._start - margin, 0) // period_out
        if periods:
            self._move_to(periods * period_in)
        return self._start - periods * period_out

    def _move_to(self, frame: int, *, seek: bool = True) -> None:
        before = self._position
        if seek:
            try:
                self._position = self._source.seek(frame)
            except BrokenOffError as error:
                self._broken = str(error)
            self._began_anew = self._position < before
        while self._position < frame and len(self._read(frame - self._position)):
            pass

    def _resampled(self, drop: int) -> Iterator[Samples]:
        """Blocks at the wanted rate, without the first ``drop`` samples, cut to what is wanted."""
        resampler = Resampler(self.info.sample_rate, self.sample_rate, quality=self._quality)
        while not self._ended:
            left = self._pause - self._position
            native = self._read(left if 0 < left < self._block else self._block)
            self._ended = not len(native)
            block = resampler.finish() if self._ended else resampler.push(native)
            dropped = min(drop, len(block))
            drop -= dropped
            block = block[dropped:]
            if self._wanted is not None:
                block = block[: self._wanted - self._delivered]
            if len(block):
                yield block

    def _read(self, frames: int) -> Samples:
        """The next block at the file's own rate, free of NaN and infinity; empty at the end."""
        block = _NOTHING
        if self._broken is None:
            frames = min(frames, self._block)
            try:
                block = self._source.read(frames)
            except BrokenOffError as error:
                block = self._read_behind(str(error), frames)
        self._position += len(block)
        # A sum of squares is small unless a sample is none.
        with np.errstate(over="ignore", invalid="ignore"):
            power = float(np.dot(block, block))
        if not power <= _LEAST_BROKEN_POWER:
            bad = broken(block)
            self._not_finite += int(np.count_nonzero(bad))
            block[bad] = 0.0
        self.varies = self.varies or varies(block)
        return block

    def _read_behind(self, reason: str, frames: int) -> Samples:
        """Let FFmpeg read on where soundfile broke off; empty if it cannot either."""
        self._broken = reason
        if self._source.info.decoder is Decoder.PYAV:
            return _NOTHING
        try:
            other = open_with_pyav(self._file)
        except (UnsupportedError, OSError):
            return _NOTHING
        self._source.close()
        self._source = other
        if other.info.sample_rate != self.info.sample_rate:
            return _NOTHING
        try:
            at = other.seek(self._position)
            while at < self._position:
                skipped = len(other.read(min(self._position - at, self._block)))
                if not skipped:
                    return _NOTHING
                at += skipped
            block = other.read(frames)
        except BrokenOffError:
            return _NOTHING
        if len(block):
            self._broken = None
            self.warnings.append(
                f"libsndfile broke off at {self.position_s:.2f} s ({reason}); FFmpeg read on"
            )
        return block

    @property
    def position_s(self) -> float:
        """Where in the file it is, in seconds, at the file's own rate."""
        return self._position / self.info.sample_rate

    def _conclude(self) -> None:
        self.warnings.extend(self._source.notes())
        if self._not_finite:
            self.warnings.append(not_finite_note(self._not_finite))
        claimed_s = self.info.duration_s
        if self._broken is not None:
            self.warnings.append(
                f"decoding broke off at {self.position_s:.2f} s ({self._broken}); "
                f"{self.decoded_s:.2f} s are used"
            )
        elif (
            self._cut is None
            and self._ended
            and claimed_s
            and self.position_s < claimed_s - SHORTFALL_S
        ):
            self.warnings.append(
                f"the audio ends at {self.position_s:.2f} s, "
                f"though the header says {claimed_s:.2f} s"
            )

    def require(self, minimum_s: float) -> None:
        """Raise if less than ``minimum_s`` seconds, or nothing, came; call after iterating.

        Raises
        ------
        DecodeError
            If decoding broke off too early.
        EmptyAudioError
            If there was nothing at all.
        TooShortError
            If the audio is shorter.
        """
        if self._delivered and self.decoded_s >= minimum_s:
            return
        needed = f", at least {minimum_s:g} s is needed" if minimum_s else ""
        error: AudioError
        if self._broken is not None:
            error = DecodeError(
                self.info.path,
                f"decoding broke off after {self.decoded_s:.2f} s ({self._broken}){needed}; "
                "fetch or export the file again",
            )
        elif self._cut is not None:
            error = DecodeError(
                self.info.path, f"{self._cut}{needed}; fetch or export the file again"
            )
        elif self._delivered:
            error = TooShortError(
                self.info.path,
                f"too short: {self.decoded_s:.2f} s{needed}; use a longer recording",
            )
        elif self._start:
            error = TooShortError(
                self.info.path,
                f"too short: it ends at {self.position_s:.2f} s, before the excerpt begins; "
                "start earlier",
            )
        else:
            error = EmptyAudioError(self.info.path, "holds no audio; fetch or export it again")
        raise error
