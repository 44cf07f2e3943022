"""A file as a stream of mono blocks at the wanted rate."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from moodtheme.audio.resample import ResampleQuality, Resampler, Samples
from moodtheme.audio.sources import (
    AudioInfo,
    BrokenOffError,
    Source,
    open_source,
)
from moodtheme.errors import DecodeError, EmptyAudioError, TooShortError

# Read before an excerpt and after it, so that the resampler's filter sees what it would see in
# the whole file. soxr's longest filter here spans well under half of this.
_MARGIN_S = 0.1
# A file that ends this much before its header says is reported.
_SHORTFALL_S = 0.1


def probe(path: str | os.PathLike[str]) -> AudioInfo:
    """Read a file's header: decoder, codec, rate, channels, duration.

    Raises
    ------
    AudioError
        If the file is missing, unreadable, empty or not audio.
    """
    source = open_source(Path(path))
    source.close()
    return source.info


def open_audio(
    path: str | os.PathLike[str],
    *,
    sample_rate: int | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
    block_s: float = 10.0,
    quality: ResampleQuality = ResampleQuality.HIGH,
) -> "AudioStream":
    """Open a file, or an excerpt of it, as a stream of mono blocks.

    Parameters
    ----------
    path
        Any regular file that soundfile or FFmpeg decodes.
    sample_rate
        Rate of the blocks in Hz; None keeps the file's own.
    start_s
        Where to start, in seconds. The excerpt equals the same part of the whole stream.
    duration_s
        How much to read, in seconds; None reads to the end.
    block_s
        Length of a block in seconds, about.
    quality
        soxr recipe.

    Raises
    ------
    AudioError
        If the file is missing, unreadable, empty or not audio.
    ValueError
        If a number is out of range.
    """
    if sample_rate is not None and sample_rate <= 0:
        raise ValueError(f"sample_rate is {sample_rate}, not positive")
    if not (start_s >= 0 and math.isfinite(start_s)):
        raise ValueError(f"start_s is {start_s}, not zero or more")
    if duration_s is not None and not (duration_s > 0 and math.isfinite(duration_s)):
        raise ValueError(f"duration_s is {duration_s}, not positive")
    if not block_s > 0:
        raise ValueError(f"block_s is {block_s}, not positive")
    return AudioStream(
        open_source(Path(path)),
        sample_rate=sample_rate,
        start_s=start_s,
        duration_s=duration_s,
        block_s=block_s,
        quality=quality,
    )


class AudioStream:
    """An open file that iterates over mono float32 blocks; made by `open_audio`.

    Iterate once, inside a ``with`` statement. Each block is memory of its own.

    Attributes
    ----------
    info
        What the header says.
    sample_rate
        Rate of the blocks in Hz.
    warnings
        What went wrong without ending the stream; complete once iteration has ended.
    """

    def __init__(
        self,
        source: Source,
        *,
        sample_rate: int | None,
        start_s: float,
        duration_s: float | None,
        block_s: float,
        quality: ResampleQuality,
    ) -> None:
        self.info = source.info
        self.sample_rate = sample_rate or source.info.sample_rate
        self.warnings = source.warnings
        self._source = source
        self._start = round(start_s * self.sample_rate)
        self._wanted = None if duration_s is None else round(duration_s * self.sample_rate)
        self._block = max(round(block_s * source.info.sample_rate), 1)
        self._quality = quality
        self._delivered = 0
        self._broken: str | None = None
        self._not_finite = 0

    @property
    def decoded_s(self) -> float:
        """Seconds of audio delivered so far."""
        return self._delivered / self.sample_rate

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._source.close()

    def __iter__(self) -> Iterator[Samples]:
        position, skip = self._approach()
        resampler = Resampler(self.info.sample_rate, self.sample_rate, quality=self._quality)
        for block in self._native(position):
            out = resampler.push(block)
            if skip:
                out, skip = out[skip:], skip - min(skip, len(out))
            if self._wanted is not None:
                out = out[: self._wanted - self._delivered]
            if len(out):
                self._delivered += len(out)
                yield out
            if self._delivered == self._wanted:
                break
        else:
            out = resampler.finish()[skip:]
            if self._wanted is not None:
                out = out[: self._wanted - self._delivered]
            if len(out):
                self._delivered += len(out)
                yield out
        self._summarise()

    def _approach(self) -> tuple[int, int]:
        """Seek to before the start; return the native position and the output to drop.

        The position is a multiple of the period after which both rates' sample grids coincide,
        so that the excerpt's samples are those of the whole stream.
        """
        native, out = self.info.sample_rate, self.sample_rate
        if self._start == 0:
            return 0, 0
        common = math.gcd(native, out)
        period_in, period_out = native // common, out // common
        margin = 0 if native == out else round(_MARGIN_S * out)
        periods = max(self._start - margin, 0) // period_out
        position = periods * period_in
        try:
            at = self._source.seek(position)
        except BrokenOffError as error:
            self._broken = str(error)
            return position, 0
        self._discard(position - at)
        return position, self._start - periods * period_out

    def _discard(self, frames: int) -> None:
        while frames > 0:
            try:
                block = self._source.read(min(frames, self._block))
            except BrokenOffError as error:
                self._broken = str(error)
                return
            if not len(block):
                return
            frames -= len(block)

    def _native(self, position: int) -> Iterator[Samples]:
        """Mono blocks at the file's own rate, clean of NaN and infinity."""
        while self._broken is None:
            try:
                block = self._source.read(self._block)
            except BrokenOffError as error:
                self._broken = str(error)
                return
            if not len(block):
                return
            # A sum of squares is finite unless a sample is not (or is beyond 1e19).
            if not math.isfinite(float(np.dot(block, block))):
                bad = ~np.isfinite(block)
                self._not_finite += int(np.count_nonzero(bad))
                block[bad] = 0.0
            yield block

    def _summarise(self) -> None:
        if self._not_finite:
            self.warnings.append(
                f"{self._not_finite} samples are not finite numbers; taken as silence"
            )
        if self._broken is not None:
            self.warnings.append(
                f"decoding broke off ({self._broken}); the {self.decoded_s:.2f} s before are used"
            )

    def require(self, minimum_s: float) -> None:
        """Call after iterating: raise if less than ``minimum_s`` seconds were delivered.

        Raises
        ------
        DecodeError
            If decoding broke off too early.
        EmptyAudioError
            If there was nothing at all.
        TooShortError
            If the audio is shorter.
        """
        path = self.info.path
        if self._delivered and self.decoded_s >= minimum_s:
            return
        needed = f"at least {minimum_s:g} s is needed"
        if self._broken is not None:
            raise DecodeError(
                path,
                f"decoding broke off after {self.decoded_s:.2f} s ({self._broken}), "
                f"{needed}; fetch or export the file again",
            )
        if not self._delivered:
            raise EmptyAudioError(path, "holds no audio; fetch or export it again")
        raise TooShortError(
            path, f"too short: {self.decoded_s:.2f} s, {needed}; name a longer recording"
        )
