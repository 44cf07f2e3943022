"""The stage that evaluates every row and writes ``results.json``."""

import platform
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from moodtheme import __version__
from moodtheme.datasets import Split, TrackTable
from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation import ScoredSet
from moodtheme.evaluation.bootstrap import Group, Units, units_of
from moodtheme.fetched.weights import SOUNDNET
from moodtheme.files import sha256_of
from moodtheme.models.networks import parameter_count
from moodtheme.recipes import NINE_SYSTEMS, describe
from moodtheme.records import write_record
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.models import FUSED
from moodtheme.reproduction.results import (
    RESULTS,
    Dataset,
    Difference,
    ExampleTrack,
    Part,
    Results,
    Row,
    ScoreFile,
    Settings,
    SweepPoint,
    SystemRun,
)
from moodtheme.reproduction.scoring import (
    ALL_SYSTEMS,
    SCORED,
    Measured,
    ScoredRow,
    choose_pairs,
    digests,
    load_scores,
    measure,
    rows_of,
)
from moodtheme.reproduction.selection import Preset, Weights, changed_values, definition
from moodtheme.scores.matrices import load_truth
from moodtheme.training.kinds import kind_of
from moodtheme.training.run_folder import HISTORY, RESULT, read_result
from moodtheme.training.trained import load_trained

EVALUATE = "evaluate"
_PACKAGES = ("numpy", "torch", "lightning", "onnx", "onnxruntime", "soundfile", "soxr", "av")


def write_results(job: Job, sweep: Sequence[SweepPoint], examples: Sequence[ExampleTrack]) -> None:
    """Evaluate all rows on validation and test, and write everything down.

    Parameters
    ----------
    job
        With all scores and models there.
    sweep, examples
        What the stages before found.
    """
    rows = rows_of(job)
    path = job.folder / RESULTS
    settings = _settings(job)
    versions = _versions()

    def work() -> None:
        measured, differences, warned = _measure(job, rows)
        results = Results(
            settings=settings,
            dataset=_dataset(job),
            notes=(*_notes_on(job), *warned),
            rows=tuple(_row(job, row, measured[row.name]) for row in rows),
            differences=differences,
            runs=tuple(_run(job, system) for system in job.recipes),
            sweep=tuple(sweep),
            examples=tuple(examples),
            versions=versions,
        )
        write_record(path, results)

    job.stages.do(
        EVALUATE,
        work,
        inputs={
            "tracks": job.collection.sha256,
            "scores": digests(job, [row.file for row in rows]),
            "runs": {s: sha256_of(job.system_folder(s) / RESULT) for s in job.recipes},
            "recipes": {s: definition(recipe) for s, recipe in job.recipes.items()},
            "settings": settings,
            "examples": examples,
            "sweep": sweep,
            "versions": versions,
            "left out": job.left_out,
        },
        outputs=[path],
    )


def _measure(
    job: Job, rows: Sequence[ScoredRow]
) -> tuple[dict[str, Measured], tuple[Difference, ...], tuple[str, ...]]:
    """Figures of all rows, differences of pairs, and the warnings there were."""
    sets = {
        split: ScoredSet(
            load_truth(job.truth_file(split)),
            {row.name: load_scores(job.scores_file(split, row.file)) for row in rows},
            job.table.part(split).artists,
        )
        for split in SCORED
    }
    with warnings.catch_warnings(record=True) as caught, job.console.bar(EVALUATE) as bar:
        warnings.simplefilter("always", EvaluationWarning)
        measured, differences = measure(
            sets[Split.VALIDATION],
            sets[Split.TEST],
            tags=job.table.tags,
            choose_pairs=lambda on_validation: choose_pairs(rows, on_validation),
            resamples=job.request.resamples,
            seed=job.request.seed,
            progress=bar,
        )
    warned = dict.fromkeys(str(warning.message) for warning in caught)
    for line in warned:
        job.console.say(f"warning: {line}")
    return measured, differences, tuple(f"{line[0].upper()}{line[1:]}." for line in warned)


def _row(job: Job, row: ScoredRow, measured: Measured) -> Row:
    folder = job.bundle_folder(FUSED if row.name == ALL_SYSTEMS else row.file)
    return Row(
        name=row.name,
        kind=row.kind,
        members=row.members,
        validation=measured.validation,
        test=measured.test.figures,
        tags=measured.test.tags,
        validation_scores=_score_file(job, job.scores_file(Split.VALIDATION, row.file)),
        test_scores=_score_file(job, job.scores_file(Split.TEST, row.file)),
        bundle=job.relative(folder) if folder.exists() else None,
    )


