"""Trained systems as graphs: waveform in, scores out, the front end inside."""

from pathlib import Path

from moodtheme.bundle import ExcerptPolicy, Member
from moodtheme.downloads import sha256_of
from moodtheme.errors import UsageError
from moodtheme.export import Scores, export_graph
from moodtheme.recipes import BaselineView, CrnnView, EvaluationExcerpt, View
from moodtheme.training.system_run import TrainedSystem

_POLICIES = {
    EvaluationExcerpt.CENTRE: ExcerptPolicy.CENTRE,
    # A bundle has no such place; the centre is the nearest.
    EvaluationExcerpt.SECOND_HALF: ExcerptPolicy.CENTRE,
    EvaluationExcerpt.COVER: ExcerptPolicy.COVER,
}


def export_member(system: TrainedSystem, folder: Path) -> Member:
    """Write a system's graph.

    Parameters
    ----------
    system
        From `moodtheme.training.system_run.load_trained`.
    folder
        Where the graph is written; the member's ``file`` is its name there.

    Raises
    ------
    UsageError
        If the system's front end cannot be part of a graph.
    """
    view, name = system.run.recipe.view, system.run.recipe.system
    graph = folder / f"{name}.onnx"
    export_graph(Scores(system.network.cpu()), graph, samples=view.samples)
    return Member(
        file=graph.name,
        sha256=sha256_of(graph),
        systems=(name,),
        sample_rate=view.sample_rate,
        samples=view.samples,
        policy=_policy(view, name),
    )


def _policy(view: View, name: str) -> ExcerptPolicy:
    match view:
        case CrnnView():
            return _POLICIES[view.evaluation]
        case BaselineView():
            return ExcerptPolicy.CENTRE
        case _:
            raise UsageError(f"{name} cannot be exported yet; choose another system")
