"""VGGish's convolutions (Hershey et al. 2017, trained on AudioSet), time × frequency in."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from moodtheme.errors import WeightsError

OUT_CHANNELS = 512
# Channels of the 3×3 convolutions; None is 2×2 max pooling.
_LAYERS = (64, None, 128, None, 256, 256, None, 512, 512, None)


class VggishConvolutions(nn.Module):
    """Log-mel spectrogram ``(batch, frames, 64)`` to ``(batch, 512, steps, 4)``.

    Pooling rounds up, as ``same`` does in TensorFlow: 1,250 frames become 79 steps. The names of
    the parameters are torchvggish's.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 1
        for channels in _LAYERS:
            if channels is None:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
                continue
            convolution = nn.Conv2d(width, channels, 3, padding=1)
            # He's rule suits ReLU; the pretrained weights replace it.
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
            layers += [convolution, nn.ReLU(inplace=True)]
            width = channels
        # Convolutions run faster with channels last, in half precision above all.
        self.features = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, mel: Tensor) -> Tensor:
        """Activations of the last pooling."""
        activations: Tensor = self.features(mel.unsqueeze(1))
        return activations


def load_vggish(convolutions: VggishConvolutions, path: Path) -> None:
    """Fill in the convolutions of a torchvggish state dict; its dense layers are left out.

    Raises
    ------
    WeightsError
        If the file is none, or its convolutions have other shapes.
    """
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch.load raises whatever its readers raise
        raise WeightsError(
            f"{path} is not a PyTorch state dict ({_line(error)}); "
            "give torchvggish's vggish-10086976.pth"
        ) from error
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds no state dict; give torchvggish's vggish-10086976.pth")
    kept = {name: value for name, value in state.items() if name.startswith("features.")}
    try:
        convolutions.load_state_dict(kept)
    except RuntimeError as error:
        raise WeightsError(
            f"{path} does not hold VGGish's convolutions ({_line(error)}); "
            "give torchvggish's vggish-10086976.pth"
        ) from error


def _line(error: Exception) -> str:
    """PyTorch's many lines as one."""
    return " ".join(str(error).split())[:200]
