"""Pictures to features: preprocessing and an image network in one module, and ways to run it.

On a processor the fastest known way is taken for each number format. Float32 goes through ONNX
Runtime, whose float32 convolutions keep their activations in one arena and in an order of their
own. Bfloat16, which ONNX Runtime has no convolutions for, goes through oneDNN with kernels packed
once and ReLUs fused, as PyTorch's own compiler does it. ``docs/image-networks.md`` has the
measurements.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from moodtheme.models.image_networks.networks import Vgg16
from moodtheme.models.image_networks.registry import Colours
from moodtheme.models.networks import to_onnx
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

Engine = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""From RGB pictures ``(n, size, size, 3)`` to features ``(n, n_features)``."""


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


def onnx_engine(module: nn.Module, *, size: int) -> Engine:
    """Run a module with ONNX Runtime, on as many threads as PyTorch has.

    Parameters
    ----------
    module
        Float32 pictures ``(n, 3, size, size)`` to features.
    size
        Width and height of a picture in pixels.
    """
    import onnxruntime

    model = to_onnx(module, torch.zeros(2, 3, size, size), input_name="pictures")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def run(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        channels_first = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32)
        features: npt.NDArray[np.float32] = session.run(None, {"pictures": channels_first})[0]
        return features

    return run


def torch_engine(module: nn.Module) -> Engine:
    """Run a module with PyTorch, on the device where its parameters are."""
    device = next(module.parameters()).device

    def run(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2)
            features: npt.NDArray[np.float32] = module(batch).cpu().numpy()
        return features

    return run


def can_fuse() -> bool:
    """Whether this PyTorch has oneDNN's fused convolutions; they are no public part of it."""
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def fuse(layers: nn.Sequential) -> nn.Sequential:
    """Replace each convolution and the ReLU after it by one packed and fused step."""
    fused: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            fused.append(_ConvolutionAndRelu(layer))
        elif not isinstance(layer, nn.ReLU):
            fused.append(layer)
    return nn.Sequential(*fused)


class _ConvolutionAndRelu(nn.Module):
    """A convolution with its kernel in oneDNN's own order, and a ReLU in the same pass."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self._bias = convolution.bias
        self._shape = (
            convolution.padding,
            convolution.stride,
            convolution.dilation,
            convolution.groups,
        )
        self._kernel = torch.ops.mkldnn._reorder_convolution_weight(
            convolution.weight, *self._shape
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and rectify."""
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, self._kernel, self._bias, *self._shape, "relu", [], ""
        )
        return y
