"""Extractors of features: Deep Spectrum from its parts, openSMILE from its package."""

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from moodtheme.errors import MissingExtraError, PlotError, UsageError
from moodtheme.feature_store import Extractor, describe_extractor, make_extractor
from moodtheme.features import mel_plots
from moodtheme.models.image_networks import load_image_network
from moodtheme.recipes import (
    DeepSpectrumView,
    FeatureSet,
    OpenSmileView,
    Precision,
    Preprocessing,
    find_recipe,
)

# The smallest network, with random weights, at a low rate.
DEEP = DeepSpectrumView(
    window_s=0.5,
    duration_s=1.5,
    sample_rate=16_000,
    image_network="efficientnet-lite0",
    pretrained=False,
)
VGG = msgspec.structs.replace(DEEP, image_network="vgg16-convolutions")
SMILE = OpenSmileView(window_s=1.0, duration_s=3.0, sample_rate=16_000)


def tracks(view: DeepSpectrumView | OpenSmileView, count: int) -> np.ndarray:
    t = np.arange(view.samples) / view.sample_rate
    rng = np.random.default_rng(0)
    tones = [np.sin(2 * np.pi * 2 ** rng.uniform(7, 11) * t * (1 + 0.1 * t)) for _ in range(count)]
    noise = rng.uniform(0.001, 0.1, (count, 1)) * rng.normal(size=(count, view.samples))
    return (0.3 * np.stack(tones) + noise).astype(np.float32)


@pytest.fixture(scope="module")
def deep() -> Extractor:
    return make_extractor(DEEP)


def test_deep_spectrum_features_are_the_image_networks_of_the_plots(deep: Extractor) -> None:
    audio = tracks(DEEP, 2)
    found = deep(audio)
    assert found.shape == (2, 3, 1280) == (2, deep.info.windows, deep.info.n_features)
    assert (deep.info.view.sample_rate, deep.info.view.samples) == (16_000, 24_000)
    network = load_image_network("efficientnet-lite0", pretrained=False)
    pictures = mel_plots(audio.reshape(6, 8_000), 16_000)
    np.testing.assert_allclose(found.reshape(6, -1), network.extract(pictures), atol=1e-4)
    assert found.std(axis=(0, 1)).max() > 0.01


def test_a_track_has_the_same_features_bit_for_bit_whatever_its_company(deep: Extractor) -> None:
    audio = tracks(DEEP, 4)
    together = deep(audio)
    for order in ([3, 1, 0, 2], [2], [1, 2, 3]):
        np.testing.assert_array_equal(deep(audio[order]), together[order])


def test_silence_has_finite_features_all_alike(deep: Extractor) -> None:
    silence = deep(np.zeros((1, DEEP.samples), np.float32))
    assert np.isfinite(silence).all()
    np.testing.assert_array_equal(silence[0, 0], silence[0, 1])


def test_what_the_recipe_leaves_open_is_named_and_counts(deep: Extractor) -> None:
    info = describe_extractor(DEEP)
    assert info == deep.info
    assert info.view.layer == "features" and info.view.preprocessing is Preprocessing.STANDARD
    assert info.weights == "random" and info.feature_names[-1] == "features_1279"
    said = msgspec.structs.replace(DEEP, layer="features", preprocessing=Preprocessing.STANDARD)
    assert describe_extractor(said).key == info.key
    half = msgspec.structs.replace(VGG, feature_precision=Precision.BFLOAT16)
    assert describe_extractor(half).key != describe_extractor(VGG).key


def test_weights_are_told_apart_by_their_content(tmp_path: Path) -> None:
    view = msgspec.structs.replace(DEEP, pretrained=True)
    keys = set()
    for content in (b"one", b"two", b"one"):
        file = tmp_path / f"{len(keys)}.pth"
        file.write_bytes(content)
        keys.add(describe_extractor(view, weights=file).key)
    assert len(keys) == 2 and describe_extractor(DEEP).key not in keys


def test_systems_that_differ_in_their_cell_share_features() -> None:
    for family, windows in (("ds-1s", 29), ("ds-5s", 5)):
        views = [find_recipe(f"{family}-{cell}").view for cell in ("lstm", "gru", "blstm")]
        infos = {
            describe_extractor(msgspec.structs.replace(view, pretrained=False)) for view in views
        }
        (info,) = infos
        assert (info.windows, info.n_features) == (windows, 4096)
        assert info.row_bytes == windows * 4096 * 4


def test_a_view_without_a_plot_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(PlotError, match="colour map"):
        describe_extractor(msgspec.structs.replace(DEEP, colour_map="magna"))
    with pytest.raises(UsageError, match="no layer"):
        describe_extractor(msgspec.structs.replace(DEEP, layer="fc2"))
    with pytest.raises(PlotError, match="longer windows"):
        describe_extractor(msgspec.structs.replace(DEEP, window_s=0.01))


def test_audio_of_another_length_is_refused(deep: Extractor) -> None:
    with pytest.raises(ValueError, match="24000"):
        deep(np.zeros((1, 23_999), np.float32))


@pytest.mark.parametrize(("feature_set", "descriptors"), [("EGEMAPS", 25), ("COMPARE", 65)])
def test_opensmile_features_are_statistics_of_its_descriptors(
    feature_set: str, descriptors: int
) -> None:
    opensmile = pytest.importorskip("opensmile", reason="pip install 'moodtheme[opensmile]'")
    view = msgspec.structs.replace(SMILE, feature_set=FeatureSet[feature_set])
    extractor = make_extractor(view)
    audio = tracks(view, 2)
    found = extractor(audio)
    assert found.shape == (2, 3, 2 * descriptors)
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet[view.feature_set.value],
        feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
    )
    table = smile.process_signal(audio[1, 16_000:32_000], 16_000)
    np.testing.assert_allclose(found[1, 1, :descriptors], table.mean(), rtol=1e-5, atol=1e-5)
    spread = table.std(ddof=0)
    np.testing.assert_allclose(found[1, 1, descriptors:], spread, rtol=1e-4, atol=1e-5)
    first = str(table.columns[0])
    assert extractor.info.feature_names[0] == f"{first}_mean"
    assert extractor.info.feature_names[descriptors] == f"{first}_std"
    assert extractor.info.weights == f"opensmile {opensmile.__version__}"
    np.testing.assert_array_equal(extractor(audio[::-1])[::-1], found)
    assert np.isfinite(extractor(np.zeros((1, view.samples), np.float32))).all()


def test_opensmile_needs_its_package_and_windows_long_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UsageError, match=r"at least 0\.1 s"):
        describe_extractor(msgspec.structs.replace(SMILE, window_s=0.05))
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(MissingExtraError, match=r"moodtheme\[opensmile\]"):
        make_extractor(SMILE)


def test_deep_spectrum_computes_in_bfloat16_nearly_the_same() -> None:
    half = make_extractor(msgspec.structs.replace(VGG, feature_precision=Precision.BFLOAT16))
    audio = tracks(VGG, 1)
    full, short = (
        torch.from_numpy(extractor(audio)[0]) for extractor in (make_extractor(VGG), half)
    )
    assert torch.cosine_similarity(full, short).min() > 0.999
    assert not torch.equal(full, short)
