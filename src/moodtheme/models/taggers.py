"""Three published families of music taggers, whose state dicts load as they are.

Won, Ferraro, Bogdanov and Serra, "Evaluation of CNN-based automatic music tagging models", SMC
2020: a fully convolutional network (Choi et al. 2016), a convolutional recurrent one (Choi et al.
2017) and musicnn (Pons et al. 2018), trained on MTG-Jamendo, the Million Song Dataset and
MagnaTagATune. All see one front end; what the taggers were trained on differs in nothing but tags.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from moodtheme.errors import WeightsError
from moodtheme.models.networks import UnfitError, one_line, read_state_dict

SAMPLE_RATE = 16_000
N_FFT = 512
HOP = N_FFT // 2
N_MELS = 96
EXCERPT_SAMPLES = 29 * SAMPLE_RATE  # what the first two families hear at once: 1,813 frames
MUSICNN_FRAMES = 188  # 3 s, what musicnn hears at once
N_TAGS = 50
_FLOOR = 1e-10


class TaggerFrontEnd(nn.Module):
    """Log-mel spectrogram ``(batch, 96, frames)`` in dB of 16 kHz audio ``(batch, samples)``.

    Frames are centred, the first on sample 0, with the signal reflected at its ends; there is one
    frame every 256 samples. The filters are triangles of height 1 on the HTK mel scale.
    """

    window: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)
        self.register_buffer("filters", htk_filters(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Decibel of power."""
        spectrum = torch.stft(
            audio, N_FFT, HOP, window=self.window, center=True, pad_mode="reflect",
            return_complex=True,
        )  # fmt: skip
        power = spectrum.real**2 + spectrum.imag**2
        mel = torch.matmul(self.filters, power)
        return 10.0 * torch.log10(torch.clamp(mel, min=_FLOOR))


def htk_filters() -> Tensor:
    """Triangular filters ``(96, 257)`` of height 1 from 0 to 8,000 Hz on the HTK mel scale."""
    top = 2595.0 * torch.log10(torch.tensor(1.0 + SAMPLE_RATE / 2 / 700.0, dtype=torch.float64))
    mel = torch.linspace(0.0, float(top), N_MELS + 2, dtype=torch.float64)
    edges = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    bins = torch.linspace(0.0, SAMPLE_RATE / 2, N_FFT // 2 + 1, dtype=torch.float64)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return torch.clamp(torch.minimum(rising, falling), min=0.0).float()


class _Block2d(nn.Module):
    def __init__(self, width: int, channels: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, channels, 3, padding=1)
        self.bn = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.pool(torch.relu(self.bn(self.conv(x))))
        return pooled


class _Block1d(nn.Module):
    def __init__(self, width: int, channels: int, length: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, channels, length, padding=length // 2)
        self.bn = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(x)))


class Tagger(nn.Module):
    """What the three have in common: the spectrogram's normalisation and what is asked of them."""

    # What the published files hold besides parameters; the front end computes them.
    _CONSTANTS = ("spec.spectrogram.window", "spec.mel_scale.fb")
    _last = "dense"

    def __init__(self) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        self._blocks: list[str] = []

    def add_blocks(self, channels: Sequence[int], pools: Sequence[tuple[int, int]]) -> None:
        """Make the convolution blocks, by their published names."""
        for number, pool in enumerate(pools, start=1):
            self._blocks.append(f"layer{number}")
            self.add_module(
                f"layer{number}", _Block2d(channels[number - 1], channels[number], pool)
            )

    def through_blocks(self, mel_db: Tensor) -> Tensor:
        """Activations of the last block."""
        x: Tensor = self.spec_bn(mel_db.unsqueeze(1))
        for name in self._blocks:
            x = self.get_submodule(name)(x)
        return x

    def embed(self, mel_db: Tensor) -> Tensor:
        """Activations before the last layer, ``(batch, width)``."""
        raise NotImplementedError

    def classify(self, embedding: Tensor) -> Tensor:
        """Logits ``(batch, 50)`` of `embed`'s activations."""
        logits: Tensor = self.get_submodule(self._last)(embedding)
        return logits

    def forward(self, mel_db: Tensor) -> Tensor:
        """Logits ``(batch, 50)`` of a spectrogram ``(batch, 96, frames)``."""
        return self.classify(self.embed(mel_db))


