"""Windows of transposed pieces, as `benchmarks/transposed.py` compares them."""

import numpy as np
import pytest

from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES
from transposed import LEAST_SAMPLES, RATE, WAYS, window


def test_transposed_windows_are_of_the_same_middle_and_that_much_higher() -> None:
    time = np.arange(LEAST_SAMPLES) / RATE
    audio = np.sin(2 * np.pi * 440 * time)
    middle = LEAST_SAMPLES // 2
    audio[middle - 800 : middle + 800] = 0.0
    for way, (hertz, silent_s) in {
        "as it is": (440.0, 0.0),
        "a semitone up": (466.2, 0.0),
        "a semitone down": (415.3, 0.0),
        "1.5 s later": (440.0, -1.5),
    }.items():
        heard = window(audio.astype(np.float32), *WAYS[way])
        assert heard.shape == (EXCERPT_SAMPLES,)
        loudest = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))).argmax()
        assert loudest * RATE / len(heard) == pytest.approx(hertz, abs=0.5), way
        quiet = np.convolve(np.abs(heard), np.ones(1200), mode="valid").argmin() + 600
        assert (quiet - EXCERPT_SAMPLES / 2) / RATE == pytest.approx(silent_s, abs=0.05), way
