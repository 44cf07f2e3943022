"""Stages that train the systems, and the sweep that chooses configurations on validation."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from moodtheme.datasets import Split
from moodtheme.errors import ReproductionError
from moodtheme.recipes import Recipe, with_values
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.results import SweepPoint
from moodtheme.reproduction.selection import definition
from moodtheme.reproduction.stages import StageTiming, slug
from moodtheme.training.history import read_history
from moodtheme.training.run_folder import (
    HISTORY,
    RESULT,
    RUN,
    differences,
    read_result,
    read_run,
)
from moodtheme.training.settings import Settings
from moodtheme.training.system_run import train_system

SWEEP_UNITS = (128, 256, 512)
SWEEP_DROPOUTS = (0.2, 0.3, 0.4)
"""What the paper tried for its CRNNs (section 2.1)."""
CONFIGURATIONS = len(SWEEP_UNITS) * len(SWEEP_DROPOUTS)


@dataclass(frozen=True)
class _Run:
    """One training: what the stage is called, where it goes, and what a sweep sets for it."""

    stage: str
    recipe: Recipe
    folder: Path
    values: Mapping[str, str] = field(default_factory=dict)


def training_stage(system: str) -> str:
    """What the stage is called that trains a system."""
    return f"train {system}"


def is_swept(job: Job, system: str) -> bool:
    """Whether a sweep chooses its configuration: the paper names what it tried for its CRNNs."""
    return job.request.sweep and system.startswith("crnn-")


def require_own_runs(job: Job) -> None:
    """See that no folder holds a run with other settings, before anything is started.

    Raises
    ------
    ReproductionError
        If one does; the message says where they differ.
    """
    for system in job.recipes:
        folder = job.system_folder(system)
        if is_swept(job, system):
            if folder.exists() and not _sweep_folder(job, system).exists():
                _refuse(folder, ["it was not chosen by a sweep"])
            for run in _configurations(job, system):
                _require_own(job, run)
        else:
            _require_own(job, _Run(training_stage(system), job.recipes[system], folder))


def _require_own(job: Job, run: _Run) -> None:
    if not (run.folder / RUN).exists():
        return
    there = read_run(run.folder)
    wanted = replace(there, recipe=run.recipe, seed=job.request.seed, tags=job.table.tags)
    found = differences(there, wanted)
    stale = job.stages.stale(run.stage, _inputs(job, run))
    found += [f"other {name}" for name in stale if name in {"tracks", "audio"}]
    if found:
        _refuse(run.folder, found)


def _refuse(folder: Path, found: list[str]) -> None:
    raise ReproductionError(
        f"{folder} holds a run with other settings: {'; '.join(found)}; nothing was started: move "
        "that folder away to train again, or give another RUN_DIR"
    )


def train_systems(job: Job) -> tuple[Job, tuple[SweepPoint, ...]]:
    """Train every system; with a sweep, every configuration of the CRNNs first.

    Returns
    -------
    job
        With the recipes that were trained.
    points
        What the sweep tried, and what it chose.
    """
    points: list[SweepPoint] = []
    recipes = dict(job.recipes)
    for system in job.recipes:
        if is_swept(job, system):
            tried = _sweep(job, system)
            points += tried
            chosen = next(point for point in tried if point.chosen)
            recipes[system] = _configured(job.recipes[system], chosen.values)
            _adopt(job.folder / chosen.folder, job.system_folder(system))
    job = replace(job, recipes=recipes)
    for system, recipe in recipes.items():
        _train(job, _Run(training_stage(system), recipe, job.system_folder(system)))
    return job, tuple(points)


def _configurations(job: Job, system: str) -> Iterator[_Run]:
    for units, dropout in product(SWEEP_UNITS, SWEEP_DROPOUTS):
        values = {"units": str(units), "dropout": str(dropout)}
        name = f"units {units} dropout {dropout}"
        yield _Run(
            f"{training_stage(system)} {name}",
            _configured(job.recipes[system], values),
            _sweep_folder(job, system) / slug(name),
            values,
        )


def _sweep_folder(job: Job, system: str) -> Path:
    return job.folder / "sweep" / system


def _configured(recipe: Recipe, values: Mapping[str, str]) -> Recipe:
    return with_values(recipe, values, source="chosen on validation by --sweep")


def _sweep(job: Job, system: str) -> list[SweepPoint]:
    """Train all configurations; the best on validation is chosen, the first of equals."""
    found = []
    for run in _configurations(job, system):
        _train(job, run)
        found.append((run, read_result(run.folder)))
    best = max(result.validation_roc_auc for _, result in found)
    chosen = next(run for run, result in found if result.validation_roc_auc == best)
    job.console.say(
        f"{training_stage(system)}: {chosen.folder.name} chosen among {len(found)}, "
        f"validation ROC-AUC {best:.4f}"
    )
    return [
        SweepPoint(
            system=system,
            values=run.values,
            folder=job.relative(run.folder),
            validation_roc_auc=result.validation_roc_auc,
            best_epoch=result.best_epoch,
            epochs=result.epochs,
            chosen=run is chosen,
        )
        for run, result in found
    ]


def _adopt(run: Path, target: Path) -> None:
    """Copy a finished run, whole or not at all."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(run, partial)
    partial.rename(target)


def _train(job: Job, run: _Run) -> None:
    """Train a system; a run that was made elsewhere with the same settings is taken as it is."""

    def work() -> StageTiming:
        settings = Settings(
            recipe=run.recipe,
            dataset=job.request.source,
            seed=job.request.seed,
            offline=job.request.offline,
            audio_cache=job.audio,
            features=job.features,
            jobs=job.request.jobs,
            machine=job.machine,
        )
        try:
            result = train_system(job.table, settings, run.folder, report=job.console.say)
        except SystemExit as stopped:
            # Lightning ends the program when it is interrupted; here others have a say too.
            raise KeyboardInterrupt from stopped
        job.console.say(
            f"{run.stage}: validation ROC-AUC {result.validation_roc_auc:.4f} in epoch "
            f"{result.best_epoch} of {result.epochs}"
        )
        return StageTiming(
            stage=run.stage,
            seconds=result.training_s,
            waiting_s=result.waiting_s,
            peak_memory_bytes=result.peak_memory_bytes,
            peak_accelerator_bytes=result.peak_accelerator_bytes,
        )

    job.stages.do(
        run.stage,
        work,
        inputs=_inputs(job, run),
        outputs=[run.folder / RESULT],
        resumes=_resumes(run),
    )


def _inputs(job: Job, run: _Run) -> dict[str, object]:
    return {
        **job.inputs_of(Split.TRAIN, Split.VALIDATION),
        "recipe": definition(run.recipe),
        "seed": job.request.seed,
    }


def _resumes(run: _Run) -> str:
    folder = run.folder
    if (folder / RESULT).exists() and read_run(folder).recipe.schedule == run.recipe.schedule:
        return "trained before with the same settings, taken as it is"
    if (folder / HISTORY).exists():
        return f"goes on after epoch {len(read_history(folder / HISTORY))}"
    return ""
