"""Trained systems, read back from their folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from moodtheme.datasets import load_dataset
from moodtheme.datasets.collections import COLLECTIONS
from moodtheme.datasets.jamendo import SUBSETS
from moodtheme.errors import DatasetError, TrainingError, UsageError
from moodtheme.scores.matrices import SystemScores, Truth, load_systems, read_truth
from moodtheme.training.history import read_best
from moodtheme.training.kinds import kind_of
from moodtheme.training.kinds.features import FEATURES
from moodtheme.training.run_folder import (
    VALIDATION_SCORES,
    VALIDATION_TRUTH,
    Result,
    Run,
    fingerprint,
    read_result,
    read_run,
    stage_folder,
)


@dataclass(frozen=True)
class TrainedSystem:
    """A finished run, ready to score.

    Attributes
    ----------
    run, result
        What it is and what came of it.
    network
        A `moodtheme.training.module.Network` with the best epoch's weights, in evaluation mode.
    """

    run: Run
    result: Result
    network: nn.Module


def load_trained(folder: Path) -> TrainedSystem:
    """Read a finished run.

    Raises
    ------
    TrainingError
        If the folder holds none, or one that is not finished.
    """
    run, result = read_run(folder), read_result(folder)
    network = kind_of(run.recipe).make_network(n_tags=run.n_outputs, n_features=run.n_features)
    try:
        best = read_best(stage_folder(folder, result.best_stage))
        network.load_state_dict(best["network"])
    except (OSError, RuntimeError, KeyError) as error:
        raise TrainingError(
            f"{folder} has lost the weights of its best epoch ({error}); train again"
        ) from error
    return TrainedSystem(run, result, network.eval())


def dataset_of(folder: Path, run: Run) -> str:
    """What a run was trained on, from wherever this is called.

    A table is looked for beside the run's folder, above it, and here. Of several with its name the
    one counts that still has the tracks and labels that the run was trained on; else the first.

    Raises
    ------
    DatasetError
        It is not there.
    """
    name, colon, _ = run.dataset.partition(":")
    kind = f"{name}:" if colon and name in {*SUBSETS, *COLLECTIONS} else ""
    given = run.dataset.removeprefix(kind)
    if given in SUBSETS:
        return given
    places = (*folder.resolve().parents, Path())
    there = {(place / given).resolve(): place / given for place in places}
    named = [f"{kind}{path}" for path in there.values() if path.exists()]
    if named:
        several = len(named) > 1
        return next((name for name in named if several and _is_of(run, name)), named[0])
    raise DatasetError(
        f"{folder} was trained on {run.dataset}, which is neither here nor beside the run; go to "
        "the folder that it was trained from, or name it with `predict --dataset`"
    )


def _is_of(run: Run, dataset: str) -> bool:
    try:
        return fingerprint(load_dataset(dataset, check_files=False)) == run.data_sha256
    except DatasetError:
        return False


def load_validation(folders: Sequence[Path]) -> tuple[Truth, list[SystemScores]]:
    """Read truth and scores of finished runs on the validation tracks that they share.

    Returns
    -------
    truth
        With the tracks' artists, and listeners' ratings where there are any.
    systems
        What each run's best epoch says of the same tracks.

    Raises
    ------
    EvaluationError
        If a file cannot be read.
    UsageError
        If the runs were validated on different tracks or labels.
    """
    truth = read_truth(folders[0] / VALIDATION_TRUTH)
    first = read_run(folders[0])
    for folder in folders[1:]:
        same_data = read_run(folder).data_sha256 == first.data_sha256
        if not same_data or not np.array_equal(
            read_truth(folder / VALIDATION_TRUTH).values, truth.values
        ):
            raise UsageError(
                f"{folder} was trained or validated on other tracks than {folders[0]}; fuse runs "
                "on one dataset"
            )
    files = [folder / VALIDATION_SCORES for folder in folders]
    return truth, load_systems(files, like=truth)


def features_of(run: Path) -> Path | None:
    """Folder of the features that a run keeps itself; None where it keeps none."""
    folder = run / FEATURES
    return folder if folder.is_dir() else None
