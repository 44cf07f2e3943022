"""``moodtheme reproduce``: the paper's experiment on a collection, in one folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import (
    Device,
    Division,
    Folds,
    Jobs,
    Offline,
    Seeds,
    SkipUnreadable,
    Threads,
    TrainingSeed,
    Workers,
)
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.streams import report, say
from moodtheme.errors import MoodthemeError, UsageError, needing_extra
from moodtheme.files import claimed_folder
from moodtheme.reproduction.selection import Preset, Weights, choose_systems
from moodtheme.work import Report

if TYPE_CHECKING:
    from moodtheme.evaluation import Figure
    from moodtheme.reproduction.job import Console, Request
    from moodtheme.reproduction.results import Results
    from moodtheme.reproduction.run import Prepared


def reproduce(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="RUN_DIR", help="Folder for everything; the same command goes on with it."
        ),
    ],
    dataset: Annotated[
        str,
        typer.Option(
            metavar="demo|TABLE|jamendo:DIR",
            help="The demo corpus, which is composed first; a CSV or TSV table with splits; or "
            "MTG-Jamendo in the folder it was downloaded to. For a dry run also jamendo alone.",
        ),
    ],
    systems: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Systems or groups (crnn, ds, ds-1s, ds-5s, nine, baseline, opensmile, own), with "
            "commas between them; by default the nine and the MediaEval baseline.",
        ),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="paper: the recipes as they are; quick: everything small and short. By default "
            "quick for the demo corpus, paper otherwise."
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SCOPE.NAME=VALUE",
            help="Set a recipe's value for a system, a group or all: crnn.units=128, "
            "ds-1s-gru.epochs=3, all.precision=bfloat16; may be repeated.",
        ),
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep",
            help="Train every CRNN with 128, 256 and 512 units and dropout 0.2, 0.3 and 0.4, and "
            "go on with the best on validation.",
        ),
    ] = False,
    weights: Annotated[
        Weights, typer.Option(help="What pretrained parts begin with.")
    ] = Weights.PUBLISHED,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check everything, print the estimated times, and stop."),
    ] = False,
    seed: TrainingSeed = 0,
    seeds: Seeds = 1,
    folds: Folds = 0,
    split: Division = 0,
    metadata: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Take MTG-Jamendo's lists from this copy of its repository (or of its folder "
            "data) instead of fetching them.",
        ),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    jobs: Jobs = 2,
    workers: Workers = None,
    bootstrap: Annotated[
        int, typer.Option(metavar="N", min=0, help="Resamples for 95 % intervals; 0 for none.")
    ] = 1000,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Decoded audio and features, for several runs to share; by default in RUN_DIR.",
        ),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Terms of the exported models, which follow from the music.")
    ] = "not stated",
    skip_unreadable: SkipUnreadable = False,
    offline: Offline = False,
) -> None:
    """Train the paper's systems, fuse and evaluate them, export models, write a report.

    Everything is checked first, and estimated unless it is the demo corpus. A stage is
    skipped while its inputs are the same, and goes on where it was if the command was killed.
    With --seeds or --folds all of it is done that often, each in a folder of its own, and the means
    are in report.md.
    """
    with needing_extra("reproducing the paper"):
        from moodtheme.reproduction.job import Console, Request, default_preset
        from moodtheme.reproduction.page import PAGE
    if folder.is_file():
        raise UsageError(f"{folder} is a file; name a folder")
    request = Request(
        source=dataset,
        systems=choose_systems(systems or []),
        preset=preset or default_preset(dataset),
        values=tuple(values or []),
        weights=weights,
        seed=seed,
        split=split,
        metadata=metadata,
        device=device,
        threads=threads,
        jobs=jobs,
        workers=workers,
        sweep=sweep,
        resamples=bootstrap,
        skip_unreadable=skip_unreadable,
        offline=offline,
        cache=cache,
        licence=licence,
    )
    if seeds > 1 or folds:
        if dry_run:
            raise UsageError("--dry-run looks at one training; leave --seeds and --folds out")
        _reproduce_series(request, folder, folds=folds, seeds=seeds)
        return
    if dry_run:
        _dry_run(request, folder, Console(report, progress_bar))
        return
    _print_results(_reproduce(request, folder))
    print(f"report: {folder / PAGE}")


def _reproduce(request: "Request", folder: Path) -> "Results":
    """Do it, and write down in a log what is said."""
    from moodtheme.reproduction.job import LOG, Console, write_log
    from moodtheme.reproduction.page import PAGE
    from moodtheme.reproduction.run import prepare
    from moodtheme.reproduction.run import reproduce as run

    write_log(folder, request.command)

    def tell(line: str) -> None:
        report(line)
        write_log(folder, line)

    try:
        with claimed_folder(folder):
            prepared = prepare(request, folder, Console(tell, progress_bar))
            _announce(prepared, tell)
            results = run(prepared)
    except MoodthemeError as error:
        write_log(folder, f"stopped: {error}")
        raise
    except KeyboardInterrupt:
        write_log(folder, "interrupted")
        say(f"the same command goes on from here; {folder / LOG} has all that was done")
        raise
    write_log(folder, f"finished: {folder / PAGE}")
    return results


def _reproduce_series(request: "Request", folder: Path, *, folds: int, seeds: int) -> None:
    """Do it with every seed on every fold, and print the means."""
    from moodtheme.cli.tables import print_table
    from moodtheme.reproduction.job import Console
    from moodtheme.reproduction.repeated import PAGE, cell, in_words, reproduce_series

    console = Console(report, progress_bar)
    means = reproduce_series(request, folder, console, folds=folds, seeds=seeds, once=_reproduce)
    keys = {"roc_auc_macro": "ROC-AUC", "pr_auc_macro": "PR-AUC", "f1_macro_validation": "F1"}
    print_table(
        ["system", *keys.values()],
        [[name, *(cell(row[key]) for key in keys)] for name, row in means.rows.items()],
        title=f"Macro averages in percent, mean ± deviation of {in_words(means.series)}, 95 % "
        f"intervals over {means.over}",
    )
    print(f"report: {folder / PAGE}")


def _dry_run(request: "Request", folder: Path, console: "Console") -> None:
    """Print how long everything would take, and every problem there is."""
    from moodtheme.cli.tables import print_table
    from moodtheme.reproduction.run import prepare, table_of

    prepared = prepare(request, folder, console, stop_at_problems=False)
    print_table(["stage", "estimate", "for"], table_of(prepared.estimates))
    for problem in prepared.problems:
        say(problem)
    if prepared.problems:
        raise typer.Exit(1)


def _announce(prepared: "Prepared", tell: Report) -> None:
    """Say how long each stage will take, before the first."""
    from moodtheme.reproduction.run import table_of

    for stage, seconds, work in table_of(prepared.estimates) if prepared.estimates else ():
        tell(f"estimate: {stage}: {seconds} ({work})")


def _print_results(results: "Results") -> None:
    from moodtheme.cli.tables import UNDEFINED, print_table, with_interval
    from moodtheme.recipes import TABLE_1

    def cell(figure: "Figure") -> str:
        ends = (figure.low, figure.high)
        return with_interval(figure.value, ends, decimals=1, scale=100)

    key = "roc_auc_macro"
    columns = ["system", "validation", "test"]
    rows = [[row.name, cell(row.validation[key]), cell(row.test[key])] for row in results.rows]
    if results.dataset.comparable:
        columns.append("paper: test")
        paper = {row.name: f"{row.test:.1f}" for row in TABLE_1}
        rows = [[*row, paper.get(row[0], UNDEFINED)] for row in rows]
    title = "Macro ROC-AUC in percent"
    if results.settings.bootstrap:
        title += f", 95 % intervals from {results.settings.bootstrap} bootstrap resamples of "
        title += results.settings.over
    print_table(columns, rows, title=title)
