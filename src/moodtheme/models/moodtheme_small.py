"""``moodtheme-small``: a small convolutional network for whole-window mood and theme scores.

Its log-mel front end sees what the MediaEval baseline's sees (0–6 kHz, 96 bands, decibel of power)
with frames of 48 ms; its input is brought to one level first, so that loudness cannot decide the
mood. All numbers here are ours.
"""

import math

import torch
from torch import Tensor, nn

from moodtheme.features.spectrogram import MelSpectrogram

SAMPLE_RATE = 16_000
N_FFT = 768  # 48 ms
N_MELS = 96
F_MAX = 6_000.0
HOP = N_FFT // 2
FRAMES = 1_212
EXCERPT_SAMPLES = (FRAMES + 1) * HOP  # 29.112 s: just longer than the baseline's 29.1 s
TARGET_LEVEL_DB = -8.0  # dBFS RMS: about that of the masters the baseline was trained on
_LEVEL_FLOOR = 1e-5  # -100 dBFS RMS; below it the gain stops growing
_POWER_FLOOR = 1e-8

# (channels, max pooling over (frames, mel bands)) of each convolution after the stem.
_STEM_CHANNELS = 32
_BLOCKS = ((48, (4, 2)), (96, (2, 2)), (160, (2, 2)), (224, None))
_EMBEDDING = 256


class SmallFrontEnd(nn.Module):
    """Level-invariant log-mel spectrogram ``(batch, 1212, 96)`` of 16 kHz audio, in dB."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = MelSpectrogram(
            sample_rate=SAMPLE_RATE,
            n_fft=N_FFT,
            n_mels=N_MELS,
            f_min=0.0,
            f_max=F_MAX,
            window=torch.hann_window(N_FFT, periodic=True, dtype=torch.float64),
        )

    def forward(self, audio: Tensor) -> Tensor:
        """Log-mel spectrogram in dB after bringing the window to `TARGET_LEVEL_DB`."""
        level = torch.sqrt(torch.mean(audio * audio, dim=1, keepdim=True))
        gain = 10.0 ** (TARGET_LEVEL_DB / 20.0) / torch.clamp(level, min=_LEVEL_FLOOR)
        power = self.mel(audio * gain)
        return (10.0 / math.log(10.0)) * torch.log(torch.clamp(power, min=_POWER_FLOOR))


class SmallNetwork(nn.Module):
    """Log-mel spectrogram ``(batch, 1212, 96)`` to logits ``(batch, n_tags)``.

    A strided stem, four convolutions, and for each remaining mel band the maximum and the mean
    over time: what happens once and what goes on throughout. The last layer gives logits in units
    of each tag's own spread (`standardised`), which `forward` undoes.

    Parameters
    ----------
    n_tags
        Number of outputs.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, *, n_tags: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(n_tags))
        self.register_buffer("scale", torch.ones(n_tags))
        self.normalise = nn.BatchNorm1d(N_MELS)
        layers: list[nn.Module] = [
            nn.Conv2d(1, _STEM_CHANNELS, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(_STEM_CHANNELS),
            nn.ReLU(),
            nn.MaxPool2d((2, 1)),
        ]
        width, bands = _STEM_CHANNELS, N_MELS // 2
        for channels, pool in _BLOCKS:
            layers += [
                nn.Conv2d(width, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            if pool is not None:
                layers.append(nn.MaxPool2d(pool))
                bands //= pool[1]
            width = channels
        self.convolutions = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(2 * width * bands, _EMBEDDING),
            nn.BatchNorm1d(_EMBEDDING),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(_EMBEDDING, n_tags),
        )

    def set_spread(self, logits: Tensor) -> None:
        """Take each tag's mean and standard deviation from training logits ``(n, n_tags)``."""
        self.centre.copy_(logits.mean(dim=0))
        self.scale.copy_(logits.std(dim=0).clamp(min=1e-3))

    def standardised(self, mel_db: Tensor) -> Tensor:
        """Logits minus their training mean, over their training standard deviation."""
        x = self.normalise(mel_db.transpose(1, 2)).transpose(1, 2).unsqueeze(1)
        x = self.convolutions(x)
        pooled = torch.cat([x.amax(dim=2), x.mean(dim=2)], dim=1).flatten(1)
        standardised: Tensor = self.head(pooled)
        return standardised

    def forward(self, mel_db: Tensor) -> Tensor:
        """Logits."""
        return self.standardised(mel_db) * self.scale + self.centre


class Small(nn.Module):
    """Front end and network: 16 kHz audio ``(batch, 465792)`` to scores ``(batch, n_tags)``."""

    def __init__(self, network: SmallNetwork) -> None:
        super().__init__()
        self.front_end = SmallFrontEnd()
        self.network = network

    def forward(self, audio: Tensor) -> Tensor:
        """Scores in [0, 1]."""
        return torch.sigmoid(self.network(self.front_end(audio)))
