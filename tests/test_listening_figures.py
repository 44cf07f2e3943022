"""What the figures of models against listeners are made of."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from changed_sound import CHANGES, robustness
from intervals import interval
from listened_models import RATE, Model, Said, cut_middle
from listened_music import LEAST_S, by_name, labelled, words
from listening import show
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("AmbientBattle.ogg", {"ambient", "battle"}),
        ("nebu_battle2.ogg", {"nebu", "battle"}),
        ("forest-at-Knight.ogg", {"forest", "at", "knight"}),
    ],
)
def test_words_of_names_are_whole(name: str, found: set[str]) -> None:
    assert words(Path(name).stem) == found


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_changes_keep_the_music_but_not_the_samples(name: str) -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(4 * RATE) / RATE
    audio = 0.1 * np.sin(2 * np.pi * 440 * time_s) + 0.01 * rng.standard_normal(len(time_s))
    changed = CHANGES[name](audio.astype(np.float32))
    assert changed.dtype == np.float32
    assert not np.array_equal(changed[: len(audio)], audio.astype(np.float32)[: len(changed)])
    wanted = {"a semitone up": 2 ** (-1 / 12), "a semitone down": 2 ** (1 / 12)}.get(name, 1.0)
    length = len(audio) - 1.5 * RATE if "later" in name else wanted * len(audio)
    assert len(changed) == pytest.approx(length, rel=0.03)
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed))))
    assert spectrum.argmax() * RATE / len(changed) == pytest.approx(440 / wanted, abs=1.0)


def test_the_middle_is_cut_or_looped() -> None:
    audio = np.arange(EXCERPT_SAMPLES + 100, dtype=np.float32)
    assert cut_middle(audio)[0] == 50
    assert len(cut_middle(audio[:1000])) == EXCERPT_SAMPLES


def test_an_interval_holds_its_figure() -> None:
    values = np.random.default_rng(0).normal(size=200)
    said = interval(lambda d: values[d].mean(), 200)
    figure, low, high = (float(v) for v in re.findall(r"-?\d\.\d+", said))
    assert low < figure < high


def test_models_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    show({"old": {"speed": "1"}, "new": {"speed": "2", "arousal": "0.9"}})
    head, _, speed, arousal = capsys.readouterr().out.splitlines()
    assert head == "| | old | new |"
    assert speed == "| speed | 1 | 2 |"
    assert arousal == "| arousal |  | 0.9 |"


class _Loudness(Model):
    """A model of two tags: how loud a sound is, and the reverse."""

    name = "loudness"
    tags = ("energetic", "calm")

    def __init__(self, cache: Path | None = None) -> None:
        self.cache = cache
        self.asked = 0

    def hear_anew(self, audio: np.ndarray) -> np.ndarray:
        self.asked += 1
        level = float(np.sqrt(np.mean(audio**2)))
        return np.array([level, -level])

    def read(self, files: list[Path], rows: np.ndarray) -> Said:
        return Said(files, rows, valence=rows[:, 0], arousal=rows[:, 0])


def _tones(folder: Path, names: list[str], seconds: float = 2.0) -> list[Path]:
    """Tones, each louder than the one before."""
    tone = np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)
    files = [folder / f"{name}.wav" for name in names]
    for number, file in enumerate(files):
        soundfile.write(file, 0.05 * (number + 1) * tone, RATE)
    return files


def test_labels_of_ones_own_are_compared(tmp_path: Path) -> None:
    files = _tones(tmp_path, [f"{n}" for n in range(12)])
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "arousal", "tags"])
        for n, path in enumerate(files):
            rows.writerow([path.name, n, "energetic; loud" if n > 5 else "calm"])
    found = labelled(_Loudness(), tmp_path / "labels.csv")
    assert found["labels, tracks"] == "12"
    assert found["labels, arousal, r"].startswith("1.000")
    assert found["labels, 2 tags, mean AUC"].startswith("1.000")
    assert "labels, valence, r" not in found


def test_names_of_both_lists_and_short_files_are_left_out(tmp_path: Path) -> None:
    names = ["SadVillage", "calm_before_war", "battle2", "nothing"]
    files = _tones(tmp_path, names, seconds=LEAST_S + 1)
    files += _tones(tmp_path, ["boss"], seconds=LEAST_S - 1)
    found = by_name(_Loudness(), files)
    assert found["names, first lists"] == found["names, wider lists"] == "1 against 1"
    assert found["names, wider lists, arousal AUC"].startswith("1.000")


def test_what_was_said_of_a_sound_is_asked_once(tmp_path: Path) -> None:
    files = _tones(tmp_path, ["a", "b"])
    model = _Loudness(tmp_path / "cache")
    first, again = model.hear(files), model.hear(files)
    assert model.asked == len(files)
    np.testing.assert_array_equal(first.arousal, again.arousal)


def test_pieces_that_are_quieter_keep_their_order_and_short_ones_do_not_count(
    tmp_path: Path,
) -> None:
    files = _tones(tmp_path, ["a", "b", "c", "d"], seconds=21.0)
    files += _tones(tmp_path, ["short"], seconds=10.0)
    found = robustness([_Loudness()], "tones", files, ["40 dB quieter"])["loudness"]
    assert found["tones, pieces"] == "4"
    assert found["tones, 40 dB quieter"] == "1.000 [1.000, 1.000] 1.000"
