"""How fast tagging is, beside decoding alone, on any folder of music.

    python benchmarks/tagging.py FOLDER [--model NAME|DIR] [--files N] [--rounds N]

Each figure is seconds of music per second on one core (× real time), the best of some rounds that
take the ways in turn, so that a machine whose speed drifts treats them alike. Compare ratios
within one run; absolute speeds of two runs say little.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from moodtheme.audio import find_audio_files, open_audio, probe
from moodtheme.errors import AudioError
from moodtheme.tagging.batch import tag_files
from moodtheme.tagging.tagger import Tagger


def decode(files: list[Path], sample_rate: int | None) -> None:
    for file in files:
        with open_audio(file, sample_rate=sample_rate) as stream:
            for _ in stream:
                pass


def usable(files: list[Path], wanted: int, minimum_s: float) -> tuple[list[Path], float]:
    """Up to `wanted` whole pieces spread over the list, and their seconds of music."""
    pieces = []
    for file in files:
        try:
            duration_s = probe(file).duration_s
        except AudioError:
            continue
        if duration_s is not None and duration_s >= minimum_s:
            pieces.append((file, duration_s))
    step = max(1, len(pieces) // wanted)
    chosen = pieces[::step][:wanted]
    return [file for file, _ in chosen], sum(duration_s for _, duration_s in chosen)


def best_times(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return {name: min(measured) for name, measured in times.items()}


def shell_seconds(model: str) -> float:
    """One three-minute file from the shell, interpreter start included."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "three-minutes.ogg"
        with soundfile.SoundFile(path, "w", 44_100, 2, format="OGG", subtype="VORBIS") as out:
            for _ in range(180):
                out.write(0.1 * rng.standard_normal((44_100, 2)))
        command = [sys.executable, "-m", "moodtheme", "tag", str(path), "--model", model]
        times = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--minimum-s", type=float, default=60.0, help="leave out shorter files")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    found, _ = find_audio_files([arguments.folder])
    files, seconds = usable(found, arguments.files, arguments.minimum_s)
    tagger = Tagger.load(arguments.model)
    batched = Tagger.load(arguments.model, batch_size=8)
    rate = max(member.sample_rate for member in tagger.bundle.members)
    print(f"{len(files)} files, {seconds / 60:.1f} min of music, model {tagger.bundle.name}")

    ways: dict[str, Callable[[], object]] = {
        "decode only": lambda: decode(files, None),
        f"decode and resample to {rate} Hz": lambda: decode(files, rate),
        "full tagging, one job": lambda: list(tag_files(tagger, files, jobs=1)),
        "full tagging, one job, batches of 8 windows": lambda: list(
            tag_files(batched, files, jobs=1)
        ),
        # All files twice: what the last file leaves idle weighs little in a long list.
        "full tagging, two jobs": lambda: list(tag_files(tagger, files * 2, jobs=2)),
    }
    times = best_times(ways, arguments.rounds)
    times["full tagging, two jobs"] /= 2
    for name, spent in times.items():
        print(f"  {name:<45} {seconds / spent:7.0f} × real time")
    one = times["full tagging, one job"]
    print(f"full tagging at {times['decode only'] / one:.2f} of decode-only speed")
    print(f"two jobs {one / times['full tagging, two jobs']:.2f} × one job")
    batches = times["full tagging, one job, batches of 8 windows"]
    print(f"batches of 8 windows {one / batches:.2f} × single windows")
    print(f"one three-minute file from the shell: {shell_seconds(arguments.model):.2f} s")


if __name__ == "__main__":
    main()
