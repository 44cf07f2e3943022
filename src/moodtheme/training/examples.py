"""What a network is shown: a random excerpt in training, a fixed one, or several, otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from moodtheme.recipes import EvaluationExcerpt
from moodtheme.tagging.bundle import ExcerptPolicy
from moodtheme.tagging.windows import cut_excerpt, loop_to_length, slide_windows
from moodtheme.training.audio_cache import AudioCache
from moodtheme.training.randomness import Purpose, stream

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Weighted:
    """Inputs of one track for evaluation, ``(n, ...)``, and what each weighs, ``(n,)``."""

    inputs: FloatArray
    weights: FloatArray


class Examples(Protocol):
    """Inputs of some tracks, by row. Copied to worker processes, so it must be small."""

    def __len__(self) -> int:
        """Number of tracks."""
        ...

    def training_input(self, row: int, rng: np.random.Generator) -> FloatArray:
        """What the network is shown of a track in an epoch."""
        ...

    def evaluation_inputs(self, row: int) -> Weighted:
        """What its score is computed from."""
        ...


class AudioExamples:
    """Excerpts from decoded audio; a track shorter than an excerpt is looped, as in tagging.

    Parameters
    ----------
    cache
        Holds every file.
    files
        One a track.
    samples
        Length of an excerpt.
    evaluation
        Which excerpts make a track's score.
    """

    def __init__(
        self,
        cache: AudioCache,
        files: Sequence[Path],
        *,
        samples: int,
        evaluation: EvaluationExcerpt,
    ) -> None:
        self._cache = cache
        self._files = tuple(files)
        self._samples = samples
        self._evaluation = evaluation

    def __len__(self) -> int:
        return len(self._files)

    def training_input(self, row: int, rng: np.random.Generator) -> FloatArray:
        """Audio from anywhere in the track, all places equally likely."""
        file = self._files[row]
        start = int(rng.integers(max(0, self._cache.length(file) - self._samples) + 1))
        return loop_to_length(self._cache.read(file, start, self._samples), self._samples)

    def evaluation_inputs(self, row: int) -> Weighted:
        """Audio of the excerpt or excerpts that count."""
        file = self._files[row]
        if self._evaluation is EvaluationExcerpt.COVER:
            return choose_excerpts(self._cache.read(file), self._samples, self._evaluation)
        start = excerpt_start(self._cache.length(file), self._samples, self._evaluation)
        audio = self._cache.read(file, start, self._samples)
        return Weighted(loop_to_length(audio, self._samples)[None], np.ones(1, np.float32))


class CentreExamples(AudioExamples):
    """The middle of each track, in training too."""

    def __init__(self, cache: AudioCache, files: Sequence[Path], *, samples: int) -> None:
        super().__init__(cache, files, samples=samples, evaluation=EvaluationExcerpt.CENTRE)

    def training_input(self, row: int, rng: np.random.Generator) -> FloatArray:
        """Audio of the middle; nothing is drawn."""
        middle: FloatArray = self.evaluation_inputs(row).inputs[0]
        return middle


def excerpt_start(length: int, samples: int, evaluation: EvaluationExcerpt) -> int:
    """First sample of the one excerpt of a track of `length` samples."""
    if evaluation is EvaluationExcerpt.SECOND_HALF:
        return length // 2 if length > 2 * samples else 0
    return max(0, (length - samples) // 2)


def choose_excerpts(audio: FloatArray, samples: int, evaluation: EvaluationExcerpt) -> Weighted:
    """Excerpts of a whole track's audio that its score is computed from.

    Parameters
    ----------
    audio
        Shape (n,).
    samples
        Length of an excerpt.
    evaluation
        Which ones.
    """
    if evaluation is EvaluationExcerpt.COVER:
        windows = list(slide_windows([audio], samples=samples))
    else:
        start = excerpt_start(len(audio), samples, evaluation)
        windows = [cut_excerpt(audio[start:], samples=samples, policy=ExcerptPolicy.START)]
    return Weighted(
        np.stack([window.audio for window in windows]),
        np.array([window.weight for window in windows], dtype=np.float32),
    )


@dataclass(frozen=True)
class TrackSet:
    """Tracks to train or evaluate on.

    Attributes
    ----------
    examples
        Their inputs.
    labels
        Truth, bool (tracks, tags).
    """

    examples: Examples
    labels: BoolArray


class TrainingBatch(NamedTuple):
    """Inputs ``(batch, ...)``, their seeds ``(batch,)``, labels ``(batch, tags)``."""

    inputs: Tensor
    seeds: Tensor
    labels: Tensor


class EvaluationBatch(NamedTuple):
    """Inputs ``(n, ...)``, and of each its track's row and its weight ``(n,)``; n may be 0."""

    inputs: Tensor
    rows: Tensor
    weights: Tensor


class TrainingTracks(Dataset[TrainingBatch]):
    """Tracks for training, by epoch and row."""

    def __init__(self, tracks: TrackSet, *, seed: int) -> None:
        self._tracks = tracks
        self._seed = seed

    def __getitem__(self, place: tuple[int, int]) -> TrainingBatch:
        epoch, row = place
        rng = stream(self._seed, Purpose.EXAMPLE, epoch, row)
        inputs = self._tracks.examples.training_input(row, rng)
        return TrainingBatch(
            torch.from_numpy(inputs),
            torch.tensor(int(rng.integers(2**63))),
            torch.from_numpy(self._tracks.labels[row].astype(np.float32)),
        )


class EvaluationTracks(Dataset[EvaluationBatch]):
    """Tracks for evaluation, by row."""

    def __init__(self, tracks: TrackSet) -> None:
        self._tracks = tracks

    def __getitem__(self, row: int) -> EvaluationBatch:
        weighted = self._tracks.examples.evaluation_inputs(row)
        return EvaluationBatch(
            torch.from_numpy(weighted.inputs),
            torch.full((len(weighted.inputs),), row),
            torch.from_numpy(weighted.weights),
        )


def join_evaluation(tracks: list[EvaluationBatch]) -> EvaluationBatch:
    """Tracks as one batch; none make an empty one."""
    if not tracks:
        return EvaluationBatch(torch.zeros(0), torch.zeros(0, dtype=torch.long), torch.zeros(0))
    return EvaluationBatch(*(torch.cat(parts) for parts in zip(*tracks, strict=True)))
