"""From a name to a network with its weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from moodtheme.files import sha256_of
from moodtheme.models.image_networks.registry import find_image_network
from moodtheme.recipes import Precision, Preprocessing

if TYPE_CHECKING:
    from moodtheme.models.image_networks.features import ImageFeatures

RANDOM_WEIGHTS = "random"


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
    network = make_network(known.architecture, layer=layer)
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
