"""Four-quadrant accuracy, arousal and valence accuracy and macro ROC-AUC, with intervals.

    python examples/emopia/quadrants.py emopia/tracks.csv --part test NAME=SCORES.npy ...

A clip's quadrant is the one with the highest score. Arousal and valence are read off that quadrant
(Q1 and Q2 are aroused, Q1 and Q4 pleasant), as in the published baselines. Intervals are 95 %
percentile intervals over 2,000 resamples of songs, not of clips: clips of a song resemble each
other. NAME=A.npy,B.npy averages the scores of several files.
"""

import argparse
import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moodtheme.datasets import Split, TrackTable, load_dataset
from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation.metrics import macro, roc_auc
from moodtheme.scores import load_systems, replacing

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")
AROUSED = np.array([True, True, False, False])
PLEASANT = np.array([True, False, False, True])
RESAMPLES = 2000

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure and its interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As in a table."""
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@dataclass(frozen=True)
class Row:
    """A system's figures."""

    name: str
    quadrant: Figure
    arousal: Figure
    valence: Figure
    roc_auc_macro: Figure


def resample_songs(songs: npt.NDArray[np.intp], resamples: int) -> list[npt.NDArray[np.intp]]:
    """Rows of each resample: as many songs as there are, drawn with replacement."""
    rng = np.random.default_rng(0)
    rows_of = [np.flatnonzero(songs == song) for song in np.unique(songs)]
    return [
        np.concatenate([rows_of[song] for song in rng.integers(len(rows_of), size=len(rows_of))])
        for _ in range(resamples)
    ]


def measure(
    name: str, truth: npt.NDArray[np.bool_], scores: Array, resamples: list[npt.NDArray[np.intp]]
) -> Row:
    """All figures of one system."""
    true, said = truth.argmax(axis=1), scores.argmax(axis=1)
    hits = {
        "quadrant": true == said,
        "arousal": AROUSED[true] == AROUSED[said],
        "valence": PLEASANT[true] == PLEASANT[said],
    }
    figures = {}
    for figure, hit in hits.items():
        draws = [hit[rows].mean() for rows in resamples]
        figures[figure] = Figure(float(hit.mean()), *np.percentile(draws, [2.5, 97.5]).tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvaluationWarning)
        draws = [float(macro(roc_auc(truth[rows], scores[rows]))) for rows in resamples]
        area = float(macro(roc_auc(truth, scores)))
    figures["roc_auc_macro"] = Figure(area, *np.nanpercentile(draws, [2.5, 97.5]).tolist())
    return Row(name, **figures)


def read_part(dataset: str, part: str) -> TrackTable:
    """The clips of a split (``all``: every clip), with the quadrants in order."""
    table = load_dataset(dataset, check_files=False)
    if part != "all":
        table = table.part(Split(part))
    if table.tags != QUADRANTS:
        raise SystemExit(f"{dataset} has the tags {', '.join(table.tags)}, not Q1 to Q4")
    return table


def as_markdown(rows: list[Row], tracks: int, songs: int) -> str:
    """The table of a documentation page."""
    lines = [
        f"{tracks} clips of {songs} songs; percent, with 95 % intervals over songs",
        "",
        "| system | four quadrants | arousal | valence | macro ROC-AUC |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.quadrant} | {row.arousal} | {row.valence} | {row.roc_auc_macro} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", help="tracks.csv")
    parser.add_argument("scores", nargs="+", metavar="NAME=FILE[,FILE...]")
    parser.add_argument("--part", default="test", help="train, validation, test or all")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    table = read_part(options.table, options.part)
    songs = np.unique(table.artists, return_inverse=True)[1]
    resamples = resample_songs(songs, RESAMPLES)
    rows = []
    for given in options.scores:
        name, _, files = given.partition("=")
        scores = np.mean([system.values for system in load_systems(files.split(","))], axis=0)
        if scores.shape != table.labels.shape:
            raise SystemExit(f"{files}: shape {scores.shape}, the table has {table.labels.shape}")
        rows.append(measure(name, table.labels, scores.astype(np.float64), resamples))
    print(as_markdown(rows, len(table), len(np.unique(songs))))
    if options.json:
        with replacing(options.json) as temporary:
            temporary.write_text(
                json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8"
            )


if __name__ == "__main__":
    main()
