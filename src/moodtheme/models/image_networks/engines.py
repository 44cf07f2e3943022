"""Ways to run an image network on a processor, the fastest known for each number format.

Float32 goes through ONNX Runtime, whose float32 convolutions keep their activations in one arena
and in an order of their own. Bfloat16, which ONNX Runtime has no convolutions for, goes through
oneDNN with kernels packed once and ReLUs fused, as PyTorch's own compiler does it.
``docs/image-networks.md`` has the measurements.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from moodtheme.models.onnx_form import to_onnx

Engine = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""From RGB pictures ``(n, size, size, 3)`` to features ``(n, n_features)``."""


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
