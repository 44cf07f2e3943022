"""What the figures of models against listeners are made of."""

import re
from pathlib import Path

import numpy as np
import pytest

from changed_sound import CHANGES, RATE
from listened_models import cut_middle
from listening import interval, show, words
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES
from tensorflow_checkpoint import read_tensors


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("AmbientBattle.ogg", {"ambient", "battle"}),
        ("nebu_battle2.ogg", {"nebu", "battle"}),
        ("forest-at-Knight.ogg", {"forest", "at", "knight"}),
    ],
)
def test_words_of_names_are_whole(name: str, found: set[str]) -> None:
    assert words(Path("war") / name) == found


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_changes_keep_the_music_but_not_the_samples(name: str) -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(4 * RATE) / RATE
    audio = 0.1 * np.sin(2 * np.pi * 440 * time_s) + 0.01 * rng.standard_normal(len(time_s))
    changed = CHANGES[name](audio.astype(np.float32))
    assert changed.dtype == np.float32
    assert not np.array_equal(changed[: len(audio)], audio.astype(np.float32)[: len(changed)])
    wanted = 2 ** (-1 / 12) if "semitone" in name else 1.0
    assert len(changed) == pytest.approx(wanted * len(audio), rel=0.03)
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
    head, speed, arousal = capsys.readouterr().out.splitlines()
    assert head.split() == ["old", "new"]
    assert speed.split() == ["speed", "1", "2"]
    assert arousal.split() == ["arousal", "0.9"]
    assert arousal.index("0.9") == head.index("new")


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def _block(entries: list[tuple[int, bytes, bytes]]) -> bytes:
    """Entries (bytes shared with the key before, the rest of the key, value), a restart, a seal."""
    body = b"".join(
        _varint(shared) + _varint(len(key)) + _varint(len(value)) + key + value
        for shared, key, value in entries
    )
    return body + bytes(4) + (1).to_bytes(4, "little")


def test_tensors_are_read_from_a_checkpoint() -> None:
    first, second = np.arange(6, dtype="<f4").reshape(2, 3), np.float32([200.0])
    data = first.tobytes() + second.tobytes()

    def entry(shape: list[int], offset: int, size: int) -> bytes:
        dimensions = b"".join(b"\x12\x02\x08" + bytes([n]) for n in shape)
        return (
            b"\x08\x01\x12"
            + bytes([len(dimensions)])
            + dimensions
            + b"\x20"
            + _varint(offset)
            + b"\x28"
            + _varint(size)
        )

    table = _block(
        [
            (0, b"", b"\x08\x01"),
            (0, b"layer/bias", entry([1], 24, 4)),
            (6, b"kernel", entry([2, 3], 0, 24)),
            (6, b"step", b"\x08\x09\x20\x00\x28\x08"),  # an integer, which is passed over
        ]
    )
    places = _block([(0, b"z", _varint(0) + _varint(len(table)))])
    index = table + bytes(5) + places + bytes(5)
    footer = _varint(0) + _varint(0) + _varint(len(table) + 5) + _varint(len(places))
    tensors = read_tensors(index + footer.ljust(48, b"\0"), data)
    assert list(tensors) == ["layer/bias", "layer/kernel"]
    np.testing.assert_array_equal(tensors["layer/kernel"], first)
    np.testing.assert_array_equal(tensors["layer/bias"], second)
