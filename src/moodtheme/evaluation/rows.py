"""One call from truth and scores to every figure, as plain values that go straight into JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from moodtheme.errors import UsageError
from moodtheme.evaluation.bootstrap import bootstrap, interval
from moodtheme.evaluation.checks import as_scores, check_scores, check_truth, warn_of_undefined
from moodtheme.evaluation.figures import DecisionRule, Figures, RankedSystem, rank_system, weigh
from moodtheme.evaluation.ranking import FloatArray
from moodtheme.evaluation.thresholds import apply_thresholds, best_f1, choose
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix
from moodtheme.work import Progress, no_progress

FIXED_THRESHOLD = 0.5
"""The threshold of `DecisionRule.FIXED`: what a sigmoid output would decide if it were honest."""

LEVEL = 0.95
"""Level of the intervals."""


@dataclass(frozen=True)
class Validation:
    """A second set to choose thresholds on.

    Attributes
    ----------
    truth
        bool (validation tracks, tags).
    scores
        The scores of each system there, by name, floats (validation tracks, tags).
    """

    truth: BoolMatrix
    scores: Mapping[str, ScoreMatrix]


def evaluate(
    truth: BoolMatrix,
    scores: ScoreMatrix,
    *,
    tags: Sequence[str] | None = None,
    validation: tuple[BoolMatrix, ScoreMatrix] | None = None,
    resamples: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Evaluate one system.

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
    resamples
        Bootstrap resamples for 95 % intervals; 0 for none.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``roc_auc_macro``, ``pr_auc_macro``, ``roc_auc_micro``, ``pr_auc_micro``, and ``f1_``,
        ``precision_`` and ``recall_`` in ``macro`` and ``micro`` for each rule: ``oracle`` (the
        task's official thresholds), ``fixed`` (0.5) and, with `validation`, ``validation``.
        ``tags`` lists the figures of each tag. With resamples, ``intervals`` has the ends for
        each figure. An undefined figure is None.

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
    rows = evaluate_systems(
        truth,
        {name: scores},
        tags=tags,
        validation=None if validation is None else Validation(validation[0], {name: validation[1]}),
        resamples=resamples,
        seed=seed,
    )
    del rows[0]["name"]
    return rows[0]


def evaluate_systems(
    truth: BoolMatrix,
    systems: Mapping[str, ScoreMatrix],
    *,
    tags: Sequence[str] | None = None,
    validation: Validation | None = None,
    resamples: int = 0,
    seed: int = 0,
    against: str | None = None,
    progress: Progress = no_progress,
) -> list[dict[str, Any]]:
    """Evaluate several systems on the same set and the same bootstrap resamples.

    Parameters
    ----------
    truth, tags, resamples, seed
        As for `evaluate`.
    systems
        Scores by name.
    validation
        A validation set that has every system.
    against
        A system to compare all others with: adds ``difference`` to their rows, with paired
        intervals if there are resamples.
    progress
        Called with resamples done and resamples to do.

    Returns
    -------
    list of dict
        One row a system, in order: ``name`` and what `evaluate` returns.

    Raises
    ------
    EvaluationError
        As for `evaluate`; the message names the system.
    UsageError
        `against` is none of the systems.
    """
    names = check_truth(truth, tags=tags)
    if against is not None and against not in systems:
        raise UsageError(
            f"no system called {against!r} to compare with; choose from {', '.join(systems)}"
        )
    warn_of_undefined(truth, names)
    if validation is not None:
        check_truth(validation.truth, tags=names)
        warn_of_undefined(validation.truth, names, name="validation truth")
    evaluated = []
    for name, scores in systems.items():
        check_scores(scores, truth, names, name=name)
        thresholds = {
            DecisionRule.ORACLE: choose(truth, scores, best_f1),
            DecisionRule.FIXED: np.full(truth.shape[1], FIXED_THRESHOLD),
        }
        if validation is not None:
            known = validation.scores[name]
            check_scores(known, validation.truth, names, name=f"{name} on validation")
            thresholds[DecisionRule.VALIDATION] = choose(validation.truth, known, best_f1)
        decisions = {rule: apply_thresholds(scores, at) for rule, at in thresholds.items()}
        ranked = rank_system(truth, as_scores(scores), decisions)
        evaluated.append(_Evaluated(name, thresholds, ranked, weigh(truth, ranked)))
    if resamples:
        drawn = bootstrap(
            truth,
            [system.ranked for system in evaluated],
            resamples=resamples,
            seed=seed,
            tags=names,
            progress=progress,
        )
        evaluated = [
            replace(system, sampled=figures)
            for system, figures in zip(evaluated, drawn, strict=True)
        ]
    reference = next((system for system in evaluated if system.name == against), None)
    return [_row(system, reference, truth, names) for system in evaluated]


@dataclass(frozen=True)
class _Evaluated:
    name: str
    thresholds: Mapping[DecisionRule, FloatArray]
    ranked: RankedSystem
    point: Figures
    sampled: Figures | None = None


def _row(
    system: _Evaluated, reference: _Evaluated | None, truth: BoolMatrix, tags: Sequence[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {"name": system.name}
    row |= {key: _plain(values[0]) for key, values in system.point.summary.items()}
    if system.sampled is not None:
        row["intervals"] = {key: _ends(values) for key, values in system.sampled.summary.items()}
    if reference is not None and reference is not system:
        row["difference"] = _difference(system, reference)
    row["tags"] = [
        _tag_row(system, index, tag, int(truth[:, index].sum())) for index, tag in enumerate(tags)
    ]
    return row


def _difference(system: _Evaluated, reference: _Evaluated) -> dict[str, Any]:
    difference: dict[str, Any] = {"against": reference.name}
    for key, values in system.point.summary.items():
        difference[key] = {"value": _plain(values[0] - reference.point.summary[key][0])}
        if system.sampled is not None and reference.sampled is not None:
            difference[key]["interval"] = _ends(
                system.sampled.summary[key] - reference.sampled.summary[key]
            )
    return difference


def _tag_row(system: _Evaluated, index: int, tag: str, positives: int) -> dict[str, Any]:
    row: dict[str, Any] = {"tag": tag, "positives": positives}
    row |= {f"threshold_{rule}": _plain(at[index]) for rule, at in system.thresholds.items()}
    row |= {key: _plain(values[index, 0]) for key, values in system.point.per_tag.items()}
    if system.sampled is not None:
        row["intervals"] = {
            key: _ends(values[index]) for key, values in system.sampled.per_tag.items()
        }
    return row


def _ends(samples: FloatArray) -> list[float | None]:
    return [_plain(end) for end in interval(samples, LEVEL)]


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
