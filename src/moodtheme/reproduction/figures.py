"""All figures of all rows on the same bootstrap resamples, and paired differences."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from moodtheme.evaluation.bootstrap import bootstrap, interval
from moodtheme.evaluation.checks import as_scores, check_scores, check_truth, warn_of_undefined
from moodtheme.evaluation.figures import DecisionRule, Figures, rank_system, weigh
from moodtheme.evaluation.ranking import FloatArray
from moodtheme.evaluation.rows import FIXED_THRESHOLD
from moodtheme.evaluation.thresholds import apply_thresholds, best_f1, choose
from moodtheme.reproduction.results import Difference, Figure, TagFigures
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix
from moodtheme.work import Progress, no_progress


@dataclass(frozen=True)
class Pair:
    """Two rows to compare, and why."""

    name: str
    against: str
    why: str


@dataclass(frozen=True)
class Measured:
    """A row's figures, as `moodtheme.reproduction.results.Row` has them."""

    validation: Mapping[str, Figure]
    test: Mapping[str, Figure]
    tags: tuple[TagFigures, ...]


@dataclass(frozen=True)
class ScoredSet:
    """One split: truth, and the scores of every row by name, all (tracks, tags)."""

    truth: BoolMatrix
    scores: Mapping[str, ScoreMatrix]


def measure(
    validation: ScoredSet,
    test: ScoredSet,
    *,
    tags: Sequence[str],
    choose_pairs: Callable[[Mapping[str, float]], Sequence[Pair]],
    resamples: int,
    seed: int,
    progress: Progress = no_progress,
) -> tuple[dict[str, Measured], tuple[Difference, ...]]:
    """Compute every figure of every row.

    Parameters
    ----------
    validation, test
        The same rows on both.
    tags
        Names of the columns.
    choose_pairs
        Given each row's macro ROC-AUC on validation (NaN where undefined), the pairs to compare on
        test.
    resamples, seed
        Of the bootstrap; 0 resamples for no intervals.
    progress
        Called with the share done.

    Warns
    -----
    EvaluationWarning
        Where a tag's figures are undefined.
    """
    check_truth(test.truth, tags=tags)
    warn_of_undefined(test.truth, tags, name="test")
    warn_of_undefined(validation.truth, tags, name="validation")
    both = 2 * resamples
    known = _Evaluated(validation, tags, {}, resamples, seed, lambda done, of: progress(done, both))
    thresholds = {DecisionRule.VALIDATION: known.thresholds[DecisionRule.ORACLE]}
    found = _Evaluated(
        test, tags, thresholds, resamples, seed, lambda done, of: progress(resamples + done, both)
    )
    rows = {
        name: Measured(
            validation=known.summary(name), test=found.summary(name), tags=found.tags(name)
        )
        for name in test.scores
    }
    on_validation = {
        name: float(known.points[name].summary["roc_auc_macro"][0]) for name in test.scores
    }
    return rows, tuple(found.difference(pair) for pair in choose_pairs(on_validation))


class _Evaluated:
    """All rows on one split, ranked once and drawn on the same resamples."""

    def __init__(
        self,
        scored: ScoredSet,
        tags: Sequence[str],
        chosen_elsewhere: Mapping[DecisionRule, Mapping[str, FloatArray]],
        resamples: int,
        seed: int,
        progress: Progress,
    ) -> None:
        truth = scored.truth
        for name, scores in scored.scores.items():
            check_scores(scores, truth, tags, name=name)
        self._tags, self._positives = tags, truth.sum(axis=0)
        fixed = np.full(truth.shape[1], FIXED_THRESHOLD)
        self.thresholds: dict[DecisionRule, Mapping[str, FloatArray]] = {
            DecisionRule.ORACLE: {
                name: choose(truth, scores, best_f1) for name, scores in scored.scores.items()
            },
            DecisionRule.FIXED: dict.fromkeys(scored.scores, fixed),
            **chosen_elsewhere,
        }
        ranked = {}
        for name, scores in scored.scores.items():
            decisions = {
                rule: apply_thresholds(scores, at[name]) for rule, at in self.thresholds.items()
            }
            ranked[name] = rank_system(truth, as_scores(scores), decisions)
        self.points = {name: weigh(truth, system) for name, system in ranked.items()}
        self._drawn: dict[str, Figures] = {}
        if resamples:
            drawn = bootstrap(
                truth,
                list(ranked.values()),
                resamples=resamples,
                seed=seed,
                tags=tags,
                progress=progress,
            )
            self._drawn = dict(zip(ranked, drawn, strict=True))

    def summary(self, name: str) -> dict[str, Figure]:
        """Macro and micro figures of a row."""
        return {
            key: _figure(value[0], self._drawn[name].summary[key] if self._drawn else None)
            for key, value in self.points[name].summary.items()
        }

    def tags(self, name: str) -> tuple[TagFigures, ...]:
        """Figures of each tag of a row."""
        per_tag = self.points[name].per_tag
        drawn = self._drawn[name].per_tag if self._drawn else None
        return tuple(
            TagFigures(
                tag=tag,
                positives=int(self._positives[column]),
                threshold_validation=_plain(self.thresholds[DecisionRule.VALIDATION][name][column]),
                threshold_oracle=_plain(self.thresholds[DecisionRule.ORACLE][name][column]),
                figures={
                    key: _figure(values[column, 0], drawn[key][column] if drawn else None)
                    for key, values in per_tag.items()
                },
            )
            for column, tag in enumerate(self._tags)
        )

    def difference(self, pair: Pair) -> Difference:
        """Figures of one row minus another's, resample by resample."""
        first, second = self.points[pair.name].summary, self.points[pair.against].summary
        figures = {}
        for key, value in first.items():
            drawn = None
            if self._drawn:
                left, right = self._drawn[pair.name], self._drawn[pair.against]
                drawn = left.summary[key] - right.summary[key]
            figures[key] = _figure(value[0] - second[key][0], drawn)
        return Difference(name=pair.name, against=pair.against, why=pair.why, figures=figures)


def _figure(value: float, drawn: FloatArray | None) -> Figure:
    if drawn is None:
        return Figure(value=_plain(value))
    low, high = interval(drawn)
    return Figure(value=_plain(value), low=_plain(low), high=_plain(high))


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
