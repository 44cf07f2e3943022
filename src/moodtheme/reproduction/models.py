"""Stages that export every system and the fused nine as models that tag."""

import shutil
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from moodtheme import __version__
from moodtheme.datasets import Split
from moodtheme.errors import EvaluationWarning
from moodtheme.exporting.bundles import export_fused
from moodtheme.exporting.system_bundle import export_system
from moodtheme.files import sha256_of
from moodtheme.recipes import BASELINE, NINE_SYSTEMS, Recipe
from moodtheme.reproduction import names
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.scoring import best_weights, load_scores
from moodtheme.scores.matrices import load_truth
from moodtheme.training.kinds import kind_of
from moodtheme.training.trained import TrainedSystem, load_trained

FUSED = "fused-nine"
"""Name of the bundle of all nine systems."""


def has_nine(recipes: Mapping[str, Recipe]) -> bool:
    """Whether all nine systems are there to be fused."""
    return all(system in recipes for system in NINE_SYSTEMS)


def exportable(recipes: Mapping[str, Recipe]) -> tuple[str, ...]:
    """Systems that can be exported: those that a graph can compute from audio."""
    return tuple(s for s, recipe in recipes.items() if not kind_of(recipe).no_graph)


def export_models(job: Job) -> None:
    """Write a bundle for each system, and one for the nine, with thresholds from validation."""
    graphs = exportable(job.recipes)
    for system, recipe in job.recipes.items():
        if system in graphs:
            _export(job, system, (system,))
        else:
            job.console.say(
                f"{names.export(system)}: left out, since it {kind_of(recipe).no_graph}; "
                f"`moodtheme predict {job.system_folder(system)}` scores tracks"
            )
    if has_nine(job.recipes):
        _export(job, FUSED, NINE_SYSTEMS)


def example_model(job: Job, on_validation: dict[str, float]) -> str | None:
    """Name of the bundle that the example tracks are heard with: the nine, or the best system.

    None where no system can be exported.

    Parameters
    ----------
    job
        Where all is exported.
    on_validation
        Macro ROC-AUC of each system there.
    """
    if has_nine(job.recipes):
        return FUSED
    candidates = exportable(job.recipes)
    systems = [system for system in candidates if system != BASELINE] or candidates
    return max(systems, key=lambda system: on_validation[system], default=None)


def _export(job: Job, name: str, systems: tuple[str, ...]) -> None:
    folder = job.bundle_folder(name)
    files = {system: job.scores_file(Split.VALIDATION, system) for system in systems}

    def work() -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for abandoned in folder.parent.glob(f".{name}-*"):
            shutil.rmtree(abandoned)  # of an export that was killed
        scores = [load_scores(files[system]) for system in systems]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EvaluationWarning)  # said when all is evaluated
            _write(job, name, [load_trained(job.system_folder(s)) for s in systems], scores)

    job.stages.do(
        names.export(name),
        work,
        inputs={
            "weights": {system: sha256_of(best_weights(job, system)) for system in systems},
            "scores": {system: sha256_of(file) for system, file in files.items()},
            "tracks": job.collection.sha256,
            "licence": job.request.licence,
            "version": __version__,
        },
        outputs=[folder / "bundle.json"],
    )


def _write(
    job: Job,
    name: str,
    systems: Sequence[TrainedSystem],
    scores: Sequence[NDArray[np.float32]],
) -> None:
    """Write a bundle of several systems, or of one."""
    folder, licence, offline = job.bundle_folder(name), job.request.licence, job.request.offline
    truth = load_truth(job.truth_file(Split.VALIDATION))
    if name == FUSED:
        export_fused(
            systems,
            folder,
            name=name,
            licence=licence,
            validation_truth=truth,
            validation_scores=scores,
            offline=offline,
        )
    else:
        export_system(
            systems[0],
            folder,
            name=name,
            licence=licence,
            validation_truth=truth,
            validation_scores=scores[0],
            offline=offline,
        )
