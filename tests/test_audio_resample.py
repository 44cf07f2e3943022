"""Downmixing and resampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodtheme.audio import ResampleQuality, Resampler, resample, to_mono


@st.composite
def frames(draw: st.DrawFn) -> np.ndarray:
    """Samples of shape (n, channels)."""
    shape = (draw(st.integers(1, 300)), draw(st.integers(1, 12)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1e-4, 1.0, 8.0]))
    return generator.uniform(-scale, scale, shape).astype(np.float32)


rates = st.sampled_from([8_000, 11_025, 12_000, 16_000, 22_050, 44_100, 48_000, 96_000])


@settings(max_examples=30, deadline=None)
@given(frames())
def test_mono_is_the_mean_of_all_channels(audio: np.ndarray) -> None:
    mono = to_mono(audio)
    assert mono.dtype == np.float32
    np.testing.assert_allclose(mono, audio.astype(np.float64).mean(axis=1), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(frames(), st.integers(0, 2**32 - 1))
def test_the_order_of_channels_does_not_matter(audio: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(audio.shape[1])
    np.testing.assert_allclose(to_mono(audio[:, order]), to_mono(audio), atol=1e-5)


def test_mono_passes_through_and_the_input_is_never_changed() -> None:
    mono = np.array([0.5, -0.25], dtype=np.float32)
    assert to_mono(mono) is mono
    stereo = np.array([[1.0, 0.0], [0.5, 0.5]], dtype=np.float32)
    before = stereo.copy()
    assert to_mono(stereo).tolist() == [0.5, 0.5]
    assert np.array_equal(stereo, before)
    assert not np.shares_memory(to_mono(stereo[:, :1]), stereo)


@pytest.mark.parametrize(
    ("audio", "said"),
    [
        (np.zeros((2, 0)), "shape"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros(4, dtype=np.int16), "scale"),
        (np.zeros(4, dtype=complex), "scale"),
    ],
)
def test_mono_refuses_what_it_cannot_interpret(audio: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        to_mono(audio)


@settings(max_examples=30, deadline=None)
@given(
    rates,
    rates,
    st.sampled_from(ResampleQuality),
    st.lists(st.integers(0, 5_000), min_size=1, max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_a_stream_gives_what_one_shot_gives_however_it_is_cut(
    from_rate: int, to_rate: int, quality: ResampleQuality, cuts: list[int], seed: int
) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, sum(cuts)).astype(np.float32)
    resampler = Resampler(from_rate, to_rate, quality=quality)
    blocks = [resampler.push(block) for block in np.split(samples, np.cumsum(cuts)[:-1])]
    streamed = np.concatenate([*blocks, resampler.finish()])
    whole = resample(samples, from_rate, to_rate, quality=quality)
    assert streamed.dtype == whole.dtype == np.float32
    assert len(streamed) == len(whole)
    assert abs(len(whole) - len(samples) * to_rate / from_rate) <= 1
    np.testing.assert_allclose(streamed, whole, atol=2e-6)


@settings(max_examples=20, deadline=None)
@given(rates, rates, st.floats(0.1, 4))
def test_resampling_is_linear(from_rate: int, to_rate: int, gain: float) -> None:
    samples = np.random.default_rng(0).uniform(-0.2, 0.2, 3_000).astype(np.float32)
    louder = resample((samples * np.float32(gain)), from_rate, to_rate)
    np.testing.assert_allclose(louder, gain * resample(samples, from_rate, to_rate), atol=3e-6)


@pytest.mark.parametrize("to_rate", [12_000, 16_000])
def test_the_default_keeps_the_band_in_place_and_suppresses_aliases(to_rate: int) -> None:
    rate = 44_100
    time = np.arange(rate) / rate
    inside = slice(to_rate // 5, -to_rate // 5)
    for frequency in (100, 1_000, 0.45 * to_rate):
        tone = np.sin(2 * np.pi * frequency * time).astype(np.float32)
        ideal = np.sin(2 * np.pi * frequency * np.arange(to_rate) / to_rate)
        # -54 dB: also says that soxr's delay is compensated, half a sample would fail.
        np.testing.assert_allclose(resample(tone, rate, to_rate)[inside], ideal[inside], atol=2e-3)
    above = np.sin(2 * np.pi * 0.52 * to_rate * time).astype(np.float32)
    # Float32 itself ends at about -150 dB.
    assert 20 * np.log10(np.abs(resample(above, rate, to_rate)[inside]).max()) < -110


@pytest.mark.parametrize("rate", [0, -1])
def test_impossible_rates_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="cannot resample"):
        resample(np.zeros(3), 8_000, rate)


def test_resampling_refuses_channels_and_takes_nothing() -> None:
    with pytest.raises(ValueError, match="to_mono"):
        resample(np.zeros((3, 2)), 8_000, 16_000)
    assert resample(np.zeros(0), 8_000, 16_000).shape == (0,)
