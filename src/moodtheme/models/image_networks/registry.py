"""The image networks by name: layers, sizes, preprocessing, and where their weights come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from moodtheme.errors import UsageError
from moodtheme.fetched.weights import (
    EFFICIENTNET_LITE0,
    VGG16_CONVOLUTIONS,
    VGG16_KERAS,
    VGG16_TORCHVISION,
    PublishedWeights,
)
from moodtheme.files import sha256_of
from moodtheme.recipes import Precision, Preprocessing

if TYPE_CHECKING:
    from moodtheme.models.image_networks.features import ImageFeatures

RANDOM_WEIGHTS = "random"


class Checkpoint(StrEnum):
    """Kinds of published files there is a reader for; all but the last are of VGG16."""

    KERAS = "keras"
    TORCHVISION = "torchvision"
    ONNX = "onnx"
    EFFICIENTNET = "efficientnet"


@dataclass(frozen=True, kw_only=True)
class Colours:
    """How a network wants RGB colours from 0 to 255: ``(channel - mean) / scale``.

    Attributes
    ----------
    bgr
        Whether the channels come in the order blue, green, red.
    mean, scale
        One for each channel, in the network's own order.
    """

    bgr: bool
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


# The toolkit only reverses the channels.
_TOOLKIT = Colours(bgr=True, mean=(0.0, 0.0, 0.0), scale=(1.0, 1.0, 1.0))
# ImageNet's mean colour as the original Caffe network subtracts it; Keras calls this mode "caffe".
_CAFFE = Colours(bgr=True, mean=(103.939, 116.779, 123.68), scale=(1.0, 1.0, 1.0))
# torchvision: (x / 255 - mean) / standard deviation.
_TORCHVISION = Colours(
    bgr=False,
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
    scale=(0.229 * 255, 0.224 * 255, 0.225 * 255),
)
# EfficientNet-Lite: (x - 127) / 128.
_LITE = Colours(bgr=False, mean=(127.0, 127.0, 127.0), scale=(128.0, 128.0, 128.0))

_VGG16_LAYERS = MappingProxyType({"fc2": 4096, "fc1": 4096, "pool5": 512})


@dataclass(frozen=True, kw_only=True)
class ImageNetwork:
    """What is known of a network before its weights are here.

    Attributes
    ----------
    layers
        Number of features of each layer that can be asked for; the first is the usual one.
    colours
        The preprocessings that make sense for it; the first is the usual one.
    precisions
        The number formats in which its features stay what they are in float32: a cosine
        similarity of 0.999 or more.
    weights
        The published file.
    checkpoint
        What kind of file it is.
    download_bytes
        How much is fetched to get the file.
    size
        Width and height of its pictures in pixels.
    """

    name: str
    layers: Mapping[str, int]
    colours: Mapping[Preprocessing, Colours]
    precisions: tuple[Precision, ...]
    weights: PublishedWeights
    checkpoint: Checkpoint
    download_bytes: int
    size: int = 224

    @property
    def default_layer(self) -> str:
        """The layer features come from unless another is named."""
        return next(iter(self.layers))

    @property
    def default_preprocessing(self) -> Preprocessing:
        """What is done to colours unless something else is asked for."""
        return next(iter(self.colours))

    def n_features(self, layer: str | None = None) -> int:
        """Length of a layer's feature vector; None for the usual layer.

        Raises
        ------
        UsageError
            If the network has no such layer.
        """
        layer = layer or self.default_layer
        if layer not in self.layers:
            raise UsageError(
                f"{self.name} has no layer {layer!r}; choose one of: {', '.join(self.layers)}"
            )
        return self.layers[layer]

    def colours_for(self, preprocessing: Preprocessing | None = None) -> Colours:
        """What a preprocessing does; None for the usual one.

        Raises
        ------
        UsageError
            If it makes no sense for the network.
        """
        preprocessing = preprocessing or self.default_preprocessing
        if preprocessing not in self.colours:
            raise UsageError(
                f"{self.name} was not trained on blue, green, red from 0 to 255, so preprocessing "
                f"{preprocessing.value!r} does not suit it; choose {', '.join(self.colours)}"
            )
        return self.colours[preprocessing]

    def require(self, precision: Precision) -> None:
        """Refuse a number format in which the features would be others.

        Raises
        ------
        UsageError
            If it is one.
        """
        if precision not in self.precisions:
            raise UsageError(
                f"{self.name}'s features are not right in {precision.value}; "
                f"choose {', '.join(self.precisions)}"
            )


# VGG16's activations come too near the end of float16's range (21,496 of 65,504 on plots of
# synthetic music), and EfficientNet-Lite0's features are off in bfloat16 (cosine similarity 0.995).
_VGG16_PRECISIONS = (Precision.FLOAT32, Precision.TF32, Precision.BFLOAT16)
_LITE_PRECISIONS = (Precision.FLOAT32, Precision.TF32)

_NETWORKS = (
    ImageNetwork(
        name="vgg16-keras",
        layers=_VGG16_LAYERS,
        colours={Preprocessing.TOOLKIT: _TOOLKIT, Preprocessing.STANDARD: _CAFFE},
        precisions=_VGG16_PRECISIONS,
        weights=VGG16_KERAS,
        checkpoint=Checkpoint.KERAS,
        download_bytes=553_467_096,
    ),
    ImageNetwork(
        name="vgg16-torchvision",
        layers=_VGG16_LAYERS,
        colours={Preprocessing.STANDARD: _TORCHVISION},
        precisions=_VGG16_PRECISIONS,
        weights=VGG16_TORCHVISION,
        checkpoint=Checkpoint.TORCHVISION,
        download_bytes=553_433_881,
    ),
    ImageNetwork(
        name="vgg16-convolutions",
        layers={"pool5": _VGG16_LAYERS["pool5"]},
        colours={Preprocessing.STANDARD: _CAFFE, Preprocessing.TOOLKIT: _TOOLKIT},
        precisions=_VGG16_PRECISIONS,
        weights=VGG16_CONVOLUTIONS,
        checkpoint=Checkpoint.ONNX,
        download_bytes=60_880_528,
    ),
    ImageNetwork(
        name="efficientnet-lite0",
        layers={"features": 1280},
        colours={Preprocessing.STANDARD: _LITE},
        precisions=_LITE_PRECISIONS,
        weights=EFFICIENTNET_LITE0,
        checkpoint=Checkpoint.EFFICIENTNET,
        download_bytes=17_364_911,
    ),
)

IMAGE_NETWORKS: Mapping[str, ImageNetwork] = MappingProxyType(
    {network.name: network for network in _NETWORKS}
)


def find_image_network(name: str) -> ImageNetwork:
    """Return a network by name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in IMAGE_NETWORKS:
        raise UsageError(
            f"no image network is called {name!r}; choose one of: {', '.join(IMAGE_NETWORKS)}"
        )
    return IMAGE_NETWORKS[name]


