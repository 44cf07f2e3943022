"""The systems that `moodtheme evaluate` and `compare` are given: score files, and trained runs."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moodtheme.cli.progress import progress_bar
from moodtheme.cli.streams import report, say
from moodtheme.errors import EvaluationError, EvaluationWarning, UsageError, needing_extra
from moodtheme.files import replacing

if TYPE_CHECKING:
    from moodtheme.evaluation import Evaluation, ScoredSet, SystemFigures
    from moodtheme.evaluation.ratings import RatingFigures
    from moodtheme.scores.matrices import ScoreMatrix, SystemScores, Truth
    from moodtheme.training.prediction import RunScores

POPULARITY = "popularity"
"""What the popularity baseline is called in tables."""


class Trained(StrEnum):
    """Folders of trainings, by the file that tells them, without PyTorch to look."""

    RUN = "run.json"
    SERIES = "series.json"
    REPRODUCTION = "results.json"

    def is_at(self, path: str | Path) -> bool:
        """Whether an argument is such a folder."""
        return (Path(path) / self).is_file()


@dataclass(frozen=True)
class Scoring:
    """How runs are scored, from a command's options: once, then the scores are kept in the run."""

    device: str
    jobs: int
    features: Path | None
    offline: bool

    def scores_of(self, folder: Path) -> "RunScores":
        """A run's scores on its test and validation tracks.

        Raises
        ------
        UsageError
            The folder is a reproduction's.
        """
        if Trained.REPRODUCTION.is_at(folder):
            raise UsageError(
                f"{folder}: a reproduction is evaluated when it is made, see its report.html; "
                "`moodtheme compare` has the paired differences"
            )
        with needing_extra("evaluating a run"):
            from moodtheme.models.networks import choose_device
            from moodtheme.training.prediction import score_test

        return score_test(
            folder,
            device=choose_device(self.device),
            jobs=self.jobs,
            features=self.features,
            offline=self.offline,
            report=report,
            bar=progress_bar,
        )


def usable(
    paths: Sequence[str],
    truth: "Truth",
    vocabulary: Sequence[str] | None,
    tags: Sequence[str],
    *,
    allow_seen: bool,
) -> "tuple[list[SystemScores], bool]":
    """Load what fits the truth; what does not is named, and does not stop the rest.

    Returns
    -------
    tuple
        The systems, and whether all files fit.
    """
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
            say(str(error))
    # Names depend on all files together, so they are loaded together once it is known which.
    systems = load_systems(good, tags=vocabulary, like=truth) if good else []
    return marked(systems, allow_seen=allow_seen), len(good) == len(paths)


def marked(systems: "Sequence[SystemScores]", *, allow_seen: bool) -> "list[SystemScores]":
    """Refuse scores of what a system was trained on, or have its name say so where allowed."""
    from moodtheme.evaluation.checks import check_seen

    return [
        replace(system, name=f"{system.name} (seen)")
        if check_seen(system.names.seen, name=system.source, allow=allow_seen)
        else system
        for system in systems
    ]


def on_validation(
    systems: "Sequence[SystemScores]",
    where: tuple[Path, Path],
    vocabulary: Sequence[str] | None,
    like: "SystemScores | Truth",
) -> "tuple[Truth, list[SystemScores]]":
    """Truth of a validation set, columns as in `like`, and what the same systems say of it."""
    from moodtheme.scores.matrices import match_systems, put_like, read_truth

    truth = put_like(read_truth(where[0], tags=vocabulary), like, rows=False)
    if not systems:
        return truth, []
    return truth, match_systems(systems, where[1], tags=vocabulary, like=truth)


def evaluation_of(
    truth: "Truth",
    systems: "Mapping[str, ScoreMatrix]",
    artists: Sequence[str] | None,
    *,
    resamples: int,
    seed: int,
    fold: int = 0,
    validation: "Evaluation | None" = None,
) -> "Evaluation":
    """Systems on the test tracks that they share, drawn while a bar is shown; 0 is no fold."""
    from moodtheme.evaluation import Evaluation, ScoredSet
    from moodtheme.scores.vocabulary import tags_for

    with progress_bar(f"Resampling fold {fold}" if fold else "Resampling") as progress:
        evaluation = Evaluation(
            ScoredSet(truth.values, systems, artists),
            tags=truth.names.tags or tags_for(truth.values.shape[1]),
            validation=validation,
            resamples=resamples,
            seed=seed + fold,
            progress=progress,
        )
        evaluation.repetition(next(iter(systems)), fold=fold, seed=seed)  # draws for all
    return evaluation


def rated(
    truth: "Truth",
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


def add_popularity(
    path: Path,
    truth: "Truth",
    vocabulary: Sequence[str] | None,
    tables: "dict[str, ScoreMatrix]",
    validation: "ScoredSet | None",
) -> "ScoredSet | None":
    """Add the baseline of a training set to the systems; return the validation set with it."""
    from moodtheme.evaluation import ScoredSet
    from moodtheme.evaluation.evaluator import popularity_scores
    from moodtheme.scores.matrices import put_like, read_truth

    training = put_like(read_truth(path, tags=vocabulary), truth, rows=False).values
    if POPULARITY in tables:
        raise UsageError(f"a system is called {POPULARITY!r} already; rename its file")
    tables[POPULARITY] = popularity_scores(training, len(truth.values))
    if validation is None:
        return None
    most = {POPULARITY: popularity_scores(training, len(validation.truth))}
    return ScoredSet(validation.truth, {**validation.scores, **most})


def row_as_json(
    system: "SystemFigures", ratings: "Mapping[str, Sequence[RatingFigures]]"
) -> dict[str, Any]:
    """A system's figures, and those of its ratings if it has any."""
    from moodtheme.cli.figure_tables import ratings_as_json

    row = system.as_json()
    if system.name in ratings:
        row["ratings"] = [ratings_as_json(one) for one in ratings[system.name]]
    return row


def write_json(path: Path, document: object) -> None:
    """Write a document, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
