"""A finished run's scores for the tracks of a table, with names and what the run saw of each."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from moodtheme.arrays import FloatArray
from moodtheme.datasets import Split, TrackTable
from moodtheme.errors import AudioError, EvaluationError
from moodtheme.scores.names import Names, Seen, columns_like
from moodtheme.scores.ratings import Ratings
from moodtheme.scores.vocabulary import tag_key
from moodtheme.training.examples import Weighted, score_inputs, split_outputs
from moodtheme.training.kinds import kind_of
from moodtheme.training.seen import overlap, seen_before
from moodtheme.training.settings import Machine, Settings
from moodtheme.training.trained import TrainedSystem
from moodtheme.work import Progress, Report, no_progress, no_report

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


def require_unseen(
    folder: Path,
    table: TrackTable,
    *,
    allow_seen: bool = False,
    jobs: int = 1,
    report: Report = no_report,
) -> tuple[Seen, ...]:
    """See that a run was neither trained nor chosen on what it is to be tested on.

    Parameters
    ----------
    folder
        The run's.
    table
        The tracks to be scored. Those that it has in training may have been seen, and those in
        validation may be what the run was chosen, but not trained, on.
    allow_seen
        Score whatever was seen, and say so.
    jobs
        Files read at once.
    report
        Called with a line about recordings and artists that were seen.

    Returns
    -------
    What the run saw of each track.

    Raises
    ------
    EvaluationError
        A recording was seen.
    TrainingError
        The run did not write down its tracks.
    """
    seen = seen_before(folder, table, jobs=jobs, report=report)
    fitting = {Split.TRAIN: set(Seen), Split.VALIDATION: {Seen.VALIDATION}}
    recordings, artists = overlap(
        table,
        [
            Seen.NOTHING if split and one in fitting.get(split, ()) else one
            for one, split in zip(seen, table.splits, strict=True)
        ],
    )
    if recordings and not allow_seen:
        raise EvaluationError(
            f"{folder} has seen what is to be its test: {recordings}; score other recordings, or "
            "these with --allow-seen, which marks them"
        )
    for sentence in (recordings, artists):
        if sentence:
            report(f"warning: {sentence}, so that figures come out too good")
    return seen


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
        source.check(system.run)
        inputs = source.read(table.files, report=report, progress=progress)
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
