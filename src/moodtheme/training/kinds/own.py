"""Systems that hear features of your own: a file of numbers a track, made by whatever you like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.datasets import TrackTable
from moodtheme.errors import AudioError, FeatureFileError, UsageError
from moodtheme.feature_store import statistics_of
from moodtheme.feature_store.own_files import SUFFIXES, find_frames, frames_of, read_frames
from moodtheme.recipes import OwnFeaturesView
from moodtheme.training.examples import Weighted
from moodtheme.training.kinds.features import FeatureKind, FeatureSource
from moodtheme.training.run_folder import Run
from moodtheme.training.settings import Settings
from moodtheme.work import Progress, Report, read_ahead


class OwnFeaturesKind(FeatureKind[OwnFeaturesView]):
    """What these are moodtheme does not know; it can neither extract them nor make a graph."""

    @property
    def folder(self) -> Path:
        """Where the files are.

        Raises
        ------
        UsageError
            If that was not said.
        """
        if self.view.folder is None:
            raise UsageError(
                f"{self.recipe.system} hears features of your own; name their folder with "
                "--features FOLDER, or with --set folder=FOLDER"
            )
        return Path(self.view.folder)

    @cached_property
    def n_features(self) -> int:
        """Of the first file in the folder."""
        for suffix in SUFFIXES:
            for path in sorted(self.folder.rglob(f"*{suffix}")):
                return int(read_frames(path, self.view.array).shape[1])
        raise UsageError(f"{self.folder} holds no .npy or .npz file; name the folder of features")

    @property
    def no_graph(self) -> str:
        """Nobody says how they come out of audio."""
        return "hears features of your own, which a graph cannot compute from audio"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Frames and their features."""
        return (self.view.frames or 1, self.n_features)

    def open_source(self, settings: Settings, folder: Path) -> "OwnFeatures":
        """The files."""
        return OwnFeatures(self, settings, folder)


class OwnFeatures(FeatureSource[OwnFeaturesKind]):
    """Files of features as a network's inputs."""

    unit = "frame"
    _length: int | None = None  # of the tracks so far

    def absent(self, files: Sequence[Path]) -> list[str]:
        """Tracks without a file of features; their audio is not looked at."""
        folder = self.kind.folder
        return [
            f"{file} (no {file.stem}.npy or .npz in {folder})"
            for file in files
            if not find_frames(folder, file)
        ]

    def prepare(
        self, training: TrackTable, validation: TrackTable, *, report: Report, progress: Progress
    ) -> list[AudioError]:
        """Read every file once: to see that it can be used, and for the features' scale."""
        failures: list[AudioError] = []
        of = len(training) + len(validation)

        def usable(files: Sequence[Path], done: int) -> Iterator[FloatArray]:
            found = self._frames(files, self.kind.n_features)
            for number, (file, frames) in enumerate(zip(files, found, strict=True), start=1):
                kept = self._checked(file, frames)
                if isinstance(kept, AudioError):
                    failures.append(kept)
                else:
                    yield kept
                progress(done + number, of)

        learnt = usable(training.files, 0)
        if self.kind.view.scaled:
            self.scale = statistics_of(learnt)
        for _ in chain(learnt, usable(validation.files, len(training))):
            pass
        return failures

    def _checked(self, file: Path, frames: FloatArray | AudioError) -> FloatArray | AudioError:
        """Frames, as many as those before where a network is shown whole tracks."""
        if isinstance(frames, AudioError) or self.kind.view.frames is not None:
            return frames
        self._length = self._length or len(frames)
        if len(frames) == self._length:
            return frames
        return FeatureFileError(
            file,
            f"has {len(frames)} frames of features, tracks before it {self._length}; set how many "
            "a network is shown at once, such as --set frames=30",
        )

    def examples(self, files: Sequence[Path]) -> "Stretches":
        """Stretches of the tracks' frames."""
        view = self.kind.view
        return Stretches(self.kind.folder, files, frames=view.frames, array=view.array)

    def read(
        self, files: Sequence[Path], run: Run, *, report: Report, progress: Progress
    ) -> Iterator[Weighted | AudioError]:
        """All frames of the tracks; they must be as wide as those of the training."""
        for found in self._frames(files, run.n_features):
            if isinstance(found, AudioError):
                yield found
            else:
                yield stretches_of(found, self.kind.view.frames)

    def _frames(
        self, files: Sequence[Path], width: int | None
    ) -> Iterator[FloatArray | AudioError]:
        """Frames of tracks in order, or why there are none."""

        def read(file: Path) -> FloatArray | AudioError:
            try:
                return frames_of(self.kind.folder, file, self.kind.view.array, width=width)
            except AudioError as error:
                return error

        return read_ahead(read, files, jobs=self.settings.jobs)


@dataclass(frozen=True)
class Stretches:
    """Frames of tracks: in training any stretch, or all where no number of frames is set.

    Attributes
    ----------
    folder
        Of the features.
    files
        Audio files, one a track, after which the files of features are called.
    frames
        Of a stretch; None for whole tracks.
    array
        See `read_frames`.
    """

    folder: Path
    files: Sequence[Path]
    frames: int | None
    array: str | None

    fixed_bytes = None  # tracks are of any length

    def __len__(self) -> int:
        return len(self.files)

    def training_input(self, row: int, rng: np.random.Generator) -> Weighted:
        """A stretch from anywhere in the track, all places equally likely."""
        track = frames_of(self.folder, self.files[row], self.array)
        if self.frames is not None:
            start = int(rng.integers(max(0, len(track) - self.frames) + 1))
            track = track[start : start + self.frames]
        return stretches_of(track, self.frames)

    def evaluation_inputs(self, row: int) -> Weighted:
        """The whole track, a stretch at a time."""
        return stretches_of(frames_of(self.folder, self.files[row], self.array), self.frames)


def stretches_of(track: FloatArray, frames: int | None) -> Weighted:
    """All of a track's frames, as one input or in stretches that follow each other.

    What remains behind the last whole stretch is in one more, which ends with the track and counts
    by its new frames. A track shorter than a stretch is looped.
    """
    if frames is None or len(track) == frames:
        return Weighted(track[None])
    if len(track) < frames:
        return Weighted(np.resize(track, (1, frames, track.shape[1])))
    starts = list(range(0, len(track) - frames + 1, frames))
    weights = [1.0] * len(starts)
    if rest := len(track) - starts[-1] - frames:
        starts.append(len(track) - frames)
        weights.append(rest / frames)
    inputs = np.stack([track[start : start + frames] for start in starts])
    return Weighted(inputs, np.array(weights, np.float32))
