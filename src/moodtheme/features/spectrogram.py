"""Spectra as plain matrix products, so that a front end can live inside an exported graph.

A graph without an STFT or DFT operator runs wherever a matrix product runs. A short transform is
one product with a DFT matrix (`MelSpectrogram`); of a longer one, that pays in time and in size,
two small products make less (`two_step_dft`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from moodtheme.arrays import Float64Array
from moodtheme.features.mel import mel_filters

_FLOOR_DB = -80.0
_AMPLITUDE_FLOOR = 1e-10  # kapre's amin
_DEVIATION_FLOOR = 1e-10  # kapre's eps of the normalisation


def in_float32(compute: Callable[[Tensor], Tensor], audio: Tensor) -> Tensor:
    """Compute in float32 always; half precision drowns what lies 40 dB below the loudest."""
    # Asked first, so that nothing about it is traced when the module is exported.
    if torch.is_autocast_enabled(audio.device.type):
        with torch.autocast(audio.device.type, enabled=False):
            return compute(audio.float())
    return compute(audio)


class MelSpectrogram(nn.Module):
    """Power mel spectrogram over half-overlapping frames.

    The DFT matrix is folded: about the middle of the frame the cosine only sees the even part of
    the samples and the sine only the odd part, which halves the work. Power does not depend on
    where the phase is counted from, so nothing else changes.

    Parameters
    ----------
    sample_rate
        In Hz.
    n_fft
        Frame length in samples, even; the hop is half of it.
    n_mels, f_min, f_max
        See `moodtheme.features.mel.mel_filters`.
    window
        Shape (n_fft,).

    Notes
    -----
    Input: float32 ``(batch, samples)`` with ``samples`` a multiple of the hop. Output:
    ``(batch, frames, n_mels)`` with ``frames = samples / hop - 1``.
    """

    window: Tensor
    cosine: Tensor
    sine: Tensor
    filters: Tensor

    def __init__(
        self,
        *,
        sample_rate: int,
        n_fft: int,
        n_mels: int,
        f_min: float,
        f_max: float,
        window: Tensor,
    ) -> None:
        super().__init__()
        if n_fft % 2:
            raise ValueError(f"n_fft must be even, not {n_fft}")
        self.hop = n_fft // 2
        filters = mel_filters(
            sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels, f_min=f_min, f_max=f_max
        )
        # Bins that no filter touches need no transform.
        used = np.flatnonzero(filters.sum(axis=0))
        first, last = int(used[0]), int(used[-1]) + 1
        offset = torch.arange(self.hop, dtype=torch.float64) + 0.5
        bins = torch.arange(first, last, dtype=torch.float64)
        angle = (2 * math.pi / n_fft) * offset[:, None] * bins[None, :]
        constants = {
            "window": window,
            "cosine": torch.cos(angle),
            "sine": torch.sin(angle),
            "filters": torch.from_numpy(filters[:, first:last].T.copy()),
        }
        for name, value in constants.items():
            self.register_buffer(name, value.float(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Power mel spectrogram ``(batch, frames, n_mels)`` of ``(batch, samples)``."""
        blocks = audio.reshape(audio.shape[0], -1, self.hop)
        first = torch.flip(blocks[:, :-1] * self.window[: self.hop], dims=(2,))
        second = blocks[:, 1:] * self.window[self.hop :]
        real = torch.matmul(first + second, self.cosine)
        imaginary = torch.matmul(second - first, self.sine)
        return torch.matmul(real * real + imaginary * imaginary, self.filters)


