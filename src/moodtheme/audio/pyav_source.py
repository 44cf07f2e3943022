"""Decoding with FFmpeg through PyAV: AAC, ALAC, WMA, video containers and more."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame

from moodtheme.audio.resample import Resampler, Samples
from moodtheme.audio.sources import (
    AudioInfo,
    BrokenOffError,
    Decoder,
    UnsupportedError,
    check_claims,
)

# Containers whose index and clock place every packet to the sample. Elsewhere (Matroska and ASF
# count in milliseconds, ADTS has no index) an excerpt is reached by decoding up to it.
_EXACT_CONTAINERS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2"})
# Decoded and thrown away after a seek, so that overlapping transforms are settled.
_PRE_ROLL_S = 0.5
# Damaged packets in a row after which a file is given up.
_MOST_DAMAGED = 500


class PyavSource:
    """A file open in FFmpeg.

    Parameters
    ----------
    path
        A regular file.

    Raises
    ------
    UnsupportedError
        If FFmpeg finds no audio that it can decode.
    OSError
        If the system does not open the file.
    """

    def __init__(self, path: Path) -> None:
        self.warnings: list[str] = []
        # Opened here rather than by FFmpeg: no name is taken for a URL or format hint, and no
        # playlist inside the file can make FFmpeg open another one.
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._handle = os.fdopen(self._descriptor, "rb", buffering=0, closefd=True)
        self._container: Any = None
        try:
            self._container = av.open(
                _Nameless(self._handle), metadata_errors="ignore", io_open=_refuse
            )
            self._stream = self._find_stream()
        except UnsupportedError:
            self.close()
            raise
        except (av.FFmpegError, ValueError, RuntimeError, UnicodeError) as error:
            self.close()
            raise UnsupportedError(_reason(error)) from None
        context = self._stream.codec_context
        self.info = AudioInfo(
            path=path,
            decoder=Decoder.PYAV,
            codec=context.name,
            sample_rate=context.sample_rate,
            channels=context.layout.nb_channels,
            duration_s=self._duration_s(),
        )
        self._frames = self._decode()
        self._rate = self.info.sample_rate
        self._adapter: Resampler | None = None
        self._pending: list[Samples] = []
        self._skip = 0
        self._damaged = 0

    def _find_stream(self) -> Any:
        streams = self._container.streams
        usable = [stream for stream in streams.audio if stream.codec_context is not None]
        if not usable:
            if streams.audio:
                raise UnsupportedError("no decoder for its audio codec")
            raise UnsupportedError("no audio stream")
        chosen = usable[0]
        for stream in streams:
            if stream is not chosen:
                stream.discard = "all"
        context = chosen.codec_context
        context.thread_count = 1
        check_claims(context.sample_rate, context.layout.nb_channels)
        return chosen

    def _duration_s(self) -> float | None:
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None:
            return float(self._container.duration / av.time_base)
        return None

    def seek(self, frame: int) -> int:
        """Go to ``frame`` where the container allows that to the sample, else stay."""
        stream = self._stream
        start_s = frame / self.info.sample_rate - _PRE_ROLL_S
        if start_s <= 0 or self._container.format.name not in _EXACT_CONTAINERS:
            return 0
        origin = stream.start_time or 0
        try:
            self._container.seek(int(start_s / stream.time_base) + origin, stream=stream)
            self._frames = self._decode()
            first = next(self._frames)
        except (av.FFmpegError, StopIteration, BrokenOffError):
            return self._rewind()
        if first.pts is None:
            return self._rewind()
        where = round((first.pts - origin) * stream.time_base * self.info.sample_rate)
        if where > frame:
            return self._rewind()
        self._accept(first)
        self._skip = frame - where
        return frame

    def _rewind(self) -> int:
        try:
            self._container.seek(self._stream.start_time or 0, stream=self._stream)
        except av.FFmpegError as error:
            raise BrokenOffError(_reason(error)) from None
        self._frames = self._decode()
        return 0

    def read(self, frames: int) -> Samples:
        """At least one and about ``frames`` mono samples; empty at the end."""
        have = sum(map(len, self._pending))
        broken: BrokenOffError | None = None
        while have < frames + self._skip:
            try:
                frame = next(self._frames, None)
            except BrokenOffError as error:
                broken = error
                break
            if frame is None:
                if self._adapter is not None:
                    self._pending.append(self._adapter.finish())
                    self._adapter = None
                break
            have += self._accept(frame)
        if not self._pending:
            if broken is not None:
                raise broken
            return np.zeros(0, dtype=np.float32)
        block = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
        self._pending = []
        skipped = min(self._skip, len(block))
        self._skip -= skipped
        return block[skipped:]

    def _decode(self) -> Iterator[AudioFrame]:
        """Decode frame by frame, past damaged packets."""
        in_a_row = 0
        while True:
            try:
                for frame in self._container.decode(self._stream):
                    in_a_row = 0
                    yield frame
                return
            except (av.FFmpegError, ValueError) as error:
                self._damaged += 1
                in_a_row += 1
                if in_a_row >= _MOST_DAMAGED:
                    raise BrokenOffError(_reason(error)) from None

    def _accept(self, frame: AudioFrame) -> int:
        """Put a frame's samples at the end of what is pending; return how many."""
        samples = _mono(frame)
        if frame.sample_rate != self._rate:
            self._rate = frame.sample_rate
            if self._adapter is not None:
                self._pending.append(self._adapter.finish())
            self._adapter = Resampler(self._rate, self.info.sample_rate)
            self.warnings.append(f"the sample rate changes to {self._rate} Hz on the way")
        if self._adapter is not None:
            samples = self._adapter.push(samples)
        self._pending.append(samples)
        return len(samples)

    def close(self) -> None:
        """Close the container and the file."""
        if self._container is not None:
            self._container.close()
            self._container = None
        self._handle.close()


class _Nameless:
    """A file object whose name FFmpeg cannot take as a hint."""

    def __init__(self, handle: Any) -> None:
        self.read = handle.read
        self.seek = handle.seek
        self.tell = handle.tell


def _refuse(url: str, flags: int, options: dict[str, str]) -> Any:
    raise PermissionError(f"a file may not open another one ({url})")


def _mono(frame: AudioFrame) -> Samples:
    """Mean of a frame's channels, float32 on a scale of ±1."""
    kind = frame.format.name.removesuffix("p")
    channels = frame.layout.nb_channels
    count = frame.samples
    dtype, scale, offset = _FORMATS[kind]
    planes: Any = frame.planes
    if frame.format.is_planar:
        parts = [np.frombuffer(plane, dtype, count) for plane in planes[:channels]]
    else:
        packed = np.frombuffer(planes[0], dtype, count * channels).reshape(count, channels)
        parts = [packed[:, channel] for channel in range(channels)]
    mono: Samples = parts[0].astype(np.float32)
    for part in parts[1:]:
        mono += part
    if offset:
        mono += np.float32(offset * channels)
    mono *= np.float32(scale / channels)
    return mono


# Sample format: NumPy type, factor to ±1, value of silence with its sign turned.
_FORMATS: dict[str, tuple[type[np.generic], float, float]] = {
    "u8": (np.uint8, 1 / 2**7, -128.0),
    "s16": (np.int16, 1 / 2**15, 0.0),
    "s32": (np.int32, 1 / 2**31, 0.0),
    "s64": (np.int64, 1 / 2**63, 0.0),
    "flt": (np.float32, 1.0, 0.0),
    "dbl": (np.float64, 1.0, 0.0),
}


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".").lower()
