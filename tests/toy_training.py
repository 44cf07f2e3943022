"""A training small enough to be repeated: short random sequences, a tiny network, two stages.

Run as a program it trains in a folder: ``toy_training.py FOLDER [--devices N] [--frozen-norm]``.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from moodtheme.models.recurrent import RecurrentHead
from moodtheme.recipes import Recipe, find_recipe, with_values
from moodtheme.training.examples import TrackSet, Weighted
from moodtheme.training.fit import fit
from moodtheme.training.run_folder import Result
from moodtheme.training.settings import Machine

STEPS, FEATURES, TAGS = 6, 8, 3


@dataclass(frozen=True)
class Sequences:
    """Stored sequences; in training some noise is added, in evaluation there are two views."""

    values: npt.NDArray[np.float32]

    fixed_bytes = None

    def __len__(self) -> int:
        return len(self.values)

    def training_input(self, row: int, rng: np.random.Generator) -> Weighted:
        noise = rng.normal(0, 0.1, self.values[row].shape)
        return Weighted((self.values[row] + noise).astype(np.float32)[None])

    def evaluation_inputs(self, row: int) -> Weighted:
        both = np.stack([self.values[row], self.values[row][::-1]])
        return Weighted(both, np.array([1.0, 0.5], np.float32))


class ToyNetwork(nn.Module):
    """A "pretrained" layer with batch normalisation, then the recurrent head."""

    def __init__(self, *, dropout: float) -> None:
        super().__init__()
        self.lower = nn.Sequential(nn.Linear(FEATURES, 5), nn.BatchNorm1d(STEPS), nn.Tanh())
        head = replace(find_recipe("crnn-gru").head, units=4, layers=2, dense=6, dropout=dropout)
        self.head = RecurrentHead(head, features=5, n_tags=TAGS)

    def forward(self, inputs: Tensor, clip_seeds: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.lower(inputs))
        return logits

    @property
    def pretrained_part(self) -> nn.Module:
        return self.lower


def tracks(count: int, *, seed: int) -> TrackSet:
    """Sequences whose means tell the tags, but not quite."""
    rng = np.random.default_rng(seed)
    labels = rng.random((count, TAGS)) < 0.4
    values = rng.normal(0, 1, (count, STEPS, FEATURES))
    values[:, :, :TAGS] += 0.8 * labels[:, None]
    return TrackSet(Sequences(values.astype(np.float32)), labels)


def recipe(**changes: object) -> Recipe:
    values = {"frozen_epochs": 3, "epochs": 4, "batch_size": 16, "learning_rate": 1e-3}
    values |= {name: value for name, value in changes.items() if name != "dropout"}
    return with_values(find_recipe("crnn-gru"), {k: str(v).lower() for k, v in values.items()})


def train(
    folder: Path,
    wanted: Recipe | None = None,
    *,
    machine: Machine | None = None,
    dropout: float = 0.3,
    training_tracks: int = 70,
) -> Result:
    folder.mkdir(parents=True, exist_ok=True)
    return fit(
        lambda: ToyNetwork(dropout=dropout),
        wanted or recipe(),
        training=tracks(training_tracks, seed=1),
        validation=tracks(37, seed=2),
        folder=folder,
        seed=5,
        machine=machine or Machine(accelerator="cpu", threads=1),
    )


def freeze_norms() -> None:
    """Keep batch normalisation in evaluation mode, where it does not see its batch."""
    from moodtheme.training.module import SystemModule

    original = SystemModule.train

    def train_but_norms(self: SystemModule, mode: bool = True) -> SystemModule:
        original(self, mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
        return self

    SystemModule.train = train_but_norms  # type: ignore[method-assign]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--frozen-norm", action="store_true")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.frozen_norm:
        freeze_norms()
        train(
            options.folder,
            recipe(frozen_epochs=0, epochs=1, batch_size=32),
            machine=Machine(accelerator="cpu", devices=options.devices, threads=1),
            dropout=0.0,
        )
    else:
        train(
            options.folder,
            recipe(epochs=options.epochs),
            machine=Machine(accelerator="cpu", devices=options.devices, threads=1, workers=1),
        )
