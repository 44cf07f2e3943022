"""All figures of all rows on validation and test, and the differences of pairs of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from moodtheme.evaluation import Evaluation, Figure, ScoredSet, SystemFigures
from moodtheme.recipes import BASELINE, TABLE_1
from moodtheme.reproduction.results import Difference, Kind
from moodtheme.reproduction.scoring import ScoredRow
from moodtheme.work import Progress, no_progress

ALL_SYSTEMS = TABLE_1[-1].name
"""The row of all nine."""


@dataclass(frozen=True)
class Pair:
    """Two rows to compare, and why."""

    name: str
    against: str
    why: str


@dataclass(frozen=True)
class Measured:
    """A row's figures on validation and on test."""

    validation: Mapping[str, Figure]
    test: SystemFigures


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
        Called with resamples done and resamples to do, on both.

    Warns
    -----
    EvaluationWarning
        Where a tag's figures are undefined.
    """
    both = 2 * resamples
    known = Evaluation(
        validation,
        tags=tags,
        part="validation",
        resamples=resamples,
        seed=seed,
        progress=lambda done, of: progress(done, both),
    )
    found = Evaluation(
        test,
        tags=tags,
        part="test",
        validation=known,
        resamples=resamples,
        seed=seed,
        progress=lambda done, of: progress(resamples + done, both),
    )
    rows = {
        name: Measured(known.figures(name).figures, found.figures(name)) for name in test.scores
    }
    on_validation = {
        name: math.nan if (value := row.validation["roc_auc_macro"].value) is None else value
        for name, row in rows.items()
    }
    pairs = choose_pairs(on_validation)
    apart = found.differences([(pair.name, pair.against) for pair in pairs])
    differences = tuple(
        Difference(name=pair.name, against=pair.against, why=pair.why, figures=figures)
        for pair, figures in zip(pairs, apart, strict=True)
    )
    return rows, differences


def choose_pairs(rows: Sequence[ScoredRow], on_validation: Mapping[str, float]) -> list[Pair]:
    """Pairs worth comparing, chosen without a look at the test set.

    Parameters
    ----------
    rows
        All there are.
    on_validation
        Macro ROC-AUC of each; NaN counts as lowest.
    """

    def best(names: Sequence[str]) -> str:
        return max(names, key=lambda name: np.nan_to_num(on_validation[name], nan=-1.0))

    fusions = [row for row in rows if row.kind is Kind.FUSION]
    systems = [row.name for row in rows if row.kind is Kind.SYSTEM]
    pairs = [
        Pair(row.name, best(row.members), "a fusion and its best member on validation")
        for row in fusions
    ]
    whole = [row.name for row in fusions if row.name == ALL_SYSTEMS]
    pairs += [
        Pair(ALL_SYSTEMS, row.name, "all systems and a part of them")
        for row in fusions
        if whole and row.name != ALL_SYSTEMS
    ]
    if systems and any(row.kind is Kind.BASELINE for row in rows):
        pairs += [
            Pair(name, BASELINE, "above the MediaEval baseline, trained on the same tracks?")
            for name in [*whole, best(systems)]
        ]
    return pairs
