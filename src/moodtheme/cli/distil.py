"""``moodtheme distil``: a small, fast model that imitates a larger one on your music."""

from pathlib import Path
from typing import Annotated

import typer

from moodtheme.cli.options import TrainingSeed
from moodtheme.cli.streams import report
from moodtheme.errors import UsageError, needing_extra


def distil(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE", help="CSV of music: path, duration_s and the group column."
        ),
    ],
    run: Annotated[Path, typer.Option(metavar="DIR", help="Folder for everything the run makes.")],
    teachers: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The teachers' weights: NAME.pth, and musicnn's wheel. Taggers that are not there "
            "are left out; without this option all are fetched.",
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV of listeners' answers: path and nine feelings."),
    ] = None,
    official: Annotated[
        tuple[Path, Path, Path] | None,
        typer.Option(
            metavar="TRUTH SCORES TSV",
            help="Official test truth, the baseline's scores on it, and its table of tracks: for "
            "probabilities and decisions.",
        ),
    ] = None,
    group_column: Annotated[
        str, typer.Option(metavar="NAME", help="Tracks with one value here are never split up.")
    ] = "artist",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over all windows.")] = 20,
    windows: Annotated[
        float, typer.Option(min=0.1, help="Random windows for every 29 s of training music.")
    ] = 6.0,
    seed: TrainingSeed = 0,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where to compute.")] = "cpu",
    student: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A trained student.pt: make anew only what is read from it."
        ),
    ] = None,
    continue_: Annotated[
        int,
        typer.Option(
            "--continue",
            metavar="STEPS",
            min=0,
            help="With --student: it goes on for so many steps (4000 made the model inside), "
            "learning from itself, to say the same of a piece and its transposed self, and from "
            "teachers that it has not learned from yet.",
        ),
    ] = 0,
    jobs: Annotated[
        int, typer.Option(min=1, help="Tracks at work at once; threads of the training.")
    ] = 2,
) -> None:
    """Distil a small model from several larger ones on unlabelled music.

    Splits the music by group, lets the teachers label random windows, trains the student, reads
    tags, valence and arousal from it, writes its bundle to DIR/moodtheme-small and measures how
    well it agrees with the first teacher on groups it never heard. Stopped at any moment, the same
    command goes on.
    """
    with needing_extra("distilling a model"):
        from moodtheme.distillation.continuing import Continuation
        from moodtheme.distillation.fit import Schedule
        from moodtheme.distillation.official import read_official
        from moodtheme.distillation.run import Settings
        from moodtheme.distillation.run import distil as run_distillation
    from moodtheme.files import claimed_folder

    if continue_ and student is None:
        raise UsageError("--continue needs --student: the trained one that is to go on")
    settings = Settings(
        table=table,
        group_column=group_column,
        teachers=teachers,
        answers=answers,
        official=None if official is None else read_official(*official),
        windows_per_excerpt=windows,
        schedule=Schedule(epochs=epochs, seed=seed),
        seed=seed,
        device=device,
        student=student,
        continuation=Continuation(steps=continue_, seed=seed) if continue_ else None,
    )

    with claimed_folder(run):
        quality = run_distillation(settings, run, jobs=jobs, report=report)
    low, high = quality.spearman_median_interval
    typer.echo(
        f"Spearman with the baseline, median over tags: {quality.spearman_median:.3f} "
        f"[{low:.3f}, {high:.3f}]"
    )
    low, high = quality.top5_overlap_interval
    typer.echo(f"five highest tags in common: {quality.top5_overlap:.3f} [{low:.3f}, {high:.3f}]")
    typer.echo(f"lowest Spearman between levels: {quality.loudness_spearman_lowest:.4f}")
    typer.echo(f"on {quality.tracks} tracks of {quality.groups} groups never trained on")
