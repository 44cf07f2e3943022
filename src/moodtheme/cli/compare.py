"""``moodtheme compare``: which differences between systems are beyond chance."""

from itertools import combinations
from pathlib import Path
from typing import Annotated

import typer

from moodtheme.cli.artists import Artists, GroupBy, artists_of
from moodtheme.cli.options import AllowSeen, Device, Jobs, Json, Offline, Seed
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.streams import warnings_as_lines
from moodtheme.errors import UsageError


def compare(
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="SYSTEM",
            help="Folders of trained runs, or score files; two or more.",
        ),
    ],
    *,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            metavar="TRUTH",
            help="Labels of the tracks; runs bring their own.",
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
    bootstrap: Annotated[
        int,
        typer.Option("--bootstrap", metavar="N", min=1, help="Resamples, of whole artists."),
    ] = 1000,
    artists: Artists = None,
    group: GroupBy = None,
    seed: Seed = 0,
    allow_seen: AllowSeen = False,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Stored features of the runs; by default their own.",
        ),
    ] = None,
    device: Device = "auto",
    jobs: Jobs = 2,
    offline: Offline = False,
    json: Json = None,
) -> None:
    """Compare systems in pairs on the same test tracks.

    A star marks what is beyond chance when all comparisons made are corrected for (Holm).
    """
    from moodtheme.cli.figure_tables import (
        print_differences,
        print_figures,
        print_rating_differences,
        print_ratings,
        rating_difference_as_json,
        resampled,
    )
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.run_scores import Scoring, gather
    from moodtheme.cli.score_files import marked, rated, row_as_json, write_json
    from moodtheme.evaluation import Evaluation, ScoredSet
    from moodtheme.evaluation.ratings import compare_ratings
    from moodtheme.scores.vocabulary import tags_for

    require_output(json, inputs=[truth, *systems])
    with warnings_as_lines():
        labels, found = gather(systems, truth, Scoring(device, jobs, features, offline))
        found = marked(found, allow_seen=allow_seen)
        names = [system.name for system in found]
        against = next((name for name in names if name == f"{against} (seen)"), against)
        if len(names) < 2:
            raise UsageError(f"{names[0]} alone cannot be compared; name two systems or more")
        if against is not None and against not in names:
            raise UsageError(f"--against {against}: is none of {', '.join(names)}")
        pairs = [
            (one, other)
            for one, other in combinations(names, 2)
            if against is None or against in (one, other)
        ]
        pairs = [(b, a) if a == against else (a, b) for a, b in pairs]
        over = artists_of(labels, table=artists, group=group, resamples=bootstrap)
        with progress_bar("Resampling") as progress:
            evaluation = Evaluation(
                ScoredSet(labels.values, {system.name: system.values for system in found}, over),
                tags=labels.names.tags or tags_for(labels.values.shape[1]),
                resamples=bootstrap,
                seed=seed,
                progress=progress,
            )
            rows = [evaluation.figures(name) for name in names]
            gaps = evaluation.differences(pairs)
        ratings = rated(labels, found, over, resamples=bootstrap, seed=seed)
        rating_gaps = (
            compare_ratings(
                labels.ratings,
                {s.name: s.ratings for s in found if s.ratings is not None},
                [pair for pair in pairs if set(pair) <= set(ratings)],
                artists=over or (),
                resamples=bootstrap,
                seed=seed,
            )
            if labels.ratings is not None
            else []
        )
    if json is not None:
        write_json(
            json,
            {
                "bootstrap": {"resamples": bootstrap, "seed": seed, "over": evaluation.units.name},
                "rows": [row_as_json(row, ratings) for row in rows],
                "comparisons": [
                    {"name": one, "against": other}
                    | {key: figure.as_json(resampled=True) for key, figure in figures.items()}
                    for (one, other), figures in zip(pairs, gaps, strict=True)
                ],
                "rating_comparisons": [rating_difference_as_json(gap) for gap in rating_gaps],
            },
        )
    print_figures(rows)
    print_differences(
        [(f"{a} minus {b}", gap) for (a, b), gap in zip(pairs, gaps, strict=True)],
        head="difference",
        note=resampled(rows[0]),
    )
    print_ratings(ratings, resampled(rows[0]))
    print_rating_differences(rating_gaps, resampled(rows[0]))
