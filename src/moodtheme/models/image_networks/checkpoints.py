"""Files of published weights as this package's state dicts.

Each reader takes the tensors a network needs, by their published names, and no more; none of them
runs code from the file.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.errors import WeightsError
from moodtheme.models.image_networks.networks import BLOCKS, NORM_EPSILON, POOLED_SIZE
from moodtheme.models.image_networks.registry import Checkpoint, ImageNetwork
from moodtheme.models.networks import UnfitError, one_line, read_state_dict

if TYPE_CHECKING:
    import h5py

State = dict[str, Tensor]

# (convolution's name here, block, number in it), in the network's order.
_VGG16_CONVOLUTIONS = tuple(
    (f"convolutions.conv{block}_{number}", block, number)
    for block, channels in enumerate(BLOCKS, start=1)
    for number in range(1, len(channels) + 1)
)
# EfficientNet-Lite's batch normalisation after each convolution, by its port's names.
_BLOCK_NORMS = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
_OUTER_NORMS = {"stem": "_bn0", "head": "_bn1"}


def load_checkpoint(network: nn.Module, known: ImageNetwork, path: Path) -> None:
    """Fill a network with the weights of a file.

    Parameters
    ----------
    network
        What `known` describes.
    known
        Says what kind of file it is.
    path
        The file.

    Raises
    ------
    WeightsError
        If it is another kind of file, or lacks a tensor, or a tensor has another shape.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    try:
        state = _READERS[known.checkpoint](path, wanted)
        for name, shape in wanted.items():
            _check(name, tuple(state[name].shape), shape)
            state[name] = state[name].float()
            if not state[name].isfinite().all():
                raise UnfitError(f"{name} holds values that are not finite")
    except UnfitError as error:
        raise WeightsError(
            f"{path} does not hold {known.name}'s weights: {error}; give {known.weights.file} as "
            "published, or leave --weights out to have it fetched"
        ) from error
    network.load_state_dict(state, assign=True)


