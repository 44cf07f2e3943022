"""``moodtheme report``: the paper's Table 1, pictures of an evaluation, a run's page."""

import itertools
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.artists import Artists, GroupBy, artists_of
from moodtheme.cli.options import AllowSeen, Bootstrap, Json, ScoreFiles, Seed, Tags, Truth
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.streams import say, warnings_as_lines
from moodtheme.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from moodtheme.reproduction.table1 import Table1Row
    from moodtheme.scores.matrices import ScoreMatrix
    from moodtheme.scores.matrices import Truth as TruthMatrix

app = typer.Typer(
    name="report",
    help="The paper's Table 1 beside your scores, pictures of an evaluation, a run's page.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Format(StrEnum):
    """Picture formats."""

    PNG = "png"
    SVG = "svg"


@app.command("table1")
def table1(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Folder with crnn-lstm.npy ... ds-5s-blstm.npy; lines whose files are missing "
            "are left open.",
        ),
    ],
    *,
    truth: Truth,
    validation: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--validation",
            metavar="VALIDATION_TRUTH VALIDATION_DIR",
            help="Fill the validation column too, from files of the same names.",
        ),
    ] = None,
    bootstrap: Bootstrap = 0,
    artists: Artists = None,
    group: GroupBy = None,
    seed: Seed = 0,
    allow_seen: AllowSeen = False,
    json: Json = None,
) -> None:
    """Compare a folder of scores with the paper's Table 1, side by side.

    Figures are macro ROC-AUC in percent. Fusions are plain means of the files in the folder.
    """
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.systems import write_json
    from moodtheme.evaluation import ScoredSet
    from moodtheme.evaluation.bootstrap import units_of
    from moodtheme.reproduction.table1 import compare_with_paper
    from moodtheme.scores.matrices import read_truth

    require_output(json, inputs=[truth, *folder.glob("*.np[yz]")])
    with warnings_as_lines(), progress_bar("Resampling") as progress:
        labels = read_truth(truth)
        known = None if validation is None else read_truth(validation[0])
        over = artists_of(labels, table=artists, group=group, resamples=bootstrap)
        systems, seen = _known_systems(folder, labels, allow_seen=allow_seen)
        scored = None
        if validation is not None and known is not None:
            chosen, also_seen = _known_systems(validation[1], known, allow_seen=allow_seen)
            scored, seen = ScoredSet(known.values, chosen), seen | also_seen
        rows = compare_with_paper(
            labels.values,
            systems,
            validation=scored,
            seen=seen,
            artists=over,
            resamples=bootstrap,
            seed=seed,
            progress=progress,
        )
    drawn = f"{bootstrap} bootstrap resamples of {units_of(len(labels.values), over).name}"
    _print_table1(
        rows, with_validation=validation is not None, resampled=drawn if bootstrap else ""
    )
    if json is not None:
        write_json(json, [asdict(row) for row in rows])
    missing = sorted({name for row in rows for name in row.missing})
    if missing:
        say(f"{folder}: not there: {', '.join(missing)}")


