"""From truth and scores to every figure: the one evaluator behind all tables and reports."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.errors import UsageError
from moodtheme.evaluation.checks import check_truth
from moodtheme.evaluation.results import SystemFigures
from moodtheme.evaluation.scored import Evaluation, ScoredSet
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix
from moodtheme.work import Progress, no_progress


def evaluate(
    truth: BoolMatrix,
    scores: ScoreMatrix,
    *,
    tags: Sequence[str] | None = None,
    validation: tuple[BoolMatrix, ScoreMatrix] | None = None,
    artists: Sequence[str] | None = None,
    resamples: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Evaluate one system; the answer goes straight into JSON.

    Parameters
    ----------
    truth
        bool (tracks, tags).
    scores
        Floats (tracks, tags), in [0, 1].
    tags
        Column names; by default the 56 official ones for 56 columns.
    validation
        Truth and the system's scores on a validation set; adds the ``_validation`` figures.
    artists
        Whose track each is, ``""`` where unknown. Resamples then draw whole artists; without it
        they draw single tracks, and intervals are too narrow where an artist has several.
    resamples
        Bootstrap resamples for 95 % intervals; 0 for none.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``roc_auc_macro``, ``pr_auc_macro``, ``roc_auc_micro``, ``pr_auc_micro``, and ``f1_``,
        ``precision_`` and ``recall_`` in ``macro`` and ``micro`` for each rule: ``oracle`` (the
        task's official thresholds), ``best`` (the upper bound), ``fixed`` (0.5) and, with
        `validation`, ``validation``. ``tags`` lists the figures of each tag. With resamples,
        ``over`` says what was drawn and ``intervals`` has the ends for each figure. An undefined
        figure or end is None. (`evaluate_systems` gives the same, typed.)

    Raises
    ------
    EvaluationError
        Truth and scores cannot be compared; the message names the tag.

    Warns
    -----
    EvaluationWarning
        A tag's figures are undefined and left out.
    """
    name = "scores"
    (system,) = evaluate_systems(
        truth,
        {name: scores},
        tags=tags,
        validation=None if validation is None else ScoredSet(validation[0], {name: validation[1]}),
        artists=artists,
        resamples=resamples,
        seed=seed,
    )
    row = system.as_json()
    del row["name"]
    return row


def evaluate_systems(
    truth: BoolMatrix,
    systems: Mapping[str, ScoreMatrix],
    *,
    tags: Sequence[str] | None = None,
    validation: ScoredSet | None = None,
    artists: Sequence[str] | None = None,
    resamples: int = 0,
    seed: int = 0,
    against: str | None = None,
    progress: Progress = no_progress,
) -> list[SystemFigures]:
    """Evaluate several systems on the same set and the same bootstrap resamples.

    Parameters
    ----------
    truth, tags, artists, resamples, seed
        As for `evaluate`.
    systems
        Scores by name.
    validation
        A validation set that has every system.
    against
        A system to compare all others with: adds ``difference`` to theirs, with paired intervals
        if there are resamples, and p-values corrected for the number of comparisons (Holm).
    progress
        Called with resamples done and resamples to do.

    Returns
    -------
    list of SystemFigures
        In order.

    Raises
    ------
    EvaluationError
        As for `evaluate`; the message names the system.
    UsageError
        `against` is none of the systems.
    """
    if against is not None and against not in systems:
        raise UsageError(
            f"no system called {against!r} to compare with; choose from {', '.join(systems)}"
        )
    names = check_truth(truth, tags=tags)
    known = None
    if validation is not None:
        wanted = {name: validation.scores[name] for name in systems}
        known = Evaluation(ScoredSet(validation.truth, wanted), tags=names, part="validation")
    evaluation = Evaluation(
        ScoredSet(truth, systems, artists),
        tags=names,
        validation=known,
        resamples=resamples,
        seed=seed,
        progress=progress,
    )
    found = [evaluation.figures(name) for name in systems]
    if against is None:
        return found
    others = [name for name in systems if name != against]
    apart = dict(zip(others, evaluation.differences([(n, against) for n in others]), strict=True))
    return [
        one
        if one.name == against
        else replace(one, against=against, comparisons=len(others), difference=apart[one.name])
        for one in found
    ]


def popularity_scores(training_truth: BoolMatrix, n_tracks: int) -> FloatArray:
    """Give every track the tag that most training tracks carry, and no other: without listening.

    This is the MediaEval task's ``baseline-popular``. Every tag's scores are constant, so its
    macro ROC-AUC is 0.5 by construction and its macro PR-AUC is the mean share of positives.

    Parameters
    ----------
    training_truth
        bool (training tracks, tags).
    n_tracks
        How many tracks to score.

    Returns
    -------
    float32 (n_tracks, tags)
        1 in the column of the most frequent tag (the first of several), 0 elsewhere.
    """
    check_truth(training_truth)
    scores = np.zeros((n_tracks, training_truth.shape[1]), np.float32)
    scores[:, training_truth.sum(axis=0).argmax()] = 1
    return scores
