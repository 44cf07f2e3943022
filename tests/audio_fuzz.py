"""Damages audio files at random and reads them: only a result or an AudioError may come out.

Run by test_audio_damage.py in a process of its own, so that a crash of a C library shows as an
exit code, or by hand for longer: ``python tests/audio_fuzz.py --cases 5000 --seed 7``.
"""

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from audio_files import EVERY_FORMAT, chirp, write
from moodtheme.audio import ExcerptPolicy, read_audio, read_excerpt
from moodtheme.errors import AudioError

RATE = 48_000
# Where a case wrote its input last, for finding what crashed.
CASE = "case"
KINDS = ("cut", "flip", "header", "zero", "noise", "drop", "repeat")


def damage(whole: bytes, draw: random.Random, kind: str) -> bytes:
    """Cut, flip bits, overwrite, drop or repeat stretches, or damage the header only."""
    data = bytearray(whole)
    if kind == "cut":
        return bytes(data[: draw.randrange(1, len(data))])
    if kind in ("flip", "header"):
        reach = min(len(data), 200) if kind == "header" else len(data)
        for _ in range(draw.choice((1, 3, 10, 100))):
            data[draw.randrange(reach)] ^= 1 << draw.randrange(8)
        return bytes(data)
    start = draw.randrange(len(data))
    stop = min(len(data), start + draw.randrange(1, 5000))
    if kind == "zero":
        data[start:stop] = bytes(stop - start)
    elif kind == "noise":
        data[start:stop] = draw.randbytes(stop - start)
    elif kind == "drop":
        del data[start:stop]
    else:
        data[start:start] = data[start:stop]
    return bytes(data)


def check(path: Path) -> str:
    """Read a file both ways; return what came out."""
    try:
        audio = read_audio(path, sample_rate=16_000)
        read_excerpt(path, sample_rate=12_000, length_s=0.5, policy=ExcerptPolicy.CENTRE)
    except AudioError as error:
        assert str(path) in str(error), error
        return type(error).__name__
    assert audio.samples.dtype == np.float32
    assert audio.samples.ndim == 1
    assert len(audio.samples)
    assert np.isfinite(audio.samples).all()
    return "warned" if audio.warnings else "read"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="write each case here, to keep one that crashes")
    arguments = parser.parse_args()
    outcomes: dict[str, Counter[str]] = {suffix: Counter() for suffix in EVERY_FORMAT}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        samples = chirp(1.5, RATE)
        originals = {
            suffix: write(folder / f"whole{suffix}", samples, RATE).read_bytes()
            for suffix in EVERY_FORMAT
        }
        for case in range(arguments.cases):
            suffix = EVERY_FORMAT[case % len(EVERY_FORMAT)]
            draw = random.Random(f"{arguments.seed}/{case}")
            path = folder / f"{CASE}{suffix}"
            path.write_bytes(damage(originals[suffix], draw, draw.choice(KINDS)))
            outcomes[suffix][check(path)] += 1
    for suffix, counts in outcomes.items():
        print(suffix, *(f"{what} {count}" for what, count in sorted(counts.items())), sep="\t")


if __name__ == "__main__":
    main()