def load_image_network(
    name: str,
    *,
    layer: str | None = None,
    preprocessing: Preprocessing | None = None,
    precision: Precision = Precision.FLOAT32,
    weights: Path | None = None,
    pretrained: bool = True,
    offline: bool = False,
) -> "ImageFeatures":
    """Load a network as a feature extractor, in evaluation mode.

    Parameters
    ----------
    name
        See `IMAGE_NETWORKS`.
    layer
        Whose activations are the features; None for the network's usual one.
    preprocessing
        None for the network's usual one.
    precision
        Number format of the computation; features are float32 always.
    weights
        A local file in the published file's format, instead of the published one.
    pretrained
        Whether the weights are the published ones. Otherwise they are random, the same every
        time, scaled so that pictures give features of a sensible size.
    offline
        Never touch the network.

    Raises
    ------
    UsageError
        If there is no such network or layer, or the preprocessing or precision does not suit it.
    DownloadError, HashMismatchError
        If the weights cannot be fetched.
    WeightsError
        If the file does not hold the network's weights.
    """
    from moodtheme.models.image_networks.checkpoints import load_checkpoint
    from moodtheme.models.image_networks.features import ImageFeatures
    from moodtheme.models.image_networks.networks import fill_at_random, make_network

    known = find_image_network(name)
    layer = layer or known.default_layer
    n_features = known.n_features(layer)
    colours = known.colours_for(preprocessing)
    known.require(precision)
    network = make_network(known.checkpoint, layer=layer)
    if pretrained:
        path = known.weights.given_or_fetched(weights, offline=offline)
        load_checkpoint(network, known, path)
        digest = sha256_of(path)
    else:
        fill_at_random(network, colours)
        digest = RANDOM_WEIGHTS
    return ImageFeatures(
        network,
        colours=colours,
        precision=precision,
        size=known.size,
        n_features=n_features,
        weights_sha256=digest,
    )
