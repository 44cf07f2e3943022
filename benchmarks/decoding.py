"""What decoding, downmixing, resampling and excerpts cost, in × real time per core.

``python benchmarks/decoding.py [FOLDER]`` measures a folder of music, or without one three minutes
of a synthetic signal in six formats. Figures within one run compare; across machines they do not.
"""

import argparse
import hashlib
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from moodtheme.audio import (
    Decoder,
    ExcerptPolicy,
    ResampleQuality,
    Resampler,
    audio_identity,
    find_audio_files,
    open_audio,
    probe,
    read_excerpt,
    resample,
)
from moodtheme.audio.opened import OpenFile
from moodtheme.audio.pyav_source import PyavSource
from moodtheme.audio.soundfile_source import SoundfileSource
from moodtheme.audio.sources import Source, UnsupportedError
from moodtheme.errors import AudioError

SOURCES: dict[Decoder, Callable[[OpenFile], Source]] = {
    Decoder.SOUNDFILE: SoundfileSource,
    Decoder.PYAV: PyavSource,
}
SYNTHETIC_S = 180
REPEATS = 3


def cpu_s(work: Callable[[], object]) -> float:
    """Least processor time over the repeats, so that other programs disturb little."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def wall_s(work: Callable[[], object], jobs: int) -> float:
    """Least wall time of ``jobs`` threads that each do the work once."""
    times = []
    for _ in range(REPEATS):
        threads = [threading.Thread(target=work) for _ in range(jobs)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times.append(time.perf_counter() - start)
    return min(times)


def decode(kind: Callable[[OpenFile], Source], paths: list[Path]) -> None:
    for path in paths:
        with OpenFile(path) as file:
            source = kind(file)
            while len(source.read(source.info.sample_rate)):
                pass
            source.close()


def stream(paths: list[Path], sample_rate: int) -> float:
    """Read the files as a tagger does; return their length in seconds."""
    seconds = 0.0
    for path in paths:
        with open_audio(path, sample_rate=sample_rate) as blocks:
            for _ in blocks:
                pass
            seconds += blocks.decoded_s
    return seconds


def gain_of_two_threads(work: Callable[[], object]) -> float:
    return 2 * wall_s(work, 1) / wall_s(work, 2)


def measure_files(paths: list[Path], sample_rate: int) -> None:
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        info = probe(path)
        groups[f"{info.codec} {info.sample_rate} Hz ×{info.channels}"].append(path)
    print(
        "soundfile, pyav: decoding to mono, × real time per core, and two threads' speed to one's"
    )
    print("control: the gain for SHA-256, which never waits: 2 if two cores are free")
    print(
        f"all: the default decoder and resampling to {sample_rate} Hz; share: decoding's of that\n"
    )
    header = ("format", "files", "seconds", "soundfile", "2 thr", "pyav", "2 thr", "control")
    print(*header, "pyav/sf", "all", "share", sep="\t")
    data = bytes(100_000_000)
    for name, members in sorted(groups.items()):
        seconds = stream(members, sample_rate)
        costs: dict[Decoder, float] = {}
        cells = []
        for decoder, kind in SOURCES.items():
            work = partial(decode, kind, members)
            try:
                costs[decoder] = cpu_s(work)
            except UnsupportedError:
                cells += ["-", "-"]
                continue
            cells += [f"{seconds / costs[decoder]:.0f}", f"{gain_of_two_threads(work):.2f}"]
        cells.append(f"{gain_of_two_threads(lambda: hashlib.sha256(data)):.2f}")
        both = len(costs) == len(SOURCES)
        cells.append(f"{costs[Decoder.SOUNDFILE] / costs[Decoder.PYAV]:.2f}" if both else "-")
        whole = cpu_s(partial(stream, members, sample_rate))
        own = costs[probe(members[0]).decoder]
        cells += [f"{seconds / whole:.0f}", f"{own / whole:.2f}"]
        print(name, len(members), f"{seconds:.0f}", *cells, sep="\t", flush=True)


def measure_excerpts(paths: list[Path]) -> None:
    print("\na centre excerpt of 10 s: its cost as a share of reading the whole file\n")
    for path in paths:
        seconds = probe(path).duration_s
        if seconds is None or seconds < 60:
            continue
        excerpt = partial(
            read_excerpt, path, sample_rate=16_000, length_s=10, policy=ExcerptPolicy.CENTRE
        )
        share = cpu_s(excerpt) / cpu_s(partial(stream, [path], 16_000))
        print(f"{path.suffix}\t{share:.3f}\t(10 s are {10 / seconds:.3f})")


def measure_identity(paths: list[Path]) -> None:
    print("\naudio_identity: × real time, and its cost as a share of decoding and resampling\n")
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[probe(path).codec].append(path)
    print("codec", "files", "identity", "share", sep="\t")
    for name, members in sorted(groups.items()):
        seconds = stream(members, 16_000)
        cost = cpu_s(lambda members=members: [audio_identity(path) for path in members])
        share = cost / cpu_s(partial(stream, members, 16_000))
        print(name, len(members), f"{seconds / cost:.0f}", f"{share:.3f}", sep="\t")


def tone_db(to_rate: int, frequency: float, quality: ResampleQuality) -> float:
    """Level in dB of a full-scale 44.1 kHz tone after resampling, away from the edges."""
    tone = np.sin(2 * np.pi * frequency * np.arange(88_200) / 44_100).astype(np.float32)
    middle = resample(tone, 44_100, to_rate, quality=quality)[to_rate // 4 : -to_rate // 4]
    return float(10 * np.log10(2 * np.mean(np.square(middle, dtype=np.float64)) + 1e-20))


def measure_resampling() -> None:
    seconds = 120
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, seconds * 44_100).astype(np.float32)
    blocks = np.split(noise, seconds)

    def run(to_rate: int, quality: ResampleQuality) -> None:
        resampler = Resampler(44_100, to_rate, quality=quality)
        for block in blocks:
            resampler.push(block)
        resampler.finish()

    print("\nresampling from 44.1 kHz: cost, where the level has dropped by 0.1 and 1 dB, and the")
    print("loudest alias of a tone above the new Nyquist frequency\n")
    print("to Hz", "quality", "× real time", "-0.1 dB", "-1 dB", "alias dB", sep="\t")
    for to_rate in (16_000, 12_000):
        nyquist = to_rate / 2
        inside = np.arange(0.5, 1.0, 0.005) * nyquist
        for quality in ResampleQuality:
            levels = np.array([tone_db(to_rate, frequency, quality) for frequency in inside])
            edges = [
                inside[int(np.argmax(levels < -drop))] if (levels < -drop).any() else nyquist
                for drop in (0.1, 1.0)
            ]
            above = np.linspace(1.02 * nyquist, 21_000, 30)
            alias = max(tone_db(to_rate, frequency, quality) for frequency in above)
            speed = seconds / cpu_s(partial(run, to_rate, quality))
            cells = (f"{speed:.0f}", *(f"{edge:.0f}" for edge in edges), f"{alias:.0f}")
            print(to_rate, quality.value, *cells, sep="\t")


def synthesise(folder: Path) -> list[Path]:
    """The same decaying chords in noise in six formats, written block by block."""
    rate = 48_000
    moment = np.arange(4 * rate) / rate
    generator = np.random.default_rng(0)
    chord = sum(np.sin(2 * np.pi * note * moment) for note in (220, 277, 330, 1_760, 3_520))
    sound = 0.1 * np.exp(-moment)[:, None] * np.stack([chord, np.roll(chord, 30)], axis=1)
    sound = (sound + 0.02 * generator.standard_normal(sound.shape)).astype(np.float32)
    formats = (".wav", ".flac", ".ogg", ".opus", ".mp3")
    for suffix in formats:
        options = {"format": "OGG", "subtype": "OPUS"} if suffix == ".opus" else {}
        with soundfile.SoundFile(folder / f"s{suffix}", "w", rate, 2, **options) as file:
            for _ in range(SYNTHETIC_S // 4):
                for start in range(0, len(sound), 8_192):
                    file.write(sound[start : start + 8_192])
    _encode_aac(folder / "s.m4a", sound, rate)
    return [folder / f"s{suffix}" for suffix in (*formats, ".m4a")]


def _encode_aac(path: Path, sound: np.ndarray, rate: int) -> None:
    import av

    with av.open(path, "w") as container:
        track = container.add_stream("aac", rate=rate, layout="stereo")
        for repeat in range(SYNTHETIC_S // 4):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), "fltp", "stereo")
            frame.sample_rate, frame.pts = rate, repeat * len(sound)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="a folder of music")
    parser.add_argument("--sample-rate", type=int, default=16_000, help="rate to resample to")
    parser.add_argument("--files", type=int, default=20, help="how many files of it, spread evenly")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if arguments.folder is None:
            paths = synthesise(Path(temporary))
        else:
            found, problems = find_audio_files([arguments.folder])
            for problem in problems:
                print(problem, file=sys.stderr)
            paths = []
            for path in found[:: max(len(found) // arguments.files, 1)]:
                try:
                    probe(path)
                except AudioError as error:
                    print(error, file=sys.stderr)
                else:
                    paths.append(path)
        measure_files(paths, arguments.sample_rate)
        measure_identity(paths)
        if arguments.folder is None:
            measure_excerpts(paths)
        measure_resampling()


if __name__ == "__main__":
    main()
