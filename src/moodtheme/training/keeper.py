"""What a run keeps after each epoch, so that it can be killed at any moment."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint

from moodtheme.files import replacing
from moodtheme.training.history import Epoch, best_epoch, out_of_patience, write_history
from moodtheme.training.module import SystemModule


class Keeper(Checkpoint):
    """Writes down each epoch, keeps the best one's weights and the last one's whole state.

    The best epoch is written first and the state of the run last. Killed in between, the run goes
    on from the epoch before, trains the same epoch again and arrives at the same files.

    Parameters
    ----------
    folder
        Of the stage.
    history
        CSV of all epochs.
    earlier
        Epochs of the stages before.
    stage
        Number of this stage, from 1.
    patience
        Epochs without improvement after which the stage ends; None never ends it early.
    report
        Called with all epochs of all stages after each.
    """

    def __init__(
        self,
        folder: Path,
        *,
        history: Path,
        earlier: Sequence[Epoch],
        stage: int,
        patience: int | None,
        report: Callable[[Sequence[Epoch]], None],
    ) -> None:
        self._folder = folder
        self._history = history
        self._earlier = tuple(earlier)
        self._stage = stage
        self._patience = patience
        self._report = report
        self.epochs: list[Epoch] = []
        self._epoch_began = self._step_ended = 0.0
        self._waiting_s = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._epoch_began = self._step_ended = time.monotonic()
        self._waiting_s = 0.0

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """The batch has come; what passed since the step before was waiting."""
        self._waiting_s += time.monotonic() - self._step_ended

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """The step is done."""
        self._step_ended = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the epoch down; Lightning calls this after the epoch's validation."""
        assert isinstance(pl_module, SystemModule)
        metrics = trainer.callback_metrics
        self.epochs.append(
            Epoch(
                epoch=len(self._earlier) + trainer.current_epoch + 1,
                stage=self._stage,
                learning_rate=float(trainer.optimizers[0].param_groups[0]["lr"]),
                train_loss=float(metrics["train_loss"]),
                validation_roc_auc=pl_module.validation_roc_auc,
                seconds=time.monotonic() - self._epoch_began,
                waiting_s=self._waiting_s,
            )
        )
        if best_epoch(self.epochs) is self.epochs[-1] and trainer.is_global_zero:
            save_best(self._folder, pl_module, self.epochs[-1])
        trainer.save_checkpoint(self._folder / LAST)
        if trainer.is_global_zero:
            write_history(self._history, [*self._earlier, *self.epochs])
            self._report([*self._earlier, *self.epochs])
        if out_of_patience(self.epochs, self._patience):
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Return the epochs so far."""
        return {"epochs": [asdict(epoch) for epoch in self.epochs]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up the epochs of a run that was stopped."""
        self.epochs = [Epoch(**values) for values in state_dict["epochs"]]


BEST = "best.pt"
LAST = "last.ckpt"


def save_best(folder: Path, module: SystemModule, epoch: Epoch) -> None:
    """Write an epoch's weights and validation scores as one file."""
    content = {
        "epoch": asdict(epoch),
        "network": module.network.state_dict(),
        "validation_scores": torch.from_numpy(module.validation_scores),
    }
    with replacing(folder / BEST) as temporary:
        torch.save(content, temporary)


def read_best(folder: Path) -> dict[str, Any]:
    """What `save_best` wrote: ``epoch``, ``network`` and ``validation_scores``."""
    content: dict[str, Any] = torch.load(folder / BEST, weights_only=True, map_location="cpu")
    return content


def read_epochs(folder: Path) -> list[Epoch]:
    """Epochs of a stage that has been trained, wholly or in part."""
    if not (folder / LAST).exists():
        return []
    state = torch.load(folder / LAST, weights_only=True, map_location="cpu")
    kept = next(value for key, value in state["callbacks"].items() if key == Keeper.__qualname__)
    return [Epoch(**values) for values in kept["epochs"]]
