"""Random 20 s excerpts a second, from decoded audio and from MP3 each time, on one core.

``python benchmarks/audio_cache.py [FOLDER]`` takes the first files of a folder, or without one
writes MP3 of a synthetic signal. Processor time is measured, so that other programs disturb
little; figures within one run compare, across machines they do not.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from moodtheme.audio import find_audio_files, probe, read_audio
from moodtheme.training.audio_cache import AudioCache, build_cache, plan_cache

SAMPLE_RATE = 16_000
EXCERPT_S = 20.0
SAMPLES = round(EXCERPT_S * SAMPLE_RATE)
TRACKS = 4
SYNTHETIC_S = 180.0


def write_synthetic(folder: Path) -> list[Path]:
    """Chords in noise as stereo MP3 of three minutes."""
    files = []
    for number in range(TRACKS):
        rng = np.random.default_rng(number)
        t = np.arange(round(SYNTHETIC_S * 44_100)) / 44_100
        chord = sum(np.sin(2 * np.pi * pitch * t) for pitch in rng.uniform(100, 2_000, 4))
        audio = 0.1 * np.stack([chord, chord], axis=1) + 0.05 * rng.normal(size=(len(t), 2))
        files.append(folder / f"{number}.mp3")
        soundfile.write(files[-1], audio, 44_100, format="MP3")
    return files


def excerpts_per_s(read: Callable[[Path, float], int], files: list[Path], count: int) -> float:
    """Excerpts a second of processor time; `read` takes a file and a place from 0 to 1."""
    rng = np.random.default_rng(0)
    places = [(files[int(rng.integers(len(files)))], float(rng.random())) for _ in range(count)]
    start = time.process_time()
    lengths = [read(file, place) for file, place in places]
    took = time.process_time() - start
    assert all(abs(length - SAMPLES) <= 1 for length in lengths)
    return count / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--excerpts", type=int, default=20, help="decoded each way")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.folder is None:
            files = write_synthetic(Path(scratch))
        else:
            found, _ = find_audio_files([options.folder])
            files = [file for file in found if (probe(file).duration_s or 0) > EXCERPT_S][:TRACKS]
        durations = {file: probe(file).duration_s or 0.0 for file in files}
        place = Path(scratch) / "cache"
        plan = plan_cache(place, files, sample_rate=SAMPLE_RATE)
        began = time.process_time()
        build_cache(place, files, sample_rate=SAMPLE_RATE)
        took = time.process_time() - began
        held = sum(shard.stat().st_size for shard in place.rglob("*.i16"))
        print(
            f"{len(files)} tracks, {sum(durations.values()) / 60:.1f} min: built in {took:.1f} s "
            f"({sum(durations.values()) / took:.0f} x real time), {held / 1e6:.1f} MB, "
            f"{plan.needed / 1e6:.1f} MB foreseen"
        )
        cache = AudioCache(place, sample_rate=SAMPLE_RATE)

        def from_cache(file: Path, at: float) -> int:
            return len(cache.read(file, int(at * (cache.length(file) - SAMPLES)), SAMPLES))

        def seek_and_decode(file: Path, at: float) -> int:
            start_s = at * (durations[file] - EXCERPT_S - 0.1)
            part = read_audio(file, sample_rate=SAMPLE_RATE, start_s=start_s, duration_s=EXCERPT_S)
            return len(part.samples)

        def decode_all(file: Path, at: float) -> int:
            samples = read_audio(file, sample_rate=SAMPLE_RATE).samples
            start = int(at * (len(samples) - SAMPLES))
            return len(samples[start : start + SAMPLES])

        ways = {
            "decoding the whole track": (decode_all, max(2, options.excerpts // 4)),
            "seeking and decoding the excerpt": (seek_and_decode, options.excerpts),
            "reading it from the cache": (from_cache, 100 * options.excerpts),
        }
        base = 0.0
        for name, (read, count) in ways.items():
            rate = excerpts_per_s(read, files, count)
            base = base or rate
            print(f"{name:34s}{rate:10.1f} excerpts a second{rate / base:10.1f} x")


if __name__ == "__main__":
    main()
