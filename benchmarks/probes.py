"""Sounds that are no music, to see whether a model doubts them: to tune on, and to report on.

The two sets come from different generators: NumPy for tuning; SoX for reporting, with other
languages and voices of eSpeak NG, and recorded prompts of other speakers. What needs a program that
is not installed is left out.

    python benchmarks/probes.py reporting FOLDER [--count 60] [--speech DIR]

writes them as WAV, `KIND-NUMBER.wav`.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

RATE, PROMPTS_RATE = 44_100, 8000
TEXT = {
    "en-us": "The meeting begins at nine. Please bring your papers, and tell the others too.",
    "de": "Der Zug nach Hamburg hat heute zwanzig Minuten Verspätung. Wir bitten um Geduld.",
    "fr-fr": "Le train pour Lyon partira dans dix minutes. Veuillez vérifier votre billet.",
    "nl": "De winkel is vandaag gesloten. Morgen zijn wij weer open van negen tot vijf.",
    "es": "La reunión empieza a las nueve. Traiga sus documentos y avise a los demás.",
    "pl": "Pociąg do Krakowa odjedzie z toru drugiego. Prosimy zachować ostrożność.",
    "pt-br": "A loja está fechada hoje. Amanhã abrimos às nove horas da manhã.",
    "sv": "Mötet börjar klockan nio. Ta med era papper och säg till de andra.",
    "tr": "Toplantı saat dokuzda başlıyor. Lütfen belgelerinizi getirin.",
    "cs": "Vlak do Brna odjede z druhé koleje. Dbejte prosím zvýšené opatrnosti.",
}
TUNING_TONGUES = ("en-us", "de", "fr-fr", "nl")
REPORTING_TONGUES = ("es", "pl", "pt-br", "sv", "tr", "cs")
TUNING_PROMPTS, REPORTING_PROMPTS = ("fr_*_*", "it_*_*", "ru_*_*"), ("en_*_*", "es_*_*")
Sound = np.ndarray


def numpy_noise(rng: np.random.Generator, _: int) -> Sound:
    """Noise of a slope between white and brown, or of a band; sometimes it comes and goes."""
    n = int(RATE * rng.uniform(8, 25))
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hertz = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20)
    spectrum *= hertz ** -rng.choice([0, 0.25, 0.5, 0.75, 1.0])
    if rng.random() < 0.4:
        low = np.exp(rng.uniform(np.log(100), np.log(3000)))
        spectrum *= (hertz > low) & (hertz < low * rng.uniform(1.5, 6))
    sound = np.fft.irfft(spectrum, n)
    if rng.random() < 0.3:
        sound *= 1 + 0.8 * np.sin(2 * np.pi * rng.uniform(0.05, 0.5) * np.arange(n) / RATE)
    return sound


def numpy_tone(rng: np.random.Generator, number: int) -> Sound:
    """A sine, a chord of sines, a sweep, or a square wave."""
    time = np.arange(int(RATE * rng.uniform(8, 25))) / RATE
    hertz = np.exp(rng.uniform(np.log(80), np.log(3000)))
    if number % 4 == 0:
        return np.sin(2 * np.pi * hertz * time)
    if number % 4 == 1:
        notes = hertz * rng.choice([1, 1.25, 1.5, 2, 1.2, 1.78], size=rng.integers(2, 5))
        return np.sum([np.sin(2 * np.pi * h * time) for h in notes], axis=0)
    if number % 4 == 2:
        rate = np.log(rng.uniform(2, 30)) / time[-1]
        return np.sin(2 * np.pi * hertz / 3 * np.expm1(rate * time) / rate)
    return np.sign(np.sin(2 * np.pi * hertz / 2 * time))


def numpy_clicks(rng: np.random.Generator, number: int) -> Sound:
    """A metronome of impulses or of short beeps, the first of a bar higher."""
    n = int(RATE * rng.uniform(8, 25))
    sound = np.zeros(n + RATE)
    beat = int(RATE * 60 / rng.uniform(40, 200))
    hertz, beats = rng.uniform(700, 2500), rng.integers(1, 5)
    for place, start in enumerate(range(0, n, beat)):
        length = rng.integers(20, 60) if number % 2 else int(0.03 * RATE)
        time = np.arange(length) / RATE
        high = 1.5 if place % beats == 0 else 1.0
        click = np.sin(2 * np.pi * hertz * high * time) * np.exp(-time / 0.008)
        sound[start : start + length] += np.ones(length) if number % 2 else click
    return sound[:n]


def numpy_applause(rng: np.random.Generator, _: int) -> Sound:
    """Claps of a crowd, each a short burst of a band of noise."""
    n = int(RATE * rng.uniform(8, 25))
    sound = np.zeros(n + RATE)
    people = int(rng.choice([8, 20, 60, 200]))
    for _person in range(people):
        pace, hertz = rng.uniform(0.2, 0.45), rng.uniform(700, 2500)
        time = np.arange(int(0.06 * RATE)) / RATE
        clap = rng.standard_normal(len(time)) * np.exp(-time / rng.uniform(0.004, 0.012))
        clap = np.convolve(clap, np.sin(2 * np.pi * hertz * time[:200]) * np.hanning(200), "same")
        at = rng.uniform(0, pace)
        while at < n / RATE:
            start = int(at * RATE)
            sound[start : start + len(clap)] += rng.uniform(0.3, 1) * clap
            at += pace * rng.uniform(0.85, 1.15)
    return sound[:n]


def sox(*effects: str) -> Sound:
    """What SoX makes from nothing."""
    command = ["sox", "-R", "-V1", "-n", "-r", str(RATE), "-c", "1", "-b", "16", "-t", "wav", "-"]
    made = subprocess.run([*command, *effects], capture_output=True, check=True).stdout
    return np.frombuffer(made[44:], "<i2").astype(np.float64)


def sox_noise(rng: np.random.Generator, number: int) -> Sound:
    """White, pink, brown, and noise in a band, with SoX's filters."""
    colour = ("whitenoise", "pinknoise", "brownnoise")[number % 3]
    # SoX draws the same noise each time: another stretch of it is another sound.
    length, start = rng.uniform(8, 25), rng.uniform(0, 40)
    effects = ["synth", f"{length + start:.2f}", colour, "trim", f"{start:.3f}"]
    if rng.random() < 0.4:
        effects += ["band", "-n", f"{rng.uniform(200, 4000):.0f}", f"{rng.uniform(200, 2000):.0f}"]
    if rng.random() < 0.3:
        effects += ["tremolo", f"{rng.uniform(0.1, 2):.2f}", f"{rng.uniform(20, 90):.0f}"]
    return sox(*effects, "gain", "-n", "-6")


