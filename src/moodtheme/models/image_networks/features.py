"""Pictures to features: preprocessing and an image network in one module."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from moodtheme.errors import UsageError
from moodtheme.models.image_networks.registry import Colours
from moodtheme.recipes import Precision

_DTYPES = {Precision.FLOAT32: torch.float32, Precision.BFLOAT16: torch.bfloat16}
_BATCH_SIZE = 32


class ImageFeatures(nn.Module):
    """RGB pictures ``(n, 3, size, size)`` from 0 to 255 to features, float32 ``(n, n_features)``.

    Parameters
    ----------
    network
        Preprocessed pictures to features.
    colours
        The preprocessing.
    precision
        Number format of the network: float32 or bfloat16.
    size
        Width and height of a picture in pixels.
    n_features
        Length of a feature vector.
    weights_sha256
        Of the file the weights are from; ``random`` for random ones.

    Raises
    ------
    UsageError
        If the precision is float16.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        colours: Colours,
        precision: Precision = Precision.FLOAT32,
        size: int,
        n_features: int,
        weights_sha256: str,
    ) -> None:
        super().__init__()
        if precision not in _DTYPES:
            raise UsageError(
                f"image networks do not run in {precision.value}, whose range their activations "
                f"leave; choose {', '.join(_DTYPES)}"
            )
        self.size = size
        self.n_features = n_features
        self.weights_sha256 = weights_sha256
        self._bgr = colours.bgr
        self._dtype = _DTYPES[precision]
        for name, values in (("mean", colours.mean), ("scale", colours.scale)):
            tensor = torch.tensor(values).reshape(1, 3, 1, 1)
            self.register_buffer(name, tensor, persistent=False)
        # Convolutions run faster with channels last, in half precision above all.
        network = network.to(dtype=self._dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network.requires_grad_(False)
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of pictures, float or uint8."""
        x = pictures.to(torch.float32)
        if self._bgr:
            x = x.flip(1)
        x = (x - self.mean) / self.scale
        x = x.to(self._dtype).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.network(x)
        return features.to(torch.float32)

    def extract(
        self, pictures: npt.NDArray[np.uint8], *, batch_size: int = _BATCH_SIZE
    ) -> npt.NDArray[np.float32]:
        """Features of pictures ``(n, size, size, 3)``, as `moodtheme.features.mel_plots` gives.

        Parameters
        ----------
        pictures
            RGB.
        batch_size
            Pictures that are in the network at once; memory grows with it.

        Returns
        -------
        float32 array ``(n, n_features)``
        """
        features = np.empty((len(pictures), self.n_features), np.float32)
        device = self.mean.device
        with torch.inference_mode():
            for start in range(0, len(pictures), batch_size):
                batch = torch.from_numpy(pictures[start : start + batch_size]).to(device)
                part = self(batch.permute(0, 3, 1, 2))
                features[start : start + batch_size] = part.cpu().numpy()
        return features
