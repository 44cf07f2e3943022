"""What can be asked of any network: where it computes, and how many parameters it has."""

import torch
from torch import nn


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