class Fcn(Tagger):
    """Five convolution blocks over 29 s and a linear layer."""

    width = 64

    def __init__(self) -> None:
        super().__init__()
        pools = ((2, 4), (2, 4), (2, 4), (3, 5), (4, 4))
        channels = (1, 64, 128, 128, 128, 64)
        self.add_blocks(channels, pools)
        self.dense = nn.Linear(self.width, N_TAGS)

    def embed(self, mel_db: Tensor) -> Tensor:
        """Activations ``(batch, 64)``."""
        return self.through_blocks(mel_db).flatten(1)


class Crnn(Tagger):
    """Four convolution blocks over 29 s, two recurrent layers over time, a linear layer."""

    width = 32

    def __init__(self) -> None:
        super().__init__()
        channels = (1, 64, 128, 128, 128)
        self.add_blocks(channels, [(pool, pool) for pool in (2, 3, 4, 4)])
        self.layer5 = nn.GRU(channels[-1], self.width, 2, batch_first=True)
        self.dense = nn.Linear(self.width, N_TAGS)

    def embed(self, mel_db: Tensor) -> Tensor:
        """Activations ``(batch, 32)``."""
        steps, _ = self.layer5(self.through_blocks(mel_db).squeeze(2).transpose(1, 2))
        last: Tensor = steps[:, -1]
        return last


class _Vertical(_Block2d):
    """Filters over many mel bands and few frames, then the strongest place in frequency."""

    def __init__(self, bands: int) -> None:
        nn.Module.__init__(self)
        self.conv = nn.Conv2d(1, 204, (bands, 7), padding=(0, 3))
        self.bn = nn.BatchNorm2d(204)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(x))).amax(dim=2)


class _Horizontal(_Block1d):
    """Filters over many frames of the mean over mel bands."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.mean(dim=2))


class Musicnn(Tagger):
    """Filters along frequency and along time, three 1-D convolutions, mean and maximum over 3 s."""

    width = 200
    _last = "dense2"

    def __init__(self) -> None:
        super().__init__()
        along_time = [_Horizontal(1, 51, length) for length in (129, 65, 33)]
        self.layers = nn.ModuleList([_Vertical(67), _Vertical(38), *along_time])
        self.layer1 = _Block1d(561, 64, 7)
        self.layer2 = _Block1d(64, 64, 7)
        self.layer3 = _Block1d(64, 64, 7)
        self.dense1 = nn.Linear(2 * (561 + 3 * 64), self.width)
        self.bn = nn.BatchNorm1d(self.width)
        self.dense2 = nn.Linear(self.width, N_TAGS)

    def embed(self, mel_db: Tensor) -> Tensor:
        """Activations ``(batch, 200)``."""
        x = self.spec_bn(mel_db.unsqueeze(1))
        front = torch.cat([layer(x) for layer in self.layers], dim=1)
        first = self.layer1(front)
        second = self.layer2(first) + first
        third = self.layer3(second) + second
        heard = torch.cat([front, first, second, third], dim=1)
        pooled = torch.cat([heard.amax(dim=2), heard.mean(dim=2)], dim=1)
        return torch.relu(self.bn(self.dense1(pooled)))


FAMILIES: dict[str, type[Fcn | Crnn | Musicnn]] = {"fcn": Fcn, "crnn": Crnn, "musicnn": Musicnn}


def load_tagger(family: str, path: Path) -> Fcn | Crnn | Musicnn:
    """A tagger of `family` with published weights, in evaluation mode.

    Parameters
    ----------
    family
        A key of `FAMILIES`.
    path
        Its state dict.

    Raises
    ------
    WeightsError
        If the file is none, or holds other layers.
    """
    network = FAMILIES[family]()
    try:
        state = read_state_dict(path)
        for name in Tagger._CONSTANTS:
            state.pop(name, None)
        network.load_state_dict(state)
    except (UnfitError, RuntimeError) as error:
        raise WeightsError(
            f"{path} does not hold a {family} tagger's layers ({one_line(error)}); fetch it again"
        ) from error
    return network.eval()
