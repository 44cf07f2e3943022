"""A finished run's scores: of the tracks of a table, and of its own test tracks.

Scores have names, and what the run saw of each track; those of its test stay in the run's folder.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from moodtheme.arrays import FloatArray
from moodtheme.datasets import Split, TrackTable, load_dataset
from moodtheme.errors import AudioError, EvaluationError, TrainingError
from moodtheme.files import sha256_of
from moodtheme.records import Records, read_record, write_record
from moodtheme.scores.forms import write_matrix
from moodtheme.scores.matrices import SystemScores, Truth, load_systems, put_like, read_truth
from moodtheme.scores.names import Names, Seen, columns_like
from moodtheme.scores.ratings import Ratings
from moodtheme.scores.vocabulary import tag_key
from moodtheme.training.examples import Weighted, score_inputs, split_outputs
from moodtheme.training.history import BEST
from moodtheme.training.kinds import kind_of
from moodtheme.training.run_folder import (
    VALIDATION_SCORES,
    VALIDATION_TRUTH,
    read_result,
    read_run,
    stage_folder,
)
from moodtheme.training.seen import require_unseen
from moodtheme.training.series import is_series
from moodtheme.training.settings import Machine, Settings
from moodtheme.training.trained import TrainedSystem, dataset_of, features_of, load_trained
from moodtheme.work import Progress, Report, no_progress, no_report

TEST_SCORES = "test-scores.npz"
TEST_TRUTH = "test-truth.npz"
TESTED = "test.json"
_RECORDS = Records(error=TrainingError, missing="evaluate the run", again="delete it")
_AT_ONCE = 8  # excerpts of a file given to the network in one call


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Scores of the tracks that could be read.

    Attributes
    ----------
    scores
        float32 (tracks, tags).
    names
        Of rows and columns; ``seen`` says what the run saw of each track.
    ratings
        On the run's dimensions, where it has any.
    failures
        One error a track that could not be read.
    """

    scores: FloatArray
    names: Names
    ratings: Ratings | None
    failures: tuple[AudioError, ...]


def predict_table(
    system: TrainedSystem,
    table: TrackTable,
    seen: Sequence[Seen],
    *,
    device: torch.device,
    jobs: int = 1,
    features: Path | None = None,
    weights: Path | None = None,
    offline: bool = False,
    report: Report = no_report,
    progress: Progress = no_progress,
) -> Predicted:
    """Score a table's tracks, each by itself, so that a score does not depend on the others.

    Columns are in the table's order where it has the run's tags, else in the run's; both go by the
    tags' keys, and ``names.tags`` says which it is.

    Parameters
    ----------
    system
        Its recipe's view says what of a file is scored.
    table
        The tracks.
    seen
        What the run saw of each.
    device
        Where networks compute.
    jobs
        Files decoded, or their features extracted, at once.
    features
        Folder of stored features; what it lacks is added. None has features extracted and thrown
        away. Only systems that hear features need any.
    weights
        File of the image network's weights; None has the published ones fetched.
    offline
        Never touch the network.
    report
        Called with lines about what is done.
    progress
        Called after each file with files done and files to do; for features that are missing
        first, then for scores.

    Raises
    ------
    WeightsError
        If the image network's weights are not those of the training.
    """
    settings = Settings(
        recipe=system.run.recipe,
        dataset=system.run.dataset,
        weights=weights,
        offline=offline,
        features=features,
        jobs=jobs,
        machine=Machine(accelerator=str(device)),
    )
    with tempfile.TemporaryDirectory(prefix="moodtheme-features-") as scratch:
        source = kind_of(system.run.recipe).open_source(settings, Path(scratch))
        inputs = source.read(table.files, system.run, report=report, progress=progress)
        outputs, failures = _score(system, inputs, len(table), device, progress)
    scores, ratings = split_outputs(outputs, system.run)
    names = replace(table.names, tags=tuple(system.run.tags), seen=tuple(seen))
    if {*map(tag_key, names.tags)} == {*map(tag_key, table.tags)}:
        scores, names = columns_like(
            scores, names, table.names, source="the run", like_source="the table"
        )
    read = np.flatnonzero(~np.isnan(scores).all(axis=1)).tolist()
    return Predicted(
        scores=scores[read],
        names=names.rows(read),
        ratings=ratings and ratings.rows(read),
        failures=tuple(failures),
    )


