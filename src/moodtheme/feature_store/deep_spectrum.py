"""Deep Spectrum: an image network's activations at a plot of each window's spectrogram."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from moodtheme.arrays import FloatArray
from moodtheme.errors import needing_extra
from moodtheme.feature_store.extractor import (
    RANDOM_WEIGHTS,
    Extractor,
    ExtractorInfo,
    Waiting,
)
from moodtheme.features.colour_maps import colour_map
from moodtheme.features.plots import draw
from moodtheme.files import sha256_of
from moodtheme.models.image_networks import find_image_network, load_image_network
from moodtheme.recipes import DeepSpectrumView

if TYPE_CHECKING:
    import torch


def describe(
    view: DeepSpectrumView, *, weights: Path | None = None, offline: bool = False
) -> ExtractorInfo:
    """What the extractor is; weights are fetched and hashed, but not loaded."""
    network = find_image_network(view.image_network)
    digest = RANDOM_WEIGHTS
    if view.pretrained:
        digest = sha256_of(network.weights.given_or_fetched(weights, offline=offline))
    return _info(view, digest)


def make(
    view: DeepSpectrumView,
    *,
    weights: Path | None = None,
    offline: bool = False,
    device: str = "cpu",
) -> Extractor:
    """Load the image network and make the extractor."""
    place = _place(device)
    network = load_image_network(
        view.image_network,
        layer=view.layer,
        preprocessing=view.preprocessing,
        precision=view.feature_precision,
        weights=weights,
        pretrained=view.pretrained,
        offline=offline,
    ).to(place)
    info, options = _info(view, network.weights_sha256), view.plot_options(network.size)

    if place.type != "cpu":
        from moodtheme.feature_store.on_device import DeviceFeatures

        there = DeviceFeatures(
            network, options, samples=view.window_samples, precision=view.feature_precision
        )
        return Extractor(info, there.start, windows_at_once=there.at_once)

    def begin(windows: FloatArray) -> Waiting:
        features = network.extract(draw(windows, options))
        return lambda: features

    return Extractor(info, begin)


def uses_accelerator(device: str) -> bool:
    """Whether the network computes on something else than a processor."""
    return _place(device).type != "cpu"


def _place(device: str) -> "torch.device":
    with needing_extra("an image network's features"):
        from moodtheme.models.networks import choose_device
    return choose_device(device)


def _info(view: DeepSpectrumView, digest: str) -> ExtractorInfo:
    """Name every choice that the view leaves to the network; refuse a view without a plot."""
    network = find_image_network(view.image_network)
    layer = view.layer or network.default_layer
    n_features = network.n_features(layer)
    preprocessing = view.preprocessing or network.default_preprocessing
    network.colours_for(preprocessing)
    network.require(view.feature_precision)
    view.plot_options(network.size).frames(view.window_samples)
    colour_map(view.colour_map)
    return ExtractorInfo(
        view=msgspec.structs.replace(view, layer=layer, preprocessing=preprocessing),
        weights=digest,
        n_features=n_features,
    )
