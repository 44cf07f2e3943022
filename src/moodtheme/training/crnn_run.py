"""A CRNN's training from a table of tracks to a finished run folder."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from moodtheme.datasets import Split, TrackTable
from moodtheme.datasets.text import some_of
from moodtheme.downloads import sha256_of
from moodtheme.errors import AudioError, DatasetError, TrainingError
from moodtheme.models.crnn import Crnn, fetch_pretrained, load_pretrained
from moodtheme.models.summary import parameter_count, second_bias_parameters
from moodtheme.recipes import Recipe
from moodtheme.scores import save_matrix
from moodtheme.training.audio_cache import AudioCache, build_cache, plan_cache
from moodtheme.training.examples import AudioExamples, TrackSet
from moodtheme.training.fit import Machine, fit
from moodtheme.training.keeper import read_best
from moodtheme.training.run_folder import Report, Result, Run, claim, read_run, stage_folder

VALIDATION_TRUTH = "validation-truth.npy"
VALIDATION_SCORES = "validation-scores.npy"
_AUDIO = "audio"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to train, on what, with what.

    Attributes
    ----------
    recipe
        The system.
    dataset
        What the table was read from, for the record.
    seed
        Of every random choice.
    weights
        File of pretrained weights; None has them fetched, where the recipe wants any.
    offline
        Never touch the network.
    audio_cache
        Folder of decoded audio that runs may share; None keeps it in the run's folder.
    jobs
        Tracks decoded at once.
    skip_unreadable
        Leave out tracks that cannot be decoded; otherwise they stop the run before it trains.
    machine
        Where to train.
    """

    recipe: Recipe
    dataset: str
    seed: int = 0
    weights: Path | None = None
    offline: bool = False
    audio_cache: Path | None = None
    jobs: int = 1
    skip_unreadable: bool = False
    machine: Machine = field(default_factory=Machine)


def train_crnn(
    table: TrackTable,
    settings: Settings,
    folder: Path,
    *,
    report: Report,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Result:
    """Train a CRNN on a table's training tracks and choose its best epoch on validation.

    Parameters
    ----------
    table
        With splits; test tracks are not touched.
    settings
        See `Settings`.
    folder
        The run's folder; the same call goes on with a run that was stopped.
    report
        Called with lines about what is done.
    progress
        Called after each decoded track with tracks done and tracks to do.

    Raises
    ------
    DatasetError
        If tracks are missing or unreadable, or there is no room for decoded audio.
    TrainingError
        If the folder holds another run, or the tracks are too few.
    DownloadError, HashMismatchError, WeightsError
        If pretrained weights cannot be had.
    """
    view, head = settings.recipe.view, settings.recipe.head
    parts = {split: table.part(split) for split in (Split.TRAIN, Split.VALIDATION)}
    _require_files(parts)
    weights = None
    if view.pretrained:
        weights = fetch_pretrained(view, file=settings.weights, offline=settings.offline)

    def make_network() -> Crnn:
        network = Crnn(view, head, n_tags=len(table.tags))
        if weights is not None:
            load_pretrained(network, weights)
        return network

    network = make_network()
    report(
        f"{settings.recipe.system}: {parameter_count(network):,} parameters "
        f"({second_bias_parameters(network):,} of them PyTorch's second bias), "
        + (f"convolutions from {weights.name}" if weights else "random weights, nothing frozen")
    )
    claim(
        folder,
        Run(
            recipe=settings.recipe,
            tags=table.tags,
            seed=settings.seed,
            dataset=settings.dataset,
            data_sha256=_fingerprint(parts),
            tracks={str(split): len(part) for split, part in parts.items()},
            weights=f"{weights.name} {sha256_of(weights)}" if weights else None,
        ),
    )
    place = (settings.audio_cache or folder / _AUDIO) / f"{view.sample_rate}-hz"
    cache, unreadable = _decode(parts, settings, place, report=report, progress=progress)
    parts = {split: _readable(part, cache) for split, part in parts.items()}
    if unreadable:
        report(f"{len(unreadable)} tracks are left out")
    for split, part in parts.items():
        _report_tags_without_figures(split, part, report)
    sets = {
        split: TrackSet(
            AudioExamples(cache, part.files, samples=view.samples, evaluation=view.evaluation),
            part.labels,
        )
        for split, part in parts.items()
    }
    result = fit(
        make_network,
        settings.recipe,
        training=sets[Split.TRAIN],
        validation=sets[Split.VALIDATION],
        folder=folder,
        seed=settings.seed,
        machine=settings.machine,
    )
    best = read_best(stage_folder(folder, result.best_stage))
    save_matrix(folder / VALIDATION_TRUTH, parts[Split.VALIDATION].labels)
    save_matrix(folder / VALIDATION_SCORES, best["validation_scores"].numpy())
    return result


@dataclass(frozen=True)
class TrainedSystem:
    """A finished run, ready to score.

    Attributes
    ----------
    run, result
        What it is and what came of it.
    network
        With the best epoch's weights, in evaluation mode.
    """

    run: Run
    result: Result
    network: Crnn


def load_trained(folder: Path) -> TrainedSystem:
    """Read a finished run.

    Raises
    ------
    TrainingError
        If the folder holds none, or one that is not finished.
    """
    from moodtheme.training.run_folder import read_result

    run, result = read_run(folder), read_result(folder)
    network = Crnn(run.recipe.view, run.recipe.head, n_tags=len(run.tags))
    try:
        best = read_best(stage_folder(folder, result.best_stage))
        network.load_state_dict(best["network"])
    except (OSError, RuntimeError, KeyError) as error:
        raise TrainingError(
            f"{folder} has lost the weights of its best epoch ({error}); train again"
        ) from error
    return TrainedSystem(run, result, network.eval())


def choose_device(accelerator: str) -> torch.device:
    """The device that Lightning would take for the same word."""
    if accelerator != "auto":
        return torch.device(accelerator)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _require_files(parts: dict[Split, TrackTable]) -> None:
    files = [file for part in parts.values() for file in part.files]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(files)} tracks to train and validate on are missing: "
            f"{some_of(missing, most=20)}; mend the paths or take the rows out"
        )


