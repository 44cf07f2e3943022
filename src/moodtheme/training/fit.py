"""Training through all stages of a recipe, from wherever a run stands."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import Logger
from torch import nn

from moodtheme.errors import TrainingError
from moodtheme.models.networks import choose_device
from moodtheme.recipes import Precision, Recipe, Schedule
from moodtheme.records import write_record
from moodtheme.training.batches import Purpose, torch_seed
from moodtheme.training.callbacks import LAST, Keeper, TrainingProgress, read_epochs
from moodtheme.training.examples import TrackSet, keep_resident
from moodtheme.training.history import Epoch, best_epoch, out_of_patience, read_best
from moodtheme.training.module import SystemModule
from moodtheme.training.run_folder import (
    DONE,
    HISTORY,
    RESULT,
    Result,
    read_result,
    stage_folder,
)
from moodtheme.training.settings import (
    Machine,
    is_first_process,
    open_loggers,
    peak_memory,
    readers,
)
from moodtheme.work import Display

_PRECISION: dict[Precision, Any] = {
    Precision.FLOAT32: "32-true",
    Precision.TF32: "32-true",
    Precision.BFLOAT16: "bf16-mixed",
    Precision.FLOAT16: "16-mixed",
}


def fit(
    make_network: Callable[[], nn.Module],
    recipe: Recipe,
    *,
    training: TrackSet,
    validation: TrackSet,
    folder: Path,
    seed: int,
    machine: Machine,
) -> Result:
    """Train a system, or go on with a run that was stopped.

    Each stage starts from the best epoch so far, with a fresh optimiser, and the best epoch of all
    is the result; `moodtheme.training.history.read_best` reads its weights from its stage's folder.

    Parameters
    ----------
    make_network
        Makes the network with its initial and pretrained weights; called under a seed of its own.
        The result is a `moodtheme.training.module.Network`.
    recipe
        Its schedule is followed.
    training, validation
        Tracks.
    folder
        The run's folder, which `moodtheme.training.run_folder.claim` has made this run's.
    seed
        Of every random choice.
    machine
        Where to train.

    Raises
    ------
    TrainingError
        If there are too few tracks, no figure to choose epochs by, or no epoch before the training
        diverges. If there was one, it is kept, and the result says where the training ended.
    """
    if (folder / RESULT).exists():
        return read_result(folder)
    _check(recipe, training, validation, machine)
    # PyTorch's own default for convolutions; here it is what the recipe says. Products stay exact,
    # for a front end's spectra are such.
    torch.backends.cudnn.allow_tf32 = recipe.schedule.precision is Precision.TF32
    if machine.threads is not None:
        torch.set_num_threads(machine.threads)
    done: list[Epoch] = []
    diverged_in: int | None = None
    loggers = open_loggers(machine, folder)
    # Of several processes one draws.
    with _quiet_lightning(), Display("training", shown=is_first_process()) as display:
        progress = TrainingProgress(display)
        for number in range(1, len(recipe.stages) + 1):
            place = stage_folder(folder, number)
            place.mkdir(exist_ok=True)
            epochs = read_epochs(place)
            if not (place / DONE).exists():
                progress.start_stage(
                    done=len(done) + len(epochs),
                    last=len(done) + recipe.stages[number - 1].epochs,
                    more=number < len(recipe.stages),
                )
                epochs = _fit_stage(
                    make_network,
                    recipe,
                    number,
                    training=training,
                    validation=validation,
                    folder=folder,
                    seed=seed,
                    machine=machine,
                    earlier=done,
                    epochs=epochs,
                    progress=progress,
                    loggers=loggers,
                )
            done += epochs
            if diverged_in := _diverged_in(place):
                break
    if not done:
        raise TrainingError(
            f"training diverged in epoch {diverged_in}, before any epoch was done: "
            f"{advice(recipe)}, in another folder"
        )
    result = _result(done, diverged_in)
    if is_first_process():
        write_record(folder / RESULT, result)
    return result


def _fit_stage(
    make_network: Callable[[], nn.Module],
    recipe: Recipe,
    number: int,
    *,
    training: TrackSet,
    validation: TrackSet,
    folder: Path,
    seed: int,
    machine: Machine,
    earlier: Sequence[Epoch],
    epochs: list[Epoch],
    progress: TrainingProgress,
    loggers: list[Logger],
) -> list[Epoch]:
    """Train what is left of a stage; return its epochs."""
    stage, schedule = recipe.stages[number - 1], recipe.schedule
    place = stage_folder(folder, number)
    # A run may have been killed between its last epoch and the mark that it was the last.
    diverged_in = None
    if not (len(epochs) >= stage.epochs or out_of_patience(epochs, schedule.patience)):
        training, validation, table = keep_resident(training, validation, machine)
        torch.manual_seed(torch_seed(seed, Purpose.WEIGHTS))
        network = make_network()
        if earlier and not epochs:
            best = best_epoch(earlier)
            network.load_state_dict(read_best(stage_folder(folder, best.stage))["network"])
        module = SystemModule(
            network,
            schedule=schedule,
            stage=stage,
            training=training,
            validation=validation,
            seed=seed,
            first_epoch=len(earlier),
            epoch=len(epochs),
            table=table,
            workers=readers(machine, on_gpu=_on_gpu(machine)) if table is None else 0,
        )
        keeper = Keeper(
            folder=place,
            history=folder / HISTORY,
            earlier=earlier,
            stage=number,
            patience=schedule.patience,
            report=progress.epoch_done,
        )
        trainer = _trainer(stage.epochs, schedule, machine, [progress, keeper], loggers)
        trainer.fit(module, ckpt_path=place / LAST if epochs else None)
        trainer.strategy.barrier()
        epochs, diverged_in = keeper.epochs, keeper.diverged_in
    if is_first_process():
        (place / DONE).write_text("" if diverged_in is None else str(diverged_in), "ascii")
    return epochs


def _diverged_in(stage: Path) -> int | None:
    """The epoch in which a finished stage diverged."""
    text = (stage / DONE).read_text("ascii") if (stage / DONE).exists() else ""
    return int(text) if text else None


def advice(recipe: Recipe) -> str:
    """What to try after a training that diverged."""
    rates = " and ".join(f"{stage.learning_rate:g}" for stage in recipe.stages)
    clip = recipe.schedule.clip_norm
    clipped = "clip gradients" if clip is None else f"clip gradients harder than at {clip:g}"
    return (
        f"train with a lower learning rate than {rates} (--set learning_rate=...), or {clipped} "
        "(--set clip_norm=1)"
    )


def _trainer(
    epochs: int,
    schedule: Schedule,
    machine: Machine,
    callbacks: list[L.Callback],
    loggers: list[Logger],
) -> L.Trainer:
    several = machine.devices * machine.nodes > 1
    return L.Trainer(
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy="ddp" if several else "auto",
        precision=_PRECISION[schedule.precision],
        max_epochs=epochs,
        gradient_clip_val=schedule.clip_norm,
        # Gloo has no synchronised batch normalisation; on a processor each process uses its share.
        sync_batchnorm=several and _on_gpu(machine),
        use_distributed_sampler=False,
        # Some CUDA kernels have no deterministic form; they are named and used.
        deterministic="warn",
        callbacks=callbacks,
        logger=loggers or False,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        enable_progress_bar=False,
        log_every_n_steps=1,
    )


def _on_gpu(machine: Machine) -> bool:
    return choose_device(machine.accelerator).type != "cpu"


def _check(recipe: Recipe, training: TrackSet, validation: TrackSet, machine: Machine) -> None:
    if not recipe.stages:
        raise TrainingError("the recipe has no epochs; set frozen_epochs or epochs above 0")
    processes = machine.devices * machine.nodes
    if len(training.labels) < 2 * processes:
        raise TrainingError(
            f"{len(training.labels)} tracks to train on are too few for {processes} processes, "
            "which need two each; add tracks"
        )
    positives = validation.labels.sum(axis=0)
    if not ((positives > 0) & (positives < len(validation.labels))).any():
        raise TrainingError(
            "no tag is on some validation tracks and absent from others, so no epoch can be "
            "chosen; divide the tracks otherwise, for instance with `moodtheme dataset split`"
        )


def _result(epochs: Sequence[Epoch], diverged_in: int | None) -> Result:
    best = best_epoch(epochs)
    on_accelerator = torch.cuda.is_available()
    return Result(
        best_epoch=best.epoch,
        best_stage=best.stage,
        validation_roc_auc=best.validation_roc_auc,
        epochs=len(epochs),
        training_s=sum(epoch.seconds for epoch in epochs),
        waiting_s=sum(epoch.waiting_s for epoch in epochs),
        peak_memory_bytes=peak_memory(),
        peak_accelerator_bytes=torch.cuda.max_memory_allocated() if on_accelerator else None,
        diverged_in=diverged_in,
    )


@contextlib.contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Lightning's advice is not for the users of a command."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
