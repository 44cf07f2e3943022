"""Which tracks make a batch, and every random choice of training, as functions of seed and place.

Nothing depends on what was drawn before, on the number of processes, or on when a run was killed:
an epoch that is trained again is the same epoch.
"""

import math
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from enum import IntEnum
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch.utils.data import Sampler

_AHEAD = 4  # batches a worker has ready, so that a slow read stops nothing
_Batch = TypeVar("_Batch")


class Purpose(IntEnum):
    """What is drawn; each has numbers of its own."""

    WEIGHTS = 0
    ORDER = 1
    EXAMPLE = 2
    DROPOUT = 3


def stream(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """Random numbers for one purpose and place, such as an epoch and a track."""
    return np.random.default_rng([seed, purpose, *place])


def torch_seed(seed: int, purpose: Purpose, *place: int) -> int:
    """Seed for PyTorch, for one purpose and place."""
    return int(stream(seed, purpose, *place).integers(2**63))


class TrainingBatches(Sampler[list[tuple[int, int]]]):
    """Batches of (epoch, row) in an order that is a function of seed and epoch alone.

    Each batch is divided over the processes, so that the same tracks make a step whatever their
    number. What does not fill a last batch is left out, other tracks in every epoch.

    Parameters
    ----------
    tracks
        Number of tracks.
    batch_size
        Of all processes together; at most `tracks` are used, a multiple of `processes`.
    seed, first_epoch
        The order's seed, and what to add to the epoch that Lightning counts.
    epoch
        The epoch that comes first, as Lightning counts: in a run that was stopped it asks for the
        batches before it says which epoch they are for.
    process, processes
        This one's number and how many there are.
    """

    def __init__(
        self,
        tracks: int,
        *,
        batch_size: int,
        seed: int,
        first_epoch: int = 0,
        epoch: int = 0,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self._tracks = tracks
        self.batch_size = min(batch_size, tracks) // processes * processes
        self._seed = seed
        self._first_epoch = first_epoch
        self._process = process
        self._processes = processes
        self._epoch = epoch

    @property
    def sampler(self) -> Self:
        """Where Lightning looks for `set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next; Lightning calls this."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._tracks // self.batch_size

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self._first_epoch + self._epoch
        order = stream(self._seed, Purpose.ORDER, epoch).permutation(self._tracks)
        for first in range(0, len(self) * self.batch_size, self.batch_size):
            batch = order[first : first + self.batch_size]
            yield [(epoch, int(row)) for row in batch[self._process :: self._processes]]


@dataclass(eq=False)
class EvaluationBatches(Sampler[list[int]]):
    """Batches of rows in order, dealt to the processes in turn.

    The batches are the same whatever the number of processes, and so are the scores. Processes
    that go without in the last round get an empty batch, so that all take part in every step.
    """

    tracks: int
    _: KW_ONLY
    batch_size: int
    process: int = 0
    processes: int = 1

    def __len__(self) -> int:
        return math.ceil(math.ceil(self.tracks / self.batch_size) / self.processes)

    def __iter__(self) -> Iterator[list[int]]:
        for turn in range(len(self)):
            first = (turn * self.processes + self.process) * self.batch_size
            yield list(range(first, min(first + self.batch_size, self.tracks)))


def loading(workers: int) -> dict[str, Any]:
    """How a loader reads batches that are made where they are read, in so many processes."""
    return {
        "num_workers": workers,
        "collate_fn": _as_it_is,  # it is a batch already
        "persistent_workers": workers > 0,
        "prefetch_factor": _AHEAD if workers else None,
        "pin_memory": torch.cuda.is_available(),
    }


def _as_it_is(batch: _Batch) -> _Batch:
    return batch
