"""What an evaluation finds: figures with their intervals, of systems and of their tags.

A figure's key says what it is: ``roc_auc_macro``, ``f1_micro_oracle``. Figures of decisions end in
how the thresholds were chosen (`moodtheme.evaluation.metrics.DecisionRule`), always. All are
fractions, not percent.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIXED_THRESHOLD = 0.5
"""The threshold of the rule ``fixed``: what a sigmoid output would decide if it were honest."""

SIGNIFICANT = 0.05
"""Corrected p-values below it are beyond chance; goes with intervals of 95 %."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with its 95 % bootstrap interval.

    Attributes
    ----------
    value
        None where it is undefined.
    low, high
        Ends of the interval; None without resamples, where the figure is undefined, or where too
        few artists decide it (`moodtheme.evaluation.intervals`).
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class RepeatedFigure(Figure):
    """A mean over trainings.

    Attributes
    ----------
    deviation
        Standard deviation over seeds, each averaged over the folds; None with one seed.
    """

    deviation: float | None = None


@dataclass(frozen=True, kw_only=True)
class PairedFigure(Figure):
    """A difference of two systems' figures.

    Attributes
    ----------
    p
        How often chance alone would take equal systems so far apart, two-sided; None where there
        is no interval.
    p_holm
        The same, corrected for the number of comparisons; None where nothing was corrected.
    """

    p: float | None = None
    p_holm: float | None = None

    def as_json(self, *, resampled: bool) -> dict[str, Any]:
        """Value, interval and p-values."""
        if not resampled:
            return {"value": self.value}
        ends = [self.low, self.high]
        return {"value": self.value, "interval": ends, "p": self.p, "p_holm": self.p_holm}

    @property
    def beyond_chance(self) -> bool:
        """Whether the difference survives the correction."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


@dataclass(frozen=True, kw_only=True)
class TagFigures:
    """One tag's figures.

    Attributes
    ----------
    tag
        Its name.
    positives
        Tracks that carry it.
    threshold_validation, threshold_oracle
        By the official rule on validation and on the set itself; None where the set has no
        positives, or there is no validation set.
    figures
        ``roc_auc``, ``pr_auc``, and ``f1_``, ``precision_``, ``recall_`` with ``oracle``, ``best``,
        ``fixed`` and, with a validation set, ``validation``.
    threshold_best
        That reaches the highest F1 on the set itself; None where it has no positives.
    carriers
        Artists with a track that carries it; tracks where artists are not known.
    """

    tag: str
    positives: int
    threshold_validation: float | None
    threshold_oracle: float | None
    figures: Mapping[str, Figure]
    threshold_best: float | None = None
    carriers: int | None = None

    def as_json(self, *, resampled: bool) -> dict[str, Any]:
        """The tag's entry in the system's dictionary."""
        thresholds = {
            "threshold_oracle": self.threshold_oracle,
            "threshold_best": self.threshold_best,
            "threshold_fixed": FIXED_THRESHOLD,
        }
        if "f1_validation" in self.figures:
            thresholds["threshold_validation"] = self.threshold_validation
        counts = {"tag": self.tag, "positives": self.positives, "carriers": self.carriers}
        entry = counts | thresholds | _values(self.figures)
        return entry | ({"intervals": _intervals(self.figures)} if resampled else {})


@dataclass(frozen=True, kw_only=True)
class SystemFigures:
    """One system's figures.

    Attributes
    ----------
    name
        The system.
    resamples
        Behind the intervals; 0 for none.
    figures
        Macro and micro figures.
    tags
        Figures of each tag, in the order of the columns.
    over
        What resamples are drawn of, in words: ``327 artists``.
    against
        The system it is compared with, if any.
    comparisons
        How many systems are compared with that one: what p-values are corrected for.
    difference
        This system's figures minus the other's, on the same resamples (paired).
    """

    name: str
    resamples: int
    figures: Mapping[str, Figure]
    tags: tuple[TagFigures, ...]
    over: str = ""
    against: str | None = None
    comparisons: int = 0
    difference: Mapping[str, PairedFigure] | None = None

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values; see `moodtheme.evaluation.evaluate`."""
        resampled = self.resamples > 0
        row: dict[str, Any] = {"name": self.name} | _values(self.figures)
        if resampled:
            row |= {"over": self.over, "intervals": _intervals(self.figures)}
        deviations = {
            key: figure.deviation
            for key, figure in self.figures.items()
            if isinstance(figure, RepeatedFigure) and figure.deviation is not None
        }
        if deviations:
            row["deviations"] = deviations
        if self.difference is not None:
            row["difference"] = {"against": self.against, "comparisons": self.comparisons} | {
                key: figure.as_json(resampled=resampled) for key, figure in self.difference.items()
            }
        row["tags"] = [tag.as_json(resampled=resampled) for tag in self.tags]
        return row


def _values(figures: Mapping[str, Figure]) -> dict[str, float | None]:
    return {key: figure.value for key, figure in figures.items()}


def _intervals(figures: Mapping[str, Figure]) -> dict[str, list[float | None]]:
    return {key: [figure.low, figure.high] for key, figure in figures.items()}


def known(value: float) -> float | None:
    """A number as results hold it: None for NaN."""
    return None if math.isnan(value) else float(value)
