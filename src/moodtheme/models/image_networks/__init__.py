"""Image networks trained on ImageNet, as feature extractors of spectrogram plots.

Nothing here imports PyTorch before a network is loaded.
"""

from moodtheme.models.image_networks.registry import (
    IMAGE_NETWORKS,
    ImageNetwork,
    find_image_network,
    load_image_network,
)

__all__ = [
    "IMAGE_NETWORKS",
    "ImageNetwork",
    "find_image_network",
    "load_image_network",
]
