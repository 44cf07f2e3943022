"""How far a training is: a bar on a terminal, a line an epoch in a pipe, both on standard error."""

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import lightning as L
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from moodtheme.training.history import Epoch, best_epoch

_RECENT = 5  # epochs whose mean length tells how long the others will take


class TrainingProgress(Callback):
    """Steps of the current epoch, figures of the finished ones, and the time left.

    Parameters
    ----------
    stage_ends
        Number of the last epoch of each stage, counted over all.
    """

    def __init__(self, stage_ends: Sequence[int]) -> None:
        self._stage_ends = tuple(stage_ends)
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=None, note="")
        self._note = ""
        self._done = 0

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def start_from(self, epochs: Sequence[Epoch]) -> None:
        """Say how many epochs there are already."""
        self._done = len(epochs)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin the epoch's bar."""
        self._bar.reset(
            self._task,
            total=trainer.num_training_batches,
            description=f"epoch {self._done + 1}/{self._stage_ends[-1]}",
            note=self._note,
        )

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count a step."""
        self._bar.advance(self._task)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say what is being done."""
        self._bar.update(self._task, description=f"validation {self._done + 1}")

    def epoch_done(self, epochs: Sequence[Epoch]) -> None:
        """Show a finished epoch; `epochs` are all so far."""
        self._done = len(epochs)
        last, best = epochs[-1], best_epoch(epochs)
        figures = (
            f"loss {last.train_loss:.4f}, validation ROC-AUC {last.validation_roc_auc:.4f} "
            f"(best {best.validation_roc_auc:.4f} in epoch {best.epoch})"
        )
        left = time_left(epochs, self._stage_ends)
        self._note = f"{figures}; {left}"
        if self._bar.disable:
            print(
                f"epoch {last.epoch}/{self._stage_ends[-1]}, stage {last.stage}: {figures}, "
                f"{last.seconds:.1f} s; {left}",
                file=sys.stderr,
                flush=True,
            )


def time_left(epochs: Sequence[Epoch], stage_ends: Sequence[int]) -> str:
    """How long the rest takes if epochs go on as the last ones, in words."""
    last = epochs[-1]
    recent = [epoch.seconds for epoch in epochs if epoch.stage == last.stage][-_RECENT:]
    here = stage_ends[last.stage - 1] - last.epoch
    seconds = sum(recent) / len(recent) * here
    words = f"{_in_words(seconds)} left" + (
        " of this stage" if last.stage < len(stage_ends) else ""
    )
    return words if here else "stage done" if last.stage < len(stage_ends) else "done"


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
