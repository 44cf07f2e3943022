"""The student learns what the teachers say, on a processor or a graphics card."""

import json
import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.distillation.labels import Material, open_material
from moodtheme.distillation.plan import Part
from moodtheme.distillation.quality import spearman_per_tag
from moodtheme.distillation.teachers import (
    BASELINE,
    TAGGERS,
    Columns,
    columns_of,
    without_denormals,
)
from moodtheme.errors import WeightsError
from moodtheme.files import replacing
from moodtheme.models.moodtheme_small import EMBEDDING, SmallNetwork


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
        cosine.
    weight_decay
        Of AdamW.
    hidden_weight
        Share of the teachers' hidden activations in the loss, where their logits have 1.
    seed
        Of initial weights, order and shifts.
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    hidden_weight: float = 0.5
    seed: int = 0


class Student(nn.Module):
    """The network and a linear reading of every label, each in units of its own spread.

    A label the teachers hardly vary on then counts as much as one they vary on widely: what people
    do with a tag is rank tracks by it.

    Parameters
    ----------
    columns
        The labels.
    further
        Teachers whose answers are in its embedding, though no label reads them: those that it went
        on with.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, columns: Columns, further: Sequence[str] = ()) -> None:
        super().__init__()
        self.columns = columns
        self.further = tuple(further)
        self.network = SmallNetwork()
        self.labels = nn.Linear(EMBEDDING, columns.n)
        self.register_buffer("centre", torch.zeros(columns.n))
        self.register_buffer("scale", torch.ones(columns.n))

    @property
    def teachers(self) -> tuple[str, ...]:
        """All that it has learned from, the baseline first."""
        return (*self.columns.logits, *self.further)

    def checkpoint(self) -> dict[str, Any]:
        """What `load_student` makes it of."""
        return {
            "teachers": list(self.columns.logits),
            "further": list(self.further),
            "student": self.state_dict(),
        }

    def set_spread(self, labels: Tensor) -> None:
        """Take each label's mean and standard deviation from ``(n, columns)``."""
        self.centre.copy_(labels.mean(dim=0))
        self.scale.copy_(labels.std(dim=0).clamp(min=1e-3))

    def forward(self, mel_db: Tensor) -> Tensor:
        """Labels minus their mean, over their standard deviation."""
        standardised: Tensor = self.labels(self.network(mel_db))
        return standardised

    def loss(self, mel_db: Tensor, labels: Tensor, hidden_weight: float) -> Tensor:
        """Mean squared error: of the baseline's logits, of the taggers', of what lies behind."""
        wanted = ((labels.float() - self.centre) / self.scale).clamp(-8, 8)
        error = (self(mel_db).float() - wanted) ** 2
        own = self.columns.logits[BASELINE]
        others = error[:, own.stop : self.columns.n_logits]
        behind = error[:, self.columns.n_logits :]
        loss: Tensor = error[:, own].mean() + hidden_weight * behind.mean()
        return loss + others.mean() if others.numel() else loss


