"""Decoding with FFmpeg through PyAV: AAC, ALAC, WMA, video containers and more."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from moodtheme.audio.mono import Downmix
from moodtheme.audio.opened import OpenFile
from moodtheme.audio.pyav_container import choose_stream, open_container
from moodtheme.audio.resample import Resampler, Samples
from moodtheme.audio.sources import (
    FFMPEG,
    AudioInfo,
    BrokenOffError,
    Decoder,
    EncryptedError,
    UnsupportedError,
    check_claims,
)

# Containers whose index and clock place every packet to the sample. Elsewhere (Matroska and ASF
# count milliseconds, raw streams have no index) a place is reached by decoding up to it.
_EXACT_CONTAINERS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2"})
# Streams without a header: FFmpeg guesses their length from the first packets' bit rate.
_GUESSED_LENGTH = frozenset({"aac", "ac3", "eac3", "mp3", "dts", "loas"})
# Decoded and dropped after a seek, so that overlapping transforms are settled.
_PRE_ROLL_S = 0.5
# Errors in a row, without a frame between them, after which a file is given up.
_MOST_ERRORS = 1_000
# Samples from which on frames of one form are taken together: NumPy's price a call is then small
# beside the decoder's, and an excerpt decodes little that it does not want.
_TOGETHER = 8_192
# From this many planes on, PyAV reads past the end of a frame's list of planes.
_MOST_PLANES = 7
# Sample format without its planar mark: NumPy type, value of silence, factor to ±1.
_FORMATS: dict[str, tuple[type[np.generic], float, float]] = {
    "u8": (np.uint8, 2.0**7, 2.0**-7),
    "s16": (np.int16, 0.0, 2.0**-15),
    "s32": (np.int32, 0.0, 2.0**-31),
    "s64": (np.int64, 0.0, 2.0**-63),
    "flt": (np.float32, 0.0, 1.0),
    "dbl": (np.float64, 0.0, 1.0),
}
_NOTHING: Samples = np.zeros(0, dtype=np.float32)


class PyavSource:
    """A file open in FFmpeg. Its first audio stream that has a decoder counts, pictures do not.

    Parameters
    ----------
    file
        The file, whose closing is its opener's business.

    Raises
    ------
    UnsupportedError
        If FFmpeg finds no audio that it can decode.
    OSError
        If the system does not read the file.
    """

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._errors = self._changes = 0
        self._downmix = Downmix()
        self._first_change = ""
        self._adapter: Resampler | None = None
        self._container: Any = None
        try:
            first = self._start()
        except EncryptedError:
            self.close()
            raise
        except (av.FFmpegError, UnsupportedError, BrokenOffError, ValueError) as error:
            self.close()
            raise UnsupportedError(_reason(error)) from None
        except OSError:
            self.close()
            raise
        # Headers can be wrong about rate and channels (HE-AAC), frames are not.
        self._rate: int = first[0].sample_rate
        self._channels: int = first[0].layout.nb_channels
        self.info = AudioInfo(
            path=file.path,
            decoder=Decoder.PYAV,
            codec=self._stream.codec_context.name,
            sample_rate=self._rate,
            channels=self._channels,
            duration_s=self._duration_s(),
        )
        self._rest: Samples = self._at_own_rate(first)

    def _start(self) -> list[AudioFrame]:
        """Open the container and decode the first frame, which comes alone."""
        self._container = open_container(self._file)
        self.can_seek = self._container.format.name in _EXACT_CONTAINERS
        self._stream = choose_stream(self._container)
        # One thread a file: callers read several files at once.
        self._stream.codec_context.thread_count = 1
        self._frames = self._decode()
        first = next(self._frames, None)
        if first is None:
            raise UnsupportedError("its audio stream cannot be decoded")
        check_claims(first[0].sample_rate, first[0].layout.nb_channels)
        return first

    def _duration_s(self) -> float | None:
        if self._container.format.name in _GUESSED_LENGTH:
            return None
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None:
            return float(self._container.duration / av.time_base)
        return None

    def seek(self, frame: int) -> int:
        """Go to a little before ``frame`` where the container is exact, else stay at the start."""
        timestamp = round((frame / self.info.sample_rate - _PRE_ROLL_S) / self._stream.time_base)
        if timestamp <= 0 or not self.can_seek:
            return 0
        with FFMPEG:
            place = self._jump(timestamp)
        if 0 <= place <= frame:
            return place
        # A seek back to the start would miss what the decoder drops there: open again.
        with FFMPEG:
            self._container.close()
            try:
                self._rest = self._at_own_rate(self._start())
            except (av.FFmpegError, UnsupportedError) as error:
                raise BrokenOffError(_reason(error)) from None
        return 0

    def _jump(self, timestamp: int) -> int:
        """Seek and decode a frame; return the place of its first sample, -1 if unknown."""
        origin = self._stream.start_time or 0
        try:
            self._container.seek(origin + timestamp, stream=self._stream)
            self._frames = self._decode()
            first = next(self._frames, None)
        except (av.FFmpegError, BrokenOffError):
            return -1
        if first is None or first[0].pts is None:
            return -1
        self._adapter, self._rate = None, self.info.sample_rate
        self._rest = self._at_own_rate(first)
        return int((first[0].pts - origin) * self._stream.time_base * self.info.sample_rate)

    def read(self, frames: int) -> Samples:
        """At most ``frames`` mono samples; on an error those before it, then the error."""
        with FFMPEG:
            return self._read(frames)

    def _read(self, frames: int) -> Samples:
        block = np.empty(frames, dtype=np.float32)
        filled = 0
        while filled < frames:
            if not len(self._rest):
                try:
                    decoded = next(self._frames, None)
                    self._rest = self._flush() if decoded is None else self._at_own_rate(decoded)
                except BrokenOffError as error:
                    if not filled:
                        raise
                    self._frames = _gave_up(error)
                    break
                if decoded is None and not len(self._rest):
                    break
            taken = min(frames - filled, len(self._rest))
            block[filled : filled + taken] = self._rest[:taken]
            self._rest = self._rest[taken:]
            filled += taken
        return block[:filled]

    def _decode(self) -> Iterator[list[AudioFrame]]:
        """Decode: the first frame, then those together that follow one another in one form."""
        together: list[AudioFrame] = []
        samples, enough = 0, 1
        try:
            for frame in self._decode_frames():
                if together and _form(frame) != _form(together[0]):
                    yield together
                    together, samples = [], 0
                together.append(frame)
                samples += frame.samples
                if samples >= enough:
                    yield together
                    together, samples, enough = [], 0, _TOGETHER
        except BrokenOffError:
            if together:
                yield together
            raise
        if together:
            yield together

    def _decode_frames(self) -> Iterator[AudioFrame]:
        """Decode frame by frame, past packets that cannot be decoded."""
        in_a_row = 0
        while True:
            try:
                for frame in self._container.decode(self._stream):
                    self._errors += frame.is_corrupt
                    in_a_row = 0
                    yield frame
                return
            except (av.FFmpegError, ValueError) as error:
                self._errors += 1
                in_a_row += 1
                if in_a_row == _MOST_ERRORS:
                    raise BrokenOffError(_reason(error)) from None
            except OSError as error:
                raise BrokenOffError(_reason(error)) from None

    def _at_own_rate(self, frames: list[AudioFrame]) -> Samples:
        """Mono samples of frames at the file's first rate, even if the frames have another one."""
        frame = frames[0]
        if (frame.sample_rate, frame.layout.nb_channels) != (self._rate, self._channels):
            try:
                check_claims(frame.sample_rate, frame.layout.nb_channels)
            except UnsupportedError as error:
                raise BrokenOffError(str(error)) from None
            self._changes += 1
            self._channels = frame.layout.nb_channels
            change = f"{frame.sample_rate} Hz and {self._channels} channels"
            self._first_change = self._first_change or change
        samples = _mono(frames, self._downmix)
        if frame.sample_rate == self._rate:
            return samples if self._adapter is None else self._adapter.push(samples)
        rest = self._flush()
        self._rate = frame.sample_rate
        self._adapter = Resampler(self._rate, self.info.sample_rate)
        return np.concatenate([rest, self._adapter.push(samples)])

    def _flush(self) -> Samples:
        adapter, self._adapter = self._adapter, None
        return _NOTHING if adapter is None else adapter.finish()

    def notes(self) -> list[str]:
        """Packets that were damaged and changes on the way."""
        notes = self._downmix.notes()
        if self._errors:
            notes.append(f"{self._errors} damaged packets skipped or patched")
        if self._changes:
            notes.append(f"the format changes {self._changes} times, first to {self._first_change}")
        return notes

    def close(self) -> None:
        """Close the container, not the file."""
        if self._container is not None:
            with FFMPEG:
                self._container.close()
            self._container = None


