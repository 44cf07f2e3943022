"""Inputs that never change, kept whole on the device that trains on them.

A recurrent system on stored features computes for a few milliseconds a batch; to carry the same
features to the device in every epoch would take longer. Where all of them fit, they are carried
once, and batches name their rows.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from moodtheme.training.examples import TrackSet, Weighted
from moodtheme.training.settings import Machine

_MEMORY_SHARE = 0.5  # of what is free; the network, its optimiser and a batch need the rest


@dataclass(frozen=True)
class Places:
    """Examples whose inputs are rows of a table that the device has.

    Attributes
    ----------
    first, count
        Rows of these tracks in the table.
    """

    first: int
    count: int

    fixed_bytes = None

    def __len__(self) -> int:
        return self.count

    def training_input(self, row: int, rng: np.random.Generator) -> Weighted:
        """A track's row."""
        return self.evaluation_inputs(row)

    def evaluation_inputs(self, row: int) -> Weighted:
        """A track's row."""
        return Weighted(np.array([self.first + row]))


def keep_resident(
    training: TrackSet, validation: TrackSet, machine: Machine
) -> tuple[TrackSet, TrackSet, Tensor | None]:
    """Read all inputs, if they never change and the device has room for them.

    Parameters
    ----------
    training, validation
        Tracks.
    machine
        Where to train; `Machine.resident_bytes` is the room, by default half of what a GPU has
        free. A processor maps features from the disk, which is as good.

    Returns
    -------
    training, validation
        With `Places` for examples; as they were where there is no table.
    table
        Inputs of the tracks of both, float32 ``(tracks, ...)``, or None.
    """
    parts = (training.examples, validation.examples)
    sizes = [part.fixed_bytes for part in parts]
    room = _room(machine) if machine.resident_bytes is None else machine.resident_bytes
    if any(size is None for size in sizes) or sum(size or 0 for size in sizes) > room:
        return training, validation, None
    inputs = [part.evaluation_inputs(row).values[0] for part in parts for row in range(len(part))]
    learnt = len(training.examples)
    return (
        replace(training, examples=Places(0, learnt)),
        replace(validation, examples=Places(learnt, len(inputs) - learnt)),
        torch.from_numpy(np.stack(inputs)),
    )


def _room(machine: Machine) -> int:
    if machine.accelerator not in ("auto", "cuda") or not torch.cuda.is_available():
        return 0
    free, _ = torch.cuda.mem_get_info()
    return int(_MEMORY_SHARE * free)
