"""The mel scale and spectrogram against librosa."""

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.features.mel import hz_to_mel, mel_filters, mel_to_hz
from moodtheme.features.spectrogram import MelSpectrogram


@given(hz=st.floats(0, 20_000))
def test_the_scale_is_librosas_and_inverts(hz: float) -> None:
    assert float(hz_to_mel(hz)) == pytest.approx(float(librosa.hz_to_mel(hz)), abs=1e-9)
    assert float(mel_to_hz(hz_to_mel(hz))) == pytest.approx(hz, abs=1e-6)


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "low", "high"),
    [(12_000, 512, 96, 0, 6_000), (16_000, 512, 64, 125, 7_500), (44_100, 2_048, 128, 0, 22_050)],
)
def test_the_filters_are_librosas(
    rate: int, n_fft: int, n_mels: int, low: float, high: float
) -> None:
    ours = mel_filters(sample_rate=rate, n_fft=n_fft, n_mels=n_mels, f_min=low, f_max=high)
    theirs = librosa.filters.mel(
        sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=low, fmax=high, dtype=np.float64
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("periodic", [True, False])
def test_the_folded_transform_is_an_fft(periodic: bool) -> None:
    rng = np.random.default_rng(0)
    audio = rng.standard_normal((2, 256 * 40)).astype(np.float32)
    window = torch.hann_window(512, periodic=periodic, dtype=torch.float64)
    module = MelSpectrogram(
        sample_rate=16_000, n_fft=512, n_mels=64, f_min=125, f_max=7_500, window=window
    )
    ours = module(torch.from_numpy(audio)).numpy()
    frames = np.lib.stride_tricks.sliding_window_view(audio.astype(np.float64), 512, axis=1)
    power = np.abs(np.fft.rfft(frames[:, ::256] * window.numpy())) ** 2
    filters = mel_filters(sample_rate=16_000, n_fft=512, n_mels=64, f_min=125, f_max=7_500)
    assert ours.shape == (2, 39, 64)
    np.testing.assert_allclose(ours, power @ filters.T, rtol=2e-4)


def test_an_odd_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        MelSpectrogram(
            sample_rate=8_000, n_fft=255, n_mels=8, f_min=0, f_max=4_000, window=torch.ones(255)
        )
