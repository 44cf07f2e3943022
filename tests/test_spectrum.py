"""What a window's spectrum says by itself."""

import numpy as np
import pytest

from moodtheme.tagging.spectrum import NOISE_FLUCTUATION_DB, band_edge, spectrum_of

RATE = 16_000


def noise(seconds: float = 29.0, *, below: float = 8000.0) -> np.ndarray:
    samples = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(samples))
    spectrum[np.fft.rfftfreq(samples, 1 / RATE) > below] = 0
    return (0.1 * np.fft.irfft(spectrum, samples)).astype(np.float32)


def test_noise_moves_as_theory_says_and_a_tone_hardly() -> None:
    assert spectrum_of(noise(), RATE).fluctuation == pytest.approx(NOISE_FLUCTUATION_DB, abs=0.15)
    tone = np.sin(2 * np.pi * 440 * np.arange(29 * RATE) / RATE).astype(np.float32)
    assert spectrum_of(tone, RATE).fluctuation < 1
    changing = np.concatenate([noise(14.5, below=1000), noise(14.5)])
    assert spectrum_of(changing, RATE).fluctuation > 1.5 * NOISE_FLUCTUATION_DB


def test_loudness_changes_nothing_but_the_peak() -> None:
    loud = spectrum_of(noise(), RATE)
    faint = spectrum_of(noise() * np.float32(1e-3), RATE)
    assert faint.fluctuation == pytest.approx(loud.fluctuation, abs=0.01)
    assert faint.peak == pytest.approx(1e-3 * loud.peak, rel=1e-4)


@pytest.mark.parametrize("edge", [3000.0, 4000.0, 5512.0])
def test_a_sharp_edge_is_found(edge: float) -> None:
    found, fall = band_edge([spectrum_of(noise(below=edge), RATE)])
    assert found == pytest.approx(edge, abs=300)
    assert fall > 40


def test_a_gentle_slope_is_no_edge() -> None:
    samples = 29 * RATE
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(samples))
    hertz = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 20)
    dark = np.fft.irfft(spectrum / hertz**2, samples).astype(np.float32)
    assert band_edge([spectrum_of(dark / np.abs(dark).max(), RATE)])[1] < 12


@pytest.mark.parametrize("samples", [1, 100, 1024, 16_000])
def test_short_sounds_have_a_spectrum(samples: int) -> None:
    found = spectrum_of(noise()[:samples], RATE)
    assert np.isfinite(found.levels).all() and np.isfinite(found.fluctuation)
    assert np.isfinite(band_edge([found])[1])