def _form(frame: AudioFrame) -> tuple[int, int, str]:
    """What frames have in common that `_mono` takes together."""
    return frame.sample_rate, frame.layout.nb_channels, frame.format.name


def _mono(frames: list[AudioFrame], downmix: Downmix) -> Samples:
    """Mean of the channels of frames of one form, float32 on a scale of ±1."""
    channels, form = frames[0].layout.nb_channels, frames[0].format
    if form.is_planar and channels > _MOST_PLANES:
        packed = [av.AudioResampler(format="flt").resample(frame) for frame in frames]
        return _mono([part for parts in packed for part in parts], downmix)
    dtype, silence, factor = _FORMATS[form.name.removesuffix("p")]
    pieces: list[Any] = [(frame.planes, frame.samples) for frame in frames]

    def joined(number: int, width: int) -> npt.NDArray[Any]:
        return np.concatenate(
            [np.frombuffer(planes[number], dtype, count * width) for planes, count in pieces]
        )

    if form.is_planar:
        parts = [joined(channel, 1) for channel in range(channels)]
    else:
        parts = list(joined(0, channels).reshape(-1, channels).T)
    mono: Samples = parts[0].astype(np.float32)
    for part in parts[1:]:
        mono += part
    if silence:
        mono -= np.float32(silence * channels)
    mono *= np.float32(factor / channels)
    return mono if silence else downmix.check(mono, parts, scale=factor)


def _gave_up(error: BrokenOffError) -> Iterator[list[AudioFrame]]:
    """What follows the samples before an error: the error."""
    raise error
    yield []  # makes it a generator, which raises when it is asked


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".").lower()
