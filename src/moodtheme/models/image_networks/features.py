"""Pictures to features: preprocessing and an image network in one module."""

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from moodtheme.models.image_networks.engines import (
    Engine,
    can_fuse,
    fuse,
    onnx_engine,
    torch_engine,
)
from moodtheme.models.image_networks.networks import Vgg16
from moodtheme.models.image_networks.registry import Colours
from moodtheme.recipes import Precision

_DTYPES = {
    Precision.FLOAT32: torch.float32,
    Precision.TF32: torch.float32,
    Precision.BFLOAT16: torch.bfloat16,
}
# Pictures in the network at once, as measured: on a processor more of them only outgrow its caches
# and the memory that the C library hands out again without clearing it.
_AT_ONCE = {torch.float32: 4, torch.bfloat16: 2}
_AT_ONCE_ON_GPU = 64


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
        self._engine: Engine | None = None
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

    def extract(self, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Features of pictures ``(n, size, size, 3)``, as `moodtheme.features.mel_plots` gives.

        The same numbers as `forward` gives but for rounding, faster on a processor. The first call
        prepares that, which takes some seconds; it keeps the number of PyTorch's threads.

        Parameters
        ----------
        pictures
            RGB.

        Returns
        -------
        float32 array ``(n, n_features)``
        """
        if self._engine is None:
            self._engine = self._make_engine()
        on_processor = self.mean.device.type == "cpu"
        at_once = _AT_ONCE[self._dtype] if on_processor else _AT_ONCE_ON_GPU
        features = np.empty((len(pictures), self.n_features), np.float32)
        for start in range(0, len(pictures), at_once):
            batch = slice(start, start + at_once)
            features[batch] = self._engine(pictures[batch])
        return features

    def _make_engine(self) -> Engine:
        if self.mean.device.type != "cpu":
            return torch_engine(self)
        if self._dtype is torch.float32:
            return onnx_engine(self, size=self.size)
        if not (isinstance(self.network, Vgg16) and can_fuse()):
            return torch_engine(self)
        shared = {id(parameter): parameter for parameter in self.parameters()}
        fused = copy.deepcopy(self, shared)
        fused.network.convolutions = fuse(self.network.convolutions)
        return torch_engine(fused)

    def _apply(self, *arguments: Any, **options: Any) -> "ImageFeatures":
        self._engine = None  # it is for the device that the weights were on
        super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_engine": None}
