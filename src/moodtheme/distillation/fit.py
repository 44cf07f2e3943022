"""The student learns the teacher's logits."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from moodtheme.distillation.agreement import spearman_per_tag
from moodtheme.distillation.labels import Material, open_material
from moodtheme.distillation.plan import Part
from moodtheme.models.moodtheme_small import SmallNetwork

_WINDOWS = Dataset[tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast the student learns; all numbers are ours.

    Attributes
    ----------
    epochs
        Passes over all windows.
    batch_size
        Windows a step.
    learning_rate
        Highest rate of AdamW; it rises over the first tenth of all steps and falls to zero along a
        cosine (one cycle).
    weight_decay
        Of AdamW.
    seed
        Of initial weights, order and shifts.
    """

    epochs: int = 8
    batch_size: int = 48
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    seed: int = 0


class Windows(_WINDOWS):
    """Labelled windows; in training each is turned around in time by a random amount.

    Parameters
    ----------
    material
        The arrays; rows without a label are left out.
    shift_seed
        Seed of the shifts, which depend on it, `epoch` and the window; None leaves windows alone.
    """

    def __init__(self, material: Material, *, shift_seed: int | None) -> None:
        self._mel_db = material.mel_db
        self._shift_seed = shift_seed
        logits = np.asarray(material.logits)
        self._rows = np.flatnonzero(np.isfinite(logits).all(axis=1))
        self.logits = torch.from_numpy(logits[self._rows])
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        mel_db = self._mel_db[self._rows[index]]
        if self._shift_seed is not None:
            rng = np.random.default_rng([self._shift_seed, self.epoch, index])
            mel_db = np.roll(mel_db, int(rng.integers(len(mel_db))), axis=0)
        return torch.from_numpy(np.array(mel_db)).float(), self.logits[index]


class EpochOrder(Sampler[int]):
    """A random order that is a function of seed and epoch alone, so that a resumed run repeats it.

    Lightning calls `set_epoch`.
    """

    def __init__(self, windows: Windows, *, seed: int) -> None:
        self._windows = windows
        self._seed = seed

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self._windows.epoch = epoch

    def __len__(self) -> int:
        return len(self._windows)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._windows.epoch])
        return iter(rng.permutation(len(self._windows)).tolist())


class Student(L.LightningModule):
    """Regression of the teacher's logits, each tag in units of its own spread.

    A tag the teacher hardly varies on then counts as much as one it varies on widely: what people
    do with a tag is rank tracks by it.
    """

    def __init__(self, network: SmallNetwork, schedule: Schedule) -> None:
        super().__init__()
        self.network = network
        self._schedule = schedule
        self._validation: list[tuple[Tensor, Tensor]] = []

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Mean squared error of standardised logits."""
        mel_db, logits = batch
        wanted = (logits - self.network.centre) / self.network.scale
        loss = torch.mean((self.network.standardised(mel_db).float() - wanted) ** 2)
        self.log("train_loss", loss, prog_bar=True, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Gather predictions; the rank correlation needs all of them."""
        mel_db, logits = batch
        self._validation.append((self.network(mel_db).float(), logits))

    def on_validation_epoch_end(self) -> None:
        """Log the median over tags of Spearman's correlation with the teacher, over windows."""
        predicted, wanted = (
            torch.cat(parts).numpy() for parts in zip(*self._validation, strict=True)
        )
        self._validation.clear()
        rho = spearman_per_tag(predicted, wanted)
        self.log("val_spearman", float(np.median(rho)), prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW on one cycle."""
        optimizer = torch.optim.AdamW(
            self.parameters(),
            lr=self._schedule.learning_rate,
            weight_decay=self._schedule.weight_decay,
        )
        steps = int(self.trainer.estimated_stepping_batches)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self._schedule.learning_rate, total_steps=steps, pct_start=0.1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


def fit_student(material: Path, run: Path, schedule: Schedule, *, threads: int) -> SmallNetwork:
    """Train, or go on from the last finished epoch, and return the best epoch's network.

    Parameters
    ----------
    material
        Folder of `make_material`.
    run
        Folder for checkpoints and ``metrics/version_N/metrics.csv``.
    schedule
        See `Schedule`.
    threads
        Threads PyTorch computes on; the same number gives the same numbers.
    """
    torch.set_num_threads(threads)
    L.seed_everything(schedule.seed, workers=True, verbose=False)
    training = Windows(open_material(material, Part.TRAIN), shift_seed=schedule.seed)
    validation = Windows(open_material(material, Part.VALIDATION), shift_seed=None)
    network = SmallNetwork(n_tags=training.logits.shape[1])
    network.set_spread(training.logits)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    student = Student(network, schedule)
    keeper = ModelCheckpoint(
        run / "checkpoints",
        filename="best",
        monitor="val_spearman",
        mode="max",
        save_last=True,
        enable_version_counter=False,
    )
    trainer = L.Trainer(
        accelerator="cpu",
        precision="bf16-mixed",
        max_epochs=schedule.epochs,
        deterministic=True,
        gradient_clip_val=5.0,
        callbacks=[keeper],
        logger=CSVLogger(run, name="metrics"),  # a new folder each start: none is lost
        log_every_n_steps=10,
        num_sanity_val_steps=0,
        enable_model_summary=False,
    )
    last = run / "checkpoints" / "last.ckpt"
    trainer.fit(
        student,
        DataLoader(
            training,
            batch_size=min(schedule.batch_size, len(training)),
            sampler=EpochOrder(training, seed=schedule.seed),
            drop_last=True,
        ),
        DataLoader(validation, batch_size=schedule.batch_size),
        ckpt_path=last if last.exists() else None,
    )
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True, map_location="cpu")
    student.load_state_dict(best["state_dict"])
    return student.network
