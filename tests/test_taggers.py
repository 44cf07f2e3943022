"""The public taggers: layers, front end, and the published weights where they are at hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from moodtheme.distillation.tagger_tags import TAGGER_TAGS
from moodtheme.distillation.teachers import TAGGERS
from moodtheme.errors import WeightsError
from moodtheme.models.taggers import (
    EXCERPT_SAMPLES,
    FAMILIES,
    MUSICNN_FRAMES,
    N_MELS,
    TaggerFrontEnd,
    htk_filters,
    load_tagger,
)

SHARED = Path(__file__).parents[2] / "shared" / "taggers"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the reference material ../shared/taggers is not there"
)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_each_family_makes_fifty_logits_of_its_excerpt(family: str) -> None:
    network = FAMILIES[family]().eval()
    frames = MUSICNN_FRAMES if family == "musicnn" else 1813
    with torch.no_grad():
        mel_db = torch.randn(2, N_MELS, frames)
        assert network.embed(mel_db).shape == (2, network.width)
        assert network(mel_db).shape == (2, 50)


def test_the_front_end_has_a_frame_every_256_samples_and_is_finite_on_silence() -> None:
    mel_db = TaggerFrontEnd()(torch.zeros(1, EXCERPT_SAMPLES))
    assert mel_db.shape == (1, N_MELS, 1813)
    assert mel_db.unique().tolist() == [-100.0]


def test_a_file_of_other_layers_is_refused(tmp_path: Path) -> None:
    torch.save(FAMILIES["crnn"]().state_dict(), tmp_path / "crnn.pth")
    load_tagger("crnn", tmp_path / "crnn.pth")
    with pytest.raises(WeightsError, match=r"crnn\.pth does not hold a fcn tagger's layers"):
        load_tagger("fcn", tmp_path / "crnn.pth")


@pytest.mark.shared
@needs_shared
def test_tags_are_in_the_published_order() -> None:
    published = json.loads((SHARED / "tags.json").read_text())
    for collection, tags in published.items():
        assert TAGGER_TAGS[collection] == tuple(tag.rpartition("---")[2] for tag in tags)
    assert published["jamendo"] == sorted(published["jamendo"])


@pytest.mark.shared
@needs_shared
def test_the_constants_in_the_files_are_the_front_ends() -> None:
    for name in TAGGERS:
        state = torch.load(SHARED / f"{name}.pth", weights_only=True, map_location="cpu")
        window, filters = state["spec.spectrogram.window"], state["spec.mel_scale.fb"]
        np.testing.assert_allclose(TaggerFrontEnd().window, window, atol=1e-6)
        np.testing.assert_allclose(htk_filters().T, filters, atol=2e-5)


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize("name", TAGGERS)
def test_published_weights_load_and_tell_a_tone_from_noise(name: str) -> None:
    network = load_tagger(name.rpartition("-")[2], SHARED / f"{name}.pth")
    time = torch.arange(EXCERPT_SAMPLES) / 16_000
    sounds = torch.stack([0.1 * torch.sin(2 * np.pi * 440 * time), 0.1 * torch.randn(len(time))])
    mel_db = TaggerFrontEnd()(sounds)
    if name.endswith("musicnn"):
        mel_db = mel_db[:, :, :MUSICNN_FRAMES]
    with torch.no_grad():
        scores = torch.sigmoid(network(mel_db))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (scores[0] - scores[1]).abs().max() > 0.05
