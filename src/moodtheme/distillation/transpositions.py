"""A track's windows as a student that goes on hears them: as they are, transposed, and changed.

What the lower convolutions make of each hearing is kept track by track, with what the student said
of the window and what further teachers say of it, so that all is heard once.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from moodtheme.arrays import FloatArray
from moodtheme.audio import read_audio
from moodtheme.distillation.augment import CONTENT_SAMPLES, Change, cut, heard, played
from moodtheme.distillation.fit import Student
from moodtheme.distillation.plan import PlannedTrack
from moodtheme.distillation.teachers import Teachers
from moodtheme.errors import AudioError
from moodtheme.files import replacing
from moodtheme.models.moodtheme_small import SAMPLE_RATE, SmallFrontEnd
from moodtheme.work import Report

HEARINGS = 4  # of a window: as it is, up, down, and changed
SEMITONE = math.log(2) / 12
_TRANSPOSED = (0.4, 1.25)  # semitones up, and down
_NUISANCE = 0.5  # semitones at most, of the hearing with a codec, a band limit or noise


@dataclass(frozen=True)
class TrackHearings:
    """What is known of a track's windows.

    Attributes
    ----------
    features
        Float16 ``(windows, HEARINGS, …)``: what the lower convolutions make of each hearing.
    wanted
        ``(windows, 512)``: the student's embedding, mean over the three pitches.
    answers
        ``(windows, columns)``: what further teachers say of the window as it is, in the order of
        `columns_of`; None without any.
    """

    features: FloatArray
    wanted: FloatArray
    answers: FloatArray | None = None


def hear_transposed(
    student: Student,
    teachers: Teachers,
    further: Sequence[str],
    tracks: Sequence[PlannedTrack],
    kept: Path,
    *,
    seed: int,
    report: Report,
) -> Iterator[tuple[PlannedTrack, TrackHearings]]:
    """Each track that can be heard, with its hearings.

    Parameters
    ----------
    student
        Before it goes on.
    teachers, further
        Those named are asked.
    tracks
        In order: what is drawn for one depends on the seed and its place alone.
    kept
        Folder for what was heard.
    seed
        Of windows and hearings.
    report
        Called with a line every 20 tracks, and with what is wrong with a file.
    """
    kept.mkdir(parents=True, exist_ok=True)
    front_end = SmallFrontEnd()
    for place, planned in enumerate(tracks):
        file = kept / f"{place:05d}.npz"
        if not file.exists():
            rng = np.random.default_rng([seed, place])
            try:
                found = _hear(student, teachers, further, planned, front_end, rng)
            except AudioError as error:
                report(str(error))
                continue
            with replacing(file) as temporary, temporary.open("wb") as opened:
                np.savez(opened, **found)  # type: ignore[arg-type]
        with np.load(file) as held:
            yield planned, TrackHearings(**held)
        if (place + 1) % 20 == 0:
            report(f"hearings: {place + 1} of {len(tracks)} tracks")


@torch.no_grad()
def _hear(
    student: Student,
    teachers: Teachers,
    further: Sequence[str],
    planned: PlannedTrack,
    front_end: SmallFrontEnd,
    rng: np.random.Generator,
) -> dict[str, FloatArray]:
    """`TrackHearings` of a track, by name."""
    samples = read_audio(planned.track.path, sample_rate=SAMPLE_RATE, minimum_s=1.0).samples
    audio = torch.from_numpy(samples)
    features, wanted, answers = [], [], []
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
        if further:
            answers.append(teachers(windows[0][None], further)[0].numpy())
    found = {"features": features, "wanted": wanted, "answers": answers}
    return {name: np.stack(rows) for name, rows in found.items() if rows}
