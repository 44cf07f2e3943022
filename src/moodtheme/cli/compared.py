"""What `moodtheme compare` compares: systems with all their trainings, test set by test set.

Score files, runs and reproductions have one test set; of a series the folds have one each, and
seeds share them.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from moodtheme.cli.systems import Scoring, Trained
from moodtheme.errors import UsageError

if TYPE_CHECKING:
    from moodtheme.scores.matrices import SystemScores, Truth


@dataclass(frozen=True)
class Training:
    """One training's scores on the test tracks of its fold, with the truth that came with them.

    Attributes
    ----------
    place
        The argument that it comes from.
    system
        What all trainings of the system are called.
    fold, seed
        Which it was; 0 where there is one.
    """

    place: str
    system: str
    fold: int
    seed: int
    scores: "SystemScores"
    truth: "Truth | None" = None

    @property
    def name(self) -> str:
        """Of this one among all of its fold."""
        return f"{self.system}, seed {self.seed}"


@dataclass(frozen=True)
class Fold:
    """The trainings that share their test tracks, rows in the order of the truth."""

    number: int
    truth: "Truth"
    trainings: tuple[Training, ...]

    @property
    def systems(self) -> list[str]:
        """Each once, in order."""
        return list(dict.fromkeys(one.system for one in self.trainings))

    def only(self, systems: Container[str]) -> "Fold":
        """Without the trainings of others."""
        return replace(
            self, trainings=tuple(one for one in self.trainings if one.system in systems)
        )


def gather(
    paths: Sequence[str], truth: Path | None, scoring: Scoring, *, allow_seen: bool
) -> list[Fold]:
    """Scores of files, runs, reproductions and series, beside the truth that they share.

    Parameters
    ----------
    paths
        What to compare. A system is called by its file, folder or row, by all of it where two
        would be called the same.
    truth
        Of the test tracks; None for that of the runs.
    scoring
        How runs are scored that were not yet.
    allow_seen
        Mark systems that were trained on test tracks, instead of refusing them.

    Raises
    ------
    UsageError
        There are files and no truth, other folds in one place than in another, or two systems of
        one name.
    EvaluationError
        Something does not fit the truth, or was trained on it.
    """
    from moodtheme.scores.matrices import put_like, read_truth

    found = _called(
        [training for path in paths for training in _trainings(path, scoring)], paths, allow_seen
    )
    folds = list(dict.fromkeys(training.fold for training in found))
    for path in paths:
        own = [fold for fold in folds if any((o.place, o.fold) == (path, fold) for o in found)]
        if own != folds:
            rest = [fold for fold in folds if fold not in own]
            raise UsageError(
                f"{path}: was tested on {_spelled(own)}, others on {_spelled(rest)}; compare what "
                "was tested on the same tracks"
            )
    if truth is not None and folds != [0]:
        raise UsageError("--truth goes with one test set; folds bring their own")
    sets = []
    for fold in folds:
        of_fold = [training for training in found if training.fold == fold]
        brought = [training.truth for training in of_fold if training.truth is not None]
        if truth is None and not brought:
            raise UsageError("score files need --truth FILE: the labels of their tracks")
        labels = brought[0] if truth is None else read_truth(truth)
        like = [replace(one, scores=put_like(one.scores, labels)) for one in of_fold]
        sets.append(Fold(fold, labels, tuple(like)))
    return sets


def _spelled(folds: Sequence[int]) -> str:
    return "one test set" if 0 in folds else f"folds {', '.join(map(str, folds))}"


def _trainings(path: str, scoring: Scoring) -> Iterator[Training]:
    """What one argument holds."""
    from moodtheme.scores.matrices import load_systems

    if Trained.SERIES.is_at(path):
        from moodtheme.training.series import places, read_series

        for member, folder, _ in places(Path(path), read_series(Path(path))):
            for one in _trained(folder, Path(path).resolve().name, scoring):
                yield replace(one, place=path, fold=member.fold, seed=member.seed)
    elif Trained.RUN.is_at(path) or Trained.REPRODUCTION.is_at(path):
        for one in _trained(Path(path), Path(path).resolve().name, scoring):
            yield replace(one, place=path)
    else:
        for system in load_systems([path]):
            yield Training(path, system.name, 0, 0, system)


def _trained(folder: Path, name: str, scoring: Scoring) -> Iterator[Training]:
    """A run, called by this name, or all that a reproduction trained and fused."""
    if not Trained.REPRODUCTION.is_at(folder):
        run = scoring.scores_of(folder)
        yield Training("", name, 0, 0, run.test, run.test_truth)
        return
    from moodtheme.datasets import Split
    from moodtheme.reproduction.results import Kind, read_results
    from moodtheme.scores.matrices import load_systems, read_truth

    results = read_results(folder)
    truth = read_truth(folder / results.dataset.truth[Split.TEST].path)
    for row in results.rows:
        if row.kind is not Kind.POPULARITY:
            (scores,) = load_systems([folder / row.test_scores.path])
            yield Training("", row.name, 0, 0, scores, truth)


def _called(found: list[Training], paths: Sequence[str], allow_seen: bool) -> list[Training]:
    """Give every system a name of its own, which says if it saw what it is tested on."""
    from moodtheme.evaluation.checks import check_seen

    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"{path}: given twice; name what is to be compared once")
    seen = {
        (one.place, one.system)
        for one in found
        if check_seen(one.scores.names.seen, name=one.scores.source, allow=allow_seen)
    }
    places: dict[str, set[str]] = {}
    for one in found:
        places.setdefault(one.system, set()).add(one.place)
    named = []
    for one in found:
        name = one.system
        if len(places[name]) > 1:
            name = one.place if Path(one.place).stem.startswith(name) else f"{one.place}: {name}"
        if (one.place, one.system) in seen:
            name += " (seen)"
        named.append(replace(one, system=name))
    return named
