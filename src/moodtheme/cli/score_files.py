"""Score files as `moodtheme evaluate` takes them: what fits the truth, and what is added to it."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moodtheme.errors import EvaluationError, EvaluationWarning, UsageError

if TYPE_CHECKING:
    from moodtheme.evaluation import ScoredSet, SystemFigures
    from moodtheme.evaluation.ratings import RatingFigures
    from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, SystemScores
    from moodtheme.scores.matrices import Truth as TruthMatrix

POPULARITY = "popularity"
"""What the popularity baseline is called in tables."""


def usable(
    paths: Sequence[str],
    truth: "TruthMatrix",
    vocabulary: Sequence[str] | None,
    tags: Sequence[str],
    failures: list[EvaluationError],
    allow_seen: bool,
) -> "list[SystemScores]":
    """Load what fits the truth; what does not is a failure and does not stop the rest."""
    from moodtheme.evaluation.checks import check_scores, check_seen
    from moodtheme.scores.matrices import load_systems

    good = []
    for path in paths:
        try:
            with warnings.catch_warnings():
                # Said once, when the figures are computed.
                warnings.simplefilter("ignore", EvaluationWarning)
                for system in load_systems([path], tags=vocabulary, like=truth):
                    check_scores(system.values, truth.values, tags, name=system.source)
                    check_seen(system.names.seen, name=system.source, allow=allow_seen)
            good.append(path)
        except EvaluationError as error:
            failures.append(error)
    # Names depend on all files together, so they are loaded together once it is known which.
    systems = load_systems(good, tags=vocabulary, like=truth) if good else []
    return marked(systems, allow_seen=allow_seen)


def marked(systems: "Sequence[SystemScores]", *, allow_seen: bool) -> "list[SystemScores]":
    """Refuse scores of what a system was trained on, or have its name say so where allowed."""
    from moodtheme.evaluation.checks import check_seen

    return [
        replace(system, name=f"{system.name} (seen)")
        if check_seen(system.names.seen, name=system.source, allow=allow_seen)
        else system
        for system in systems
    ]


def rated(
    truth: "TruthMatrix",
    systems: "Sequence[SystemScores]",
    artists: tuple[str, ...] | None,
    *,
    resamples: int,
    seed: int,
) -> "dict[str, list[RatingFigures]]":
    """Figures of the systems that rate valence and the like, if listeners did too."""
    from moodtheme.evaluation.ratings import evaluate_ratings

    return {
        system.name: evaluate_ratings(
            truth.ratings,
            system.ratings,
            source=system.source,
            artists=artists or (),
            resamples=resamples,
            seed=seed,
        )
        for system in systems
        if truth.ratings is not None and system.ratings is not None
    }


def row_as_json(
    system: "SystemFigures", ratings: "Mapping[str, Sequence[RatingFigures]]"
) -> dict[str, Any]:
    """A system's figures, and those of its ratings if it has any."""
    from moodtheme.cli.figure_tables import ratings_as_json

    row = system.as_json()
    if system.name in ratings:
        row["ratings"] = [ratings_as_json(one) for one in ratings[system.name]]
    return row


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document, whole or not at all."""
    import json

    from moodtheme.files import replacing

    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")


def add_popularity(
    training: "BoolMatrix",
    tracks: int,
    tables: "dict[str, ScoreMatrix]",
    validation: "ScoredSet | None",
) -> "ScoredSet | None":
    """Add the baseline to the systems; return the validation set with it."""
    from moodtheme.evaluation import ScoredSet
    from moodtheme.evaluation.evaluator import popularity_scores

    if POPULARITY in tables:
        raise UsageError(f"a system is called {POPULARITY!r} already; rename its file")
    tables[POPULARITY] = popularity_scores(training, tracks)
    if validation is None:
        return None
    most = {POPULARITY: popularity_scores(training, len(validation.truth))}
    return ScoredSet(validation.truth, {**validation.scores, **most})
