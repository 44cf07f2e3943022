"""What an evaluation finds: figures with their intervals, of systems and of their tags.

A figure's key says what it is: ``roc_auc_macro``, ``f1_micro_oracle``. Figures of decisions end in
how the thresholds were chosen (`moodtheme.evaluation.figures.DecisionRule`), always. All are
fractions, not percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIXED_THRESHOLD = 0.5
"""The threshold of the rule ``fixed``: what a sigmoid output would decide if it were honest."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with its 95 % bootstrap interval over tracks.

    Attributes
    ----------
    value
        None where it is undefined.
    low, high
        Ends of the interval; None without resamples or where it is undefined.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


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
        With the highest F1 on validation and on the set itself; None where the set has no
        positives, or there is no validation set.
    figures
        ``roc_auc``, ``pr_auc``, and ``f1_``, ``precision_``, ``recall_`` with ``oracle``,
        ``fixed`` and, with a validation set, ``validation``.
    """

    tag: str
    positives: int
    threshold_validation: float | None
    threshold_oracle: float | None
    figures: Mapping[str, Figure]

    def as_json(self, *, resampled: bool) -> dict[str, Any]:
        """The tag's entry in the system's dictionary."""
        thresholds = {
            "threshold_oracle": self.threshold_oracle,
            "threshold_fixed": FIXED_THRESHOLD,
        }
        if "f1_validation" in self.figures:
            thresholds["threshold_validation"] = self.threshold_validation
        entry = {"tag": self.tag, "positives": self.positives} | thresholds | _values(self.figures)
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
    against
        The system it is compared with, if any.
    difference
        This system's figures minus the other's, on the same resamples (paired).
    """

    name: str
    resamples: int
    figures: Mapping[str, Figure]
    tags: tuple[TagFigures, ...]
    against: str | None = None
    difference: Mapping[str, Figure] | None = None

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values; see `moodtheme.evaluation.evaluate`."""
        resampled = self.resamples > 0
        row: dict[str, Any] = {"name": self.name} | _values(self.figures)
        if resampled:
            row["intervals"] = _intervals(self.figures)
        if self.difference is not None:
            row["difference"] = {"against": self.against} | {
                key: {"value": figure.value}
                | ({"interval": [figure.low, figure.high]} if resampled else {})
                for key, figure in self.difference.items()
            }
        row["tags"] = [tag.as_json(resampled=resampled) for tag in self.tags]
        return row


def _values(figures: Mapping[str, Figure]) -> dict[str, float | None]:
    return {key: figure.value for key, figure in figures.items()}


def _intervals(figures: Mapping[str, Figure]) -> dict[str, list[float | None]]:
    return {key: [figure.low, figure.high] for key, figure in figures.items()}