def sox_tone(rng: np.random.Generator, number: int) -> Sound:
    """Sines, chords, sweeps, squares, triangles and saws."""
    length, hertz = f"{rng.uniform(8, 25):.2f}", np.exp(rng.uniform(np.log(90), np.log(2500)))
    if number % 5 == 0:
        return sox("synth", length, "sine", f"{hertz:.2f}", "gain", "-n", "-6")
    if number % 5 == 1:
        parts = [sox("synth", length, "sine", f"{hertz * 2 ** (k / 12):.2f}") for k in (0, 4, 7)]
        return np.sum(parts, axis=0)
    if number % 5 == 2:
        sweep = f"{hertz / 2:.1f}{rng.choice(['-', '/', ':'])}{hertz * rng.uniform(2, 8):.1f}"
        return sox("synth", length, "sine", sweep, "gain", "-n", "-6")
    shape = ("square", "triangle")[number % 2] if number % 5 == 3 else "sawtooth"
    return sox("synth", length, shape, f"{hertz / 2:.2f}", "gain", "-n", "-6")


def sox_clicks(rng: np.random.Generator, number: int) -> Sound:
    """Beeps and bursts of noise with pauses, over and over."""
    beat = 60 / rng.uniform(50, 180)
    burst = rng.uniform(0.005, 0.05)
    what = ["noise"] if number % 3 == 0 else ["sine", f"{rng.uniform(600, 3000):.0f}"]
    effects = ["synth", f"{burst:.4f}", *what, "fade", "h", "0.001", "0", "0.003"]
    return sox(*effects, "pad", "0", f"{beat - burst:.3f}", "repeat", str(int(18 / beat)))


