"""A finished run's scores for the tracks of a table, with names and what the run saw of each."""

from collections.abc import Sequence
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
from moodtheme.training.examples import split_outputs
from moodtheme.training.seen import overlap, seen_before
from moodtheme.training.trained import TrainedSystem, score_files
from moodtheme.work import Progress, Report, no_progress, no_report


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
    """Score a table's tracks; see `moodtheme.training.trained.score_files`.

    Columns are in the table's order where it has the run's tags, else in the run's; both go by the
    tags' keys, and ``names.tags`` says which it is.
    """
    outputs, failures = score_files(
        system,
        table.files,
        device=device,
        jobs=jobs,
        features=features,
        weights=weights,
        offline=offline,
        report=report,
        progress=progress,
    )
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
