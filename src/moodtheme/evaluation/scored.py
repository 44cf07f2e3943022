"""Systems on one set of tracks: ranked once, drawn on the same resamples, compared in pairs."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation.bootstrap import bootstrap, leave_out, units_of
from moodtheme.evaluation.checks import check_scores, check_truth, spell, warn_of_undefined
from moodtheme.evaluation.intervals import FEWEST
from moodtheme.evaluation.metrics import DecisionRule, RankedSystem, rank_system, weigh
from moodtheme.evaluation.results import (
    FIXED_THRESHOLD,
    PairedFigure,
    SystemFigures,
    TagFigures,
    known,
)
from moodtheme.evaluation.spread import Repetition, Sampled, corrected, paired
from moodtheme.evaluation.thresholds import best_f1, choose, reachable_f1
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
    artists
        Whose track each is, ``""`` where unknown; None where none is known.
    """

    truth: BoolMatrix
    scores: Mapping[str, ScoreMatrix]
    artists: Sequence[str] | None = None


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
        self._scored, self._validation, self._part = scored, validation, part
        self._resamples, self._seed, self._progress = resamples, seed, progress
        self.tags = check_truth(scored.truth, tags=tags)
        self.units = units_of(len(scored.truth), scored.artists)
        if validation is not None:
            _warn_of_undecided(scored.truth, validation.truth, self.tags)
        for name, scores in scored.scores.items():
            check_scores(
                scores, scored.truth, self.tags, name=f"{name} on {part}" if part else name
            )

    @property
    def truth(self) -> BoolMatrix:
        """The labels."""
        return self._scored.truth

    @cached_property
    def oracle(self) -> dict[str, Float64Array]:
        """Thresholds by the official rule on this very set, float64 (tags,) by system."""
        return {
            name: choose(self.truth, scores, best_f1)
            for name, scores in self._scored.scores.items()
        }

    def figures(self, name: str) -> SystemFigures:
        """All figures of a system."""
        sampled = self._sampled[name]
        undefined = np.full(len(self.tags), np.nan)
        on_validation = self._validation.oracle[name] if self._validation else undefined
        return SystemFigures(
            name=name,
            resamples=self._resamples,
            over=self.units.name,
            figures={key: one.figure() for key, one in sampled.summary.items()},
            tags=tuple(
                TagFigures(
                    tag=tag,
                    positives=int(self.truth[:, index].sum()),
                    carriers=int(self._carriers[0][index]),
                    threshold_validation=known(on_validation[index]),
                    threshold_oracle=known(self.oracle[name][index]),
                    threshold_best=known(self._best[name][index]),
                    figures={
                        key: one.figure()
                        for key, one in sampled.of_tag(index, moves=not self._few[index]).items()
                    },
                )
                for index, tag in enumerate(self.tags)
            ),
        )

    def repetition(self, name: str, *, fold: int, seed: int) -> Repetition:
        """A system's figures as those of one training among several."""
        return Repetition(fold, seed, self._sampled[name])

    def difference(self, name: str, against: str) -> dict[str, PairedFigure]:
        """Macro and micro figures of one system minus another's, resample by resample."""
        return paired(self._sampled[name].summary, self._sampled[against].summary)

    def differences(self, pairs: Sequence[tuple[str, str]]) -> list[dict[str, PairedFigure]]:
        """Differences of several pairs, their p-values corrected for how many there are."""
        return corrected([self.difference(*pair) for pair in pairs])

    @cached_property
    def _carriers(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """How many units carry each tag, and how many have a track without it."""
        having = np.zeros((self.units.count, len(self.tags)), np.bool_)
        lacking = having.copy()
        np.logical_or.at(having, self.units.of_track, self.truth)
        np.logical_or.at(lacking, self.units.of_track, ~self.truth)
        return having.sum(axis=0), lacking.sum(axis=0)

    @cached_property
    def _few(self) -> BoolMatrix:
        """Tags that too few units carry, or lack, for an interval."""
        return np.asarray(np.minimum(*self._carriers) < FEWEST)

    @cached_property
    def _best(self) -> dict[str, Float64Array]:
        return {
            name: choose(self.truth, scores, reachable_f1)
            for name, scores in self._scored.scores.items()
        }

    @cached_property
    def _ranked(self) -> dict[str, RankedSystem]:
        ranked = {}
        for name, scores in self._scored.scores.items():
            thresholds = {
                DecisionRule.ORACLE: self.oracle[name],
                DecisionRule.BEST: self._best[name],
                DecisionRule.FIXED: np.full(len(self.tags), FIXED_THRESHOLD),
            }
            if self._validation is not None:
                thresholds[DecisionRule.VALIDATION] = self._validation.oracle[name]
            decisions = {rule: apply_thresholds(scores, at) for rule, at in thresholds.items()}
            ranked[name] = rank_system(self.truth, as_scores(scores), decisions)
        return ranked

    @cached_property
    def _sampled(self) -> dict[str, Sampled]:
        warn_of_undefined(
            self.truth, self.tags, name=f"{self._part} truth" if self._part else "truth"
        )
        points = {name: weigh(self.truth, system) for name, system in self._ranked.items()}
        if self._resamples:
            self._warn_of_few()
        if not self._resamples or self.units.count < FEWEST:
            return {name: Sampled(point) for name, point in points.items()}
        systems = list(self._ranked.values())
        drawn = bootstrap(
            self.truth,
            systems,
            resamples=self._resamples,
            seed=self._seed,
            units=self.units,
            tags=self.tags,
            progress=self._progress,
        )
        left_out = leave_out(self.truth, systems, units=self.units)
        moved = zip(drawn, left_out, strict=True)
        return dict(zip(points, map(Sampled, points.values(), moved), strict=True))

    def _warn_of_few(self) -> None:
        if self.units.are_enough("intervals") and self._few.any():
            warnings.warn(
                f"no intervals for {spell(self.tags, self._few)}: fewer than {FEWEST} "
                f"{self.units.group}s have the tag, or lack it, too few to tell how others would "
                "differ; macro averages count them all the same",
                EvaluationWarning,
                stacklevel=2,
            )


def _warn_of_undecided(truth: BoolMatrix, known: BoolMatrix, tags: Sequence[str]) -> None:
    """Name the tags that validation gives no threshold, though the scored set has them."""
    undecided = np.asarray(~known.any(axis=0) & truth.any(axis=0))
    if undecided.any():
        warnings.warn(
            f"no threshold from validation for {spell(tags, undecided)}, which no validation track "
            "carries: never decided, so F1 with thresholds from validation counts as 0 there",
            EvaluationWarning,
            stacklevel=3,
        )