class CrnnLogMel(nn.Module):
    """The CRNNs' log-mel spectrogram: what kapre 0.1's ``Melspectrogram`` layer computes.

    The paper names the numbers (section 2.1: 16 kHz, 64 bands, window 512, hop 256); the rest is
    the behaviour of kapre in the authors' code: periodic Hann window, padding as TensorFlow's
    ``same``, Slaney bands from 125 to 7,500 Hz, the *square root* of their power in decibel below
    the clip's maximum, −80 dB at least, then zero mean and unit variance for each band
    (`normalise_bands`).

    Notes
    -----
    Input: float32 mono ``(batch, samples)`` at 16 kHz, ±1. Output: ``(batch, frames, 64)`` from
    −80 to 0 with ``frames = ceil(samples / 256)``: 1,250 for 20 s. Silence gives 0 everywhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mel = MelSpectrogram(
            sample_rate=16_000,
            n_fft=512,
            n_mels=64,
            f_min=125.0,
            f_max=7_500.0,
            window=torch.hann_window(512, periodic=True, dtype=torch.float64),
        )

    def forward(self, audio: Tensor) -> Tensor:
        """Decibel below the maximum."""
        return in_float32(self._decibel, audio)

    def _decibel(self, audio: Tensor) -> Tensor:
        frames = -(-audio.shape[1] // self.mel.hop)
        # TensorFlow's "same": as many frames as hops, what is missing divided over both ends.
        missing = (frames + 1) * self.mel.hop - audio.shape[1]
        power = self.mel(F.pad(audio, (missing // 2, missing - missing // 2)))
        # 10·log10(√power) = 5·log10(power)
        level = (5.0 / math.log(10.0)) * torch.log(torch.clamp(power, min=_AMPLITUDE_FLOOR**2))
        loudest = torch.amax(level, dim=(1, 2), keepdim=True)
        return torch.clamp(level - loudest, min=_FLOOR_DB)


def normalise_bands(level_db: Tensor) -> Tensor:
    """Zero mean and unit variance over time, for each clip and band.

    kapre takes mean and variance over the whole batch as well, so that a training clip looks
    different with other batch mates and differently again when it is tested alone. Here a clip is
    always normalised by itself.

    Parameters
    ----------
    level_db
        ``(batch, frames, bands)``.

    Returns
    -------
    Tensor
        Of the same shape; a band that never changes is 0.
    """
    # From the band's maximum, an unchanging band is exactly 0 and its rounding is not blown up.
    below = level_db - torch.amax(level_db, dim=1, keepdim=True)
    centred = below - torch.mean(below, dim=1, keepdim=True)
    deviation = torch.sqrt(torch.mean(centred * centred, dim=1, keepdim=True))
    return centred / (deviation + _DEVIATION_FLOOR)


def add_noise(level_db: Tensor, clip_seeds: Tensor, *, power: float) -> Tensor:
    """Add white noise to decibel values, as kapre's ``AdditiveNoise`` does in training.

    kapre draws the noise's standard deviation from [0, power] once a run, though its documentation
    says once a batch; here it is drawn for each clip.

    Parameters
    ----------
    level_db
        ``(batch, frames, bands)``.
    clip_seeds
        int64 ``(batch,)``: all that a clip's noise depends on, besides the kind of device.
    power
        Highest standard deviation, in dB.
    """
    noise = torch.empty_like(level_db)
    for row, seed in zip(noise, clip_seeds.tolist(), strict=True):
        generator = torch.Generator(device=level_db.device).manual_seed(seed)
        deviation = torch.rand((), generator=generator, device=level_db.device) * power
        row.normal_(generator=generator).mul_(deviation)
    return level_db + noise


@dataclass(frozen=True, eq=False)
class TwoStepDft:
    """The matrices of a transform of `n` real samples (Cooley and Tukey's step, taken once).

    With ``n = first · second`` samples in rows of `second`, the transform is one along the columns,
    then one along each row, with the twiddle factors between them folded into the second: for 2,048
    samples an eighth of the work and a sixtieth of the constants.

    Attributes
    ----------
    columns
        ``(2 · k, first)``: with a frame as ``(first, second)``, the product ``columns @ frame`` is
        real part and imaginary part, in turn, of each of ``k = first // 2 + 1`` rows.
    rows
        ``(k, 2 · second, 2 · second)``: from a row's real part followed by its imaginary part
        to those of `second` values of the transform.
    order
        ``(n // 2 + 1,)``: where each bin lies among the ``k · second`` values. Some are the
        conjugate of their bin, which does not matter to power or to the real part.
    """

    columns: Float64Array
    rows: Float64Array
    order: npt.NDArray[np.intp]


@lru_cache(maxsize=8)
def two_step_dft(n: int) -> TwoStepDft:
    """Factor a transform of `n` samples into the two steps that cost least."""
    divisors = [d for d in range(1, n + 1) if n % d == 0]
    # Products a sample: (first + 2) in the columns, 4 · second · k / first in the rows.
    first = min(divisors, key=lambda d: d + 2 + 4 * (n // d) * (d // 2 + 1) / d)
    second = n // first
    kept = np.arange(first // 2 + 1)
    angle = (2 * np.pi / first) * np.outer(kept, np.arange(first))
    columns = np.stack([np.cos(angle), -np.sin(angle)], axis=1).reshape(2 * len(kept), first)
    bins = kept[:, None] + first * np.arange(second)
    turn = (2 * np.pi / n) * (bins[:, :, None] * np.arange(second) % n)
    cosine, sine = np.cos(turn), np.sin(turn)
    rows = np.block([[cosine, sine], [-sine, cosine]])
    wanted = np.arange(n // 2 + 1)
    # A real signal's bin n − b is the conjugate of bin b.
    mirrored = np.where(wanted % first <= first // 2, wanted, n - wanted)
    return TwoStepDft(columns, rows, (mirrored % first) * second + mirrored // first)
