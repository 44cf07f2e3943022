"""How far a training is: a bar on a terminal, a line an epoch in a pipe, both on standard error."""

import sys
from collections.abc import Sequence
from typing import Any, Self

import lightning as L
from lightning.pytorch.callbacks import Callback

from moodtheme.training.history import Epoch, best_epoch
from moodtheme.training.processes import is_first_process
from moodtheme.work import Display, in_words

_RECENT = 5  # epochs whose mean length tells how long the others will take


class TrainingProgress(Callback):
    """Steps of the current epoch, figures of the finished ones, and the time left."""

    def __init__(self) -> None:
        # Of several processes one draws.
        self._display = Display("training", shown=is_first_process())
        self._note = ""
        self._done = self._last = self._steps = 0
        self._more = False

    def __enter__(self) -> Self:
        self._display.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.__exit__()

    def start_stage(self, *, done: int, last: int, more: bool) -> None:
        """Say how many epochs there are already, over all stages, and what is to come.

        Parameters
        ----------
        done
            Epochs there are.
        last
            The stage's last epoch, unless it ends early.
        more
            Whether another stage follows.
        """
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
