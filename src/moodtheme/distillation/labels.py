"""The material: spectrograms of windows, and what the teachers say of the same windows.

It is made shard by shard, a shard being some tracks of one part; each shard is two arrays, written
whole or not at all, so that making them can be stopped anywhere and goes on with the first shard
that is missing. What is drawn for a track depends on the seed and the track's place alone.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moodtheme.audio import read_audio
from moodtheme.distillation.augment import Change, content, heard
from moodtheme.distillation.plan import Part, Plan, PlannedTrack
from moodtheme.distillation.teachers import TAGGERS, Teachers, without_denormals
from moodtheme.errors import AudioError, DatasetError
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES, SAMPLE_RATE, SmallFrontEnd

_SILENT = 10 ** (-70 / 20)  # RMS; quieter windows say nothing about music
_SHARD_WINDOWS = 512

Report = Callable[[int, int, str | None], None]


@dataclass(frozen=True)
class Material:
    """Windows of one part.

    Attributes
    ----------
    mel_db
        Float16 ``(windows, 96, 909)``: what the student hears.
    labels
        Float16 ``(windows, columns)``: what the teachers say, see `label_columns`.
    track
        Place of each window's track in the plan.
    """

    mel_db: npt.NDArray[np.float16]
    labels: npt.NDArray[np.float16]
    track: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Shard:
    part: Part
    number: int
    tracks: tuple[int, ...]

    def file(self, folder: Path, what: str) -> Path:
        return folder / f"{self.part}-{self.number:04d}-{what}.npy"


def open_material(folder: Path, part: Part) -> Material:
    """All windows of a part that `make_material` has made."""
    names = sorted(folder.glob(f"{part}-*-track.npy"))
    if not names:
        raise DatasetError(f"{folder} holds no {part} windows; let the labels be made first")
    parts = [
        [np.load(name.with_name(name.name.replace("track", what))) for name in names]
        for what in ("mel", "labels", "track")
    ]
    mel_db, labels, track = (np.concatenate(arrays) for arrays in parts)
    return Material(mel_db, labels, track)


@without_denormals()
def make_material(
    folder: Path,
    plan: Plan,
    teachers: Teachers,
    *,
    seed: int = 0,
    jobs: int = 1,
    batch_size: int = 32,
    device: str = "cpu",
    report: Report = lambda done, of, problem: None,
) -> None:
    """Make all shards, or what an interruption has left of them.

    Parameters
    ----------
    folder
        Where they are kept; about 180 kB a window.
    plan
        Tracks and windows.
    teachers
        Give the labels.
    seed
        Of every random choice.
    jobs
        Tracks decoded at once.
    batch_size
        Windows that the teachers hear at once.
    device
        Where all this is computed.
    report
        Called after each shard with shards done, shards in all and what went wrong.

    Raises
    ------
    DatasetError
        If `folder` holds material of another plan or of other teachers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, plan, seed, teachers.names)
    shards = _shards(plan, seed)
    todo = [shard for shard in shards if not shard.file(folder, "track").exists()]
    teachers = teachers.to(device)
    front_end = SmallFrontEnd().to(device)
    with ThreadPoolExecutor(jobs) as pool:
        for shard, audio, problems in _read_ahead(plan, todo, pool):
            mel_db, labels, track = [], [], []
            tracks = {index: samples.to(device) for index, samples in audio.items()}
            for windows, rows in _batched(_windows(plan, shard, tracks, seed), batch_size):
                labels.append(teachers(windows[0]).half().cpu().numpy())
                mel_db.append(front_end(windows[1]).half().cpu().numpy())
                track += rows
            if track:
                _save(shard.file(folder, "mel"), np.concatenate(mel_db))
                _save(shard.file(folder, "labels"), np.concatenate(labels))
            _save(shard.file(folder, "track"), np.array(track, dtype=np.int64))
            done = len(shards) - len(todo) + 1 + todo.index(shard)
            report(done, len(shards), "; ".join(problems) or None)


