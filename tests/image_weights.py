"""Files of weights with the published names and shapes, and other numbers."""

from pathlib import Path

import h5py
import numpy as np
import torch

VGG16_CONVOLUTIONS = {
    "block1_conv1": (3, 64),
    "block1_conv2": (64, 64),
    "block2_conv1": (64, 128),
    "block2_conv2": (128, 128),
    "block3_conv1": (128, 256),
    "block3_conv2": (256, 256),
    "block3_conv3": (256, 256),
    "block4_conv1": (256, 512),
    "block4_conv2": (512, 512),
    "block4_conv3": (512, 512),
    "block5_conv1": (512, 512),
    "block5_conv2": (512, 512),
    "block5_conv3": (512, 512),
}
VGG16_DENSE = {"fc1": (25_088, 4096), "fc2": (4096, 4096), "predictions": (4096, 1000)}
TORCHVISION_CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)

# EfficientNet-Lite0's blocks: inputs, expanded, outputs, kernel, stride.
LITE0_BLOCKS = (
    (32, 32, 16, 3, 1),
    (16, 96, 24, 3, 2),
    (24, 144, 24, 3, 1),
    (24, 144, 40, 5, 2),
    (40, 240, 40, 5, 1),
    (40, 240, 80, 3, 2),
    (80, 480, 80, 3, 1),
    (80, 480, 80, 3, 1),
    (80, 480, 112, 5, 1),
    (112, 672, 112, 5, 1),
    (112, 672, 112, 5, 1),
    (112, 672, 192, 5, 2),
    (192, 1152, 192, 5, 1),
    (192, 1152, 192, 5, 1),
    (192, 1152, 192, 5, 1),
    (192, 1152, 320, 3, 1),
)


def keras_shapes() -> dict[str, tuple[int, ...]]:
    """Datasets of VGG16's file, all of them."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (inputs, outputs) in VGG16_CONVOLUTIONS.items():
        shapes[f"{layer}/{layer}_W_1:0"] = (3, 3, inputs, outputs)
        shapes[f"{layer}/{layer}_b_1:0"] = (outputs,)
    for layer, (inputs, outputs) in VGG16_DENSE.items():
        shapes[f"{layer}/{layer}_W_1:0"] = (inputs, outputs)
        shapes[f"{layer}/{layer}_b_1:0"] = (outputs,)
    return shapes


def write_keras(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """A file of those datasets: zeros that take no room, but for the first values in each."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for name, shape in shapes.items():
            dataset = file.create_dataset(name, shape, "f4", chunks=True)
            corner = (*(min(3, length) for length in shape[:-1]), shape[-1])
            dataset[tuple(slice(length) for length in corner)] = rng.standard_normal(corner)


def torchvision_state() -> dict[str, torch.Tensor]:
    """VGG16's state dict; the inputs of a kernel share their values, which saves room."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}
    shapes = zip(TORCHVISION_CONVOLUTIONS, VGG16_CONVOLUTIONS.values(), strict=True)
    for position, (inputs, outputs) in shapes:
        kernel = torch.randn((outputs, 1, 3, 3), generator=generator)
        state[f"features.{position}.weight"] = kernel.expand(-1, inputs, -1, -1)
        state[f"features.{position}.bias"] = torch.randn(outputs, generator=generator)
    for position, (inputs, outputs) in zip((0, 3, 6), VGG16_DENSE.values(), strict=True):
        kernel = torch.randn((outputs, 1), generator=generator)
        state[f"classifier.{position}.weight"] = kernel.expand(-1, inputs)
        state[f"classifier.{position}.bias"] = torch.randn(outputs, generator=generator)
    return state


def lite0_state() -> dict[str, torch.Tensor]:
    """EfficientNet-Lite0's state dict, its values such that activations keep their size."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def add(convolution: str, norm: str, shape: tuple[int, int, int, int]) -> None:
        fan_in = shape[1] * shape[2] * shape[3]
        state[f"{convolution}.weight"] = torch.randn(shape, generator=generator) / fan_in**0.5
        for part, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5)):
            state[f"{norm}.{part}"] = torch.rand(shape[0], generator=generator) + low
        state[f"{norm}.running_var"] = torch.rand(shape[0], generator=generator) + 0.5
        state[f"{norm}.num_batches_tracked"] = torch.tensor(0)

    add("_conv_stem", "_bn0", (32, 3, 3, 3))
    for number, (inputs, width, outputs, kernel, _) in enumerate(LITE0_BLOCKS):
        block = f"_blocks.{number}"
        if width != inputs:
            add(f"{block}._expand_conv", f"{block}._bn0", (width, inputs, 1, 1))
        add(f"{block}._depthwise_conv", f"{block}._bn1", (width, 1, kernel, kernel))
        add(f"{block}._project_conv", f"{block}._bn2", (outputs, width, 1, 1))
    add("_conv_head", "_bn1", (1280, 320, 1, 1))
    state["_fc.weight"] = torch.zeros(1).expand(1000, 1280)
    state["_fc.bias"] = torch.zeros(1000)
    return state


def lite0_features(state: dict[str, torch.Tensor], pictures: torch.Tensor) -> torch.Tensor:
    """EfficientNet-Lite0 as published, in float64, batch normalisations and all."""
    values = {name: value.double() for name, value in state.items()}

    def step(x: torch.Tensor, convolution: str, norm: str, *, stride: int = 1) -> torch.Tensor:
        kernel = values[f"{convolution}.weight"]
        # TensorFlow's SAME: as many outputs as inputs over stride; what is odd goes to the end.
        length, size = x.shape[-1], kernel.shape[-1]
        missing = max((-(-length // stride) - 1) * stride + size - length, 0)
        border = (missing // 2, missing - missing // 2) * 2
        x = torch.nn.functional.conv2d(
            torch.nn.functional.pad(x, border),
            kernel,
            stride=stride,
            groups=x.shape[1] // kernel.shape[1],
        )
        parts = ("running_mean", "running_var", "weight", "bias")
        statistics = [values[f"{norm}.{part}"] for part in parts]
        return torch.nn.functional.batch_norm(x, *statistics, eps=1e-3)

    x = step(pictures.double(), "_conv_stem", "_bn0", stride=2).clamp(0, 6)
    for number, (inputs, width, outputs, _, stride) in enumerate(LITE0_BLOCKS):
        block, y = f"_blocks.{number}", x
        if width != inputs:
            y = step(y, f"{block}._expand_conv", f"{block}._bn0").clamp(0, 6)
        y = step(y, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride).clamp(0, 6)
        y = step(y, f"{block}._project_conv", f"{block}._bn2")
        x = x + y if stride == 1 and inputs == outputs else y
    return step(x, "_conv_head", "_bn1").clamp(0, 6).mean(dim=(2, 3))
