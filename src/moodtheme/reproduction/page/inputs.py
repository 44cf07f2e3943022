"""What the page is made from, ``results.json`` and the files beside it, and what must be said."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from moodtheme.datasets import Split
from moodtheme.errors import EvaluationError, MoodthemeError, ReproductionError, TrainingError
from moodtheme.reproduction.page.numbers import count, plural
from moodtheme.reproduction.page.rows import headline
from moodtheme.reproduction.results import Results, Row, read_results
from moodtheme.reproduction.stages import TIMINGS, Timings, read_timings
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, load_systems, load_truth
from moodtheme.training.history import Epoch, read_history


@dataclass(frozen=True)
class Inputs:
    """Everything read.

    Attributes
    ----------
    results, timings
        The records; no timings where their file is not there.
    headline
        The row that the page is about in detail.
    truth, scores
        Test labels and the headline row's test scores, (tracks, tags); None where either file
        cannot be read, or holds another set than the results are of.
    histories
        Epochs by system, where the file is there.
    absent
        Why parts of the page are missing, one sentence each.
    """

    results: Results
    timings: Timings | None
    headline: Row
    truth: BoolMatrix | None
    scores: ScoreMatrix | None
    histories: Mapping[str, tuple[Epoch, ...]]
    absent: tuple[str, ...]


def read_inputs(folder: Path) -> Inputs:
    """Read a run's folder.

    Only ``results.json`` must be there: a page without its curves is better than none.

    Raises
    ------
    ReproductionError
        ``results.json`` cannot be read or has no rows, or a path in it leaves the folder.
    """
    results = read_results(folder)
    if not results.rows:
        raise ReproductionError(f"{folder}: the results have no rows; run the reproduction again")
    best = headline(results)
    absent: list[str] = []
    truth = scores = None
    try:
        if "test" not in results.dataset.truth:
            raise EvaluationError("the results name no test labels")
        truth = load_truth(_inside(folder, results.dataset.truth["test"].path))
        scores = load_systems([_inside(folder, best.test_scores.path)])[0].values
        if truth.shape != scores.shape or truth.shape[1] != len(results.dataset.tags):
            raise EvaluationError("the test scores and labels are not those of the results")
    except EvaluationError as error:
        truth = scores = None
        absent.append(f"No comparison of tags that go together: {error}.")
    histories = {}
    for run in results.runs:
        try:
            histories[run.name] = read_history(_inside(folder, run.history))
        except TrainingError as error:
            absent.append(f"No training curve of {run.name}: {error}.")
    timings = None
    if (folder / TIMINGS).exists():
        try:
            timings = read_timings(folder)
        except MoodthemeError as error:
            absent.append(f"No durations: {error}.")
    return Inputs(results, timings, best, truth, scores, histories, tuple(absent))


def _inside(folder: Path, path: str) -> Path:
    """A file named in the results, which may only name files of the run."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise ReproductionError(
            f"{folder}: the results name {path!r}, which is outside the run's folder; "
            "run the reproduction again"
        )
    return folder / parts


FEW_TRACKS = 500
"""Below so many test tracks the page says that intervals are wide: a choice of this project."""


def notes(inputs: Inputs) -> list[str]:
    """The results' own notes, then what holds for every run, then what is missing."""
    results = inputs.results
    learnt, chosen, tested = (results.dataset.tracks_in(split) for split in Split)
    said = [
        *results.notes,
        f"Trained on {plural(learnt, 'track')} of {results.dataset.source}, epochs and thresholds "
        f"chosen on {count(chosen)}, tested on {count(tested)}. The figures are about such music "
        "and such labels; other collections may differ.",
    ]
    if tested < FEW_TRACKS:
        said.append(
            f"{plural(tested, 'test track')} are few: look at the intervals before comparing "
            "figures."
        )
    if results.settings.bootstrap:
        said.append(
            f"The 95 % intervals come from {count(results.settings.bootstrap)} resamples of the "
            f"{results.settings.over} of the test, whole artists where they are known. Tags of "
            "fewer than five have none."
        )
    said.append(
        "Each system's epoch was chosen on validation, so validation figures flatter. What is "
        "called oracle used the test labels to choose thresholds, as the task's official script "
        "does, and best is the most that any thresholds reach: nobody has either in use."
    )
    return [*said, *inputs.absent]
