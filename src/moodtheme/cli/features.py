"""``moodtheme features``: compute features once, look at them, take them elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moodtheme.cli.options import (
    PUBLISHED,
    Address,
    Division,
    EngineOption,
    Offline,
    Part,
    RecipeValues,
    chosen_recipe,
    part_of,
    weights_file,
)
from moodtheme.cli.streams import report, say
from moodtheme.engines import Engine
from moodtheme.errors import UsageError
from moodtheme.recipes import RECIPES, Cell, ExtractedView, find_recipe

if TYPE_CHECKING:
    from moodtheme.feature_store import FeatureStore

app = typer.Typer(name="features", help="Features of tracks, computed once and kept.")


_FAMILIES = sorted(
    {name.rpartition("-")[0] for name, recipe in RECIPES.items() if recipe.view.extracted}
)

# A tag of the format, and what the line on weights says.
_SAID_ELSEWHERE = {"type", "pretrained"}

DatasetOption = Annotated[
    str,
    typer.Option(
        "--dataset",
        metavar="TABLE",
        help="Tracks: a CSV or TSV table, a folder with a folder a tag, or jamendo:FOLDER.",
    ),
]
FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FEATURES",
        help="Folder that features were extracted to, or one of the folders in it.",
    ),
]


@app.command()
def extract(
    *,
    dataset: DatasetOption,
    system: Annotated[
        str,
        typer.Option(
            metavar="SYSTEM",
            help=f"Whose features: {', '.join(_FAMILIES)}, or a system's full name; systems that "
            "differ in their recurrent layer share theirs.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FEATURES",
            help="Folder for features of any kind; what is there already is kept.",
        ),
    ],
    values: RecipeValues = None,
    weights: Annotated[
        str,
        typer.Option(
            metavar="published|random|FILE",
            help="Weights of the image network: fetched, random, or from a local copy.",
        ),
    ] = PUBLISHED,
    part: Part = "all",
    split: Division = 0,
    jobs: Annotated[
        int, typer.Option(min=1, help="Processes that extract; 1 uses every core in one process.")
    ] = 1,
    device: Annotated[
        str, typer.Option(help="Where the image network computes: auto, cpu, cuda or mps.")
    ] = "auto",
    engine: EngineOption = Engine.LOCAL,
    address: Address = None,
    offline: Offline = False,
) -> None:
    """Extract the features of a collection's tracks.

    Killed at any moment, the same command goes on where it was.
    """
    from rich.filesize import decimal

    from moodtheme.cli.progress import extraction_progress
    from moodtheme.feature_store import build_features

    if address is not None and engine is not Engine.RAY:
        raise UsageError("--address is a Ray cluster's; add --engine ray, or leave it out")
    view = _view(system, values or [], weights)
    table = part_of(dataset, part, split)
    with extraction_progress(view.samples / view.sample_rate) as progress:
        store, failures = build_features(
            output,
            table.files,
            view,
            weights=weights_file(weights),
            offline=offline,
            device=device,
            jobs=jobs,
            engine=engine,
            address=address,
            report=report,
            progress=progress,
        )
    for failure in failures:
        say(str(failure))
    info = store.info
    print(
        f"{store.folder}: {len(table) - len(failures)} of {len(table)} tracks, "
        f"{info.windows} windows of {info.n_features:,} features, "
        f"{decimal(len(store) * info.row_bytes)}"
    )
    if failures:
        raise typer.Exit(1)


@app.command()
def export(
    features: FolderArgument,
    *,
    dataset: DatasetOption,
    kind: Annotated[
        Literal["csv", "parquet", "npz"], typer.Option("--format", help="The file's format.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write.")],
    part: Part = "all",
    split: Division = 0,
) -> None:
    """Write features of a collection's tracks, in its order, for other programs.

    Numbers are exact: float32 in, the same float32 out.
    """
    from moodtheme.cli.outputs import require_output
    from moodtheme.feature_store.export import export_features

    require_output(output, inputs=[dataset])
    store = _only_store(features)
    table = part_of(dataset, part, split)
    absent = [file for file in table.files if not (file.is_file() and store.has(file))]
    if absent:
        for file in absent:
            say(f"{file}: " + ("no features of it" if file.is_file() else "not found"))
        say(
            f"{len(absent)} of {len(table)} tracks have no features, so {output} is not "
            "written; extract them, or take them out of the table"
        )
        raise typer.Exit(1)
    export_features(store, table.tracks, table.files, output, kind=kind)
    info = store.info
    print(f"{output}: {len(table)} tracks, {info.windows} windows of {info.n_features:,} features")


@app.command()
def info(
    features: FolderArgument,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every row and compare its checksum.")
    ] = False,
) -> None:
    """Say what features a folder holds."""
    import msgspec
    from rich.filesize import decimal

    from moodtheme.feature_store import FeatureStore, find_stores

    damaged = 0
    for folder in find_stores(features):
        store = FeatureStore(folder)
        what = store.info
        print(f"{folder}: {len(store)} tracks, {decimal(len(store) * what.row_bytes)}")
        print(f"  {what.windows} windows of {what.n_features:,} features a track")
        print(f"  weights {what.weights}")
        for name, value in msgspec.to_builtins(what.view).items():
            if name not in _SAID_ELSEWHERE:
                print(f"  {name} {value}")
        if verify:
            rows = list(store.damaged_rows())
            damaged += len(rows)
            print(f"  {len(store) - len(rows)} of {len(store)} rows are as they were written")
    if damaged:
        say("delete the folders with damaged rows and extract again")
        raise typer.Exit(1)


def _view(system: str, settings: list[str], weights: str) -> ExtractedView:
    name = f"{system}-{Cell.GRU}" if system in _FAMILIES else system
    find_recipe(name)
    # A system without features is named before settings that it has not.
    has = find_recipe(name).view.extracted
    if has and (view := chosen_recipe(name, settings, weights).view.extracted):
        return view
    raise UsageError(f"{system} has no features to extract; choose {', '.join(_FAMILIES)}")


def _only_store(features: Path) -> "FeatureStore":
    from moodtheme.feature_store import FeatureStore, find_stores

    stores = find_stores(features)
    if len(stores) > 1:
        names = ", ".join(str(store) for store in stores)
        raise UsageError(f"{features} holds features of several kinds; name one of {names}")
    return FeatureStore(stores[0])
