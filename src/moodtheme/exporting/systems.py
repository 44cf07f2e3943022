"""Trained systems as graphs: waveform in, scores out, the front end inside."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from moodtheme.errors import UsageError
from moodtheme.exporting.graph import Scores, export_graph, take_system
from moodtheme.exporting.half_weights import check_half
from moodtheme.files import sha256_of
from moodtheme.tagging.bundle import Member, Output
from moodtheme.training.kinds import kind_of
from moodtheme.training.kinds.features import require_same_weights
from moodtheme.training.trained import TrainedSystem


@dataclass(frozen=True)
class Graph:
    """Systems that one graph computes.

    Attributes
    ----------
    name
        Of its file, without the suffix.
    systems
        At least one; several share one view of the audio.
    names
        What each is called in the bundle.
    """

    name: str
    systems: tuple[TrainedSystem, ...]
    names: tuple[str, ...]


def plan_graphs(systems: Sequence[TrainedSystem]) -> list[Graph]:
    """Divide systems into graphs: Deep Spectrum systems with equal features share one.

    The graphs, and the systems in each, keep the order given. Of systems with one name the second
    gets ``-2`` added, and so on.

    Raises
    ------
    UsageError
        If the front end of one cannot be part of a graph.
    """
    groups: dict[object, list[int]] = {}
    for number, system in enumerate(systems):
        kind = kind_of(system.run.recipe)
        if kind.no_graph:
            raise UsageError(
                f"{system.run.recipe.system} {kind.no_graph}, so it cannot be exported; "
                "`moodtheme predict` scores tracks with it"
            )
        groups.setdefault(kind.shares_graph(system.run.weights) or number, []).append(number)
    names = _distinct([system.run.recipe.system for system in systems])
    stems = _distinct([_stem([systems[n] for n in group]) for group in groups.values()])
    return [
        Graph(stem, tuple(systems[n] for n in group), tuple(names[n] for n in group))
        for stem, group in zip(stems, groups.values(), strict=True)
    ]


def export_member(
    graph: Graph,
    folder: Path,
    *,
    half_images: bool = False,
    weights: Path | None = None,
    offline: bool = False,
) -> Member:
    """Write a graph.

    Parameters
    ----------
    graph
        From `plan_graphs`.
    folder
        Where it is written; the member's ``file`` is its name there.
    half_images
        Whether the image network's weights are kept as float16 in the file, at half the size.
    weights
        File of the image network's weights; None has the published ones fetched. Only Deep
        Spectrum systems need any.
    offline
        Never touch the network.

    Raises
    ------
    DownloadError, HashMismatchError, WeightsError
        If the image network's weights cannot be had, or are not those of the training, or scores
        are others with float16 ones.
    """
    run = graph.systems[0].run
    kind = kind_of(run.recipe)
    view = kind.view
    path = folder / f"{graph.name}.onnx"
    module = kind.graph_module(
        [system.network.cpu() for system in graph.systems],
        check=lambda made_with: require_same_weights(run, made_with),
        weights=weights,
        offline=offline,
    )
    half = f"network.{kind.images}" if half_images and kind.images else None
    several = len(graph.systems) > 1
    if several and run.dimensions:
        raise UsageError(
            f"{', '.join(graph.names)} share a graph, which cannot hold what each says of "
            f"{run.dimensions[0].name}; export them one by one"
        )
    export_graph(
        Scores(module, run.dimensions),
        path,
        samples=view.samples,
        outputs=[str(output) for output in _outputs(graph)],
        half_weights=half,
        systems=graph.names if several else (),
    )
    if half:
        check_half(module, path, samples=view.samples, sample_rate=view.sample_rate)
    return _member(graph, path)


def _member(graph: Graph, path: Path) -> Member:
    kind = kind_of(graph.systems[0].run.recipe)
    view = kind.view
    return Member(
        file=path.name,
        sha256=sha256_of(path),
        systems=graph.names,
        sample_rate=view.sample_rate,
        samples=view.samples,
        policy=kind.policy,
        outputs=_outputs(graph),
    )


def _outputs(graph: Graph) -> tuple[Output, ...]:
    rated = any(system.run.dimensions for system in graph.systems)
    return (Output.SCORES, Output.DIMENSIONS) if rated else (Output.SCORES,)


class Graphs:
    """Graphs of trained systems for several bundles, each made once, when it is first needed.

    Parameters
    ----------
    systems
        All that will be exported.
    folder
        Where graphs are kept for as long as this is used.
    half_images, weights, offline
        As for `export_member`.
    """

    def __init__(
        self,
        systems: Sequence[TrainedSystem],
        folder: Path,
        *,
        half_images: bool = False,
        weights: Path | None = None,
        offline: bool = False,
    ) -> None:
        self._plans = plan_graphs(systems)
        self._folder = folder
        self._export = partial(
            export_member, half_images=half_images, weights=weights, offline=offline
        )
        self._made: dict[str, Path] = {}

    def write(self, graph: Graph, folder: Path) -> tuple[Member, Path]:
        """Have a graph of some of the systems; errors are those of `export_member`.

        Parameters
        ----------
        graph
            From `plan_graphs`, of systems that are among these.
        folder
            Where it may be written; a graph that is here already stays where it is.
        """
        plan = next(plan for plan in self._plans if set(graph.names) <= set(plan.names))
        if plan.name not in self._made:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._made[plan.name] = self._folder / self._export(plan, self._folder).file
        made = self._made[plan.name]
        if graph.names != plan.names:
            if len(graph.names) > 1:
                return self._export(graph, folder), folder / f"{graph.name}.onnx"
            path = folder / f"{graph.name}.onnx"
            take_system(made, graph.names[0], path)
            made = path
        return _member(graph, made), made


def _stem(systems: Sequence[TrainedSystem]) -> str:
    """What a graph is called: its system, or what several have in common, such as ``ds-1s``."""
    name = systems[0].run.recipe.system
    return name if len(systems) == 1 else name.rpartition("-")[0]


def _distinct(names: Sequence[str]) -> list[str]:
    """Names with numbers added from the second use on."""
    uses: Counter[str] = Counter()
    distinct = []
    for name in names:
        uses[name] += 1
        distinct.append(name if uses[name] == 1 else f"{name}-{uses[name]}")
    return distinct