def sox_applause(rng: np.random.Generator, _: int) -> Sound:
    """Claps that SoX makes of noise, by many people in a room, now and then with cheers."""
    band, room = f"{rng.uniform(900, 2200):.0f}", f"{rng.uniform(10, 70):.0f}"
    fade = ("fade", "h", "0.0005", "0", "0.04")
    clap = sox("synth", "0.05", "noise", "band", "-n", band, "900", *fade, "reverb", room)
    n, claps = int(RATE * rng.uniform(8, 25)), rng.uniform(30, 400)
    sound = np.zeros(n + RATE)
    for start in rng.integers(0, n, size=int(claps * n / RATE)):
        sound[start : start + len(clap)] += rng.uniform(0.2, 1) * clap[: len(sound) - start]
    if rng.random() < 0.3:
        cheer = sox("synth", f"{n / RATE:.2f}", "brownnoise", "band", "1200", "900", "tremolo", "3")
        sound[: len(cheer)] += 0.5 * np.std(sound) / np.std(cheer) * cheer
    return sound[:n]


def spoken(tongues: tuple[str, ...]) -> Callable[[np.random.Generator, int], Sound]:
    """Sentences by eSpeak NG in one of these tongues, at a voice, pace and pitch of their own."""

    def speak(rng: np.random.Generator, number: int) -> Sound:
        tongue = tongues[number % len(tongues)]
        voice = f"{tongue}+{rng.choice(['m1', 'm3', 'm7', 'f1', 'f2', 'f4'])}"
        pace, pitch = str(rng.integers(120, 200)), str(rng.integers(20, 80))
        text = " ".join([TEXT[tongue]] * int(rng.integers(2, 5)))
        command = ["espeak-ng", "-v", voice, "-s", pace, "-p", pitch, "--stdout", text]
        made = subprocess.run(command, capture_output=True, check=True).stdout
        samples = np.frombuffer(made[44:], "<i2").astype(np.float64)
        return np.interp(np.arange(len(samples) * 2) / 2, np.arange(len(samples)), samples)

    return speak


def recorded(folder: Path, names: tuple[str, ...]) -> Callable[[np.random.Generator, int], Sound]:
    """Recorded prompts one after another, of one speaker, at 8 kHz."""

    def speak(rng: np.random.Generator, number: int) -> Sound:
        speakers = sorted({path for name in names for path in folder.glob(name) if path.is_dir()})
        files = sorted(speakers[number % len(speakers)].rglob("*.wav"))
        parts: list[Sound] = []
        while sum(map(len, parts)) < 12 * PROMPTS_RATE:
            samples, _ = soundfile.read(files[rng.integers(len(files))])
            parts += [samples, np.zeros(int(PROMPTS_RATE * rng.uniform(0.2, 0.7)))]
        return np.concatenate(parts)

    return speak


def generators(which: str, speech: Path | None) -> dict[str, Callable[..., Sound]]:
    """By kind."""
    tuning = which == "tuning"
    names = TUNING_PROMPTS if tuning else REPORTING_PROMPTS
    made: dict[str, Callable[..., Sound]] = {}
    if tuning:
        made |= {"noise": numpy_noise, "tones": numpy_tone}
        made |= {"clicks": numpy_clicks, "applause": numpy_applause}
    elif shutil.which("sox"):
        made |= {"noise": sox_noise, "tones": sox_tone}
        made |= {"clicks": sox_clicks, "applause": sox_applause}
    if shutil.which("espeak-ng"):
        made["synthetic speech"] = spoken(TUNING_TONGUES if tuning else REPORTING_TONGUES)
    if speech is not None:
        made["recorded speech"] = recorded(speech, names)
    return made


def write_probes(
    which: str, folder: Path, numbers: Sequence[int], speech: Path | None
) -> dict[str, list[Path]]:
    """Write those numbers of each kind that can be made here; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[str, list[Path]] = {}
    for kind, make in generators(which, speech).items():
        for number in numbers:
            path = folder / f"{kind.replace(' ', '-')}-{number:03}.wav"
            paths.setdefault(kind, []).append(path)
            if path.exists():
                continue
            seed = [which == "tuning", number, *kind.encode()]
            rng = np.random.default_rng(seed)
            sound = make(rng, number)
            peak = 10 ** (rng.uniform(-30, -1) / 20)
            rate = PROMPTS_RATE if kind == "recorded speech" else RATE
            soundfile.write(path, sound * peak / np.abs(sound).max(), rate)
    return paths


def main() -> None:
    """Write a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", choices=["tuning", "reporting"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--speech", type=Path, help="folder of prompts by language, as Debian's")
    options = parser.parse_args()
    made = write_probes(options.which, options.folder, range(options.count), options.speech)
    print(", ".join(f"{kind} {len(paths)}" for kind, paths in made.items()), file=sys.stderr)


if __name__ == "__main__":
    main()
