"""``moodtheme-small``: a small convolutional network that hears whole windows as its teachers do.

Its input is brought to one level first, so that loudness cannot decide the mood, and becomes a
log-mel spectrogram (frames of 48 ms every 32 ms, 96 bands to 8 kHz) through a Fourier transform
taken in two steps, which costs a fifth of a plain product with a DFT matrix. A strided stem, four
strided convolutions and two convolutions over time end in mean, deviation and maximum over the
window, and those in an embedding that everything else is a linear reading of. All numbers here are
ours.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.features.mel import mel_filters
from moodtheme.features.spectrogram import two_step_dft

SAMPLE_RATE = 16_000
N_FFT = 768  # 48 ms
HOP = 512
N_MELS = 96
F_MIN, F_MAX = 30.0, 8_000.0
FRAMES = 909
EXCERPT_SAMPLES = (FRAMES + 1) * HOP  # 29.12 s: just longer than what the teachers hear at once
_LEVEL_FLOOR = 1e-5  # -100 dBFS RMS; below it the gain stops growing
_POWER_FLOOR = 1e-7  # about 80 dB below white noise of the window's level

EMBEDDING = 512
_STEM = 32
_CONVOLUTIONS = (64, 128, 192, 320)  # each halves time and frequency
_BANDS_LEFT = N_MELS // 2 ** (1 + len(_CONVOLUTIONS))
_OVER_TIME = 512


class SmallFrontEnd(nn.Module):
    """Level-invariant log-mel spectrogram ``(batch, 96, 909)`` of 16 kHz audio, in dB."""

    window: Tensor
    columns: Tensor
    rows: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        dft = two_step_dft(N_FFT)
        bands = np.zeros((N_MELS, dft.rows.shape[0] * dft.rows.shape[1] // 2))
        # The filters take the bins in the order in which the transform leaves them.
        bands[:, dft.order] = mel_filters(
            sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS, f_min=F_MIN, f_max=F_MAX
        )
        constants = {
            "window": torch.hann_window(N_FFT, dtype=torch.float64)[:, None],
            "columns": torch.from_numpy(dft.columns),
            "rows": torch.from_numpy(dft.rows),
            "filters": torch.from_numpy(bands),
        }
        for name, value in constants.items():
            self.register_buffer(name, value.float(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Decibel of mel power after bringing the window ``(batch, 465920)`` to 0 dBFS RMS."""
        level = torch.sqrt(torch.mean(audio * audio, dim=1, keepdim=True))
        blocks = (audio / torch.clamp(level, min=_LEVEL_FLOOR)).reshape(audio.shape[0], -1, HOP)
        blocks = blocks.transpose(1, 2)
        rest = blocks[:, : N_FFT - HOP, 1:]
        frames = torch.cat([blocks[:, :, :-1], rest], dim=1) * self.window
        kept, parts = self.rows.shape[:2]
        half = torch.matmul(self.columns, frames.reshape(audio.shape[0], self.columns.shape[1], -1))
        spectrum = torch.matmul(self.rows, half.reshape(audio.shape[0], kept, parts, FRAMES))
        squares = spectrum * spectrum
        power = squares[:, :, : parts // 2] + squares[:, :, parts // 2 :]
        mel = torch.matmul(self.filters, power.reshape(audio.shape[0], kept * parts // 2, FRAMES))
        return (10.0 / math.log(10.0)) * torch.log(torch.clamp(mel, min=_POWER_FLOOR))


def _convolution(
    width: int, channels: int, size: tuple[int, int], stride: tuple[int, int]
) -> nn.Sequential:
    padding = (size[0] // 2, size[1] // 2)
    return nn.Sequential(
        nn.Conv2d(width, channels, size, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


class SmallNetwork(nn.Module):
    """Log-mel spectrogram ``(batch, 96, 909)`` to an embedding ``(batch, 512)``."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm1d(N_MELS)
        layers = [_convolution(1, _STEM, (5, 7), (2, 3))]
        width = _STEM
        for channels in _CONVOLUTIONS:
            layers.append(_convolution(width, channels, (3, 3), (2, 2)))
            width = channels
        self.convolutions = nn.Sequential(*layers)
        self.over_time = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(channels, _OVER_TIME, 3, padding=1, bias=False),
                nn.BatchNorm1d(_OVER_TIME),
                nn.ReLU(),
            )
            for channels in (width * _BANDS_LEFT, _OVER_TIME)
        )
        self.embed = nn.Sequential(
            nn.Linear(3 * _OVER_TIME, EMBEDDING), nn.BatchNorm1d(EMBEDDING), nn.ReLU()
        )

    def forward(self, mel_db: Tensor) -> Tensor:
        """Embedding, not negative."""
        return self.upper(self.lower(mel_db))

    def lower(self, mel_db: Tensor) -> Tensor:
        """What the stem and all strided convolutions but the last make of it."""
        lower: Tensor = self.convolutions[:-1](self.normalise(mel_db).unsqueeze(1))
        return lower

    def upper(self, lower: Tensor) -> Tensor:
        """Embedding ``(batch, 512)`` from what `lower` gave."""
        x = self.convolutions[-1](lower).flatten(1, 2)
        x = self.over_time[0](x)
        x = x + self.over_time[1](x)
        mean = x.mean(dim=2)
        deviation = torch.sqrt(torch.clamp((x * x).mean(dim=2) - mean * mean, min=1e-5))
        embedding: Tensor = self.embed(torch.cat([mean, deviation, x.amax(dim=2)], dim=1))
        return embedding


class Heard(NamedTuple):
    """What the graph says of each window, in this order."""

    scores: Tensor
    dimensions: Tensor
    embedding: Tensor


class Small(nn.Module):
    """Front end, network and readings: 16 kHz audio ``(batch, 465920)`` to `Heard`.

    Parameters
    ----------
    network
        Gives the embedding.
    n_tags, n_dimensions
        Number of scores in [0, 1] and of dimensions in [−1, 1].
    """

    def __init__(self, network: SmallNetwork, *, n_tags: int, n_dimensions: int) -> None:
        super().__init__()
        self.front_end = SmallFrontEnd()
        self.network = network
        self.tags = nn.Linear(EMBEDDING, n_tags)
        self.dimensions = nn.Linear(EMBEDDING, n_dimensions)

    def forward(self, audio: Tensor) -> Heard:
        """Scores, dimensions and embedding."""
        embedding = self.network(self.front_end(audio))
        return Heard(
            torch.sigmoid(self.tags(embedding)), torch.tanh(self.dimensions(embedding)), embedding
        )
