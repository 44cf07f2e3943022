r"""Measure the musical descriptors on a folder of music and write their quantiles.

    python scripts/measure_descriptors.py FOLDER --music "…" \
        --output src/moodtheme/explaining/descriptors.json

Takes up to ``--files`` pieces of at least 30 s, drawn at random. Goes on where it was stopped:
values are kept beside the output until the quantiles are written. Only quantiles are kept in the
end, none of a piece's values and nothing of its sound.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np

from moodtheme.audio import find_audio_files, probe
from moodtheme.errors import AudioError
from moodtheme.explaining.descriptors import measure
from moodtheme.tagging.own_music import LEVELS

LEAST_S = 30.0
"""What is shorter in folders of music is mostly sound effects and jingles."""


def is_long(file: Path) -> bool:
    try:
        return (probe(file).duration_s or 0.0) >= LEAST_S
    except AudioError:
        return False


def main() -> None:
    """Measure, then write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--music", required=True, help="which music it is, in a few words")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--files", type=int, default=200)
    options = parser.parse_args()
    files = find_audio_files([options.folder])[0]
    random.Random(0).shuffle(files)
    kept = options.output.with_suffix(".measured.jsonl")
    rows = {}
    if kept.exists():
        rows = dict(map(json.loads, kept.read_text("utf-8").splitlines()))
    with kept.open("a", encoding="utf-8") as out:
        for file in filter(is_long, files):
            if len(rows) >= options.files:
                break
            if str(file) in rows:
                continue
            try:
                rows[str(file)] = measure(file)
            except AudioError as error:
                print(error)
                continue
            out.write(json.dumps([str(file), rows[str(file)]]) + "\n")
            out.flush()
    names = list(next(iter(rows.values())))
    values = np.array([[row[name] for name in names] for row in rows.values()])
    quantiles = np.quantile(values, LEVELS, axis=0).T
    found = {
        "music": options.music,
        "tracks": len(rows),
        "levels": LEVELS,
        "quantiles": {
            name: [float(f"{value:.6g}") for value in row]
            for name, row in zip(names, quantiles, strict=True)
        },
    }
    options.output.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    kept.unlink()
    print(f"{len(rows)} pieces; median " + ", ".join(
        f"{name} {row[len(LEVELS) // 2]:.3g}" for name, row in zip(names, quantiles, strict=True)
    ))  # fmt: skip


if __name__ == "__main__":
    main()