def _run(job: Job, system: str) -> SystemRun:
    folder = job.system_folder(system)
    trained = load_trained(folder)
    result = trained.result
    recipe = job.recipes[system]
    return SystemRun(
        name=system,
        folder=job.relative(folder),
        history=job.relative(folder / HISTORY),
        settings=tuple(describe(recipe)),
        changed=changed_values(recipe),
        parameters=parameter_count(trained.network),
        weights=trained.run.weights,
        best_epoch=result.best_epoch,
        best_stage=result.best_stage,
        epochs=result.epochs,
        selection_roc_auc=result.validation_roc_auc,
        moodtheme_version=trained.run.version,
    )


def _dataset(job: Job) -> Dataset:
    collection, table = job.collection, job.table
    return Dataset(
        source=collection.source,
        is_jamendo=collection.is_jamendo,
        comparable=collection.comparable,
        tags=table.tags,
        parts=tuple(_part(split, table.part(split)) for split in Split),
        left_out=job.left_out,
        shared_artists=collection.shared_artists,
        sha256=collection.sha256,
        truth={split: _score_file(job, job.truth_file(split)) for split in Split},
    )


def _part(split: Split, part: TrackTable) -> Part:
    known = part.durations[~np.isnan(part.durations)]
    return Part(
        split=split,
        tracks=len(part),
        hours=float(known.sum() / 3600) if len(known) else None,
        artists=len(set(part.artists) - {""}),
        positives=tuple(int(count) for count in part.labels.sum(axis=0)),
    )


def _settings(job: Job) -> Settings:
    request = job.request
    return Settings(
        command=request.command,
        preset=request.preset,
        seed=request.seed,
        weights=request.weights,
        device=job.device.type,
        threads=torch.get_num_threads(),
        systems=tuple(job.recipes),
        values=request.values,
        bootstrap=request.resamples,
        over=_units(job).name,
    )


def _units(job: Job) -> Units:
    test = job.table.part(Split.TEST)
    return units_of(len(test), test.artists)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "moodtheme": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _score_file(job: Job, path: Path) -> ScoreFile:
    return ScoreFile(path=job.relative(path), sha256=sha256_of(path))


def _notes_on(job: Job) -> list[str]:
    """What is not as in the paper, what was shortened, what is missing."""
    request, collection = job.request, job.collection
    notes = []
    if request.preset is Preset.QUICK:
        notes.append(
            "The quick preset: small networks, short excerpts, few epochs. It shows that "
            "everything works; its figures say nothing about the systems."
        )
        if any(kind_of(recipe).published == SOUNDNET for recipe in job.recipes.values()):
            notes.append(
                "The CRNNs hear with SoundNet's convolutions, which the paper names, not with "
                "VGGish's, which the authors' code loads."
            )
    if request.weights is Weights.RANDOM:
        notes.append(
            "Random weights where the recipes have pretrained ones: no figure is the systems'."
        )
    if request.values:
        notes.append(f"Set for this run: {', '.join(request.values)}.")
    if not collection.comparable:
        notes.append(
            "The test tracks are not the paper's, so its figures are no measure for these."
            if not collection.is_jamendo
            else "Another division of MTG-Jamendo, or only some of its tracks: the paper's figures "
            "are no measure for these."
        )
    over = _units(job)
    notes.append(
        f"Intervals are over {over.name} of the test as drawn; another training run would move the "
        "figures too."
    )
    if over.group is Group.TRACK:
        notes.append(
            "The table names no artists. If some have several test tracks, the intervals are too "
            "narrow: to half of what they should be on MTG-Jamendo."
        )
    for system in job.recipes:
        result = read_result(job.system_folder(system))
        if result.diverged_in is not None:
            notes.append(
                f"Training of {system} diverged in epoch {result.diverged_in} and ended there; "
                f"epoch {result.best_epoch}, the best before, was kept."
            )
    if collection.shared_artists:
        notes.append(
            f"Artists with tracks in more than one split: {collection.shared_artists}. That "
            "flatters every figure."
        )
    missing = [system for system in NINE_SYSTEMS if system not in job.recipes]
    if missing:
        notes.append(f"Not trained: {', '.join(missing)}.")
    return notes
