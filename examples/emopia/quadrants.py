"""Print and write the figures of a finished `moodtheme reproduce` on EMOPIA.

The official split, and beside its rows other systems' scores of it:

    python examples/emopia/quadrants.py emopia-run \
        --system egemaps-lstm runs/egemaps-lstm/validation-scores.npz egemaps-lstm.npz ...

A cross-validation, all folds together, and one row fold by fold; with several seeds each seed has
rows of its own:

    python examples/emopia/quadrants.py cv --row "all systems"

Paired differences are what `moodtheme compare` prints.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from figures import QUADRANTS, Fold, Folds, Row, Scores, measure

from moodtheme.datasets import Split
from moodtheme.files import replacing
from moodtheme.reproduction.results import Kind, read_results
from moodtheme.scores.matrices import Truth, load_systems, read_truth
from moodtheme.training.series import is_series, places, read_series


@dataclass(frozen=True)
class Run:
    """A reproduction: its fold, and the scores of its rows on validation and test."""

    name: str
    fold: Fold
    truth: tuple[Truth, Truth]
    scores: dict[str, tuple[Scores, Scores]]


def read_runs(folder: Path) -> dict[str, list[Run]]:
    """The folds of each seed, in order; one fold of one seed where there is no series."""
    if not is_series(folder):
        return {"": [read_run(folder, folder.name)]}
    series = read_series(folder)
    found: dict[str, list[Run]] = {}
    for member, place, _ in places(folder, series):
        seed = f", seed {member.seed}" if len(series.seeds) > 1 else ""
        found.setdefault(seed, []).append(read_run(place, member.folder))
    return found


def read_run(folder: Path, name: str) -> Run:
    """Read one reproduction."""
    results = read_results(folder)
    if results.dataset.tags != QUADRANTS:
        raise SystemExit(f"{folder} has the tags {', '.join(results.dataset.tags)}, not Q1 to Q4")
    files = results.dataset.truth
    validation = read_truth(folder / files[Split.VALIDATION].path)
    test = read_truth(folder / files[Split.TEST].path)
    return Run(
        name=name,
        fold=Fold(validation.values, test.values, test.names.artists),
        truth=(validation, test),
        scores={
            row.name: (
                read_scores(folder / row.validation_scores.path, validation),
                read_scores(folder / row.test_scores.path, test),
            )
            for row in results.rows
            if row.kind is not Kind.POPULARITY
        },
    )


def read_scores(file: Path, truth: Truth) -> Scores:
    """Scores of a part's clips, in the order of its truth."""
    (system,) = load_systems([file], like=truth)
    return np.asarray(system.values, np.float32)


def measure_runs(runs: Sequence[Run], seed: str) -> list[Row]:
    """Figures of all rows that every fold has."""
    names = [name for name in runs[0].scores if all(name in run.scores for run in runs)]
    folds = Folds([run.fold for run in runs])
    return [
        measure(name + seed, folds, *zip(*(run.scores[name] for run in runs), strict=True))
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
        "| calibrated on validation | four quadrants | arousal | valence | Brier |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        by, was, now = row.probabilities, row.brier_scores, row.brier_probabilities
        lines.append(
            f"| {row.name} | {by.quadrant} | {by.arousal} | {by.valence} | {was:.3f} → {now:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the tables, write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of `moodtheme reproduce`")
    parser.add_argument(
        "--system", nargs=3, action="append", default=[], metavar=("NAME", "VALIDATION", "TEST")
    )
    parser.add_argument("--row", metavar="NAME", help="also this row's figures fold by fold")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    by_seed = read_runs(options.folder)
    if options.system and is_series(options.folder):
        raise SystemExit("--system goes with a single division into parts")
    for name, *files in options.system:
        (run,) = by_seed[""]
        validation, test = (
            read_scores(Path(file), truth) for file, truth in zip(files, run.truth, strict=True)
        )
        run.scores[name] = validation, test
    rows = [row for seed, runs in by_seed.items() for row in measure_runs(runs, seed)]
    folds = [run.fold for run in next(iter(by_seed.values()))]
    clips = sum(len(fold.truth) for fold in folds)
    songs = sum(len(set(fold.songs)) for fold in folds)
    print(f"{clips} clips of {songs} songs; percent, with 95 % intervals over songs\n")
    print(as_markdown(rows))
    if options.row:
        of_folds = [
            measure(run.name, Folds([run.fold]), *([part] for part in run.scores[options.row]))
            for runs in by_seed.values()
            for run in runs
        ]
        print(f"\n{options.row}, fold by fold\n\n{as_markdown(of_folds)}")
    if options.json:
        with replacing(options.json) as temporary:
            figures = json.dumps([asdict(row) for row in rows], indent=1)
            temporary.write_text(figures + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
