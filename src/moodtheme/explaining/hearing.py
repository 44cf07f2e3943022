"""Parts of a piece hidden from a model, in its audio, and what the model then says of the piece.

What is hidden is turned down by `HIDDEN_DB`, not put out: digital silence is itself out of the
ordinary for a model. Nothing is put in its place, which would be heard as well; noise as loud as
what was there tells apart whether a model goes by what happens there or by there being sound. Of a
piece that is heard again and again only changed windows are.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy import fft

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.audio import SILENCE_PEAK, ExcerptPolicy, audio_identity, read_audio
from moodtheme.errors import SilentAudioError
from moodtheme.explaining.regions import Region
from moodtheme.scores.decisions import logit
from moodtheme.tagging.answers import track_dimensions, track_scores
from moodtheme.tagging.ears import HeardWindow, MemberListening
from moodtheme.tagging.listening import Listening
from moodtheme.tagging.session import MemberSession
from moodtheme.tagging.tagger import Tagger
from moodtheme.tagging.windows import MINIMUM_S, Window, cut_excerpt, loop_to_length, slide_windows

HIDDEN_DB = 30.0
"""By how much hidden parts are turned down: to a thousandth of their power."""
FRAME_S = 0.064
"""About the length of an analysis frame: bins of 16 Hz keep bass apart, and a hidden stretch begins
and ends within a few hundredths of a second."""
_OVERLAP = 4  # frames over each sample: the squares of Hann windows then add up to 1.5
_SUM_OF_SQUARES = 1.5

_Complex = npt.NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class _Frames:
    """Analysis and synthesis at a sample rate, by overlapping Hann windows."""

    rate: int

    @property
    def size(self) -> int:
        """Samples of a frame: a power of two."""
        return int(2 ** round(np.log2(FRAME_S * self.rate)))

    @property
    def hop(self) -> int:
        """Samples between frames' starts."""
        return self.size // _OVERLAP

    @property
    def window(self) -> FloatArray:
        """The Hann window, periodic."""
        return np.asarray(np.hanning(self.size + 1)[:-1], np.float32)

    def analyse(self, audio: FloatArray) -> _Complex:
        """Spectra of all whole frames of audio, shape (frames, size / 2 + 1)."""
        framed = np.lib.stride_tricks.sliding_window_view(audio, self.size)[:: self.hop]
        return fft.rfft(framed * self.window, axis=1).astype(np.complex64)

    def synthesise(self, spectra: _Complex) -> FloatArray:
        """The sum of the frames' signals, shape ((frames + 3) · hop,)."""
        signals = fft.irfft(spectra, self.size, axis=1) * (self.window / _SUM_OF_SQUARES)
        audio = np.zeros((len(spectra) + _OVERLAP - 1) * self.hop)
        for part in range(_OVERLAP):
            piece = signals[:, part * self.hop : (part + 1) * self.hop].ravel()
            audio[part * self.hop : part * self.hop + len(piece)] += piece
        return audio.astype(np.float32)


