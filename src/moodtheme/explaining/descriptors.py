"""A few musical descriptors of a piece, beside an explanation and never as its cause.

They are computed with librosa from the middle of a piece, and said as places among other music,
whose quantiles stand in the file beside this module, made by ``scripts/measure_descriptors.py``.
"""

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.util import find_spec

import msgspec
import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.audio import ExcerptPolicy, read_excerpt
from moodtheme.errors import MissingExtraError, UsageError
from moodtheme.fetched import cache_dir
from moodtheme.files import locked
from moodtheme.scores.decisions import standing

RATE = 22_050
"""Of the audio that is described, in Hz: librosa's own default, up to 11 kHz."""
EXCERPT_S = 60.0
"""Of the middle of a piece; a shorter one is measured whole."""
_HOP = 512
_N_FFT = 2048
# Krumhansl and Kessler (1982): how well each of the twelve tones fits a major and a minor key,
# from the keynote up.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_LOWEST_NOTE_HZ, _HIGHEST_NOTE_HZ = 40.0, 2_000.0


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One descriptor of a piece.

    Attributes
    ----------
    name
        ``tempo`` in beats a minute; ``register``, the mean pitch of the sound between 40 Hz and
        2 kHz, in semitones above 440 Hz; ``brightness``, the centroid of the power spectrum in Hz;
        ``attack``, by how many dB a mel band rises on average where notes begin; ``percussion``,
        the share of power in what is short and broad; ``mode``, by how much a major key fits
        better than a minor one, as a difference of correlations.
    value
        In that unit.
    standing
        Share of the reference music with less, in [0, 1].
    """

    name: str
    value: float
    standing: float


@dataclass(frozen=True, slots=True)
class Described:
    """All descriptors of a piece, and among which music it stands."""

    descriptors: tuple[Descriptor, ...]
    music: str
    tracks: int


class DescriptorReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Quantiles of the descriptors over other music.

    Attributes
    ----------
    music, tracks
        Which, and how many tracks.
    levels
        Shares of the tracks, rising.
    quantiles
        For each descriptor, its values at the levels.
    """

    music: str
    tracks: int
    levels: tuple[float, ...]
    quantiles: dict[str, tuple[float, ...]]


def can_describe() -> bool:
    """Whether librosa is installed."""
    return find_spec("librosa") is not None


def describe(path: str | os.PathLike[str]) -> Described:
    """Descriptors of a piece, and where they lie among other music.

    Raises
    ------
    AudioError
        If the file cannot be used.
    MissingExtraError
        If librosa is not installed.
    """
    reference = _reference()
    values = measure(path)
    placed = standing(
        np.array(list(values.values())),
        reference.levels,
        [reference.quantiles[name] for name in values],
    )
    return Described(
        tuple(
            Descriptor(name, value, float(share))
            for (name, value), share in zip(values.items(), placed, strict=True)
        ),
        reference.music,
        reference.tracks,
    )


def measure(path: str | os.PathLike[str]) -> dict[str, float]:
    """Values of the descriptors by name, without their places; raises as `describe`."""
    if not can_describe():
        raise MissingExtraError("describing tempo, register and the like", "explain")
    import librosa

    _compile()
    audio = read_excerpt(
        path, sample_rate=RATE, length_s=EXCERPT_S, policy=ExcerptPolicy.CENTRE, minimum_s=1.0
    ).samples
    spectrum = np.abs(librosa.stft(audio, n_fft=_N_FFT, hop_length=_HOP))
    power = spectrum**2
    hertz = librosa.fft_frequencies(sr=RATE, n_fft=_N_FFT)
    mel = librosa.feature.melspectrogram(S=power, sr=RATE, n_mels=96)
    onsets = librosa.onset.onset_strength(S=librosa.power_to_db(mel, ref=np.max), sr=RATE)
    harmonic, percussive = librosa.decompose.hpss(np.sqrt(mel))
    highest_rises = np.sort(onsets)[-max(len(onsets) // 10, 1) :]
    found = {
        "tempo": librosa.feature.tempo(onset_envelope=onsets, sr=RATE)[0],
        "register": _register(power, hertz),
        "brightness": (power.sum(axis=1) @ hertz) / max(power.sum(), 1e-20),
        "attack": highest_rises.mean(),
        "percussion": np.sum(percussive**2) / max(np.sum(percussive**2 + harmonic**2), 1e-20),
        "mode": _mode(librosa.feature.chroma_stft(S=power, sr=RATE).mean(axis=1)),
    }
    return {name: float(value) for name, value in found.items()}


@cache
def _compile() -> None:
    """Have what numba compiles for librosa made by one process at a time.

    It is kept beside librosa for all, and two processes that write it at once leave files at which
    every later one crashes.
    """
    import librosa

    noise = np.random.default_rng(0).random((1 + _N_FFT // 2, 8), dtype=np.float32)
    with ExitStack() as stack:
        with suppress(OSError, UsageError):  # nothing can be locked there: as well as can be
            cache_dir().mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(cache_dir() / "librosa"))
        librosa.feature.chroma_stft(S=noise, sr=RATE)


def _register(power: FloatArray, hertz: FloatArray) -> float:
    """Mean pitch, weighted by amplitude, so that the loudest note is not all."""
    within = (hertz >= _LOWEST_NOTE_HZ) & (hertz <= _HIGHEST_NOTE_HZ)
    weights = np.sqrt(power[within].mean(axis=1))
    # As many bins in a high octave as in all below it: each weighs what it spans.
    weights = weights / hertz[within]
    return float((weights @ (12 * np.log2(hertz[within] / 440))) / max(weights.sum(), 1e-20))


def _mode(chroma: FloatArray) -> float:
    """Correlation with the best major key less that with the best minor one."""

    def best(profile: tuple[float, ...]) -> float:
        return max(float(np.corrcoef(np.roll(profile, tone), chroma)[0, 1]) for tone in range(12))

    return best(_MAJOR) - best(_MINOR) if chroma.std() > 0 else 0.0


@cache
def _reference() -> DescriptorReference:
    file = resources.files("moodtheme.explaining").joinpath("descriptors.json")
    return msgspec.json.decode(file.read_bytes(), type=DescriptorReference)
