"""From truth and scores to every figure: the one evaluator behind all tables and reports."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.errors import UsageError
from moodtheme.evaluation.bootstrap import bootstrap, interval
from moodtheme.evaluation.checks import check_scores, check_truth, warn_of_undefined
from moodtheme.evaluation.figures import DecisionRule, Figures, RankedSystem, rank_system, weigh
from moodtheme.evaluation.results import FIXED_THRESHOLD, Figure, SystemFigures, TagFigures
from moodtheme.evaluation.thresholds import best_f1, choose
from moodtheme.scores.decisions import apply_thresholds
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, as_scores
from moodtheme.work import Progress, no_progress


@dataclass(frozen=True)
class ScoredSet:
    """Tracks with their labels, and what systems said of them.

    Attributes
    ----------
    truth
        bool (tracks, tags).
    scores
        The scores of each system by name, floats (tracks, tags).
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
        each figure. An undefined figure is None. (`evaluate_systems` gives the same, typed.)

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
    resamples: int = 0,
    seed: int = 0,
    against: str | None = None,
    progress: Progress = no_progress,
) -> list[SystemFigures]:
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
        A system to compare all others with: adds ``difference`` to theirs, with paired intervals
        if there are resamples.
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
        ScoredSet(truth, systems),
        tags=names,
        validation=known,
        resamples=resamples,
        seed=seed,
        progress=progress,
    )
    found = [evaluation.figures(name) for name in systems]
    if against is None:
        return found
    return [
        one
        if one.name == against
        else replace(one, against=against, difference=evaluation.difference(one.name, against))
        for one in found
    ]


class Evaluation:
    """Systems on one set of tracks, ranked once and drawn on the same resamples.

    Parameters
    ----------
    scored
        The set.
    tags
        Column names; by default as for `evaluate`.
    validation
        The same systems on a validation set, for thresholds.
    part
        What the set is called in messages, such as ``validation``.
    resamples, seed
        Of the bootstrap; 0 resamples for no intervals.
    progress
        Called with resamples done and resamples to do.

    Raises
    ------
    EvaluationError
        Truth and scores cannot be compared; the message names system and tag.

    Warns
    -----
    EvaluationWarning
        A tag's figures are undefined and left out.
    """

    def __init__(
        self,
        scored: ScoredSet,
        *,
        tags: Sequence[str] | None = None,
        validation: "Evaluation | None" = None,
        part: str = "",
        resamples: int = 0,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> None:
        self._scored, self._validation = scored, validation
        self._resamples, self._seed, self._progress = resamples, seed, progress
        self.tags = check_truth(scored.truth, tags=tags)
        warn_of_undefined(scored.truth, self.tags, name=f"{part} truth" if part else "truth")
        for name, scores in scored.scores.items():
            check_scores(
                scores, scored.truth, self.tags, name=f"{name} on {part}" if part else name
            )

    @cached_property
    def oracle(self) -> dict[str, Float64Array]:
        """Thresholds with the highest F1 on this very set, float64 (tags,) by system."""
        return {
            name: choose(self._scored.truth, scores, best_f1)
            for name, scores in self._scored.scores.items()
        }

    def figures(self, name: str) -> SystemFigures:
        """All figures of a system."""
        point, drawn = self._points[name], self._drawn.get(name)
        per_tag = drawn.per_tag if drawn else {}
        undefined = np.full(len(self.tags), np.nan)
        on_validation = self._validation.oracle[name] if self._validation else undefined
        return SystemFigures(
            name=name,
            resamples=self._resamples,
            figures=_figures(
                {key: values[0] for key, values in point.summary.items()},
                drawn.summary if drawn else {},
            ),
            tags=tuple(
                TagFigures(
                    tag=tag,
                    positives=int(self._scored.truth[:, index].sum()),
                    threshold_validation=_plain(on_validation[index]),
                    threshold_oracle=_plain(self.oracle[name][index]),
                    figures=_figures(
                        {key: values[index, 0] for key, values in point.per_tag.items()},
                        {key: samples[index] for key, samples in per_tag.items()},
                    ),
                )
                for index, tag in enumerate(self.tags)
            ),
        )

    def difference(self, name: str, against: str) -> dict[str, Figure]:
        """Macro and micro figures of one system minus another's, resample by resample."""
        first, second = self._points[name].summary, self._points[against].summary
        apart = {key: first[key][0] - second[key][0] for key in first}
        if not self._drawn:
            return _figures(apart, {})
        left, right = self._drawn[name].summary, self._drawn[against].summary
        return _figures(apart, {key: left[key] - right[key] for key in left})

    @cached_property
    def _ranked(self) -> dict[str, RankedSystem]:
        fixed = np.full(len(self.tags), FIXED_THRESHOLD)
        ranked = {}
        for name, scores in self._scored.scores.items():
            thresholds = {DecisionRule.ORACLE: self.oracle[name], DecisionRule.FIXED: fixed}
            if self._validation is not None:
                thresholds[DecisionRule.VALIDATION] = self._validation.oracle[name]
            decisions = {rule: apply_thresholds(scores, at) for rule, at in thresholds.items()}
            ranked[name] = rank_system(self._scored.truth, as_scores(scores), decisions)
        return ranked

    @cached_property
    def _points(self) -> dict[str, Figures]:
        return {name: weigh(self._scored.truth, ranked) for name, ranked in self._ranked.items()}

    @cached_property
    def _drawn(self) -> dict[str, Figures]:
        if not self._resamples:
            return {}
        drawn = bootstrap(
            self._scored.truth,
            list(self._ranked.values()),
            resamples=self._resamples,
            seed=self._seed,
            tags=self.tags,
            progress=self._progress,
        )
        return dict(zip(self._ranked, drawn, strict=True))


def _figures(values: Mapping[str, float], samples: Mapping[str, Float64Array]) -> dict[str, Figure]:
    figures = {}
    for key, value in values.items():
        low, high = interval(samples[key]) if samples else (math.nan, math.nan)
        figures[key] = Figure(value=_plain(value), low=_plain(low), high=_plain(high))
    return figures


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
