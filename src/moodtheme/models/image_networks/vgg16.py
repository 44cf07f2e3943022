"""VGG16 (Simonyan and Zisserman 2015, configuration D), as far as a feature layer."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

# Channels of the 3×3 convolutions of each block; 2×2 max pooling follows every block.
BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
POOLED_SIZE = 7  # of a 224-pixel picture after five poolings
DENSE = 4096


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
