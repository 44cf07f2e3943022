"""Seconds of noise as music, and the program in a process of its own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def write_music(path: Path, seed: int = 0) -> Path:
    """Three seconds of noise, another for each seed, as the name ends."""
    rng = np.random.default_rng(seed)
    audio = (0.2 * rng.standard_normal(3 * RATE)).clip(-1, 1)
    soundfile.write(path, audio, RATE, format=path.suffix[1:].upper())
    return path


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    """The program in a process of its own."""
    command = [sys.executable, "-m", "moodtheme", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=600, **options)  # type: ignore[call-overload]
