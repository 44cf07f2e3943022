"""The CRNNs' log-mel spectrogram: what kapre 0.1's ``Melspectrogram`` layer computes.

The paper names the numbers (section 2.1: 16 kHz, 64 bands, window 512, hop 256); the rest is the
behaviour of kapre in the authors' code: periodic Hann window, padding as TensorFlow's ``same``,
Slaney bands from 125 to 7,500 Hz, the *square root* of their power in decibel below the clip's
maximum, −80 dB at least, then zero mean and unit variance for each band.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from moodtheme.features.spectrogram import MelSpectrogram

SAMPLE_RATE = 16_000
N_FFT = 512
HOP = N_FFT // 2
N_MELS = 64
F_MIN = 125.0
F_MAX = 7_500.0
FLOOR_DB = -80.0
_AMPLITUDE_FLOOR = 1e-10  # kapre's amin
_DEVIATION_FLOOR = 1e-10  # kapre's eps of the normalisation


class CrnnLogMel(nn.Module):
    """Log-mel spectrogram in decibel below the clip's maximum.

    Notes
    -----
    Input: float32 mono ``(batch, samples)`` at 16 kHz, ±1. Output: ``(batch, frames, 64)`` from
    −80 to 0 with ``frames = ceil(samples / 256)``: 1,250 for 20 s. Silence gives 0 everywhere.

    Always computed in float32: half precision would drown what lies 40 dB below the maximum.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mel = MelSpectrogram(
            sample_rate=SAMPLE_RATE,
            n_fft=N_FFT,
            n_mels=N_MELS,
            f_min=F_MIN,
            f_max=F_MAX,
            window=torch.hann_window(N_FFT, periodic=True, dtype=torch.float64),
        )

    def forward(self, audio: Tensor) -> Tensor:
        """Decibel below the maximum."""
        # Asked first, so that nothing about it is traced when the module is exported.
        if torch.is_autocast_enabled(audio.device.type):
            with torch.autocast(audio.device.type, enabled=False):
                return self._decibel(audio.float())
        return self._decibel(audio)

    def _decibel(self, audio: Tensor) -> Tensor:
        frames = -(-audio.shape[1] // HOP)
        # TensorFlow's "same": as many frames as hops, what is missing divided over both ends.
        missing = (frames - 1) * HOP + N_FFT - audio.shape[1]
        power = self.mel(F.pad(audio, (missing // 2, missing - missing // 2)))
        # 10·log10(√power) = 5·log10(power)
        level = (5.0 / math.log(10.0)) * torch.log(torch.clamp(power, min=_AMPLITUDE_FLOOR**2))
        loudest = torch.amax(level, dim=(1, 2), keepdim=True)
        return torch.clamp(level - loudest, min=FLOOR_DB)


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
