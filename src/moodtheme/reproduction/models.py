"""Stages that export every system and their fusions as models that tag."""

import shutil
import warnings
from collections.abc import Callable, Mapping
from functools import cache

from moodtheme import __version__
from moodtheme.datasets import Split
from moodtheme.errors import EvaluationWarning
from moodtheme.exporting.bundles import export_fused
from moodtheme.exporting.systems import Graphs
from moodtheme.files import sha256_of
from moodtheme.recipes import BASELINE, NINE_SYSTEMS, Recipe
from moodtheme.reproduction import names
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.scoring import CHOSEN, best_weights, chosen_together, load_scores
from moodtheme.scores.matrices import load_truth
from moodtheme.training.kinds import kind_of
from moodtheme.training.trained import load_trained

FUSED = "fused-nine"
"""Name of the bundle of all nine systems."""
_GRAPHS = ".graphs"


def has_nine(recipes: Mapping[str, Recipe]) -> bool:
    """Whether all nine systems are there to be fused."""
    return all(system in recipes for system in NINE_SYSTEMS)


def fused_models(recipes: Mapping[str, Recipe]) -> dict[str, tuple[str, ...]]:
    """Names of the bundles of several systems, with their members."""
    models = {FUSED: NINE_SYSTEMS} if has_nine(recipes) else {}
    chosen = chosen_together(recipes)
    if chosen and all(system in exportable(recipes) for system in chosen):
        models[CHOSEN] = chosen
    return models


def exportable(recipes: Mapping[str, Recipe]) -> tuple[str, ...]:
    """Systems that can be exported: those that a graph can compute from audio."""
    return tuple(s for s, recipe in recipes.items() if not kind_of(recipe).no_graph)


def export_models(job: Job) -> None:
    """Write a bundle for each system, and one for all together, with thresholds from validation.

    A graph that several bundles hold is made once.
    """
    systems = exportable(job.recipes)
    folder = job.bundle_folder(_GRAPHS)
    shutil.rmtree(folder, ignore_errors=True)  # of an export that was killed

    @cache
    def graphs() -> Graphs:
        trained = [load_trained(job.system_folder(system)) for system in systems]
        return Graphs(trained, folder, offline=job.request.offline)

    try:
        for system, recipe in job.recipes.items():
            if system in systems:
                _export(job, system, (system,), graphs)
            else:
                job.console.say(
                    f"{names.export(system)}: left out, since it {kind_of(recipe).no_graph}; "
                    f"`moodtheme predict {job.system_folder(system)}` scores tracks"
                )
        for name, members in fused_models(job.recipes).items():
            _export(job, name, members, graphs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _export(job: Job, name: str, systems: tuple[str, ...], graphs: Callable[[], Graphs]) -> None:
    folder = job.bundle_folder(name)
    files = {system: job.scores_file(Split.VALIDATION, system) for system in systems}

    def work() -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for abandoned in folder.parent.glob(f".{name}-*"):
            shutil.rmtree(abandoned)  # of an export that was killed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EvaluationWarning)  # said when all is evaluated
            export_fused(
                [load_trained(job.system_folder(system)) for system in systems],
                folder,
                name=name,
                licence=job.request.licence,
                validation_truth=load_truth(job.truth_file(Split.VALIDATION)),
                validation_scores=[load_scores(file) for file in files.values()],
                artists=job.table.part(Split.VALIDATION).artists,
                graphs=graphs(),
            )

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
