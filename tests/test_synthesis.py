"""The generator's music, measured: what was written can be heard in the samples."""

import numpy as np
import pytest

from moodtheme.errors import UsageError
from moodtheme.synthesis import Mood, compose_and_render, demo_pieces, write_demo_pieces


@pytest.mark.parametrize("mood", Mood)
def test_every_mood_renders_clean_audio(mood):
    audio = compose_and_render(mood, seed=3, duration_s=10.0, sample_rate=22050)
    assert audio.shape == (220500, 2)
    assert audio.dtype == np.float32
    assert np.isfinite(audio).all()
    assert 0.05 < np.abs(audio).max() <= 1.0
    assert np.abs(audio.mean(axis=0)).max() < 1e-3
    second = np.sqrt(np.mean(audio.reshape(10, 22050, 2) ** 2, axis=(1, 2)))
    assert second.min() > 0.02 * second.max()  # no second of silence


def test_same_seed_same_samples_other_seed_other_samples():
    first, again, other = (
        compose_and_render(Mood.HAPPY, seed=seed, duration_s=4.0, sample_rate=16000)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("bad", [{"seed": -1}, {"duration_s": 0.5}, {"sample_rate": 4000}])
def test_impossible_requests_are_refused(bad):
    wanted = {"seed": 0, "duration_s": 4.0, "sample_rate": 16000} | bad
    with pytest.raises(UsageError):
        compose_and_render(Mood.SAD, **wanted)


def test_demo_pieces_are_written_once(tmp_path):
    paths = write_demo_pieces(tmp_path / "demo")
    assert [path.name for path in paths] == [piece.file_name for piece in demo_pieces()]
    assert sorted((tmp_path / "demo").iterdir()) == sorted(paths)
    written = [path.stat().st_mtime_ns for path in paths]
    paths[0].write_bytes(b"damaged")
    write_demo_pieces(tmp_path / "demo")
    now = [path.stat().st_mtime_ns for path in paths]
    assert now[1:] == written[1:]
    assert paths[0].stat().st_size > 10_000