def hide(audio: FloatArray, region: Region, rate: int, *, start_s: float = 0.0) -> FloatArray:
    """Audio with a region turned down.

    Parameters
    ----------
    audio
        Float32 mono, shape (samples,).
    region
        In the piece's time.
    rate
        Of the audio, in Hz.
    start_s
        Where in the piece the audio begins.

    Returns
    -------
    ndarray, shape (samples,)
        The same array where the region does not touch it.
    """
    frames = _Frames(rate)
    hop, size = frames.hop, frames.size
    edge = size - hop  # of silence, so that each sample is in as many frames
    whole = -(-(len(audio) + 2 * edge - size) // hop) * hop + size
    padded = np.pad(audio, (edge, whole - len(audio) - edge))
    # Of the frame's middle, in samples of the audio.
    middles = np.arange((whole - size) // hop + 1) * hop + size // 2 - edge
    bins = np.arange(size // 2 + 1) * (rate / size)
    outside = (bins < region.low_hz) | (bins >= region.high_hz)
    changed: FloatArray | None = None
    for begin_s, end_s in region.spans_s:
        first, last = np.searchsorted(
            middles, [(begin_s - start_s) * rate, (end_s - start_s) * rate]
        ).tolist()
        if first >= last or outside.all():
            continue
        part = slice(first * hop, (last - 1) * hop + size)
        spectra = frames.analyse(padded[part])
        spectra[:, outside] = 0
        changed = padded.copy() if changed is None else changed
        changed[part] -= frames.synthesise(spectra) * (1 - 10 ** (-HIDDEN_DB / 20))
    if changed is None:
        return audio
    return changed[edge : edge + len(audio)]


def drown(audio: FloatArray, region: Region, rate: int, *, start_s: float = 0.0) -> FloatArray:
    """Audio with noise in place of a region, as loud as what it replaces; as `hide` otherwise.

    The noise is the same every time, white within the region.
    """
    hidden = hide(audio, region, rate, start_s=start_s)
    if hidden is audio:
        return audio
    white = np.random.default_rng(0).standard_normal(len(audio)).astype(np.float32)
    noise = white - hide(white, region, rate, start_s=start_s)
    gain = np.sqrt(np.mean((audio - hidden) ** 2) / max(float(np.mean(noise**2)), 1e-20))
    return np.asarray(hidden + noise * np.float32(gain))


# --- hearing -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A member, its windows with sound, and what it says of them as they are."""

    session: MemberSession
    windows: tuple[Window, ...]
    heard: tuple[HeardWindow, ...]


class HeardPiece:
    """A piece as a model hears it, and with parts hidden.

    Attributes
    ----------
    windows_heard
        How many windows the model has heard so far, the piece as it is included.

    Raises
    ------
    AudioError
        If the file cannot be used, or is silent.
    """

    def __init__(self, tagger: Tagger, path: str | os.PathLike[str]) -> None:
        self.windows_heard = 0
        self.duration_s = 0.0
        self._parts: list[_Part] = []
        warnings: list[str] = []
        for session in tagger.sessions:
            rate = session.member.sample_rate
            audio = read_audio(path, sample_rate=rate, minimum_s=MINIMUM_S)
            warnings += audio.warnings
            self.duration_s = audio.duration_s
            self._parts.append(self._part(session, audio.samples))
        if not all(part.heard for part in self._parts):
            raise SilentAudioError(Path(path), "silent: no peak above -80 dBFS; check the file")
        self.listening = Listening(
            tagger.bundle,
            Path(path),
            self.duration_s,
            audio_identity(path),
            tuple(MemberListening(part.session.member, part.heard, {}) for part in self._parts),
            tuple(dict.fromkeys(warnings)),
            relative_to=tagger.relative_to,
        )

    @property
    def windows(self) -> int:
        """How many windows hearing all of it takes."""
        return sum(len(part.windows) for part in self._parts)

    @property
    def top_hz(self) -> float:
        """Up to which frequency the model can hear."""
        return max(part.session.member.sample_rate for part in self._parts) / 2

    def without(self, region: Region) -> Listening:
        """The piece heard with a region hidden."""
        return self.heard_through(
            lambda audio, rate, start_s: hide(audio, region, rate, start_s=start_s)
        )

    def drowned(self, region: Region) -> Listening:
        """The piece heard with noise in place of a region, as loud as what it replaces."""
        return self.heard_through(
            lambda audio, rate, start_s: drown(audio, region, rate, start_s=start_s)
        )

    def only(self, region: Region) -> Listening:
        """The piece heard with all but a region hidden."""

        def keep(audio: FloatArray, rate: int, start_s: float) -> FloatArray:
            hidden = hide(audio, region, rate, start_s=start_s)
            return audio - hidden + audio * np.float32(10 ** (-HIDDEN_DB / 20))

        return self.heard_through(keep)

    def heard_through(self, change: Callable[[FloatArray, int, float], FloatArray]) -> Listening:
        """The piece heard with its windows changed.

        `change` takes a window's audio, its rate and where in the piece it begins, in seconds; it
        gives the same array for no change, and the window is not heard again.
        """
        members = []
        for part in self._parts:
            rate = part.session.member.sample_rate
            heard = []
            for window, before in zip(part.windows, part.heard, strict=True):
                shown = window.audio[: window.length]
                changed = change(shown, rate, window.start / rate)
                if changed is shown:
                    heard.append(before)
                    continue
                looped = loop_to_length(changed, len(window.audio))
                heard.append(self._hear(part.session, replace(window, audio=looped)))
            members.append(MemberListening(part.session.member, tuple(heard), {}))
        return replace(self.listening, members=tuple(members))

    def _part(self, session: MemberSession, samples: FloatArray) -> _Part:
        member = session.member
        if member.policy is ExcerptPolicy.COVER:
            windows = list(slide_windows([samples], samples=member.samples))
        else:
            windows = [cut_excerpt(samples, samples=member.samples, policy=member.policy)]
        windows = [w for w in windows if float(np.abs(w.audio).max()) >= SILENCE_PEAK]
        heard = tuple(self._hear(session, window) for window in windows)
        return _Part(session, tuple(windows), heard)

    def _hear(self, session: MemberSession, window: Window) -> HeardWindow:
        said = session.hear(window.audio[None])
        self.windows_heard += 1
        place = window.start, window.length, window.weight
        return HeardWindow.of(place, session.member.sample_rate, said, 0)


def readings(listening: Listening) -> Float64Array:
    """What effects are differences of: the tags' logits, then the dimensions' values."""
    dimensions = track_dimensions(listening)
    values = logit(track_scores(listening))
    return values if dimensions is None else np.concatenate([values, dimensions])
