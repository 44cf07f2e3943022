"""A track at a glance: its columns show all of it, however it is cut and however long it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as h_settings
from hypothesis import strategies as st

from moodtheme.features.overview import N_FFT, overview

RATE = 16_000


@given(frames=st.integers(1, 60), columns=st.integers(1, 20), cuts=st.lists(st.integers(0, 10**6)))
@h_settings(deadline=None, max_examples=30)
def test_columns_show_all_whatever_the_blocks(frames: int, columns: int, cuts: list[int]) -> None:
    audio = np.random.default_rng(frames).uniform(-1, 1, frames * N_FFT).astype(np.float32)
    blocks = np.split(audio, sorted(cut % (len(audio) + 1) for cut in cuts))
    found = overview(blocks, sample_rate=RATE, n_mels=8, columns=columns)
    whole = overview([audio], sample_rate=RATE, n_mels=8, columns=columns)
    np.testing.assert_allclose(found.mel_db, whole.mel_db, atol=1e-4)
    shown = len(found.lowest)
    assert min(columns, frames) / 2 <= shown <= columns
    assert found.lowest.min() == audio.min() and found.highest.max() == audio.max()
    per_column = round(found.column_s * RATE / N_FFT)
    assert shown == -(-frames // per_column)
    # Every frame weighs the same, in the last column too.
    one = overview([audio], sample_rate=RATE, n_mels=8, columns=1)
    weights = np.full(shown, per_column)
    weights[-1] = frames - per_column * (shown - 1)
    power = (10 ** (found.mel_db / 10) * weights).sum(axis=1) / frames
    np.testing.assert_allclose(10 * np.log10(power), one.mel_db[:, 0], atol=0.01)


def test_a_tone_is_where_it_is_and_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moodtheme.features.overview._MOST_COLUMNS", 64)
    time = np.arange(20 * RATE) / RATE
    tone = np.where(time < 10, np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 3000 * time))
    found = overview(np.split(tone.astype(np.float32), 20), sample_rate=RATE, n_mels=24, columns=40)
    bands = found.mel_db.argmax(axis=0)
    seam = round(10 / found.column_s)
    assert set(bands[: seam - 1]) == {bands[0]} and set(bands[seam + 1 :]) == {bands[-1]}
    assert bands[0] < bands[-1]
    assert found.duration_s == pytest.approx(20)


def test_more_columns_than_are_kept_are_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        overview([], sample_rate=RATE, columns=10_000)
