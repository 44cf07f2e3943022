"""Notes: what a bundle doubts, and what is too short to say much about."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from moodtheme import Tagger
from moodtheme.tagging.bundle import Doubts
from moodtheme.tagging.contradictions import contradictions
from moodtheme.tagging.models import embedded_folder

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


def test_doubts_are_about_the_embedding(tagger: Tagger) -> None:
    doubts = Doubts(
        no_music=(1.0,), no_music_bias=0.0, centre=(0.0,), spread=(1.0,), farthest=1.0,
        measured_on="",
    )  # fmt: skip
    wrong = msgspec.structs.replace(tagger.bundle, doubts=doubts)
    assert "its doubts are not about the embedding of its only member" in contradictions(wrong)
