"""Image networks trained on ImageNet, as feature extractors of spectrogram plots.

Nothing here imports PyTorch before a network is loaded.
"""

from moodtheme.models.image_networks.loading import find_weights, load_image_network
from moodtheme.models.image_networks.registry import (
    IMAGE_NETWORKS,
    ImageNetwork,
    WeightsStatus,
    find_image_network,
    image_network_weights,
)

__all__ = [
    "IMAGE_NETWORKS",
    "ImageNetwork",
    "WeightsStatus",
    "find_image_network",
    "find_weights",
    "image_network_weights",
    "load_image_network",
]