def _decode(
    parts: dict[Split, TrackTable],
    settings: Settings,
    folder: Path,
    *,
    report: Report,
    progress: Callable[[int, int], None],
) -> tuple[AudioCache, list[AudioError]]:
    rate = settings.recipe.view.sample_rate
    files = [file for part in parts.values() for file in part.files]
    durations = np.concatenate([part.durations for part in parts.values()])
    plan = plan_cache(folder, files, sample_rate=rate, durations=durations.tolist())
    if plan.missing:
        report(
            f"{len(plan.missing)} of {len(files)} tracks to decode to {folder}: "
            f"{plan.needed / 1e9:.2f} GB, {plan.free / 1e9:.1f} GB are free"
        )
    unreadable = build_cache(folder, plan, sample_rate=rate, jobs=settings.jobs, progress=progress)
    for error in unreadable:
        report(str(error))
    if unreadable and not settings.skip_unreadable:
        raise DatasetError(
            f"{len(unreadable)} of {len(files)} tracks cannot be decoded, they are named above; "
            "mend them, take them out of the table, or leave them out with --skip-unreadable"
        )
    return AudioCache(folder, sample_rate=rate), unreadable


def _readable(part: TrackTable, cache: AudioCache) -> TrackTable:
    return part.select([row for row, file in enumerate(part.files) if cache.has(file)])


def _report_tags_without_figures(split: Split, part: TrackTable, report: Report) -> None:
    counts = part.labels.sum(axis=0)
    absent = [tag for tag, count in zip(part.tags, counts, strict=True) if count == 0]
    everywhere = [tag for tag, n in zip(part.tags, counts, strict=True) if n == len(part)]
    if split is Split.TRAIN and absent:
        report(f"no training track has the tag {some_of(absent)}: it cannot be learnt")
    if split is Split.VALIDATION and absent + everywhere:
        report(
            f"the tag {some_of(absent + everywhere)} is on no or all validation tracks: left out "
            "of the validation ROC-AUC"
        )


def _fingerprint(parts: dict[Split, TrackTable]) -> str:
    digest = hashlib.sha256()
    for split, part in parts.items():
        digest.update(f"{split}\0{len(part)}\0".encode())
        for track in part.tracks:
            digest.update(track.encode() + b"\0")
        digest.update(part.labels.tobytes())
    return digest.hexdigest()
