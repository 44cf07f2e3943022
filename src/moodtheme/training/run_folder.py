"""A run's folder: what was trained, on what, and what came of it.

``run.json`` is written before training and says which run this is, ``history.csv`` grows by a row
an epoch, ``stage-1``, ``stage-2``, … hold each stage's best weights and last state, and
``result.json`` is there once training is finished.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from moodtheme import __version__
from moodtheme.datasets import Split, TrackTable
from moodtheme.errors import TrainingError
from moodtheme.recipes import Recipe
from moodtheme.records import Records, read_record, write_record
from moodtheme.scores.ratings import Dimension

RUN = "run.json"
RESULT = "result.json"
HISTORY = "history.csv"
DONE = "done"
"""Marks a finished stage; holds the number of the epoch that diverged, if one did."""
VALIDATION_TRUTH = "validation-truth.npz"
VALIDATION_SCORES = "validation-scores.npz"
_RECORDS = Records(
    error=TrainingError,
    missing="name the folder given to `moodtheme train --run`",
    again="train again in another folder",
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that a run's numbers follow from.

    Attributes
    ----------
    recipe, tags, seed
        What is trained, for which tags, with which random choices.
    dataset
        As it was given.
    data_sha256
        Of the tracks and labels trained and validated on.
    tracks
        Number of tracks by split.
    weights
        Name and SHA-256 of pretrained weights, or openSMILE's version; None without any.
    n_features
        Width of a window's features; None where the system hears audio.
    dimensions
        What is learned beside the tags, with the ends of the scales.
    version
        Of moodtheme.
    """

    recipe: Recipe
    tags: tuple[str, ...]
    seed: int
    dataset: str
    data_sha256: str
    tracks: dict[str, int]
    weights: str | None
    n_features: int | None = None
    dimensions: tuple[Dimension, ...] = ()
    version: str = __version__

    @property
    def n_outputs(self) -> int:
        """Scores of a track: one a tag, then one a dimension."""
        return len(self.tags) + len(self.dimensions)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a finished run.

    Attributes
    ----------
    best_epoch, best_stage
        Counted from 1; whose weights the system has.
    validation_roc_auc
        Macro, of that epoch.
    epochs
        Trained in all.
    training_s, waiting_s
        Sum over epochs, and how much of it was spent waiting for data.
    peak_memory_bytes
        Of the process, as far as the system tells; of the last sitting if the run was resumed.
    peak_accelerator_bytes
        Allocated on the accelerator; None on a processor.
    diverged_in
        The epoch in which loss or scores stopped being numbers; training ended there. None where
        it did not.
    """

    best_epoch: int
    best_stage: int
    validation_roc_auc: float
    epochs: int
    training_s: float
    waiting_s: float
    peak_memory_bytes: int | None
    peak_accelerator_bytes: int | None
    diverged_in: int | None = None


def stage_folder(folder: Path, number: int) -> Path:
    """Folder of a stage, counted from 1."""
    return folder / f"stage-{number}"


def claim(folder: Path, run: Run) -> None:
    """Make a folder this run's, or see that it is already.

    A run that is to have more epochs than before, and is the same otherwise, goes on: it ends as if
    it had been to have them from the start.

    Raises
    ------
    TrainingError
        If it holds another run; the message says where they differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / RUN).exists():
        there = read_run(folder)
        if found := differences(there, run):
            raise TrainingError(
                f"{folder} holds another run: {'; '.join(found)}; name another folder, or "
                "repeat that run's settings to go on with it"
            )
        if there.recipe.schedule == run.recipe.schedule:
            return
        # Finished no more, before it is another run: killed in between, either command goes on.
        (folder / RESULT).unlink(missing_ok=True)
        (stage_folder(folder, len(run.recipe.stages)) / DONE).unlink(missing_ok=True)
    write_record(folder / RUN, run)


def read_run(folder: Path) -> Run:
    """Read what a folder's run is.

    Raises
    ------
    TrainingError
        If there is none.
    """
    return read_record(folder / RUN, Run, _RECORDS)


def read_result(folder: Path) -> Result:
    """Read what came of a finished run.

    Raises
    ------
    TrainingError
        If there is none, or it is not finished.
    """
    if (folder / RUN).exists() and not (folder / RESULT).exists():
        raise TrainingError(f"{folder}: the training is not finished; run its command again")
    return read_record(folder / RESULT, Result, _RECORDS)


def fingerprint(table: TrackTable) -> str:
    """SHA-256 of the tracks and labels that a run of this table is trained and validated on.

    Raises
    ------
    DatasetError
        There are none of either.
    """
    digest = hashlib.sha256()
    for split in (Split.TRAIN, Split.VALIDATION):
        part = table.part(split)
        digest.update(f"{split}\0{len(part)}\0".encode())
        for track in part.tracks:
            digest.update(track.encode() + b"\0")
        digest.update(part.labels.tobytes())
        digest.update(part.ratings.tobytes())
    return digest.hexdigest()


def differences(there: Run, wanted: Run) -> list[str]:
    """Where two runs differ, but for the version and how the dataset was called.

    More epochs of the last stage are no difference: a run can go on with them.
    """
    if there.recipe.system != wanted.recipe.system:
        return [f"system {there.recipe.system}, not {wanted.recipe.system}"]
    same = replace(wanted, version=there.version, dataset=there.dataset)
    left, right = msgspec.to_builtins(there), msgspec.to_builtins(same)
    found = []
    for part in ("view", "head", "schedule"):
        wanted_part = right["recipe"][part] or {}
        for key, value in (left["recipe"][part] or {}).items():
            if key == "epochs" and _prolongs(there.recipe, wanted.recipe):
                continue
            if value != wanted_part.get(key):
                found.append(f"{part}.{key} {value}, not {wanted_part.get(key)}")
    for name, value in left.items():
        if name == "data_sha256" and value != right[name]:
            found.append("other tracks or labels")
        elif name != "recipe" and value != right[name]:
            found.append(f"{name} {value}, not {right[name]}")
    return found


def _prolongs(there: Recipe, wanted: Recipe) -> bool:
    """Whether a recipe has more epochs of the stage that is last in both."""
    same_stages = len(there.stages) == len(wanted.stages) and not there.schedule.sgd_epochs
    return same_stages and there.schedule.epochs < wanted.schedule.epochs
