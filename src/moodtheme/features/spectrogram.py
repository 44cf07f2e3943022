"""Mel spectrograms as PyTorch modules that export to plain ONNX matrix products.

The transform is a product with a DFT matrix, so the front end can live inside an exported graph
(no STFT or DFT operator) and runs wherever a matrix product runs. The matrix is folded: about the
middle of the frame the cosine only sees the even part of the samples and the sine only the odd
part, which halves the work. Power does not depend on where the phase is counted from, so nothing
else changes.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.features.mel import mel_filters


class MelSpectrogram(nn.Module):
    """Power mel spectrogram over half-overlapping frames.

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
