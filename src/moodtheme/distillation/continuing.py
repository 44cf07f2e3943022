"""A trained student goes on learning from itself: to say the same of a transposed piece.

What it said of a window, averaged over that window as it is, somewhat up and somewhat down, is what
it is to say of each of them, and of the window after a codec, a band limit or noise. No teacher is
asked. The lower convolutions stay as they are, so what they make of each hearing is computed once
and kept, and a step costs a fifth of one of the first training.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.arrays import FloatArray
from moodtheme.audio import read_audio
from moodtheme.distillation.augment import CONTENT_SAMPLES, Change, cut, heard, played
from moodtheme.distillation.combination import label_readings
from moodtheme.distillation.fit import Student, rate, without_denormals
from moodtheme.distillation.plan import PlannedTrack
from moodtheme.errors import AudioError, DatasetError
from moodtheme.files import replacing
from moodtheme.models.moodtheme_small import SAMPLE_RATE, SmallFrontEnd

SEMITONE = math.log(2) / 12
_TRANSPOSED = (0.4, 1.25)  # semitones up, and down
_NUISANCE = 0.5  # semitones at most, of the hearing with a codec, a band limit or noise
_HEARINGS = 4
_LEAST_SPREAD = 0.05
_ALIKE = 3.0  # weight of two hearings' tags being alike, where the embedding's fit has 1


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
    tracks: Sequence[PlannedTrack],
    run: Path,
    settings: Continuation,
    *,
    threads: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> Student:
    """The student, alike for a piece and its transposed self.

    Parameters
    ----------
    student
        Trained; it is changed.
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
    mark = hashlib.sha256(f"{settings.seed} {[str(p.track.path) for p in tracks]}".encode())
    for value in student.network.state_dict().values():
        mark.update(value.numpy().tobytes())
    made_from = {"hearings": mark.hexdigest(), **asdict(settings)}
    checkpoint = run / "continued.pt"
    if checkpoint.exists():
        held = torch.load(checkpoint, weights_only=True, map_location="cpu")
        if held["made_from"] == made_from:
            student.load_state_dict(held["student"])
            return student.eval()
    kept = run / f"hearings-{mark.hexdigest()[:16]}"
    features, wanted = _hear_all(student, tracks, kept, settings.seed, report)
    spread = wanted.std(dim=0) + _LEAST_SPREAD
    columns = student.columns
    with torch.no_grad():
        said = student.labels(wanted)
    read = torch.from_numpy(label_readings(columns)).float()
    tag_spread = (said[:, : columns.n_logits] @ read.T).std(dim=0).clamp(min=1e-3)
    optimizer = torch.optim.AdamW(
        student.parameters(),
        lr=settings.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=settings.weight_decay,
    )
    student.eval()  # the spread that its normalisations know stays what it was
    rng = np.random.default_rng(settings.seed)
    order: list[int] = []
    size = min(settings.windows, len(wanted))
    for step in range(settings.steps):
        if len(order) < size:
            order = rng.permutation(len(wanted)).tolist()
        rows, order = order[:size], order[size:]
        ways = [rng.permutation(_HEARINGS)[:2] for _ in rows]
        two = np.stack([features[row][way] for row, way in zip(rows, ways, strict=True)])
        embedding = student.network.upper(torch.from_numpy(two).float().flatten(0, 1))
        labels = student.labels(embedding)
        away = (embedding.reshape(size, 2, -1) - wanted[rows][:, None]) / spread
        off = labels.reshape(size, 2, -1) - said[rows][:, None]
        tags = (off[..., : columns.n_logits] @ read.T) / tag_spread
        loss = (away**2).mean() + _apart(away) + 0.5 * (off**2).mean()
        loss = loss + 0.5 * (tags**2).mean() + _ALIKE * _apart(tags)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * rate(step / settings.steps)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimizer.step()
        if (step + 1) % max(1, settings.steps // 10) == 0:
            report(f"continued: {step + 1} of {settings.steps} steps, loss {loss.item():.4f}")
    with replacing(checkpoint) as temporary:
        torch.save({"student": student.state_dict(), "made_from": made_from}, temporary)
    return student


def _apart(pairs: Tensor) -> Tensor:
    """Mean square of what lies between the two of each pair ``(n, 2, …)``."""
    return ((pairs[:, 0] - pairs[:, 1]) ** 2).mean()


def _hear_all(
    student: Student,
    tracks: Sequence[PlannedTrack],
    kept: Path,
    seed: int,
    report: Callable[[str], None],
) -> tuple[list[FloatArray], Tensor]:
    """What the lower convolutions make of all hearings, and the embeddings that are wanted."""
    kept.mkdir(parents=True, exist_ok=True)
    front_end = SmallFrontEnd()
    features: list[FloatArray] = []
    wanted = []
    for place, planned in enumerate(tracks):
        file = kept / f"{place:05d}.npz"
        if not file.exists():
            try:
                found = _hear(student, planned, front_end, np.random.default_rng([seed, place]))
            except AudioError as error:
                report(str(error))
                continue
            with replacing(file) as temporary, temporary.open("wb") as opened:
                np.savez(opened, features=found[0], wanted=found[1])
        with np.load(file) as held:
            features += [*held["features"]]
            wanted.append(held["wanted"])
        if (place + 1) % 20 == 0:
            report(f"hearings: {place + 1} of {len(tracks)} tracks")
    if not wanted:
        raise DatasetError("no track of the training music can be heard; see the reasons above")
    return features, torch.from_numpy(np.concatenate(wanted))


@torch.no_grad()
def _hear(
    student: Student, planned: PlannedTrack, front_end: SmallFrontEnd, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    samples = read_audio(planned.track.path, sample_rate=SAMPLE_RATE, minimum_s=1.0).samples
    audio = torch.from_numpy(samples)
    features, wanted = [], []
    for _ in range(planned.rows):
        start = int(rng.integers(max(1, len(audio) - CONTENT_SAMPLES)))
        up, down = rng.uniform(*_TRANSPOSED, 2)
        windows = [played(audio, start, math.exp(by * SEMITONE)) for by in (0.0, up, -down)]
        nuisance = replace(
            Change.draw(rng),
            heard_speed=math.exp(rng.uniform(-_NUISANCE, _NUISANCE) * SEMITONE),
        )
        windows.append(heard(cut(audio, start, CONTENT_SAMPLES), nuisance))
        lower = student.network.lower(front_end(torch.stack(windows)))
        features.append(lower.half().numpy())
        wanted.append(student.network.upper(lower[:3]).mean(dim=0).numpy())
    return np.stack(features), np.stack(wanted)
