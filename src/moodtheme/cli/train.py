"""``moodtheme train``: a system from a table of tracks."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moodtheme.cli.options import (
    PUBLISHED,
    Device,
    Division,
    Folds,
    Jobs,
    Offline,
    RecipeValues,
    Seeds,
    SkipUnreadable,
    Threads,
    TrainingSeed,
    Workers,
    chosen_recipe,
    weights_file,
    with_own_features,
)
from moodtheme.cli.streams import report
from moodtheme.errors import UsageError, needing_extra
from moodtheme.files import claimed_folder
from moodtheme.recipes import RECIPES, Recipe, departures, describe, to_toml
from moodtheme.training.settings import Machine, Settings, find_logger, is_first_process

if TYPE_CHECKING:
    from moodtheme.cli.tables import Cell
    from moodtheme.datasets import TrackTable
    from moodtheme.training.run_folder import Result

_PAPERS_TAGS = 56  # MTG-Jamendo's moods and themes


def train(
    system: Annotated[
        str,
        typer.Argument(
            metavar="SYSTEM",
            help=f"One of {', '.join(RECIPES)}; or a recipe's file, as --show --format toml "
            "prints it, FILE.toml.",
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="Tracks with splits: a CSV or TSV table, a folder, or jamendo:FOLDER.",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for everything the run makes; the same command goes on with it.",
        ),
    ] = None,
    values: RecipeValues = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Print the recipe with its sources, and its layers, and stop."),
    ] = False,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["table", "toml"],
        typer.Option("--format", help="Of --show: a table, or a file that train takes."),
    ] = "table",
    weights: Annotated[
        str,
        typer.Option(
            metavar="published|random|FILE",
            help="Weights of a CRNN's convolutions or of the image network: fetched, none, or from "
            "a local copy.",
        ),
    ] = PUBLISHED,
    seed: TrainingSeed = 0,
    seeds: Seeds = 1,
    folds: Folds = 0,
    split: Division = 0,
    device: Device = "auto",
    devices: Annotated[
        int, typer.Option(min=1, help="Training processes on this machine; they share a batch.")
    ] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines, started with torchrun.")] = 1,
    threads: Threads = None,
    workers: Workers = None,
    jobs: Jobs = 2,
    audio_cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Decoded audio, for several runs to share; by default in the run's folder.",
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Stored features, for several runs to share; by default in the run's folder. For "
            "own-…: the folder of your own features, a .npy or .npz file a track.",
        ),
    ] = None,
    skip_unreadable: SkipUnreadable = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard logs.")
    ] = False,
    log: Annotated[
        list[str] | None,
        typer.Option(
            "--log",
            metavar="LOGGER[:NAME=VALUE,…]",
            help="Also log to one of Lightning's loggers, such as WandbLogger:project=moods or "
            "MLFlowLogger, or to a class of your own, package.module.Class; its package must be "
            "installed. May be repeated.",
        ),
    ] = None,
    offline: Offline = False,
) -> None:
    """Train a system and keep its best epoch by validation ROC-AUC.

    Killed at any moment, the same command goes on where it was, with the same results.
    `moodtheme evaluate DIR` tests it; of several seeds or folds it gives mean and deviation.
    """
    recipe = with_own_features(chosen_recipe(system, values or [], weights), features)
    if show:
        if format == "toml":
            print(to_toml(recipe), end="")
        else:
            _show(recipe)
        return
    if dataset is None or run is None:
        raise UsageError("training needs --dataset TABLE and --run DIR; give both, or --show")
    with needing_extra("training a system"):
        from moodtheme.training.system_run import train_system
    from moodtheme.datasets import leaks, load_dataset

    settings = Settings(
        recipe=recipe,
        dataset=dataset,
        seed=seed,
        weights=weights_file(weights),
        offline=offline,
        audio_cache=audio_cache,
        features=features,
        jobs=jobs,
        skip_unreadable=skip_unreadable,
        machine=Machine(
            accelerator=device,
            devices=devices,
            nodes=nodes,
            threads=threads,
            workers=workers,
            tensorboard=tensorboard,
            loggers=tuple(log or ()),
        ),
    )
    for wanted in settings.machine.loggers:
        find_logger(wanted)  # before hours of training
    # Missing files are counted and named for the splits that are used.
    table = load_dataset(dataset, split=split, check_files=False)
    for warning in leaks(table, jobs=jobs, report=_say) if is_first_process() else []:
        _say(warning)
    if seeds > 1 or folds:
        _train_series(settings, table, run, folds=folds, seeds=range(seed, seed + seeds))
        return
    # Of several processes the first has started the others.
    with claimed_folder(run) if is_first_process() else nullcontext():
        result = train_system(table, settings, run, report=_say, progress=_preparing)
    if is_first_process():
        _print_result(recipe, run, result)


def _train_series(
    settings: Settings, table: "TrackTable", folder: Path, *, folds: int, seeds: Sequence[int]
) -> None:
    """Train with every seed on every fold; decoded audio and features are shared."""
    from moodtheme.cli.tables import print_table
    from moodtheme.datasets import load_dataset
    from moodtheme.training.kinds.features import FEATURES
    from moodtheme.training.run_folder import RUN
    from moodtheme.training.series import places, plan_series
    from moodtheme.training.system_run import train_system

    if settings.machine.devices * settings.machine.nodes > 1:
        raise UsageError(
            "--seeds and --folds train in one process; train them one by one on several devices"
        )
    if (folder / RUN).exists():
        raise UsageError(f"{folder} holds a single run; name another folder for several")
    shared = replace(
        settings,
        audio_cache=settings.audio_cache or folder / "audio",
        features=settings.features or folder / FEATURES,
    )
    with claimed_folder(folder):
        series = plan_series(folder, settings.dataset, table, folds=folds, seeds=seeds)
        rows: list[list[Cell]] = []
        for number, (member, run, dataset) in enumerate(places(folder, series), start=1):
            _say(f"{number} of {len(series.members)}: {member.folder}")
            result = train_system(
                load_dataset(dataset, check_files=False) if member.fold else table,
                replace(shared, dataset=dataset, seed=member.seed),
                run,
                report=_say,
                progress=_preparing,
            )
            rows.append(
                [member.folder, result.validation_roc_auc, result.best_epoch, result.epochs]
            )
    print_table(["run", "validation ROC-AUC", "best epoch", "epochs"], rows, decimals=4)
    typer.echo(f"next: moodtheme evaluate {folder}")


def _show(recipe: Recipe) -> None:
    from rich.table import Table

    from moodtheme.work import console_for

    console = console_for(sys.stdout, width=None if sys.stdout.isatty() else 120)
    table = Table("value", "is", "source", box=None)
    for setting in describe(recipe):
        table.add_row(setting.name, setting.value, setting.source)
    console.print(table)
    for sentence in departures(recipe):
        console.print(f"\n{sentence}", highlight=False)
    console.print()
    with needing_extra("showing the layers"):
        from moodtheme.models.networks import layer_table, parameter_count, second_bias_parameters
        from moodtheme.training.kinds import kind_of
    kind = kind_of(recipe)
    network = kind.make_network(n_tags=_PAPERS_TAGS, n_features=kind.n_features)
    layers = Table("layer", "kind", "parameters", box=None)
    layers.columns[2].justify = "right"
    for name, layer, count in layer_table(network):
        layers.add_row(name, layer, f"{count:,}")
    count, second = parameter_count(network), second_bias_parameters(network)
    layers.add_row(f"all, with {_PAPERS_TAGS} tags", "", f"{count:,}")
    layers.add_row("without PyTorch's second bias (as in Keras)", "", f"{count - second:,}")
    console.print(layers)


def _print_result(recipe: Recipe, run: Path, result: "Result") -> None:
    from moodtheme.training.kinds import kind_of

    waiting = result.waiting_s / result.training_s if result.training_s else 0.0
    memory = result.peak_memory_bytes
    typer.echo(
        f"{recipe.system}: validation ROC-AUC {result.validation_roc_auc:.4f} in epoch "
        f"{result.best_epoch} of {result.epochs}"
    )
    typer.echo(
        f"trained for {result.training_s:.0f} s, {waiting:.1%} of it waiting for data"
        + ("" if memory is None else f"; peak memory {memory / 1e9:.2f} GB")
    )
    export = "" if kind_of(recipe).no_graph else f", or moodtheme export {run}"
    typer.echo(f"next: moodtheme evaluate {run}{export}")


def _say(line: str) -> None:
    if is_first_process():
        report(line)


def _preparing(done: int, of: int | None) -> None:
    if not is_first_process():
        return
    if sys.stderr.isatty():
        print(f"\rprepared {done} of {of} tracks", end="\n" if done == of else "", file=sys.stderr)
    elif done % 100 == 0 or done == of:
        _say(f"prepared {done} of {of} tracks")
