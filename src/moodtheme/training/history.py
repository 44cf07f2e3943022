"""What is written down of each epoch, its weights included, and what follows from it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from moodtheme.arrays import FloatArray
from moodtheme.errors import TrainingError
from moodtheme.files import csv_line, replacing

BEST = "best.pt"

ASTRAY = 50.0
"""A training loss above it has gone astray: saying one half of every tag costs 0.69, and weights of
rare tags make that a few."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One finished epoch.

    Attributes
    ----------
    epoch
        Counted from 1 over all stages.
    stage
        Counted from 1.
    learning_rate, train_loss
        Of the epoch.
    validation_roc_auc
        Macro, over the whole validation set.
    seconds
        Training and validation.
    waiting_s
        Of these, how long the training steps waited for data.
    """

    epoch: int
    stage: int
    learning_rate: float
    train_loss: float
    validation_roc_auc: float
    seconds: float
    waiting_s: float


def best_epoch(epochs: Sequence[Epoch]) -> Epoch:
    """The epoch with the highest validation ROC-AUC, the first of equals."""
    return max(epochs, key=lambda epoch: (epoch.validation_roc_auc, -epoch.epoch))


def out_of_patience(epochs: Sequence[Epoch], patience: int | None) -> bool:
    """Whether the last `patience` epochs of a stage brought nothing better."""
    if patience is None or not epochs:
        return False
    return epochs[-1].epoch - best_epoch(epochs).epoch >= patience


def gone_astray(epochs: Sequence[Epoch]) -> Epoch | None:
    """The first epoch whose loss was beyond all measure, though a number."""
    return next((epoch for epoch in epochs if epoch.train_loss > ASTRAY), None)


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write a CSV with a row an epoch."""
    rows = [[field.name for field in fields(Epoch)], *map(astuple, epochs)]
    with replacing(path) as temporary:
        temporary.write_text("".join(map(csv_line, rows)), encoding="utf-8", newline="")


def read_history(path: Path) -> tuple[Epoch, ...]:
    """Read what `write_history` wrote.

    Raises
    ------
    TrainingError
        The file cannot be read or is no such table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(msgspec.convert(row, Epoch, strict=False) for row in csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error, msgspec.ValidationError) as error:
        raise TrainingError(
            f"{path}: cannot be read as a run's history ({error}); train again"
        ) from error


def save_best(
    folder: Path, epoch: Epoch, network: Mapping[str, Any], validation_scores: FloatArray
) -> None:
    """Write an epoch's weights, a PyTorch state dict, and validation scores as one file."""
    import torch

    content = {
        "epoch": asdict(epoch),
        "network": dict(network),
        "validation_scores": torch.from_numpy(validation_scores),
    }
    with replacing(folder / BEST) as temporary:
        # Through memory: PyTorch's own errors do not say that the disk is full.
        encoded = io.BytesIO()
        torch.save(content, encoded)
        temporary.write_bytes(encoded.getbuffer())


def read_best(folder: Path) -> dict[str, Any]:
    """What `save_best` wrote: ``epoch``, ``network`` and ``validation_scores``."""
    import torch

    content: dict[str, Any] = torch.load(folder / BEST, weights_only=True, map_location="cpu")
    return content
