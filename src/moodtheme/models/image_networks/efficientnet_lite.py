"""EfficientNet-Lite0 (Tan and Le 2019; Liu 2020) as far as its global pooling.

Lite is EfficientNet-B0 without squeeze-and-excitation, with ReLU6 for swish. It is only ever run
here, so its batch normalisations are part of the convolutions.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

STEM = 32
HEAD = 1280
NORM_EPSILON = 1e-3  # of the batch normalisations, as published
# EfficientNet-B0's rows: expansion, kernel, stride of the first block, channels, blocks.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


class ReLU6(nn.Module):
    """Values clamped to 0 to 6, in place.

    PyTorch's own is taken apart into comparisons of shapes on the way to a graph, which takes
    longer there than all convolutions.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Clamp."""
        return x.clamp_(0.0, 6.0)


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's ``SAME`` padding of even sizes: with a stride of 2 the right
    and the bottom get one zero more than the left and the top.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        padding = 0 if stride > 1 else kernel // 2
        super().__init__(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups)
        before = (kernel - stride) // 2
        self._border = (before, kernel - stride - before) * 2 if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        if self._border is not None:
            x = nn.functional.pad(x, self._border)
        return super().forward(x)


class InvertedBottleneck(nn.Module):
    """1×1 convolution that widens, depthwise convolution, 1×1 convolution that narrows.

    Where input and output have one shape, the input is added.
    """

    def __init__(self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int):
        super().__init__()
        width = inputs * expansion
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion > 1:
            layers["expand"] = nn.Conv2d(inputs, width, 1)
            layers["relu1"] = ReLU6()
        layers["depthwise"] = SameConv2d(width, width, kernel, stride=stride, groups=width)
        layers["relu2"] = ReLU6()
        layers["project"] = nn.Conv2d(width, outputs, 1)
        self.layers = nn.Sequential(layers)
        self._residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Activations; the last convolution has no ReLU6."""
        y: Tensor = self.layers(x)
        return x + y if self._residual else y


class EfficientNetLite0(nn.Module):
    """Pictures ``(n, 3, 224, 224)`` to features ``(n, 1280)``."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(SameConv2d(3, STEM, 3, stride=2), ReLU6())
        blocks = []
        width = STEM
        for expansion, kernel, first_stride, channels, repeats in _STAGES:
            for repeat in range(repeats):
                stride = first_stride if repeat == 0 else 1
                blocks.append(
                    InvertedBottleneck(
                        width, channels, expansion=expansion, kernel=kernel, stride=stride
                    )
                )
                width = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Conv2d(width, HEAD, 1), ReLU6())

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of preprocessed pictures."""
        x = self.head(self.blocks(self.stem(pictures)))
        # With channels last a good deal faster than `mean`.
        return torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), start_dim=1)
