"""Scores of trained runs where a command takes score files: computed once, kept in the run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from moodtheme.cli.streams import report
from moodtheme.errors import UsageError, needing_extra

if TYPE_CHECKING:
    from moodtheme.training.prediction import RunScores

RUN, SERIES, REPRODUCTION = "run.json", "series.json", "results.json"
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


def is_reproduction(path: str) -> bool:
    """Whether an argument is the folder of a finished reproduction."""
    return (Path(path) / REPRODUCTION).is_file()


def scores_of(folder: Path, scoring: Scoring) -> "RunScores":
    """A run's scores on its test and validation tracks.

    Raises
    ------
    UsageError
        The folder is a reproduction's.
    """
    if is_reproduction(str(folder)):
        raise UsageError(
            f"{folder}: a reproduction is evaluated when it is made, see its report.html; "
            "`moodtheme compare` has the paired differences"
        )
    with needing_extra("evaluating a run"):
        from moodtheme.models.networks import choose_device
        from moodtheme.training.prediction import score_test
    from moodtheme.cli.progress import progress_bar

    return score_test(
        folder,
        device=choose_device(scoring.device),
        jobs=scoring.jobs,
        features=scoring.features,
        offline=scoring.offline,
        report=report,
        bar=progress_bar,
    )
