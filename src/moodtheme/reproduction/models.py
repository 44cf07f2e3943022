"""Stages that export every system and their fusions as models, and let one hear some test tracks.

What the examples sound like to the model is for readers of the report.
"""

import shutil
import warnings
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from moodtheme import __version__
from moodtheme.datasets import Split, TrackTable
from moodtheme.errors import AudioError, EvaluationWarning
from moodtheme.evaluation.metrics import macro, roc_auc
from moodtheme.exporting.bundles import export_fused
from moodtheme.exporting.systems import Graphs
from moodtheme.files import sha256_of
from moodtheme.recipes import BASELINE, NINE_SYSTEMS, Recipe
from moodtheme.records import read_record, write_record
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.results import RECORDS, ExampleTrack, TimelineWindow
from moodtheme.reproduction.scoring import CHOSEN, best_weights, chosen_together, load_scores
from moodtheme.scores.matrices import load_systems, load_truth, read_truth
from moodtheme.tagging.answers import TagScore, track_tags
from moodtheme.tagging.tagger import Tagger
from moodtheme.training.kinds import kind_of
from moodtheme.training.trained import load_trained

FUSED = "fused-nine"
"""Name of the bundle of all nine systems."""
_GRAPHS = ".graphs"
_EXAMPLES = "examples.json"
_COUNT = 4
_STEP_S = 10.0  # of strips; nine systems with image networks take seconds for one


def export_models(job: Job) -> None:
    """Write a bundle for each system, and one for all together, with thresholds from validation.

    A graph that several bundles hold is made once.
    """
    systems = _exportable(job.recipes)
    together = {FUSED: NINE_SYSTEMS} if _has_nine(job.recipes) else {}
    chosen = chosen_together(job.recipes)
    if chosen and set(chosen) <= set(systems):
        together[CHOSEN] = chosen
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
                    f"export {system}: left out, since it {kind_of(recipe).no_graph}; "
                    f"`moodtheme predict {job.system_folder(system)}` scores tracks"
                )
        for name, members in together.items():
            _export(job, name, members, graphs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_nine(recipes: Mapping[str, Recipe]) -> bool:
    """Whether all nine systems are there to be fused."""
    return set(NINE_SYSTEMS) <= recipes.keys()


def _exportable(recipes: Mapping[str, Recipe]) -> tuple[str, ...]:
    """Systems that can be exported: those that a graph can compute from audio."""
    return tuple(s for s, recipe in recipes.items() if not kind_of(recipe).no_graph)


def _export(job: Job, name: str, systems: tuple[str, ...], graphs: Callable[[], Graphs]) -> None:
    folder = job.bundle_folder(name)
    files = {system: job.scores_file(Split.VALIDATION, system) for system in systems}
    test_files = [job.scores_file(Split.TEST, system) for system in systems]

    def work() -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for abandoned in folder.parent.glob(f".{name}-*"):
            shutil.rmtree(abandoned)  # of an export that was killed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EvaluationWarning)  # said when all is evaluated
            truth = read_truth(job.truth_file(Split.TEST))
            export_fused(
                [load_trained(job.system_folder(system)) for system in systems],
                folder,
                name=name,
                licence=job.request.licence,
                validation_truth=load_truth(job.truth_file(Split.VALIDATION)),
                validation_scores=[load_scores(file) for file in files.values()],
                artists=job.table.part(Split.VALIDATION).artists,
                tested=(truth, load_systems(test_files, like=truth)),
                graphs=graphs(),
            )

    job.stages.do(
        f"export {name}",
        work,
        inputs={
            "weights": {system: sha256_of(best_weights(job, system)) for system in systems},
            "scores": {system: sha256_of(file) for system, file in files.items()},
            "test": [sha256_of(file) for file in (job.truth_file(Split.TEST), *test_files)],
            "tracks": job.collection.sha256,
            "licence": job.request.licence,
            "version": __version__,
        },
        outputs=[folder / "bundle.json"],
    )


def hear_examples(job: Job) -> tuple[ExampleTrack, ...]:
    """Score a few test tracks with an exported model, as a whole and over time.

    None where no system can be exported.
    """
    model = _example_model(job)
    if model is None:
        return ()
    stage, path = "example tracks", job.folder / _EXAMPLES
    test = job.table.part(Split.TEST)
    chosen = test.select(choose_examples(test.labels, _COUNT))

    def work() -> None:
        tagger = Tagger.load(job.bundle_folder(model))
        with job.console.bar(stage) as bar:
            found = []
            for row in range(len(chosen)):
                try:
                    found.append(_hear(job, model, tagger, chosen.select([row])))
                except AudioError as error:  # silence, which training does not mind
                    job.console.say(f"not an example: {error}")
                bar(row + 1, len(chosen))
        write_record(path, found)

    job.stages.do(
        stage,
        work,
        inputs={
            "tracks": chosen.tracks,
            "audio": job.inputs_of(Split.TEST)["audio"],
            "model": sha256_of(job.bundle_folder(model) / "bundle.json"),
        },
        outputs=[path],
    )
    return read_record(path, tuple[ExampleTrack, ...], RECORDS)


def _example_model(job: Job) -> str | None:
    """The bundle that examples are heard with: the nine, or the best system on validation."""
    if _has_nine(job.recipes):
        return FUSED
    systems = _exportable(job.recipes)
    truth = load_truth(job.truth_file(Split.VALIDATION))

    def on_validation(system: str) -> float:
        return float(macro(roc_auc(truth, load_scores(job.scores_file(Split.VALIDATION, system)))))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvaluationWarning)  # said when all is evaluated
        better = [system for system in systems if system != BASELINE] or systems
        return max(better, key=on_validation, default=None)


def choose_examples(labels: NDArray[np.bool_], count: int) -> list[int]:
    """Rows of tracks that show different tags, always the same ones.

    For each tag, from the most frequent on, the first track with it that was not chosen yet.

    Parameters
    ----------
    labels
        bool (tracks, tags).
    count
        How many; fewer if there are fewer tags or tracks.
    """
    chosen: list[int] = []
    for tag in np.argsort(-labels.sum(axis=0), kind="stable"):
        rows = [int(row) for row in np.flatnonzero(labels[:, tag]) if row not in chosen]
        if rows and len(chosen) < count:
            chosen.append(rows[0])
    return chosen


def _hear(job: Job, model: str, tagger: Tagger, track: TrackTable) -> ExampleTrack:
    file, tags = track.files[0], track.tags
    heard = track_tags(tagger.listen(file, timeline=True, hop_s=_STEP_S), timeline=True)
    decided = {score.name for score in heard.tags if score.decision}
    return ExampleTrack(
        track=track.tracks[0],
        artist=track.artists[0],
        duration_s=heard.duration_s,
        truth=tuple(tag for tag, there in zip(tags, track.labels[0], strict=True) if there),
        model=job.relative(job.bundle_folder(model)),
        scores=_in_order(heard.tags, tags),
        decided=tuple(tag for tag in tags if tag in decided),
        windows=tuple(
            TimelineWindow(
                start_s=window.start_s, end_s=window.end_s, scores=_in_order(window.tags, tags)
            )
            for window in heard.timeline or ()
        ),
    )


def _in_order(scores: tuple[TagScore, ...], tags: tuple[str, ...]) -> tuple[float, ...]:
    by_tag = {score.name: score.score for score in scores}
    return tuple(by_tag[tag] for tag in tags)