@without_denormals()
def fit_student(
    material: Path,
    run: Path,
    columns: Columns,
    schedule: Schedule,
    *,
    device: str = "cpu",
    threads: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> Student:
    """Train, or go on from the last finished epoch, and return the student.

    Parameters
    ----------
    material
        Folder of `make_material`.
    run
        Folder for ``student.pt`` and ``metrics.jsonl``.
    columns
        What the labels are.
    schedule
        See `Schedule`.
    device
        Where it is computed; windows stay on a graphics card throughout.
    threads
        Threads PyTorch computes on; the same number gives the same numbers on a processor.
    report
        Called with a line an epoch.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(schedule.seed)
    half = device == "cuda"
    training = _Windows(open_material(material, Part.TRAIN), device)
    validation = _Windows(open_material(material, Part.VALIDATION), device)
    student = Student(columns)
    student.set_spread(training.labels.float().cpu())
    student = student.to(device)
    optimizer = torch.optim.AdamW(
        student.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    size = min(schedule.batch_size, len(training))
    steps = schedule.epochs * (len(training) // size)
    first = 0
    checkpoint = run / "student.pt"
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True, map_location=device)
        if kept["schedule"] == asdict(schedule) and _labelled_by(kept) == [*columns.logits]:
            first = kept["epoch"] + 1
            student.load_state_dict(kept["student"])
            optimizer.load_state_dict(kept["optimizer"])
    for epoch in range(first, schedule.epochs):
        rng = np.random.default_rng([schedule.seed, epoch])
        order = rng.permutation(len(training))
        total = 0.0
        student.train()
        for number in range(len(training) // size):
            step = epoch * (len(training) // size) + number
            for group in optimizer.param_groups:
                group["lr"] = schedule.learning_rate * rate(step / steps)
            rows = torch.from_numpy(order[number * size : (number + 1) * size])
            mel_db, labels = training.take(rows, shift=int(rng.integers(training.frames)))
            with torch.autocast(device, torch.bfloat16, enabled=half):
                loss = student.loss(mel_db, labels, schedule.hidden_weight)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(student.parameters(), 5.0)
            optimizer.step()
            if number % 20 == 0:
                total += float(loss.detach())
        agreement = _agreement(student, validation, half=half)
        line = {"epoch": epoch, "loss": total / math.ceil(len(training) // size / 20), **agreement}
        report(json.dumps(line))
        run.mkdir(parents=True, exist_ok=True)
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        state = {
            **student.checkpoint(),
            "schedule": asdict(schedule),
            "epoch": epoch,
            "optimizer": optimizer.state_dict(),
        }
        with replacing(checkpoint) as temporary:
            torch.save(state, temporary)
    return student.cpu().eval()


def load_student(checkpoint: Path) -> Student:
    """A student that another run has trained, or that has gone on.

    Raises
    ------
    WeightsError
        If the file is none.
    """
    try:
        kept = torch.load(checkpoint, weights_only=True, map_location="cpu")
        weights = kept["student"]
        student = Student(columns_of(_labelled_by(kept)), kept.get("further", ()))
        student.load_state_dict(weights)
    except (
        OSError, EOFError, RuntimeError, LookupError, TypeError, pickle.UnpicklingError
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{checkpoint} is no trained student ({reason}); give the student.pt or continued.pt "
            "of a run of `moodtheme distil` (one that does not say what its teachers were is taken "
            f"for one of {1 + len(TAGGERS)})"
        ) from error
    return student.eval()


def _labelled_by(kept: Mapping[str, Any]) -> list[str]:
    """The teachers of a checkpoint's labels; older ones do not say, and had these."""
    return list(kept.get("teachers", (BASELINE, *TAGGERS)))


class _Windows:
    """A part's windows where they are learned from."""

    def __init__(self, material: Material, device: str) -> None:
        self._device = device
        self._mel_db = torch.from_numpy(material.mel_db)
        if device == "cuda":
            self._mel_db = self._mel_db.to(device)
        self.labels = torch.from_numpy(material.labels).to(device)
        self.frames = material.mel_db.shape[2]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Tensor, *, shift: int = 0) -> tuple[Tensor, Tensor]:
        """Windows turned around in time by `shift` frames, and their labels."""
        rows = rows.to(self._mel_db.device)
        mel_db = self._mel_db[rows].to(self._device).float()
        return torch.roll(mel_db, shift, dims=2), self.labels[rows.to(self._device)]


def rate(progress: float) -> float:
    """Share of the highest learning rate: up a line for a tenth of the way, down a cosine."""
    if progress < 0.1:
        return 0.04 + 0.96 * progress / 0.1
    return 0.5 * (1 + math.cos(math.pi * (progress - 0.1) / 0.9))


@torch.no_grad()
def _agreement(student: Student, windows: _Windows, *, half: bool) -> dict[str, float]:
    """Median over labels of Spearman's correlation over windows, by teacher."""
    student.eval()
    said = []
    for rows in torch.arange(len(windows)).split(256):  # type: ignore[no-untyped-call]
        mel_db, _ = windows.take(rows)
        with torch.autocast(windows.labels.device.type, torch.bfloat16, enabled=half):
            said.append(student(mel_db).float().cpu())
    predicted, wanted = torch.cat(said).numpy(), windows.labels.float().cpu().numpy()
    return {
        name: round(float(np.nanmedian(spearman_per_tag(predicted[:, part], wanted[:, part]))), 4)
        for name, part in student.columns.logits.items()
    }
