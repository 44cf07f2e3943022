"""``moodtheme compare``: which differences between systems are beyond chance."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.artists import Artists, GroupBy, artists_of
from moodtheme.cli.options import AllowSeen, Device, Jobs, Json, Offline, RunFeatures, Seed
from moodtheme.cli.streams import say, warnings_as_lines
from moodtheme.errors import UsageError

if TYPE_CHECKING:
    from moodtheme.cli.compared import Fold
    from moodtheme.evaluation import PairedFigure, SystemFigures
    from moodtheme.evaluation.ratings import RatingDifference, RatingFigures


def compare(
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="SYSTEM",
            help="Two or more: score files, folders of trained runs, of reproductions, or of "
            "several of either by --seeds or --folds.",
        ),
    ],
    *,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", metavar="TRUTH", help="Labels of the tracks; runs bring their own."
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="NAME",
            help="Compare all others with this one; otherwise every pair.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--pair",
            metavar="NAME,OTHER",
            help="Compare these two, and no others that are not named so; may be repeated.",
        ),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", metavar="N", min=1, help="Resamples, of whole artists.")
    ] = 1000,
    artists: Artists = None,
    group: GroupBy = None,
    seed: Seed = 0,
    allow_seen: AllowSeen = False,
    features: RunFeatures = None,
    device: Device = "auto",
    jobs: Jobs = 2,
    offline: Offline = False,
    json: Json = None,
) -> None:
    """Compare systems in pairs on the same test tracks.

    A star marks what is beyond chance when all comparisons made are corrected for (Holm). Figures
    of several seeds or folds are averaged before they are compared.
    """
    from moodtheme.cli.compared import gather
    from moodtheme.cli.figure_tables import (
        print_differences,
        print_figures,
        print_rating_differences,
        print_ratings,
        rating_difference_as_json,
        resampled,
    )
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.systems import Scoring, row_as_json, write_json

    require_output(json, inputs=[truth, *systems])
    with warnings_as_lines():
        scoring = Scoring(device, jobs, features, offline)
        folds = gather(systems, truth, scoring, allow_seen=allow_seen)
        pairs = _pairs(folds[0].systems, against, only or ())
        folds = [fold.only({name for pair in pairs for name in pair}) for fold in folds]
        over = [
            artists_of(fold.truth, table=artists, group=group, resamples=bootstrap)
            for fold in folds
        ]
        rows, gaps = _compared(folds, pairs, over, resamples=bootstrap, seed=seed)
        ratings, rating_gaps = _compared_ratings(folds, pairs, over, resamples=bootstrap, seed=seed)
    if json is not None:
        write_json(
            json,
            {
                "bootstrap": {"resamples": bootstrap, "seed": seed, "over": rows[0].over},
                "rows": [row_as_json(row, ratings) for row in rows],
                "comparisons": [
                    {"name": one, "against": other}
                    | {key: figure.as_json(resampled=True) for key, figure in figures.items()}
                    for (one, other), figures in zip(pairs, gaps, strict=True)
                ],
                "rating_comparisons": [rating_difference_as_json(gap) for gap in rating_gaps],
            },
        )
    note = resampled(rows[0])
    print_figures(rows)
    print_differences(
        [(f"{a} minus {b}", gap) for (a, b), gap in zip(pairs, gaps, strict=True)],
        head=f"difference (*: beyond chance, of {len(pairs)})" if note else "difference",
        note=note,
    )
    print_ratings(ratings, note)
    print_rating_differences(rating_gaps, note)


def _pairs(names: Sequence[str], against: str | None, only: Sequence[str]) -> list[tuple[str, str]]:
    """Who is compared with whom: first minus second."""
    if len(names) < 2:
        raise UsageError(f"{names[0]} alone cannot be compared; name two systems or more")

    def known(name: str, option: str) -> str:
        for there in (name, f"{name} (seen)"):
            if there in names:
                return there
        raise UsageError(f"{option}: {name} is none of {', '.join(names)}")

    if against is not None and only:
        raise UsageError("--against and --pair both say what to compare; give one of them")
    if against is not None:
        other = known(against, f"--against {against}")
        return [(name, other) for name in names if name != other]
    if not only:
        return list(combinations(names, 2))
    pairs = []
    for text in only:
        one, comma, two = text.partition(",")
        if not comma:
            raise UsageError(f"--pair {text}: give two names with a comma between them")
        pair = known(one.strip(), f"--pair {text}"), known(two.strip(), f"--pair {text}")
        if pair[0] == pair[1] or pair in pairs or pair[::-1] in pairs:
            raise UsageError(f"--pair {text}: compare two systems, and each two once")
        pairs.append(pair)
    return pairs


def _compared(
    folds: "Sequence[Fold]",
    pairs: Sequence[tuple[str, str]],
    artists: Sequence[tuple[str, ...] | None],
    *,
    resamples: int,
    seed: int,
) -> "tuple[list[SystemFigures], list[dict[str, PairedFigure]]]":
    """Figures of every system, and of every pair their difference, means over its trainings."""
    from moodtheme.cli.systems import evaluation_of
    from moodtheme.evaluation import SystemFigures
    from moodtheme.evaluation.bootstrap import all_together
    from moodtheme.evaluation.spread import Repetition, corrected, mean_difference, mean_figures

    found: dict[str, list[Repetition]] = {name: [] for name in folds[0].systems}
    evaluations = []
    for fold, over in zip(folds, artists, strict=True):
        scores = {one.name: one.scores.values for one in fold.trainings}
        number = fold.number
        evaluation = evaluation_of(
            fold.truth, scores, over, resamples=resamples, seed=seed, fold=number
        )
        for one in fold.trainings:
            found[one.system].append(evaluation.repetition(one.name, fold=number, seed=one.seed))
        evaluations.append(evaluation)
    if all(len(repetitions) == 1 for repetitions in found.values()):
        rows = [
            replace(evaluations[0].figures(one.name), name=one.system) for one in folds[0].trainings
        ]
    else:
        drawn_of = all_together([evaluation.units for evaluation in evaluations])
        rows = [
            SystemFigures(
                name=name,
                resamples=resamples,
                figures=mean_figures(repetitions),
                tags=(),
                over=drawn_of,
            )
            for name, repetitions in found.items()
        ]
    return rows, corrected([mean_difference(found[one], found[two]) for one, two in pairs])


def _compared_ratings(
    folds: "Sequence[Fold]",
    pairs: Sequence[tuple[str, str]],
    artists: Sequence[tuple[str, ...] | None],
    *,
    resamples: int,
    seed: int,
) -> "tuple[dict[str, list[RatingFigures]], list[RatingDifference]]":
    """The same of ratings, where listeners and systems gave some."""
    from moodtheme.cli.systems import rated
    from moodtheme.evaluation.ratings import compare_ratings

    fold, over = folds[0], artists[0]
    if fold.truth.ratings is None:
        return {}, []
    found = [replace(one.scores, name=one.system) for one in fold.trainings]
    if len(folds) > 1 or len(found) > len(fold.systems):
        say("ratings are not compared over seeds and folds; name two runs to compare theirs")
        return {}, []
    ratings = rated(fold.truth, found, over, resamples=resamples, seed=seed)
    gaps = compare_ratings(
        fold.truth.ratings,
        {system.name: system.ratings for system in found if system.ratings is not None},
        [pair for pair in pairs if set(pair) <= set(ratings)],
        artists=over or (),
        resamples=resamples,
        seed=seed,
    )
    return ratings, gaps
