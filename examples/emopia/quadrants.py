"""Print and write the figures of finished `moodtheme reproduce` runs on EMOPIA.

The official split, and beside its rows three runs of openSMILE systems:

    python examples/emopia/quadrants.py --run emopia/tracks.csv emopia-run \
        --system egemaps-lstm runs/egemaps-lstm/validation-scores.npy egemaps-lstm.npy ...

Folds of a cross-validation, together and each by itself:

    python examples/emopia/quadrants.py --run emopia/fold-1.csv cv/fold-1 \
        --run emopia/fold-2.csv cv/fold-2 ... --row "all systems"
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from figures import (
    QUADRANTS,
    Fold,
    Row,
    Scores,
    make_fold,
    measure,
    roc_auc_difference,
)

from moodtheme.datasets import Split, TrackTable, load_dataset
from moodtheme.files import replacing
from moodtheme.reproduction.results import Kind, read_results
from moodtheme.scores.matrices import load_systems


@dataclass(frozen=True)
class Run:
    """A fold, and the scores of its systems and fusions on validation and test."""

    fold: Fold
    clips: int
    songs: int
    scores: dict[str, tuple[Scores, Scores]]


def read_run(table_file: str, folder: Path, *, seed: int) -> Run:
    """Read one reproduction and the table it was made from."""
    table = load_dataset(table_file, check_files=False)
    if table.tags != QUADRANTS:
        raise SystemExit(f"{table_file} has the tags {', '.join(table.tags)}, not Q1 to Q4")
    validation, test = table.part(Split.VALIDATION), table.part(Split.TEST)
    rows = [row for row in read_results(folder).rows if row.kind is not Kind.POPULARITY]
    return Run(
        fold=make_fold(validation.labels, test.labels, test.artists, seed=seed),
        clips=len(test),
        songs=len(set(test.artists)),
        scores={
            row.name: (
                read_scores(folder / row.validation_scores.path, validation),
                read_scores(folder / row.test_scores.path, test),
            )
            for row in rows
        },
    )


def read_scores(file: Path, part: TrackTable) -> Scores:
    """Scores of a part's clips."""
    (system,) = load_systems([file])
    if system.values.shape != part.labels.shape:
        raise SystemExit(f"{file}: shape {system.values.shape}, the part {part.labels.shape}")
    return np.asarray(system.values, np.float32)


def measure_runs(runs: Sequence[Run]) -> list[Row]:
    """Figures of all rows that every run has."""
    names = [name for name in runs[0].scores if all(name in run.scores for run in runs)]
    folds = [run.fold for run in runs]
    return [
        measure(
            name,
            folds,
            [run.scores[name][0] for run in runs],
            [run.scores[name][1] for run in runs],
        )
        for name in names
    ]


def as_markdown(rows: Sequence[Row]) -> str:
    """The two tables of a documentation page."""
    lines = [
        "| system | four quadrants | arousal | valence | macro ROC-AUC |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        by = row.scores
        lines.append(
            f"| {row.name} | {by.quadrant} | {by.arousal} | {by.valence} | {row.roc_auc_macro} |"
        )
    lines += [
        "",
        "| calibrated on validation | four quadrants | arousal | valence | Brier, from | to |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        by, was, now = row.probabilities, row.brier_scores.value, row.brier_probabilities.value
        lines.append(
            f"| {row.name} | {by.quadrant} | {by.arousal} | {by.valence} | {was:.3f} | {now:.3f} |"
        )
    return "\n".join(lines)


def compare(runs: Sequence[Run], name: str, others: Sequence[str]) -> str:
    """Paired differences of macro ROC-AUC between a row and all others, as a table."""
    folds = [run.fold for run in runs]
    lines = [f"| {name} minus | macro ROC-AUC, points |", "|---|---|"]
    for other in others:
        if other != name:
            one, two = ([run.scores[row][1] for run in runs] for row in (name, other))
            lines.append(f"| {other} | {roc_auc_difference(folds, one, two)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables, write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run", nargs=2, action="append", required=True, metavar=("TABLE", "FOLDER")
    )
    parser.add_argument(
        "--system", nargs=3, action="append", default=[], metavar=("NAME", "VALIDATION", "TEST")
    )
    parser.add_argument(
        "--row", metavar="NAME", help="this row's figures in every run, and above every other row"
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    runs = [
        read_run(table, Path(folder), seed=seed) for seed, (table, folder) in enumerate(options.run)
    ]
    if options.system and len(runs) > 1:
        raise SystemExit("--system goes with a single --run")
    for name, *files in options.system:
        table = load_dataset(options.run[0][0], check_files=False)
        parts = [table.part(split) for split in (Split.VALIDATION, Split.TEST)]
        validation, test = (
            read_scores(Path(file), part) for file, part in zip(files, parts, strict=True)
        )
        runs[0].scores[name] = (validation, test)
    rows = measure_runs(runs)
    clips, songs = sum(run.clips for run in runs), sum(run.songs for run in runs)
    print(f"{clips} clips of {songs} songs; percent, with 95 % intervals over songs\n")
    print(as_markdown(rows))
    if options.row:
        of_runs = [
            measure(Path(folder).name, [run.fold], *([s] for s in run.scores[options.row]))
            for (_, folder), run in zip(options.run, runs, strict=True)
        ]
        print(f"\n{options.row}, by run\n\n{as_markdown(of_runs)}")
        print(f"\n{compare(runs, options.row, [row.name for row in rows])}")
    if options.json:
        with replacing(options.json) as temporary:
            figures = json.dumps([asdict(row) for row in rows], indent=1)
            temporary.write_text(figures + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
