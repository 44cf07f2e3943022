"""Batches on their way from where inputs are kept to the network."""

from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

from moodtheme.recipes import Schedule
from moodtheme.training.batches import EvaluationBatches, TrainingBatches
from moodtheme.training.examples import (
    EvaluationTracks,
    TrackSet,
    TrainingTracks,
    whole_batch,
)

_AHEAD = 4  # batches a worker has ready, so that a slow read stops nothing


class RunData(L.LightningDataModule):
    """Batches for the process that asks; made once its place among the processes is known."""

    def __init__(
        self,
        training: TrackSet,
        validation: TrackSet,
        *,
        schedule: Schedule,
        seed: int,
        first_epoch: int,
        epoch: int,
        workers: int,
    ) -> None:
        super().__init__()
        self._training = training
        self._validation = validation
        self._schedule = schedule
        self._seed = seed
        self._first_epoch = first_epoch
        self._epoch = epoch
        self._loading = loading(workers)

    def train_dataloader(self) -> DataLoader[Any]:
        """Training batches of this process."""
        assert self.trainer is not None
        batches = TrainingBatches(
            len(self._training.labels),
            batch_size=self._schedule.batch_size,
            seed=self._seed,
            first_epoch=self._first_epoch,
            epoch=self._epoch,
            process=self.trainer.global_rank,
            processes=self.trainer.world_size,
        )
        return DataLoader(
            TrainingTracks(self._training, seed=self._seed),
            batch_sampler=batches,
            **self._loading,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Validation batches of this process."""
        assert self.trainer is not None
        batches = EvaluationBatches(
            len(self._validation.labels),
            batch_size=self._schedule.batch_size,
            process=self.trainer.global_rank,
            processes=self.trainer.world_size,
        )
        return DataLoader(
            EvaluationTracks(self._validation),
            batch_sampler=batches,
            **self._loading,
        )


def loading(workers: int) -> dict[str, Any]:
    """How a loader reads batches that are made where they are read, in so many processes."""
    return {
        "num_workers": workers,
        "collate_fn": whole_batch,
        "persistent_workers": workers > 0,
        "prefetch_factor": _AHEAD if workers else None,
        "pin_memory": torch.cuda.is_available(),
    }