def _shards(plan: Plan, seed: int) -> list[_Shard]:
    """Tracks of each part in a drawn order, cut where enough windows are together."""
    shards: list[_Shard] = []
    for part in Part:
        members = [i for i, planned in enumerate(plan.tracks) if planned.part is part]
        order = np.random.default_rng([seed, len(members)]).permutation(members).tolist()
        held: list[int] = []
        for index in order:
            held.append(index)
            if sum(plan.tracks[i].rows for i in held) >= _SHARD_WINDOWS or index == order[-1]:
                number = sum(shard.part is part for shard in shards)
                shards.append(_Shard(part, number, tuple(held)))
                held = []
    return shards


def _read_ahead(
    plan: Plan, shards: Sequence[_Shard], pool: ThreadPoolExecutor
) -> Iterator[tuple[_Shard, dict[int, Tensor], list[str]]]:
    """Each shard with its decoded tracks; the next shard is decoded meanwhile."""

    def read(index: int) -> Tensor | str:
        try:
            audio = read_audio(
                plan.tracks[index].track.path, sample_rate=SAMPLE_RATE, minimum_s=1.0
            )
        except AudioError as error:
            return str(error)
        return torch.from_numpy(audio.samples)

    waiting = [[pool.submit(read, i) for i in shard.tracks] for shard in shards[:1]]
    for number, shard in enumerate(shards):
        if number + 1 < len(shards):
            waiting.append([pool.submit(read, i) for i in shards[number + 1].tracks])
        results = [future.result() for future in waiting[number]]
        waiting[number] = []
        pairs = zip(shard.tracks, results, strict=True)
        audio = {i: samples for i, samples in pairs if isinstance(samples, Tensor)}
        yield shard, audio, [problem for problem in results if isinstance(problem, str)]


def _windows(
    plan: Plan, shard: _Shard, tracks: dict[int, Tensor], seed: int
) -> Iterator[tuple[Tensor, Tensor, int]]:
    """What the teachers hear, what the student hears, and the track."""
    others = sorted(tracks)
    for index, audio in tracks.items():
        planned = plan.tracks[index]
        rng = np.random.default_rng([seed, index])
        for number in range(planned.rows):
            change = Change()
            latest = max(0, len(audio) - EXCERPT_SAMPLES)
            start = round(latest * number / max(1, planned.rows - 1))
            partner = audio
            partner_start = 0
            if shard.part is Part.TRAIN:
                change = Change.draw(rng)
                start = int(rng.integers(latest + 1))
                partner = tracks[others[rng.integers(len(others))]]
                partner_start = int(rng.integers(max(1, len(partner) - EXCERPT_SAMPLES)))
            window = content(audio, start, partner, partner_start, change)
            teachers_hear = window[:EXCERPT_SAMPLES]
            if float(torch.sqrt(torch.mean(teachers_hear**2))) >= _SILENT:
                yield teachers_hear, heard(window, change), index


def _batched(
    windows: Iterator[tuple[Tensor, Tensor, int]], size: int
) -> Iterator[tuple[tuple[Tensor, Tensor], list[int]]]:
    held: list[tuple[Tensor, Tensor, int]] = []
    for window in windows:
        held.append(window)
        if len(held) == size:
            yield _stacked(held)
            held = []
    if held:
        yield _stacked(held)


def _stacked(held: list[tuple[Tensor, Tensor, int]]) -> tuple[tuple[Tensor, Tensor], list[int]]:
    teachers_hear, student_hears, rows = zip(*held, strict=True)
    return (torch.stack(teachers_hear), torch.stack(student_hears)), list(rows)


def _save(path: Path, array: npt.NDArray[np.generic]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)


def _claim(folder: Path, plan: Plan, seed: int, taggers: Sequence[str]) -> None:
    """Note whose material this is, or refuse to mix it with another plan's or other teachers'."""
    identity = [seed, *(_identity(planned) for planned in plan.tracks)]
    if taggers != TAGGERS:  # what was made when these were all did not say
        identity.append(taggers)
    mark, path = f"{zlib.crc32(json.dumps(identity).encode()):08x}\n", folder / "plan.txt"
    if path.exists() and path.read_text() != mark:
        raise DatasetError(
            f"{folder} belongs to another collection or plan, or to other teachers; choose another "
            "run, or give the same music, options and --teachers"
        )
    path.write_text(mark)


def _identity(planned: PlannedTrack) -> tuple[str, str, int]:
    return planned.track.path.name, planned.part.value, planned.rows
