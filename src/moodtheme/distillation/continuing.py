"""A trained student goes on: to say the same of a transposed piece, and to hear what others hear.

What it said of a window, averaged over that window as it is, somewhat up and somewhat down, is what
it is to say of each of them, and of the window after a codec, a band limit or noise. Teachers that
it has not learned from yet are asked about the window as it is, and what they say has to be in its
embedding: a linear reading, thrown away at the end, learns it with it. The lower convolutions stay
as they are, so what they make of each hearing is computed once and kept, and a step costs a fifth
of one of the first training.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from moodtheme.distillation.aims import Itself, Reading, teachers_shares
from moodtheme.distillation.fit import Student, rate
from moodtheme.distillation.plan import PlannedTrack
from moodtheme.distillation.teachers import Teachers, columns_of, without_denormals
from moodtheme.distillation.transpositions import HEARINGS, hear_transposed
from moodtheme.errors import DatasetError
from moodtheme.files import replacing
from moodtheme.work import Report


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """How long and how fast a student goes on; all numbers are ours.

    Attributes
    ----------
    steps
        Of AdamW.
    windows
        A step, each heard in two ways.
    learning_rate
        The highest; it rises and falls as in the first training.
    weight_decay
        Of AdamW.
    seed
        Of windows, hearings and order.
    """

    steps: int = 4000
    windows: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    seed: int = 0


@without_denormals()
def continue_student(
    student: Student,
    teachers: Teachers,
    tracks: Sequence[PlannedTrack],
    run: Path,
    settings: Continuation,
    *,
    threads: int = 1,
    report: Report = lambda line: None,
) -> Student:
    """The student, alike for a piece and its transposed self.

    Parameters
    ----------
    student
        Trained; it is changed.
    teachers
        Those among them that it has not learned from are asked besides.
    tracks
        What it was trained on.
    run
        Folder for ``continued.pt``, which is taken as it is where it was made from the same, and
        for what was heard, kept track by track.
    settings
        See `Continuation`.
    threads
        Threads PyTorch computes on.
    report
        Called with a line every tenth of the way.

    Raises
    ------
    DatasetError
        If none of the tracks can be heard.
    """
    torch.set_num_threads(threads)
    further = [name for name in teachers.names if name not in student.teachers]
    mark = _mark(student, further, tracks, settings.seed)
    made_from = {"hearings": mark, **asdict(settings)}
    student.further = (*student.further, *further)
    checkpoint = run / "continued.pt"
    if checkpoint.exists():
        held = torch.load(checkpoint, weights_only=True, map_location="cpu")
        if held["made_from"] == made_from:
            student.load_state_dict(held["student"])
            return student.eval()
    kept = run / f"hearings-{mark[:16]}"
    heard = [
        hearings
        for _, hearings in hear_transposed(
            student, teachers, further, tracks, kept, seed=settings.seed, report=report
        )
    ]
    if not heard:
        raise DatasetError("no track of the training music can be heard; see the reasons above")
    features = [row for hearings in heard for row in hearings.features]
    wanted = torch.from_numpy(np.concatenate([hearings.wanted for hearings in heard]))
    readings: dict[str, Reading] = {}
    if further:
        said = [hearings.answers for hearings in heard if hearings.answers is not None]
        answers = torch.from_numpy(np.concatenate(said))
        shares = teachers_shares(columns_of(further))
        readings["further teachers"] = Reading(wanted, answers, shares)
    itself = Itself(student, wanted, takes_in=bool(readings))
    learned = [student, *readings.values()]
    optimizer = torch.optim.AdamW(
        [parameter for module in learned for parameter in module.parameters()],
        lr=settings.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=settings.weight_decay,
    )
    student.eval()  # the spread that its normalisations know stays what it was
    rng = np.random.default_rng(settings.seed)
    for step, rows in enumerate(_batches(rng, len(wanted), settings)):
        ways = [rng.permutation(HEARINGS)[:2] for _ in rows]
        two = np.stack([features[row][way] for row, way in zip(rows, ways, strict=True)])
        embedding = student.network.upper(torch.from_numpy(two).float().flatten(0, 1))
        pairs = embedding.reshape(len(rows), 2, -1)
        parts = {name: reading.loss(pairs, rows) for name, reading in readings.items()}
        loss = sum(parts.values(), start=itself.loss(student, pairs, rows))
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * rate(step / settings.steps)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimizer.step()
        if (step + 1) % max(1, settings.steps // 10) == 0:
            line = f"continued: {step + 1} of {settings.steps} steps, loss {loss.item():.4f}"
            report(line + "".join(f", {name} {part.item():.4f}" for name, part in parts.items()))
    with replacing(checkpoint) as temporary:
        torch.save({**student.checkpoint(), "made_from": made_from}, temporary)
    return student


def _mark(
    student: Student, further: Sequence[str], tracks: Sequence[PlannedTrack], seed: int
) -> str:
    """What hearings and answers follow from."""
    mark = hashlib.sha256(f"{seed} {[str(planned.track.path) for planned in tracks]}".encode())
    if further:
        mark.update(" ".join(further).encode())
    for value in student.network.state_dict().values():
        mark.update(value.numpy().tobytes())
    return mark.hexdigest()


def _batches(rng: np.random.Generator, windows: int, settings: Continuation) -> Iterator[list[int]]:
    """Windows of each step, all of them once before any comes again."""
    size = min(settings.windows, windows)
    order: list[int] = []
    for _ in range(settings.steps):
        if len(order) < size:
            order = rng.permutation(windows).tolist()
        rows, order = order[:size], order[size:]
        yield rows
