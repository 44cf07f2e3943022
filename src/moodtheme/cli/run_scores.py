"""Scores of trained runs where a command takes score files: computed once, kept in the run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from moodtheme.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from moodtheme.scores.matrices import SystemScores, Truth
    from moodtheme.training.testing import RunScores

RUN, SERIES = "run.json", "series.json"
"""What tells folders of trainings, for commands that must not import PyTorch to look."""


@dataclass(frozen=True)
class Scoring:
    """How runs are scored, from a command's options."""

    device: str
    jobs: int
    features: Path | None
    offline: bool


def is_run(path: str) -> bool:
    """Whether an argument is the folder of a run."""
    return (Path(path) / RUN).is_file()


def is_series(path: str) -> bool:
    """Whether an argument is the folder of several."""
    return (Path(path) / SERIES).is_file()


def scores_of(folder: Path, scoring: Scoring) -> "RunScores":
    """A run's scores on its test and validation tracks."""
    try:
        from moodtheme.models.networks import choose_device
        from moodtheme.training.testing import score_test
    except ImportError as error:
        raise MissingExtraError("evaluating a run") from error
    from moodtheme.cli.progress import progress_bar

    return score_test(
        folder,
        device=choose_device(scoring.device),
        jobs=scoring.jobs,
        features=scoring.features,
        offline=scoring.offline,
        report=lambda line: print(line, file=sys.stderr, flush=True),
        bar=progress_bar,
    )


def gather(
    paths: Sequence[str], truth: Path | None, scoring: Scoring
) -> "tuple[Truth, list[SystemScores]]":
    """Truth, and the scores of runs and files on its tracks, put in its order.

    Raises
    ------
    UsageError
        There are files and no truth, a series among the paths, or two of one name.
    EvaluationError
        Something does not fit the truth.
    """
    from moodtheme.scores.matrices import load_systems, put_like, read_truth

    for path in paths:
        if is_series(path):
            raise UsageError(
                f"{path}: holds several runs; name those to compare, such as {path}/seed-0"
            )
    runs = {path: scores_of(Path(path), scoring) for path in paths if is_run(path)}
    if truth is not None:
        labels = read_truth(truth)
    elif runs:
        labels = next(iter(runs.values())).test_truth
    else:
        raise UsageError("score files need --truth FILE: the labels of their tracks")
    names = [Path(path).name for path in paths]
    found = []
    for path, name in zip(paths, names, strict=True):
        if path in runs:
            called = name if names.count(name) == 1 else path
            found.append(replace(put_like(runs[path].test, labels), name=called))
        else:
            found += load_systems([path], like=labels)
    called_twice = [s.name for s in found if sum(o.name == s.name for o in found) > 1]
    if called_twice:
        raise UsageError(f"several systems are called {called_twice[0]!r}; rename a file or folder")
    return labels, found
