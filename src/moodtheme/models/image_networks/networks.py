"""The image networks: VGG16 and EfficientNet-Lite0, each as far as a feature layer.

VGG16 is Simonyan and Zisserman's of 2015, configuration D. EfficientNet-Lite0 (Tan and Le 2019; Liu
2020) is EfficientNet-B0 without squeeze-and-excitation, with ReLU6 for swish; it is only ever run
here, so its batch normalisations are part of the convolutions.
"""

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn

from moodtheme.models.image_networks.registry import Checkpoint, Colours

# VGG16: channels of the 3×3 convolutions of each block; 2×2 max pooling follows every block.
BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
POOLED_SIZE = 7  # of a 224-pixel picture after five poolings
DENSE = 4096

# EfficientNet-Lite0.
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

_SEED = 0
_COLOUR_SPREAD = 64.0  # about the standard deviation of a plot's colours from 0 to 255


class Vgg16(nn.Module):
    """Pictures ``(n, 3, 224, 224)`` to features ``(n, 4096)`` or ``(n, 512)``.

    Parameters
    ----------
    layer
        ``fc1`` or ``fc2``: activations after the ReLU; ``pool5``: the last pooling's, averaged
        over their 7×7 places. What comes after the layer is not built.
    """

    def __init__(self, layer: str) -> None:
        super().__init__()
        convolutions: OrderedDict[str, nn.Module] = OrderedDict()
        width = 3
        for block, channels in enumerate(BLOCKS, start=1):
            for number, filters in enumerate(channels, start=1):
                convolutions[f"conv{block}_{number}"] = nn.Conv2d(width, filters, 3, padding=1)
                convolutions[f"relu{block}_{number}"] = nn.ReLU(inplace=True)
                width = filters
            convolutions[f"pool{block}"] = nn.MaxPool2d(2)
        self.convolutions = nn.Sequential(convolutions)
        dense: OrderedDict[str, nn.Module] = OrderedDict()
        if layer != "pool5":
            # Channel, row, column is the order of what is flattened here.
            dense["fc1"] = nn.Linear(width * POOLED_SIZE**2, DENSE)
            dense["relu1"] = nn.ReLU(inplace=True)
        if layer == "fc2":
            dense["fc2"] = nn.Linear(DENSE, DENSE)
            dense["relu2"] = nn.ReLU(inplace=True)
        self.dense = nn.Sequential(dense)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of preprocessed pictures."""
        activations: Tensor = self.convolutions(pictures)
        if not len(self.dense):
            return activations.mean(dim=(2, 3))
        features: Tensor = self.dense(torch.flatten(activations, start_dim=1))
        return features


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


def make_network(checkpoint: Checkpoint, *, layer: str) -> nn.Module:
    """Build a network up to a layer, on the meta device: without memory for its weights."""
    with torch.device("meta"):
        return EfficientNetLite0() if checkpoint is Checkpoint.EFFICIENTNET else Vgg16(layer)


def fill_at_random(network: nn.Module, colours: Colours) -> None:
    """Give a network random weights, always the same: He's rule, which suits ReLU, without biases.

    Parameters
    ----------
    network
        From `make_network`.
    colours
        Its preprocessing, whose spread the first convolution evens out.
    """
    generator = torch.Generator().manual_seed(_SEED)
    network.to_empty(device="cpu")
    spread = _COLOUR_SPREAD / max(colours.scale)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            deviation = math.sqrt(2 / fan_in) / spread
            nn.init.normal_(module.weight, std=deviation, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            spread = 1.0  # what follows has its input evened out
