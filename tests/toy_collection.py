"""A collection of short tones with two tags, audible to any network."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 11_025


def write_collection(folder: Path, *, training: int = 8, others: int = 4) -> Path:
    """Tracks of 1.5 to 2.5 s: low or high tones, with or without noise; returns their table."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["path\ttags\tsplit\tartist"]
    counts = {"train": training, "validation": others, "test": others}
    for split, count in counts.items():
        for number in range(count):
            rng = np.random.default_rng([number, count, len(split)])
            t = np.arange(round(rng.uniform(1.5, 2.5) * RATE)) / RATE
            high, noisy = number % 2 == 0, number % 4 < 2
            audio = 0.3 * np.sin(2 * np.pi * (1500 if high else 200) * rng.uniform(0.8, 1.2) * t)
            audio += (0.1 if noisy else 0.001) * rng.normal(size=len(t))
            name = f"{split}-{number}.flac"
            soundfile.write(folder / name, audio, RATE)
            tags = ";".join(["high"] * high + ["noisy"] * noisy)
            lines.append(f"{name}\t{tags}\t{split}\t{split} artist {number}")
    table = folder / "tracks.tsv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table
