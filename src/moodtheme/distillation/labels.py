"""The training material: spectrograms of windows, and the teacher's logits for the same windows.

Each part is two memory-mapped arrays of fixed length and a list of tracks that are done, so that
making them can be interrupted anywhere and goes on with the first track that is missing. What is
drawn for a track depends on the seed and the track's place in the plan alone.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr
import torch

from moodtheme.audio import read_audio
from moodtheme.distillation.augment import Change, apply_change, cut
from moodtheme.distillation.plan import Part, Plan, PlannedTrack
from moodtheme.errors import AudioError, DatasetError
from moodtheme.files import replacing
from moodtheme.models.moodtheme_small import (
    EXCERPT_SAMPLES,
    FRAMES,
    N_MELS,
    SAMPLE_RATE,
    TARGET_LEVEL_DB,
    SmallFrontEnd,
)
from moodtheme.scores.decisions import logit
from moodtheme.tagging.bundle import Member
from moodtheme.tagging.session import MemberSession
from moodtheme.work import read_ahead

FloatArray = npt.NDArray[np.float32]

_SILENT = 10 ** (-70 / 20)  # RMS; quieter windows say nothing about music


@dataclass(frozen=True)
class Material:
    """One part's arrays, memory-mapped.

    Attributes
    ----------
    mel_db
        Float16 ``(windows, 1212, 96)``.
    logits
        Float32 ``(windows, tags)``; a window that was silent or could not be decoded is NaN.
    """

    mel_db: npt.NDArray[np.float16]
    logits: FloatArray


@dataclass(frozen=True)
class Teacher:
    """A bundle member that labels windows of the student's length and rate."""

    session: MemberSession
    n_tags: int

    @property
    def member(self) -> Member:
        """The member's view of the audio."""
        return self.session.member

    def scores(self, windows: FloatArray) -> FloatArray:
        """Scores ``(windows, tags)`` of 16 kHz windows, each brought to the teacher's level.

        Gain alone, unclipped: the teacher was trained on loud masters and judges quiet music as
        something else.
        """
        level = np.sqrt(np.mean(np.square(windows, dtype=np.float64), axis=1, keepdims=True))
        gain = 10 ** (TARGET_LEVEL_DB / 20) / np.maximum(level, 1e-5)
        rows = []
        for window in windows * gain.astype(np.float32):
            heard = soxr.resample(window, SAMPLE_RATE, self.member.sample_rate, quality="HQ")
            heard = np.resize(heard, self.member.samples)
            rows.append(self.session.hear(heard[None]).scores[0].mean(axis=0))
        return np.stack(rows)


def open_material(folder: Path, part: Part) -> Material:
    """Arrays of a part that `make_material` has made, read-only."""
    return Material(
        np.load(folder / f"{part}-mel.npy", mmap_mode="r"),
        np.load(folder / f"{part}-logits.npy", mmap_mode="r"),
    )


def make_material(
    folder: Path,
    plan: Plan,
    teacher: Teacher,
    *,
    seed: int = 0,
    jobs: int = 1,
    report: Callable[[int, int, str | None], None] = lambda done, of, problem: None,
) -> None:
    """Make all parts' arrays, or what an interruption has left of them.

    Parameters
    ----------
    folder
        Where the arrays are kept; about 230 kB a window.
    plan
        Tracks and windows.
    teacher
        Gives the labels.
    seed
        Of every random choice.
    jobs
        Tracks at work at once.
    report
        Called after each track with tracks done, tracks in all and what was wrong with it.

    Raises
    ------
    DatasetError
        If `folder` holds material of another plan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done_file = folder / "done.jsonl"
    done = _read_done(done_file, plan)
    arrays = {part: _create_arrays(folder, part, plan.rows(part), teacher.n_tags) for part in Part}
    front_end = SmallFrontEnd()
    torch.set_num_threads(1)

    def work(index: int) -> tuple[int, str | None]:
        planned = plan.tracks[index]
        rng = np.random.default_rng([seed, index])
        try:
            windows = _windows(planned, plan, rng)
        except AudioError as error:
            return index, str(error)
        material = arrays[planned.part]
        for row, window in enumerate(windows, start=planned.first_row):
            level = np.sqrt(np.mean(np.square(window, dtype=np.float64)))
            if level < _SILENT:
                continue
            with torch.no_grad():
                mel_db = front_end(torch.from_numpy(window)[None])[0].numpy()
            material.mel_db[row] = mel_db.astype(np.float16)
            material.logits[row] = logit(teacher.scores(window[None])[0])
        return index, None

    todo = [index for index in range(len(plan.tracks)) if index not in done]
    with done_file.open("a", encoding="utf-8") as log:
        results = read_ahead(work, todo, jobs=jobs)
        for count, (index, problem) in enumerate(results, start=1 + len(done)):
            log.write(json.dumps({"index": index, **_identity(plan.tracks[index])}) + "\n")
            log.flush()
            report(count, len(plan.tracks), problem)


def _windows(planned: PlannedTrack, plan: Plan, rng: np.random.Generator) -> list[FloatArray]:
    audio = read_audio(planned.track.path, sample_rate=SAMPLE_RATE, minimum_s=1.0).samples
    if planned.part is not Part.TRAIN:
        starts = np.linspace(0, max(0, len(audio) - EXCERPT_SAMPLES), planned.rows).astype(int)
        return [cut(audio, start, EXCERPT_SAMPLES) for start in starts]
    training = plan.of(Part.TRAIN)
    other = training[rng.integers(len(training))].track
    start_s = float(rng.uniform(0, max(0.0, other.duration_s - 60.0)))
    try:
        partner = read_audio(
            other.path, sample_rate=SAMPLE_RATE, start_s=start_s, duration_s=60.0
        ).samples
    except AudioError:
        partner = audio  # the bad file is reported in its own turn
    windows = []
    for _ in range(planned.rows):
        change = Change.draw(rng)
        start, partner_start = (
            int(rng.integers(max(1, len(piece) - EXCERPT_SAMPLES))) for piece in (audio, partner)
        )
        windows.append(
            apply_change(
                cut(audio, start, EXCERPT_SAMPLES, speed=change.speed),
                cut(partner, partner_start, EXCERPT_SAMPLES),
                change,
                sample_rate=SAMPLE_RATE,
            )
        )
    return windows


def _create_arrays(folder: Path, part: Part, rows: int, n_tags: int) -> Material:
    shapes = {"mel": (np.float16, (rows, FRAMES, N_MELS)), "logits": (np.float32, (rows, n_tags))}
    arrays = []
    for name, (dtype, shape) in shapes.items():
        path = folder / f"{part}-{name}.npy"
        if not path.exists():
            with replacing(path) as temporary:
                array = np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=shape)
                if name == "logits":
                    array[:] = np.nan
                array.flush()
        array = np.lib.format.open_memmap(path, mode="r+")
        if array.shape != shape:
            raise DatasetError(
                f"{path} belongs to another collection or plan; choose another run folder"
            )
        arrays.append(array)
    return Material(*arrays)


def _identity(planned: PlannedTrack) -> dict[str, str | int]:
    return {"file": planned.track.path.name, "part": planned.part.value, "row": planned.first_row}


def _read_done(path: Path, plan: Plan) -> set[int]:
    done = set()
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue  # the line a kill cut short: its track is made again
            index = entry.pop("index")
            if index >= len(plan.tracks) or _identity(plan.tracks[index]) != entry:
                raise DatasetError(
                    f"{path} belongs to another collection or plan; choose another run folder"
                )
            done.add(index)
    return done