def _check(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        raise UnfitError(f"{name} has shape {shape}, not {wanted}")


def _read_keras(path: Path, wanted: Mapping[str, tuple[int, ...]]) -> State:
    """VGG16 as Keras saves it: ``block1_conv1/block1_conv1_W_1:0`` and so on."""
    import h5py

    sources = {name: f"block{block}_conv{number}" for name, block, number in _VGG16_CONVOLUTIONS}
    sources |= {"dense.fc1": "fc1", "dense.fc2": "fc2"}
    state = {}
    try:
        with h5py.File(path, "r") as file:
            for name, layer in sources.items():
                if f"{name}.weight" not in wanted:
                    continue
                kernel_shape = wanted[f"{name}.weight"]
                if len(kernel_shape) == 4:
                    # Rows, columns, input channels, output channels.
                    stored = tuple(kernel_shape[axis] for axis in (2, 3, 1, 0))
                    kernel = _dataset(file, f"{layer}/{layer}_W_1:0", stored).permute(3, 2, 0, 1)
                else:
                    kernel = _dataset(file, f"{layer}/{layer}_W_1:0", kernel_shape[::-1]).T
                if name == "dense.fc1":
                    # Keras flattens rows, columns, channels; here it is channels first.
                    places = kernel.reshape(len(kernel), POOLED_SIZE, POOLED_SIZE, -1)
                    kernel = places.permute(0, 3, 1, 2).flatten(start_dim=1)
                state[f"{name}.weight"] = kernel.contiguous()
                bias = wanted[f"{name}.bias"]
                state[f"{name}.bias"] = _dataset(file, f"{layer}/{layer}_b_1:0", bias)
    except (OSError, RuntimeError) as error:  # what h5py raises for damaged files
        raise UnfitError(f"it cannot be read as HDF5 ({one_line(error)})") from error
    return state


def _dataset(file: "h5py.File", name: str, shape: tuple[int, ...]) -> Tensor:
    """Read a dataset of the file itself, once its shape is known to be right."""
    import h5py

    group, _, leaf = name.partition("/")
    # A link can lead to another file.
    link = file.get(group, getlink=True)
    found = file[group] if isinstance(link, h5py.HardLink) else None
    if isinstance(found, h5py.Group):
        link = found.get(leaf, getlink=True)
        found = found[leaf] if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise UnfitError(f"it has no {name}")
    _check(name, found.shape, shape)
    if found.dtype.kind != "f":
        raise UnfitError(f"{name} is {found.dtype}, not a number format for weights")
    return torch.from_numpy(np.asarray(found[()], dtype=np.float32))


def _take(state: State, name: str) -> Tensor:
    if name not in state:
        raise UnfitError(f"it has no {name}")
    values = state[name]
    if values.layout is not torch.strided or not values.is_floating_point():
        raise UnfitError(f"{name} is no dense array of real numbers")
    return values


def _read_torchvision(path: Path, wanted: Mapping[str, tuple[int, ...]]) -> State:
    """VGG16 by torchvision's names: positions in a list of convolutions, ReLUs and poolings."""
    published = read_state_dict(path)
    sources = {}
    position = 0
    for name, block, number in _VGG16_CONVOLUTIONS:
        sources[name] = f"features.{position}"
        position += 3 if number == len(BLOCKS[block - 1]) else 2
    sources |= {"dense.fc1": "classifier.0", "dense.fc2": "classifier.3"}
    return {
        f"{name}.{part}": _take(published, f"{source}.{part}")
        for name, source in sources.items()
        for part in ("weight", "bias")
        if f"{name}.{part}" in wanted
    }


def _read_vgg16_onnx(path: Path, wanted: Mapping[str, tuple[int, ...]]) -> State:
    """VGG16's convolutions from a graph made of a Keras model; its other nodes do not matter."""
    import onnx

    try:
        model = onnx.load_model(path, load_external_data=False)
    except Exception as error:  # protobuf raises its own kinds
        raise UnfitError(f"it cannot be read as ONNX ({one_line(error)})") from error
    constants = {constant.name: constant for constant in model.graph.initializer}
    state = {}
    for name, block, number in _VGG16_CONVOLUTIONS:
        source = f"functional_1/block{block}_conv{number}_1"
        for part, suffix in (("weight", "convolution/ReadVariableOp:0"), ("bias", "Squeeze:0")):
            constant = constants.get(f"{source}/{suffix}")
            if constant is None or constant.data_location == onnx.TensorProto.EXTERNAL:
                raise UnfitError(f"it has no {source}/{suffix}")
            _check(constant.name, tuple(constant.dims), wanted[f"{name}.{part}"])
            try:
                values = onnx.numpy_helper.to_array(constant)
            except (ValueError, TypeError) as error:
                raise UnfitError(f"{constant.name} is damaged ({one_line(error)})") from error
            state[f"{name}.{part}"] = torch.from_numpy(values.astype(np.float32))
    return state


def _read_efficientnet(path: Path, wanted: Mapping[str, tuple[int, ...]]) -> State:
    """EfficientNet-Lite by its PyTorch port's names, batch normalisations folded in."""
    published = read_state_dict(path)
    state = {}
    for name in (key.removesuffix(".weight") for key in wanted if key.endswith(".weight")):
        match name.split("."):
            case ["blocks", number, _, kind]:
                convolution = f"_blocks.{number}._{kind}_conv"
                norm = f"_blocks.{number}.{_BLOCK_NORMS[kind]}"
            case [part, _]:
                convolution, norm = f"_conv_{part}", _OUTER_NORMS[part]
        kernel = _take(published, f"{convolution}.weight").double()
        scale, shift, mean, variance = (
            _take(published, f"{norm}.{part}").double()
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        _check(f"{convolution}.weight", tuple(kernel.shape), wanted[f"{name}.weight"])
        for vector in (scale, shift, mean, variance):
            _check(norm, tuple(vector.shape), wanted[f"{name}.bias"])
        gain = scale / torch.sqrt(variance + NORM_EPSILON)
        state[f"{name}.weight"] = (kernel * gain.reshape(-1, 1, 1, 1)).float()
        state[f"{name}.bias"] = (shift - mean * gain).float()
    return state


_READERS: Mapping[Checkpoint, Callable[[Path, Mapping[str, tuple[int, ...]]], State]] = {
    Checkpoint.KERAS: _read_keras,
    Checkpoint.TORCHVISION: _read_torchvision,
    Checkpoint.ONNX: _read_vgg16_onnx,
    Checkpoint.EFFICIENTNET: _read_efficientnet,
}
