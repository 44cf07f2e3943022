"""Memory stays the same however long a file is."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_files import chirp, write_pyav

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: /proc")

# Streams a file to 16 kHz and prints the samples delivered and the peak resident memory in MB.
# Not ru_maxrss: a new process starts with the peak of the one that made it.
STREAM = """
import re, sys
from pathlib import Path
from moodtheme.audio import open_audio
with open_audio(sys.argv[1], sample_rate=16_000) as stream:
    count = sum(len(block) for block in stream)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(count, int(peak[1]) / 1024)
"""


def long_file(path: Path, minutes: int) -> Path:
    """Stereo at 44.1 kHz, one block at a time, the same ten seconds again and again."""
    rate = 44_100
    piece = chirp(10.0, rate)
    if path.suffix == ".mov":
        return write_pyav(path, np.tile(piece, (6 * minutes, 1)), rate, "pcm_s16le", "s16")
    with soundfile.SoundFile(path, "w", rate, 2) as file:
        for _ in range(6 * minutes):
            for start in range(0, len(piece), 8_192):
                file.write(piece[start : start + 8_192])
    return path


def stream(path: Path) -> tuple[int, float]:
    done = subprocess.run(
        [sys.executable, "-c", STREAM, path], capture_output=True, encoding="utf-8", check=True
    )
    count, peak = done.stdout.split()
    return int(count), float(peak)


@pytest.mark.parametrize("suffix", [".flac", ".mov"])
def test_memory_does_not_grow_with_length(tmp_path: Path, suffix: str) -> None:
    count, short = stream(long_file(tmp_path / f"short{suffix}", 1))
    assert count == pytest.approx(60 * 16_000, abs=500)
    count, long = stream(long_file(tmp_path / f"long{suffix}", 6))
    assert count == pytest.approx(6 * 60 * 16_000, abs=500)
    # Five more minutes of mono 16 kHz floats alone are 19 MB, as they are decoded 106 MB;
    # allocators keep some blocks more or less of their own accord.
    assert long < short + 12


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".ogg", ".mp3"])
def test_three_hours_stay_under_400_mb(tmp_path: Path, suffix: str) -> None:
    count, peak = stream(long_file(tmp_path / f"long{suffix}", 180))
    assert count == pytest.approx(180 * 60 * 16_000, abs=5_000)
    assert peak < 400
