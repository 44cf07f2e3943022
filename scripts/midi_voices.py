"""MIDI files played with other instruments: programme changes are rewritten in place."""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moodtheme.audio import read_audio
from no_music import RATE

WAYS = ("written", "choir", "drawn", "piano")
CHOIR = (52, 52, 53, 54, 91)  # of General MIDI: choir aahs, voice oohs, synth voice, choir pad
SECONDS = 48.0
_DRUMS = 9


def with_programs(midi: bytes, choose: Callable[[int], int], *, drums: bool = True) -> bytes:
    """The file with each programme but the drums' replaced by ``choose(programme)``.

    Without drums their keys are none that a font has.
    """
    data, at = bytearray(midi), 14
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        place, status = at + 8, 0
        while place < min(end, len(data)):
            _, place = _number(data, place)  # the time since the last event
            if data[place] & 0x80:
                status, place = data[place], place + 1
            if status == 0xFF:
                length, place = _number(data, place + 1)
                place += length
            elif status in (0xF0, 0xF7):
                length, place = _number(data, place)
                place += length
            else:
                if status & 0xF0 == 0xC0 and status & 0x0F != _DRUMS:
                    data[place] = choose(data[place])
                if status == 0x90 | _DRUMS and not drums:
                    data[place] = 0
                place += 1 if status & 0xF0 in (0xC0, 0xD0) else 2
        at = end
    return bytes(data)


def _number(data: bytearray, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def play(midi: bytes, font: Path, way: str, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Up to `SECONDS` of MIDI by FluidSynth, from a drawn place, one of `WAYS`."""
    chosen: dict[int, int] = {}

    def choose(program: int) -> int:
        if way in ("written", "piano"):
            return program if way == "written" else 0
        drawn = int(rng.choice(CHOIR)) if way == "choir" else int(rng.integers(104))
        return chosen.setdefault(program, drawn)

    with tempfile.TemporaryDirectory() as scratch:
        score, wave = Path(scratch) / "score.mid", Path(scratch) / "played.wav"
        score.write_bytes(with_programs(midi, choose, drums=way != "piano"))
        command = ["fluidsynth", "-ni", "-q", "-g", "0.5", "-r", "32000", "-F", wave, "-T", "wav"]
        subprocess.run([*command, font, score], check=True, capture_output=True, timeout=120)
        audio = read_audio(wave, sample_rate=RATE).samples
    latest = max(0.0, len(audio) / RATE - SECONDS)
    start = round(RATE * rng.uniform(0.0, min(40.0, latest)))
    return audio[start : start + round(RATE * SECONDS)]
