"""Notes: what a bundle doubts, and what is too short to say much about."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from moodtheme import Tagger
from moodtheme.audio import resample
from moodtheme.tagging.bundle import Doubts
from moodtheme.tagging.contradictions import contradictions
from moodtheme.tagging.models import embedded_folder
from moodtheme.tagging.notes import doubtful

RATE = 16_000


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load(embedded_folder() / "moodtheme-small")


def written(folder: Path, audio: np.ndarray) -> Path:
    import soundfile

    soundfile.write(folder / "a.wav", audio, RATE)
    return folder / "a.wav"


@pytest.mark.parametrize("kind", ["noise", "tone", "clicks"])
def test_what_is_no_music_is_noted(tagger: Tagger, tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(5)
    time = np.arange(31 * RATE) / RATE
    sounds = {
        "noise": 0.1 * rng.standard_normal(len(time)),
        "tone": 0.1 * np.sin(2 * np.pi * 523 * time),
        "clicks": 0.5 * ((time * 2) % 1 < 0.002),
    }
    (note,) = tagger.tag(written(tmp_path, sounds[kind])).notes
    assert note.startswith("hardly music")


def test_music_is_music_and_short_music_is_short(tagger: Tagger, tmp_path: Path) -> None:
    from moodtheme.demo import Mood, compose_and_render

    music = compose_and_render(Mood.HAPPY, seed=3, duration_s=31.0, sample_rate=RATE)
    assert not any("hardly music" in n for n in tagger.tag(written(tmp_path, music)).notes)
    assert "very short: 4.0 s" in tagger.tag(written(tmp_path, music[: 4 * RATE])).notes


def test_what_a_recording_lacks_is_noted(tagger: Tagger, tmp_path: Path) -> None:
    from moodtheme.demo import Mood, compose_and_render

    music = compose_and_render(Mood.ENERGETIC, seed=3, duration_s=31.0, sample_rate=RATE)

    def notes(audio: np.ndarray) -> tuple[str, ...]:
        return tagger.tag(written(tmp_path, audio)).notes

    telephone = resample(resample(music.mean(axis=1), RATE, 8000), 8000, RATE)
    assert [note[:11] for note in notes(telephone)] == ["narrow band"]
    assert "nearly silent: no peak above -66 dBFS" in notes(music * 5e-4 / np.abs(music).max())
    assert notes(music) == notes(music * 0.01)


def test_noise_that_comes_and_goes_is_noise(tagger: Tagger) -> None:
    rng = np.random.default_rng(6)
    time = np.arange(31 * RATE) / RATE
    hertz = np.maximum(np.fft.rfftfreq(len(time), 1 / RATE), 20)
    brown = np.fft.irfft(np.fft.rfft(rng.standard_normal(len(time))) / hertz, len(time))
    wind = brown / np.abs(brown).max() * (0.6 + 0.4 * np.sin(2 * np.pi * 0.3 * time))
    assert doubtful(tagger.listen_to(wind, RATE))[0].startswith("hardly music")


def test_a_bundle_without_doubts_notes_nothing(tagger: Tagger) -> None:
    quiet = np.full(31 * RATE, 1e-3) * np.sin(np.arange(31 * RATE))
    listening = tagger.listen_to(quiet, RATE)
    assert doubtful(listening)
    without = msgspec.structs.replace(tagger.bundle, doubts=None)
    assert doubtful(replace(listening, bundle=without)) == ()


def test_doubts_are_about_the_embedding(tagger: Tagger) -> None:
    doubts = Doubts(
        no_music=(1.0,), no_music_bias=0.0, centre=(0.0,), spread=(1.0,), farthest=1.0,
        measured_on="",
    )  # fmt: skip
    wrong = msgspec.structs.replace(tagger.bundle, doubts=doubts)
    assert "its doubts are not about the embedding of its only member" in contradictions(wrong)
