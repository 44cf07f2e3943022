"""Tables with a quarter and a half of EMOPIA's training songs, for a learning curve.

    python examples/emopia/shares.py emopia/tracks.csv

writes ``emopia/quarter.csv`` and ``emopia/half.csv``. Validation and test stay as they are; the
quarter's songs are among the half's.
"""

import argparse
from pathlib import Path

import numpy as np

from moodtheme.datasets import Split, load_dataset
from moodtheme.datasets.readers import write_table

SHARES = {"quarter": 0.25, "half": 0.5}


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="tracks.csv")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    table = load_dataset(str(options.table))
    songs = np.random.default_rng(options.seed).permutation(
        sorted(set(table.part(Split.TRAIN).artists))
    )
    for name, share in SHARES.items():
        kept = set(songs[: round(share * len(songs))])
        rows = [
            row
            for row, (split, song) in enumerate(zip(table.splits, table.artists, strict=True))
            if split is not Split.TRAIN or song in kept
        ]
        path = options.table.with_name(f"{name}.csv")
        part = table.select(rows)
        write_table(part, path)
        print(f"{path}: {len(part.part(Split.TRAIN))} training clips of {len(kept)} songs")


if __name__ == "__main__":
    main()
