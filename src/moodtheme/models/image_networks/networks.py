"""Networks to be filled with weights, published or random."""

import math

import torch
from torch import nn

from moodtheme.models.image_networks.efficientnet_lite import EfficientNetLite0
from moodtheme.models.image_networks.registry import Architecture, Colours
from moodtheme.models.image_networks.vgg16 import Vgg16

_SEED = 0
_COLOUR_SPREAD = 64.0  # about the standard deviation of a plot's colours from 0 to 255


def make_network(architecture: Architecture, *, layer: str) -> nn.Module:
    """Build a network up to a layer, on the meta device: without memory for its weights."""
    with torch.device("meta"):
        if architecture is Architecture.VGG16:
            return Vgg16(layer)
        return EfficientNetLite0()


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
