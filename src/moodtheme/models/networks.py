"""What is done with any network: where it computes, its parameters, its files, its ONNX form."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import onnx

SCORES = "scores"
"""What a graph's output is called."""


class UnfitError(Exception):
    """A file does not hold what it should; the message says why, as a clause about it."""


def choose_device(accelerator: str) -> torch.device:
    """The device that Lightning would take for the same word, such as ``auto`` or ``cpu``."""
    if accelerator != "auto":
        return torch.device(accelerator)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def layer_table(network: nn.Module) -> list[tuple[str, str, int]]:
    """Layers with parameters: name, kind, and their number, running statistics included."""
    rows = []
    for name, module in network.named_modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        count = sum(value.numel() for key, value in own if _counted(module, key))
        if count:
            rows.append((name, type(module).__name__, count))
    return rows


def _counted(module: nn.Module, name: str) -> bool:
    """Whether a tensor is a parameter or a batch normalisation's mean or variance."""
    if name == "num_batches_tracked":
        return False
    return name in dict(module.named_parameters(recurse=False)) or isinstance(
        module, nn.modules.batchnorm._BatchNorm
    )


def parameter_count(network: nn.Module) -> int:
    """Sum over the `layer_table`."""
    return sum(count for _, _, count in layer_table(network))


def second_bias_parameters(module: nn.Module) -> int:
    """Parameters of the LSTMs' second bias vectors, which Keras does not have."""
    return sum(
        value.numel()
        for layer in module.modules()
        if isinstance(layer, nn.LSTM)
        for name, value in layer.named_parameters()
        if name.startswith("bias_hh")
    )


def one_line(error: Exception) -> str:
    """A library's many lines as one."""
    return " ".join(str(error).split())[:200]


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors by name, from a file that PyTorch wrote; no code in it is run.

    Raises
    ------
    UnfitError
        It is something else.
    """
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch.load raises whatever its readers raise
        raise UnfitError(f"it is not a PyTorch state dict ({one_line(error)})") from error
    if not isinstance(state, Mapping) or not all(
        isinstance(value, Tensor) for value in state.values()
    ):
        raise UnfitError("it holds no state dict")
    return dict(state)


def to_onnx(
    module: nn.Module,
    example: Tensor,
    *,
    input_name: str,
    output_names: Sequence[str] = (SCORES,),
    opset: int | None = None,
) -> "onnx.ModelProto":
    """A module as an ONNX model with one input, named outputs and a free batch.

    Parameters
    ----------
    module
        In the mode, training or evaluation, that is wanted.
    example
        An input of two.
    input_name
        What the input is called.
    output_names
        What the outputs are called.
    opset
        Version of ONNX's operators; the exporter's choice by default.
    """
    # The exporter reports on optional packages it looked for; none of it concerns the graph.
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                opset_version=opset,
                input_names=[input_name],
                output_names=list(output_names),
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    finally:
        noisy.setLevel(level)
    if program is None:
        raise RuntimeError("the exporter returned no program")
    model: onnx.ModelProto = program.model_proto
    return model
