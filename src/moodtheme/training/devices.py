"""Which device PyTorch computes on."""

import torch


def choose_device(accelerator: str) -> torch.device:
    """The device that Lightning would take for the same word, such as ``auto`` or ``cpu``."""
    if accelerator != "auto":
        return torch.device(accelerator)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
