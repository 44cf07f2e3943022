"""Tables for five-fold cross-validation of EMOPIA, folds made of whole songs.

    python examples/emopia/folds.py emopia/tracks.csv

writes ``emopia/fold-1.csv`` to ``fold-5.csv``. In the table of a fold that fold is the test part,
the next one validation, the other three training. The tables name the same audio files, so decoded
audio and features are shared.
"""

import argparse
from pathlib import Path

import numpy as np

from moodtheme.datasets import Split, group_folds, load_dataset
from moodtheme.datasets.readers import write_table

FOLDS = 5


def main() -> None:
    """Write one table a fold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="tracks.csv")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    table = load_dataset(str(options.table))
    fold_of = group_folds(table, folds=FOLDS, seed=options.seed)
    for fold in range(FOLDS):
        roles = {fold: Split.TEST, (fold + 1) % FOLDS: Split.VALIDATION}
        splits = [roles.get(int(of), Split.TRAIN) for of in fold_of]
        path = options.table.with_name(f"fold-{fold + 1}.csv")
        write_table(table.with_splits(splits), path)
        counts = np.unique([str(split) for split in splits], return_counts=True)
        print(f"{path}: " + ", ".join(f"{n} {name}" for name, n in zip(*counts, strict=True)))


if __name__ == "__main__":
    main()
