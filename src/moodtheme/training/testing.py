"""A finished run on its own test tracks: scores and truth with names, kept in the run's folder."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch

from moodtheme.datasets import Split, load_dataset
from moodtheme.errors import EvaluationError, TrainingError
from moodtheme.files import sha256_of
from moodtheme.records import Records, read_record, write_record
from moodtheme.scores.forms import Content, write_matrix
from moodtheme.scores.matrices import SystemScores, Truth, load_systems, put_like, read_truth
from moodtheme.training.history import BEST
from moodtheme.training.prediction import predict_table, require_unseen
from moodtheme.training.run_folder import (
    VALIDATION_SCORES,
    VALIDATION_TRUTH,
    read_result,
    read_run,
    stage_folder,
)
from moodtheme.training.series import is_series
from moodtheme.training.trained import dataset_of, features_of, load_trained
from moodtheme.work import Progress, Report

TEST_SCORES = "test-scores.npz"
TEST_TRUTH = "test-truth.npz"
TESTED = "test.json"
_RECORDS = Records(error=TrainingError, missing="evaluate the run", again="delete it")


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
        As for `moodtheme.training.prediction.predict_table`; `features` None takes the run's own.
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
    run, result = read_run(folder), read_result(folder)
    table = load_dataset(dataset_of(folder, run), check_files=False).part(Split.TEST)
    write_matrix(
        folder / TEST_TRUTH,
        table.labels,
        table.names,
        content=Content.TRUTH,
        ratings=table.rated,
    )
    made_from = Tested(
        weights=sha256_of(stage_folder(folder, result.best_stage) / BEST),
        truth=sha256_of(folder / TEST_TRUTH),
    )
    done = (folder / TESTED).exists() and (folder / TEST_SCORES).exists()
    if not done or read_record(folder / TESTED, Tested, _RECORDS) != made_from:
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
        write_record(folder / TESTED, made_from)
    truth = read_truth(folder / TEST_TRUTH)
    known = put_like(read_truth(folder / VALIDATION_TRUTH), truth, rows=False)
    (test,) = load_systems([folder / TEST_SCORES], like=truth)
    (validation,) = load_systems([folder / VALIDATION_SCORES], like=known)
    return RunScores(truth, test, known, validation)


def _shared_features(folder: Path) -> Path | None:
    """Features that the runs of a series keep together."""
    above = (parent for parent in folder.resolve().parents[:2] if is_series(parent))
    return next((found for parent in above if (found := features_of(parent))), None)
