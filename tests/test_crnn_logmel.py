"""The CRNN front end against an independent double precision computation."""

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moodtheme.demo import Mood, compose_and_render
from moodtheme.features.spectrogram import CrnnLogMel, add_noise, normalise_bands

RATE = 16_000


def reference(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """kapre's layer in float64: an FFT a frame, librosa's filters."""
    samples = audio.astype(np.float64)
    frames = -(-len(samples) // 256)
    missing = (frames - 1) * 256 + 512 - len(samples)
    padded = np.pad(samples, (missing // 2, missing - missing // 2))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    cut = np.stack([padded[256 * i : 256 * i + 512] for i in range(frames)])
    power = np.abs(np.fft.rfft(cut * window)) ** 2
    filters = librosa.filters.mel(
        sr=RATE, n_fft=512, n_mels=64, fmin=125, fmax=7500, norm="slaney", dtype=np.float64
    )
    level = 10 * np.log10(np.maximum(np.sqrt(power @ filters.T), 1e-10))
    return np.maximum(level - level.max(), -80)


def music(mood: Mood, seed: int) -> npt.NDArray[np.float32]:
    stereo = compose_and_render(mood, seed=seed, duration_s=6.0, sample_rate=RATE)
    return stereo.mean(axis=1).astype(np.float32)


def signals() -> dict[str, npt.NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return {
        "calm music": music(Mood.MEDITATIVE, 3),
        "energetic music": music(Mood.ENERGETIC, 4),
        "noise": rng.normal(0, 0.1, 5 * RATE).astype(np.float32),
        "clipped noise": np.clip(rng.normal(0, 5, 5 * RATE), -1, 1).astype(np.float32),
        "music, then silence": np.concatenate([music(Mood.SAD, 5), np.zeros(RATE, np.float32)]),
    }


@pytest.mark.parametrize("name", signals())
def test_level_equals_double_precision_down_to_the_floor(name: str) -> None:
    audio = signals()[name]
    expected = reference(audio)
    error = np.abs(CrnnLogMel()(torch.from_numpy(audio)[None])[0].numpy() - expected)
    assert error[expected >= -40].max() <= 1e-3
    assert error.max() <= 0.5


def test_a_pure_tone_is_within_1_db_at_the_floor() -> None:
    # The worst case of single precision: 160 dB of power below one bin, within one frame.
    t = np.arange(5 * RATE) / RATE
    audio = (np.sin(2 * np.pi * 440 * t) * 10.0 ** (-t)).astype(np.float32)
    expected = reference(audio)
    error = np.abs(CrnnLogMel()(torch.from_numpy(audio)[None])[0].numpy() - expected)
    assert error[expected >= -40].max() <= 1e-3
    assert error.max() <= 1.0


def test_twenty_seconds_are_1250_frames_of_64_bands() -> None:
    assert CrnnLogMel()(torch.zeros(2, 20 * RATE)).shape == (2, 1250, 64)


def test_silence_is_finite_and_normalises_to_zero() -> None:
    level = CrnnLogMel()(torch.zeros(1, RATE))
    assert torch.equal(level, torch.zeros_like(level))
    assert torch.equal(normalise_bands(level), torch.zeros_like(level))


def test_one_sample_above_silence_is_finite() -> None:
    audio = torch.zeros(1, RATE)
    audio[0, RATE // 2] = 2.0**-15
    assert torch.isfinite(normalise_bands(CrnnLogMel()(audio))).all()


def test_autocast_does_not_reach_the_front_end() -> None:
    audio = torch.from_numpy(music(Mood.HAPPY, 1))[None]
    front_end = CrnnLogMel()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = front_end(audio)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, front_end(audio))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), gain_db=st.floats(-60, 0))
def test_loudness_does_not_matter(seed: int, gain_db: float) -> None:
    audio = torch.from_numpy(
        np.random.default_rng(seed).uniform(-1, 1, (1, 4096)).astype(np.float32)
    )
    front_end = CrnnLogMel()
    torch.testing.assert_close(
        front_end(audio * 10 ** (gain_db / 20)), front_end(audio), atol=1e-3, rtol=0
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(2, 50))
def test_bands_have_zero_mean_and_unit_variance(seed: int, frames: int) -> None:
    level = torch.from_numpy(
        np.random.default_rng(seed).uniform(-80, 0, (2, frames, 5)).astype(np.float32)
    )
    normalised = normalise_bands(level).double()
    assert normalised.mean(dim=1).abs().max() < 1e-4
    assert (normalised.var(dim=1, correction=0) - 1).abs().max() < 1e-3


def test_noise_depends_on_the_clip_alone_and_keeps_within_its_power() -> None:
    level = torch.zeros(3, 1250, 64)
    seeds = torch.tensor([7, 8, 9])
    noise = add_noise(level, seeds, power=0.2)
    alone = add_noise(level[1:2], seeds[1:2], power=0.2)
    assert torch.equal(noise[1:2], alone)
    deviations = noise.std(dim=(1, 2))
    assert (deviations > 0).all() and (deviations < 0.2).all()
    assert len(set(deviations.tolist())) == 3


def test_deviations_of_the_noise_are_uniform() -> None:
    level = torch.zeros(400, 40, 5)
    deviations = add_noise(level, torch.arange(400), power=0.2).std(dim=(1, 2))
    # Quartiles of a uniform distribution over [0, 0.2], within four standard errors.
    quartiles = torch.quantile(deviations, torch.tensor([0.25, 0.5, 0.75]))
    torch.testing.assert_close(quartiles, torch.tensor([0.05, 0.1, 0.15]), atol=0.02, rtol=0)
