"""musicnn as the package of that name has it: TensorFlow's weights, heard by PyTorch.

The network of Pons et al. 2018 (Pons and Serra, "musicnn: pre-trained convolutional neural networks
for music audio tagging", 2019), with another front and another normalisation than the family of
that name in `moodtheme.models.taggers`. The weights are read from the package's wheel; nothing of
it is installed or run.
"""

from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile
from zlib import error as ZlibError

import torch
from torch import Tensor, nn

from moodtheme.errors import WeightsError
from moodtheme.features.mel import mel_filters
from moodtheme.models.tensorflow_checkpoint import read_tensors

SAMPLE_RATE = 16_000

_FFT, _HOP, _BANDS = 512, 256, 96
_PATCH = 187  # frames: 3 s
_FRONT = ((7, 38, 204), (7, 67, 204), (128, 1, 51), (64, 1, 51), (32, 1, 51))
_LEVEL = 10_000.0


class PackagedMusicnn(nn.Module):
    """50 tags and the 200 activations before them, averaged over every other patch of 3 s."""

    n_tags = 50
    width = 200
    filters: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1, eps=1e-3)
        self.front = nn.ModuleList(
            nn.Conv2d(1, width, (length, bands)) for length, bands, width in _FRONT
        )
        front = sum(width for *_, width in _FRONT)
        self.middle = nn.ModuleList(nn.Conv1d(width, 64, 7, padding=3) for width in (front, 64, 64))
        self.norms = nn.ModuleList(
            [nn.BatchNorm2d(width, eps=1e-3) for *_, width in _FRONT]
            + [nn.BatchNorm1d(64, eps=1e-3) for _ in self.middle]
        )
        pooled = 2 * (front + 3 * 64)
        self.pooled_bn = nn.BatchNorm1d(pooled, eps=1e-3)
        self.dense1 = nn.Linear(pooled, self.width)
        self.bn = nn.BatchNorm1d(self.width, eps=1e-3)
        self.dense2 = nn.Linear(self.width, self.n_tags)
        filters = mel_filters(
            sample_rate=SAMPLE_RATE, n_fft=_FFT, n_mels=_BANDS, f_min=0.0,
            f_max=SAMPLE_RATE / 2,
        )  # fmt: skip
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(_FFT), persistent=False)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Activations ``(batch, 200)`` and logits ``(batch, 50)`` of ``(batch, samples)``."""
        spectrum = torch.stft(
            audio, _FFT, _HOP, window=self.window, pad_mode="constant",
            return_complex=True,
        )  # fmt: skip
        power = spectrum.real**2 + spectrum.imag**2
        mel = torch.log10(_LEVEL * (self.filters @ power) + 1)
        patches = mel.unfold(2, _PATCH, 2 * _PATCH).transpose(1, 2)
        x = self.spec_bn(patches.flatten(0, 1).transpose(1, 2)[:, None])
        heard = []
        for (length, *_), conv, norm in zip(_FRONT, self.front, self.norms, strict=False):
            # Of an even length the odd frame lies behind.
            padded = nn.functional.pad(x, (0, 0, (length - 1) // 2, length // 2))
            heard.append(norm(torch.relu(conv(padded))).amax(dim=3))
        heard = [torch.cat(heard, dim=1)]
        for number, conv in enumerate(self.middle):
            y = self.norms[len(self.front) + number](torch.relu(conv(heard[-1])))
            heard.append(y + heard[-1] if number else y)
        everything = torch.cat(heard, dim=1)
        pooled = torch.stack([everything.amax(dim=2), everything.mean(dim=2)], dim=2).flatten(1)
        activations = self.bn(torch.relu(self.dense1(self.pooled_bn(pooled))))
        activations = activations.reshape(len(audio), -1, self.width).mean(dim=1)
        return activations, self.dense2(activations)  # linear: logits average too


def _state(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of TensorFlow's tensors, which are numbered by kind."""
    state = {}
    n_front, n_middle = len(_FRONT), 3
    norms = ["spec_bn", *(f"norms.{n}" for n in range(n_front + n_middle)), "pooled_bn", "bn"]
    for number in range(n_front + n_middle):
        theirs = f"conv2d_{number}" if number else "conv2d"
        weight = tensors[f"{theirs}/kernel"].permute(3, 2, 0, 1)
        if number < n_front:
            ours = f"front.{number}"
        else:  # theirs has the channels on its last axis, and one on the second
            ours, weight = f"middle.{number - n_front}", weight[:, 0].transpose(1, 2)
        state[f"{ours}.weight"] = weight
        state[f"{ours}.bias"] = tensors[f"{theirs}/bias"]
    for number, ours in enumerate(norms):
        theirs = f"batch_normalization_{number}" if number else "batch_normalization"
        for one, other in (
            ("weight", "gamma"), ("bias", "beta"),
            ("running_mean", "moving_mean"), ("running_var", "moving_variance"),
        ):  # fmt: skip
            state[f"{ours}.{one}"] = tensors[f"{theirs}/{other}"]
    for ours, theirs in (("dense1", "dense"), ("dense2", "dense_1")):
        state[f"{ours}.weight"] = tensors[f"{theirs}/kernel"].T
        state[f"{ours}.bias"] = tensors[f"{theirs}/bias"]
    return state


_CHECKPOINTS = {"musicnn-msd": "musicnn/MSD_musicnn/", "musicnn-mtt": "musicnn/MTT_musicnn/"}


def load_packaged_musicnn(name: str, wheel: Path) -> PackagedMusicnn:
    """``musicnn-msd`` or ``musicnn-mtt`` with the weights in the package's wheel, to be asked.

    Raises
    ------
    WeightsError
        If the wheel is none or does not hold these layers.
    """
    network = PackagedMusicnn()
    try:
        tensors = read_tensors(wheel, _CHECKPOINTS[name])
        network.load_state_dict(_state(tensors))
    except (OSError, BadZipFile, LookupError, ValueError, RuntimeError, ZlibError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{wheel} does not hold {name}'s layers ({reason}); fetch the package again"
        ) from error
    return network.eval()
