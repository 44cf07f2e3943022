"""Sounds that are no music: noise, tones, clicks, applause, and speech where eSpeak NG is there.

A student learns from them to say so. The numbers are ours; one seed gives the same sounds.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE = 16_000
SAMPLES = 34 * RATE
VOICES = ("en", "en-us", "en-gb-scotland", "de", "fr", "es", "it", "nl", "sv", "pl", "pt", "cs")
VARIANTS = ("", "+f2", "+m3", "+f4", "+m7", "+croak", "+whisper")
SENTENCES = (
    "The committee met on Tuesday to discuss the new railway timetable.",
    "Please leave your message after the signal and press one when you have finished.",
    "In the morning the weather will be cloudy with some rain in the north.",
    "She opened the letter, read it twice, and put it back into the drawer.",
    "Our next guest has written a book about bridges, rivers and those who live beside them.",
    "Prices rose by two percent last year while wages stayed the same.",
    "Turn left at the second light, then walk straight on for three hundred metres.",
    "Nobody knew why the old clock had stopped at nine.",
)

Samples = npt.NDArray[np.float64]


def levelled(x: Samples) -> Samples:
    return np.asarray(0.1 * x / (np.sqrt(np.mean(x * x)) + 1e-12))


def coloured(rng: np.random.Generator, slope: float) -> Samples:
    """Noise whose power falls as frequency to the power of `slope`."""
    spectrum = np.fft.rfft(rng.standard_normal(SAMPLES))
    hz = np.maximum(np.fft.rfftfreq(SAMPLES, 1 / RATE), 20.0)
    return levelled(np.fft.irfft(spectrum * hz ** (-slope / 2), SAMPLES))


def noise(rng: np.random.Generator) -> Samples:
    x = coloured(rng, rng.uniform(0.0, 2.2))
    if rng.random() < 0.4:
        low, high = sorted(np.exp(rng.uniform(np.log(60), np.log(7500), 2)))
        spectrum, hz = np.fft.rfft(x), np.fft.rfftfreq(SAMPLES, 1 / RATE)
        x = np.fft.irfft(spectrum * ((hz > low) & (hz < max(high, 1.5 * low))), SAMPLES)
    return levelled(x)


def tone(rng: np.random.Generator) -> Samples:
    """A sine, a tone with partials, a chirp, or a square wave that may come and go."""
    t = np.arange(SAMPLES) / RATE
    hz = float(np.exp(rng.uniform(np.log(60), np.log(4000))))
    kind = rng.integers(4)
    if kind == 0:
        x = np.sin(2 * np.pi * hz * t)
    elif kind == 1:
        fall = rng.uniform(0.3, 2.0)
        partials = [h for h in range(1, 9) if h * hz < 7800]
        x = np.sum([np.sin(2 * np.pi * hz * h * t) / h**fall for h in partials], axis=0)
    elif kind == 2:
        x = np.sin(2 * np.pi * (hz * t + rng.uniform(2, 100) * t * t / 2))
    else:
        x = np.sign(np.sin(2 * np.pi * hz * t))
        if rng.random() < 0.5:
            x = x * (np.sin(2 * np.pi * rng.uniform(0.1, 4.0) * t) > 0)
    x = levelled(x)
    return x if rng.random() < 0.5 else x + coloured(rng, 1.0) * rng.uniform(0.001, 0.05)


def clicks(rng: np.random.Generator) -> Samples:
    """A metronome: beeps or bursts of noise, some of them accented."""
    x = np.zeros(SAMPLES)
    samples = int(RATE * rng.uniform(0.003, 0.08))
    t = np.arange(samples) / RATE
    high, low = rng.uniform(500, 3000, 2)
    accent, beeps = int(rng.integers(1, 5)), rng.random() < 0.8
    step = int(RATE * 60 / rng.uniform(40, 220))
    for number, start in enumerate(range(0, SAMPLES - samples, step)):
        if beeps:
            click = np.sin(2 * np.pi * (low if number % accent else high) * t) * np.exp(-150 * t)
        else:
            click = rng.standard_normal(samples) * np.exp(-80 * t)
        x[start : start + samples] += click
    return levelled(x)


def applause(rng: np.random.Generator) -> Samples:
    """Many hands, from a few to a hall full."""
    x, clap = np.zeros(SAMPLES), 700
    fall = np.exp(-np.arange(clap) / RATE * rng.uniform(90, 300))
    hands = [
        np.convolve(rng.standard_normal(clap) * fall, np.hanning(int(rng.integers(3, 9))), "same")
        for _ in range(64)
    ]
    claps = int(np.exp(rng.uniform(np.log(15), np.log(600))) * SAMPLES / RATE)
    for start in rng.integers(0, SAMPLES - clap, claps):
        x[start : start + clap] += hands[rng.integers(64)] * rng.uniform(0.2, 1.0)
    swell = np.interp(np.arange(SAMPLES), np.linspace(0, SAMPLES, 12), rng.uniform(0.4, 1, 12))
    return levelled(x * swell) + coloured(rng, 1.5) * rng.uniform(0.0, 0.2)


def speech(rng: np.random.Generator) -> Samples:
    """A synthetic voice, now and then in a room or with noise."""
    voice = str(rng.choice(VOICES)) + str(rng.choice(VARIANTS))
    text = " ".join(rng.permutation(SENTENCES))
    with tempfile.TemporaryDirectory() as scratch:
        wave = Path(scratch) / "speech.wav"
        command = ["espeak-ng", "-v", voice, "-s", str(rng.integers(110, 220))]
        command += ["-p", str(rng.integers(20, 80)), "-w", str(wave), text]
        subprocess.run(command, check=True)
        said, rate = soundfile.read(wave)
    x = np.resize(soxr.resample(said, rate, RATE), SAMPLES)
    if rng.random() < 0.3:
        room = rng.standard_normal(8000) * np.exp(-np.arange(8000) / RATE * rng.uniform(6, 20))
        room[0] = 3.0
        x = np.fft.irfft(np.fft.rfft(x, 2 * SAMPLES) * np.fft.rfft(room, 2 * SAMPLES))[:SAMPLES]
    x = levelled(x)
    if rng.random() < 0.4:
        x = x + coloured(rng, rng.uniform(0, 2)) * 10 ** (-rng.uniform(10, 40) / 20)
    return x


KINDS: dict[str, Callable[[np.random.Generator], Samples]] = {
    "noise": noise, "tone": tone, "clicks": clicks, "applause": applause,
}  # fmt: skip
if shutil.which("espeak-ng"):
    KINDS["speech"] = speech


def make_sound(kind: str, number: int, *, seed: int) -> npt.NDArray[np.float32]:
    """Half a minute of a kind of `KINDS` at `RATE`, peak 0.7."""
    x = KINDS[kind](np.random.default_rng([seed, list(KINDS).index(kind), number]))
    return np.asarray(0.7 * x / max(1e-9, float(np.abs(x).max())), dtype=np.float32)