@app.command("plots")
def plots(
    scores: ScoreFiles,
    *,
    truth: Truth,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the pictures.")
    ],
    tags: Tags = None,
    bootstrap: Bootstrap = 1000,
    artists: Artists = None,
    group: GroupBy = None,
    seed: Seed = 0,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="NAME",
            help="Also draw this tag's two curves large; may be given several times.",
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[Format] | None, typer.Option("--format", help="png, svg; both unless given.")
    ] = None,
    allow_seen: AllowSeen = False,
) -> None:
    """Draw ROC-AUC and PR-AUC of every tag with intervals, and the curves behind them.

    Writes tags (dots with intervals), roc and pr (a panel a tag), and curves-NAME for each --tag.
    """
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.systems import marked
    from moodtheme.evaluation import evaluate_systems
    from moodtheme.evaluation import plots as draw
    from moodtheme.files import make_folder
    from moodtheme.scores.matrices import load_systems, read_truth
    from moodtheme.scores.vocabulary import bare_name, load_tags, tags_for

    make_folder(output)
    vocabulary = load_tags(tags) if tags else None
    with warnings_as_lines():
        named = read_truth(truth, tags=vocabulary)
        found = marked(load_systems(scores, tags=vocabulary, like=named), allow_seen=allow_seen)
    labels, systems = named.values, {system.name: system.values for system in found}
    names = named.names.tags or tags_for(labels.shape[1])
    wanted = [bare_name(name) for name in tag or []]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise UsageError(f"--tag {unknown[0]}: no such tag; choose from {', '.join(names)}")
    draw.require_matplotlib()
    stems = ["tags", "roc", "pr", *(f"curves-{_file_name(name)}" for name in wanted)]
    files = {stem: [output / f"{stem}.{kind}" for kind in format or list(Format)] for stem in stems}
    for path in itertools.chain(*files.values()):
        require_output(path, inputs=[truth, tags, *scores])
    with warnings_as_lines(), progress_bar("Resampling") as progress:
        rows = evaluate_systems(
            labels,
            systems,
            tags=names,
            artists=artists_of(named, table=artists, group=group, resamples=bootstrap),
            resamples=bootstrap,
            seed=seed,
            progress=progress,
        )
    pictures: dict[str, Callable[[], Figure]] = {
        "tags": partial(draw.tag_dots, rows, len(labels)),
        "roc": partial(draw.curve_grid, labels, systems, names, draw.Curve.ROC),
        "pr": partial(draw.curve_grid, labels, systems, names, draw.Curve.PRECISION_RECALL),
    }
    for name in wanted:
        pictures[f"curves-{_file_name(name)}"] = partial(
            draw.tag_curves, labels, systems, names.index(name), name
        )
    for stem, picture in pictures.items():
        figure = picture()
        for path in files[stem]:
            draw.save(figure, path)
            typer.echo(path)


@app.command("page")
def page(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder of a finished `moodtheme reproduce`.")
    ],
) -> None:
    """Write a run's report.html, table1.md and table1.csv again, from its results.json.

    The page is one file without scripts that needs no connection.
    """
    from moodtheme.reproduction.page import write_report

    typer.echo(write_report(folder))


def _known_systems(
    folder: Path, truth: "TruthMatrix", *, allow_seen: bool
) -> "tuple[dict[str, ScoreMatrix], set[str]]":
    """Scores by the paper's names, and which of the systems were trained on these tracks."""
    from moodtheme.cli.systems import marked
    from moodtheme.recipes import TABLE_1
    from moodtheme.scores.matrices import load_systems

    names = [row.name for row in TABLE_1 if len(row.members) == 1]
    present = [
        file
        for name in names
        for file in [folder / f"{name}.npz", folder / f"{name}.npy"]
        if file.is_file()
    ]
    if not present:
        raise UsageError(
            f"{folder}: none of the nine score files is there; their names are "
            + ", ".join(f"{name}.npz (or .npy)" for name in names)
        )
    systems = load_systems(present, like=truth)
    after = marked(systems, allow_seen=allow_seen)
    seen = {a.name for a, b in zip(systems, after, strict=True) if a.name != b.name}
    return {system.name: system.values for system in systems}, seen


def _print_table1(rows: "list[Table1Row]", *, with_validation: bool, resampled: str) -> None:
    from moodtheme.cli.tables import Cell, print_table, with_interval

    heads = ["system", "paper: validation", "here", "paper: test", "here", "difference"]
    lines: list[list[Cell]] = []
    for row in rows:
        difference = None if row.test is None else f"{100 * row.test - row.paper.test:+.2f}"
        lines.append(
            [
                f"{row.paper.name} (seen)" if row.seen else row.paper.name,
                with_interval(row.paper.validation, None, decimals=1),
                with_interval(row.validation, None, decimals=1, scale=100),
                with_interval(row.paper.test, None, decimals=1),
                with_interval(row.test, row.interval, decimals=1, scale=100),
                difference,
            ]
        )
    if not with_validation:
        heads.pop(2)
        for line in lines:
            line.pop(2)
    print_table(
        heads,
        lines,
        title="Macro ROC-AUC in percent; difference before rounding, in points"
        + (f"; 95 % intervals from {resampled}" if resampled else ""),
    )


def _file_name(tag: str) -> str:
    """Keep a tag's name from reaching out of the folder."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in tag)
