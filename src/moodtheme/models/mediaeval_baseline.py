"""The VGG-ish baseline of MediaEval 2019 "Emotion and Theme Recognition in Music Using Jamendo".

The network's shapes are those of the organisers' public checkpoint (MTG-Jamendo repository,
Apache-2.0); its front end is the one their features were computed with in Essentia.

In training half of what goes into the last layer is dropped. The organisers' code does so when it
scores as well, where the module is made anew in every call and so never leaves training mode; here
scores are computed from everything.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from moodtheme.features.spectrogram import MelSpectrogram

SAMPLE_RATE = 12_000
N_FFT = 512
N_MELS = 96
EXCERPT_SAMPLES = 349_200  # 29.1 s, which makes 1,366 frames
FRAMES = 1_366
EMBEDDING = 64
_FLOOR = 1e-10  # -200 dB on the front end's scale of 20·log10(power)
_DROPOUT = 0.5

# Width of each convolution and the max pooling (mel bands, frames) after it.
_BLOCKS = ((64, (2, 4)), (128, (2, 4)), (128, (2, 4)), (128, (3, 5)), (64, (4, 4)))


class BaselineFrontEnd(nn.Module):
    """Log-mel spectrogram ``(batch, 96, 1366)`` in dB of 12 kHz audio ``(batch, 349200)``.

    The first frame is centred on sample 0; samples beyond either end are zero. The decibel scale
    is 20·log10 of the *power*, twice the usual one: the checkpoint was trained so.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mel = MelSpectrogram(
            sample_rate=SAMPLE_RATE,
            n_fft=N_FFT,
            n_mels=N_MELS,
            f_min=0.0,
            f_max=SAMPLE_RATE / 2,
            window=torch.hann_window(N_FFT, periodic=False, dtype=torch.float64),
        )

    def forward(self, audio: Tensor) -> Tensor:
        """Log-mel spectrogram in dB, mel bands first."""
        hop = self.mel.hop
        padded = F.pad(audio, (hop, (FRAMES + 1) * hop - hop - EXCERPT_SAMPLES))
        power = self.mel(padded)
        return (20.0 * torch.log10(torch.clamp(power, min=_FLOOR))).transpose(1, 2)


class BaselineNetwork(nn.Module):
    """Five convolution blocks and a linear layer: ``(batch, 96, 1366)`` dB to 56 logits.

    Attribute names are the checkpoint's keys, so its state dict loads as it is.
    """

    def __init__(self, *, n_tags: int = 56) -> None:
        super().__init__()
        self.bn_init = nn.BatchNorm2d(1)
        width = 1
        for index, (channels, _) in enumerate(_BLOCKS, start=1):
            self.add_module(f"conv_{index}", nn.Conv2d(width, channels, 3, padding=1))
            self.add_module(f"bn_{index}", nn.BatchNorm2d(channels))
            width = channels
        self.dense = nn.Linear(width, n_tags)

    def embed(self, mel_db: Tensor) -> Tensor:
        """Activations before the last layer, ``(batch, 64)``."""
        x: Tensor = self.bn_init(mel_db.unsqueeze(1))
        for index, (_, pool) in enumerate(_BLOCKS, start=1):
            x = self.get_submodule(f"conv_{index}")(x)
            x = F.max_pool2d(F.elu(self.get_submodule(f"bn_{index}")(x)), pool)
        return x.flatten(1)

    def forward(self, mel_db: Tensor) -> Tensor:
        """Logits ``(batch, n_tags)``."""
        kept = F.dropout(self.embed(mel_db), _DROPOUT, self.training)
        logits: Tensor = self.dense(kept)
        return logits


class Baseline(nn.Module):
    """Front end and network: 12 kHz audio ``(batch, 349200)`` to logits ``(batch, n_tags)``."""

    def __init__(self, *, n_tags: int = 56) -> None:
        super().__init__()
        self.front_end = BaselineFrontEnd()
        self.network = BaselineNetwork(n_tags=n_tags)

    def forward(self, audio: Tensor, clip_seeds: Tensor | None = None) -> Tensor:
        """Logits; nothing is augmented, so the seeds do not matter."""
        logits: Tensor = self.network(self.front_end(audio))
        return logits

    @property
    def pretrained_part(self) -> None:
        """It learns from random weights."""
        return None