def _score(
    system: TrainedSystem,
    inputs: Iterable[Weighted | AudioError],
    count: int,
    device: torch.device,
    progress: Progress,
) -> tuple[FloatArray, list[AudioError]]:
    """Outputs of files, float32 (files, tags + dimensions); NaN and an error where one fails."""
    network = system.network.eval().to(device)
    scores = np.full((count, system.run.n_outputs), np.nan, np.float32)
    failures = []
    with torch.inference_mode():
        for row, found in enumerate(inputs):
            if isinstance(found, AudioError):
                failures.append(found)
            else:
                tensor = torch.tensor(found.values).to(device)
                each = score_inputs(network, tensor, at_once=_AT_ONCE)
                scores[row] = np.average(each, axis=0, weights=found.weights)
            progress(row + 1, count)
    return scores, failures


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What the test scores of a run were made from: SHA-256 of weights and of the truth file."""

    weights: str
    truth: str


@dataclass(frozen=True)
class RunScores:
    """A run's scores on test and validation, beside the truth of both."""

    test_truth: Truth
    test: SystemScores
    validation_truth: Truth
    validation: SystemScores


def score_test(
    folder: Path,
    *,
    device: torch.device,
    jobs: int,
    features: Path | None,
    offline: bool,
    report: Report,
    bar: Callable[[str], AbstractContextManager[Progress]],
) -> RunScores:
    """Score a run's test tracks, unless that was done, and read everything back.

    Parameters
    ----------
    folder
        Of a finished run.
    device, jobs, features, offline
        As for `predict_table`; `features` None takes the run's own.
    report
        Called with lines about what is done.
    bar
        Given what is being done, a context in which its progress is shown.

    Raises
    ------
    EvaluationError
        A test track was trained on, or cannot be read.
    TrainingError
        The folder holds no finished run.
    """
    read_result(folder)  # refuses a run that is not finished
    table = load_dataset(dataset_of(folder, read_run(folder)), check_files=False).part(Split.TEST)
    table.write_truth(folder / TEST_TRUTH)
    if _tested(folder) is None:
        seen = require_unseen(folder, table, jobs=jobs, report=report)
        with bar(f"scoring the test tracks of {folder}") as progress:
            predicted = predict_table(
                load_trained(folder),
                table,
                seen,
                device=device,
                jobs=jobs,
                features=features or features_of(folder) or _shared_features(folder),
                offline=offline,
                report=report,
                progress=progress,
            )
        if predicted.failures:
            raise EvaluationError(
                f"{len(predicted.failures)} of {len(table)} test tracks cannot be scored, the "
                f"first because: {predicted.failures[0]}; mend them or take them out of the table"
            )
        write_matrix(
            folder / TEST_SCORES, predicted.scores, predicted.names, ratings=predicted.ratings
        )
        write_record(folder / TESTED, _made_from(folder))
    truth = read_truth(folder / TEST_TRUTH)
    known = put_like(read_truth(folder / VALIDATION_TRUTH), truth, rows=False)
    (test,) = load_systems([folder / TEST_SCORES], like=truth)
    (validation,) = load_systems([folder / VALIDATION_SCORES], like=known)
    return RunScores(truth, test, known, validation)


def read_tests(folders: Sequence[Path]) -> tuple[Truth, list[SystemScores]] | None:
    """Truth and scores of finished runs on the test tracks that they share.

    None where one has not been tested as it is, or on others than the first.

    Raises
    ------
    EvaluationError, TrainingError
        A file cannot be read.
    """
    tested = [_tested(folder) for folder in folders]
    if tested[0] is None or any(one is None or one.truth != tested[0].truth for one in tested):
        return None
    truth = read_truth(folders[0] / TEST_TRUTH)
    return truth, load_systems([folder / TEST_SCORES for folder in folders], like=truth)


def _tested(folder: Path) -> Tested | None:
    """What a run's test scores were made from, if that is what is there now."""
    if not all((folder / name).exists() for name in (TESTED, TEST_SCORES, TEST_TRUTH)):
        return None
    found = read_record(folder / TESTED, Tested, _RECORDS)
    return found if found == _made_from(folder) else None


def _made_from(folder: Path) -> Tested:
    best = stage_folder(folder, read_result(folder).best_stage) / BEST
    return Tested(weights=sha256_of(best), truth=sha256_of(folder / TEST_TRUTH))


def _shared_features(folder: Path) -> Path | None:
    """Features that the runs of a series keep together."""
    above = (parent for parent in folder.resolve().parents[:2] if is_series(parent))
    return next((found for parent in above if (found := features_of(parent))), None)
