"""An extractor that takes no time, and tracks for it; run as a program it fills a store."""

import argparse
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from moodtheme.engines import Engine, Workers
from moodtheme.errors import AudioError
from moodtheme.feature_store import FeatureStore
from moodtheme.feature_store.extraction import build_store, read_track
from moodtheme.feature_store.extractor import Extractor, ExtractorInfo, Waiting
from moodtheme.recipes import OpenSmileView

RATE = 8_000
VIEW = OpenSmileView(window_s=0.5, duration_s=2.0, sample_rate=RATE)
N_FEATURES = 50


def info(*, weights: str = "toy 1") -> ExtractorInfo:
    return ExtractorInfo(view=VIEW, weights=weights, n_features=N_FEATURES)


def features_of(windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Every 80th sample squared: each window's own, told apart from any other's."""
    return windows[:, :: windows.shape[1] // N_FEATURES] ** 2


@dataclass(frozen=True)
class ToyMaker:
    """Makes it, in any process.

    Attributes
    ----------
    seconds
        What a call takes.
    deadly
        A file whose absence makes a call write it and kill the process: once, that is.
    changing
        A file that is written to while it is extracted.
    """

    seconds: float = 0.0
    deadly: Path | None = None
    changing: Path | None = None

    def __call__(self) -> Extractor:
        def begin(windows: npt.NDArray[np.float32]) -> Waiting:
            time.sleep(self.seconds)
            if self.deadly is not None and not self.deadly.exists():
                self.deadly.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if self.changing is not None:
                self.changing.write_bytes(self.changing.read_bytes() + b"more")
            return lambda: features_of(windows)

        return Extractor(info(), begin)


def write_tracks(folder: Path, count: int) -> list[Path]:
    """Noise of 1.2 to 3 s."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(count):
        rng = np.random.default_rng(number)
        audio = 0.5 * rng.uniform(-1, 1, round(rng.uniform(1.2, 3.0) * RATE))
        files.append(folder / f"{number}.wav")
        soundfile.write(files[-1], audio, RATE)
    return files


def build(
    folder: Path,
    files: list[Path],
    make: ToyMaker | None = None,
    *,
    engine: Engine = Engine.LOCAL,
    jobs: int = 1,
    lines: list[str] | None = None,
) -> tuple[FeatureStore, list[AudioError]]:
    return build_store(
        folder,
        files,
        info(),
        make or ToyMaker(),
        workers=Workers(engine=engine, jobs=jobs),
        report=[].append if lines is None else lines.append,
        progress=lambda done, of: None,
    )


def expected(file: Path) -> npt.NDArray[np.float32]:
    """Features of a file, computed alone."""
    audio = read_track(file, VIEW)
    assert not isinstance(audio, AudioError)
    return features_of(audio.reshape(VIEW.windows, VIEW.window_samples))


def assert_right(store: FeatureStore, files: list[Path]) -> None:
    for file in files:
        np.testing.assert_array_equal(store.read(file), expected(file))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("music", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    print("started", flush=True)
    tracks = sorted(options.music.glob("*.wav"))
    build(options.folder, tracks, ToyMaker(seconds=0.002), jobs=options.jobs)
