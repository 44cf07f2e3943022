"""All figures of all rows on validation and test, and the differences of pairs of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from moodtheme.evaluation import Evaluation, Figure, ScoredSet, SystemFigures
from moodtheme.reproduction.results import Difference
from moodtheme.work import Progress, no_progress


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
    differences = tuple(
        Difference(
            name=pair.name,
            against=pair.against,
            why=pair.why,
            figures=found.difference(pair.name, pair.against),
        )
        for pair in choose_pairs(on_validation)
    )
    return rows, differences
