"""What happens beside the steps of a training: each epoch is kept, and it is said how far it is.

A run can be killed at any moment. Progress is a bar on a terminal and a line an epoch in a pipe,
both on standard error.
"""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint

from moodtheme.training.history import (
    Epoch,
    best_epoch,
    out_of_patience,
    save_best,
    write_history,
)
from moodtheme.training.module import SystemModule
from moodtheme.work import Display, in_words

LAST = "last.ckpt"
_RECENT = 5  # epochs whose mean length tells how long the others will take


@dataclass(eq=False, kw_only=True)
class Keeper(Checkpoint):
    """Writes down each epoch, keeps the best one's weights and the last one's whole state.

    The best epoch is written first and the state of the run last. Killed in between, the run goes
    on from the epoch before, trains the same epoch again and arrives at the same files.

    Attributes
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
    epochs
        Finished ones of this stage.
    diverged_in
        The epoch in which loss or scores stopped being numbers, which ended the training.
    """

    folder: Path
    history: Path
    earlier: Sequence[Epoch]
    stage: int
    patience: int | None
    report: Callable[[Sequence[Epoch]], None]
    epochs: list[Epoch] = field(default_factory=list)
    diverged_in: int | None = None

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._epoch_began = self._step_ended = time.monotonic()
        self._waiting_s = 0.0

    def on_train_batch_start(self, *_: Any, **__: Any) -> None:
        """The batch has come; what passed since the step before was waiting."""
        self._waiting_s += time.monotonic() - self._step_ended

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """The step is done."""
        self._step_ended = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the epoch down; Lightning calls this after the epoch's validation."""
        assert isinstance(pl_module, SystemModule)
        metrics = trainer.callback_metrics
        number = len(self.earlier) + trainer.current_epoch + 1
        if not (
            math.isfinite(pl_module.validation_roc_auc) and math.isfinite(metrics["train_loss"])
        ):
            # Weights that are not numbers never come back; the epochs before stay as they are.
            self.diverged_in = number
            trainer.should_stop = True
            return
        self.epochs.append(
            Epoch(
                epoch=number,
                stage=self.stage,
                learning_rate=float(trainer.optimizers[0].param_groups[0]["lr"]),
                train_loss=float(metrics["train_loss"]),
                validation_roc_auc=pl_module.validation_roc_auc,
                seconds=time.monotonic() - self._epoch_began,
                waiting_s=self._waiting_s,
            )
        )
        if best_epoch(self.epochs) is self.epochs[-1] and trainer.is_global_zero:
            save_best(
                self.folder,
                self.epochs[-1],
                pl_module.network.state_dict(),
                pl_module.validation_scores,
            )
        trainer.save_checkpoint(self.folder / LAST)
        if trainer.is_global_zero:
            so_far = [*self.earlier, *self.epochs]
            write_history(self.history, so_far)
            self.report(so_far)
        if out_of_patience(self.epochs, self.patience):
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Return the epochs so far."""
        return {"epochs": [asdict(epoch) for epoch in self.epochs]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up the epochs of a run that was stopped."""
        self.epochs = [Epoch(**values) for values in state_dict["epochs"]]


def read_epochs(folder: Path) -> list[Epoch]:
    """Epochs of a stage that has been trained, wholly or in part."""
    if not (folder / LAST).exists():
        return []
    state = torch.load(folder / LAST, weights_only=True, map_location="cpu")
    kept = next(value for key, value in state["callbacks"].items() if key == Keeper.__qualname__)
    return [Epoch(**values) for values in kept["epochs"]]


class TrainingProgress(Callback):
    """Steps of the current epoch, figures of the finished ones, and the time left."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._note = ""
        self._done = self._last = self._steps = 0
        self._more = False

    def start_stage(self, *, done: int, last: int, more: bool) -> None:
        """Say how many epochs there are over all stages, the stage's last, and if more follow."""
        self._done, self._last, self._more = done, last, more

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin the epoch's bar."""
        self._display.begin(f"epoch {self._done + 1}/{self._last}")
        self._steps = int(trainer.num_training_batches)
        self._display.show(0, self._steps, note=self._note)

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count a step."""
        self._display.show(batch_idx + 1, self._steps, note=self._note)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say what is being done."""
        self._display.begin(f"validation {self._done + 1}")

    def epoch_done(self, epochs: Sequence[Epoch]) -> None:
        """Show a finished epoch; `epochs` are all so far."""
        self._done = len(epochs)
        last, best = epochs[-1], best_epoch(epochs)
        figures = (
            f"loss {last.train_loss:.4f}, validation ROC-AUC {last.validation_roc_auc:.4f} "
            f"(best {best.validation_roc_auc:.4f} in epoch {best.epoch})"
        )
        left = time_left(epochs, last_epoch=self._last, more_stages=self._more)
        self._note = f"{figures}; {left}"
        if not self._display.is_drawn:
            print(
                f"stage {last.stage}, epoch {last.epoch}/{self._last}: {figures}, "
                f"{last.seconds:.1f} s; {left}",
                file=sys.stderr,
                flush=True,
            )


def time_left(epochs: Sequence[Epoch], *, last_epoch: int, more_stages: bool) -> str:
    """How long a stage's rest takes if epochs go on as the last ones, in words.

    Parameters
    ----------
    epochs
        All finished ones, of all stages.
    last_epoch
        The stage's last, counted over all stages.
    more_stages
        Whether another stage follows, whose epochs take longer or shorter.
    """
    last = epochs[-1]
    recent = [epoch.seconds for epoch in epochs if epoch.stage == last.stage][-_RECENT:]
    here = last_epoch - last.epoch
    if here <= 0:
        return "stage done" if more_stages else "done"
    words = in_words(sum(recent) / len(recent) * here)
    return f"{words} left of this stage" if more_stages else f"{words} left"
