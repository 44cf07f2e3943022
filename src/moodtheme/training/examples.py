"""What a network is shown of tracks, and the scores that come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import Dataset

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.datasets import TrackTable
from moodtheme.scores.matrices import BoolMatrix
from moodtheme.scores.ratings import Ratings
from moodtheme.training.batches import Purpose, stream
from moodtheme.training.run_folder import Run


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


@dataclass(frozen=True)
class TrackSet:
    """Tracks to train or evaluate on.

    Attributes
    ----------
    examples
        Their inputs.
    labels
        Truth, bool (tracks, tags).
    ratings
        Where listeners placed the tracks, from 0 at the lowest end of a dimension's scale to 1 at
        the highest, NaN where there is no rating, (tracks, dimensions); None for tags alone.
    """

    examples: Examples
    labels: BoolMatrix
    ratings: Float64Array | None = None

    @property
    def targets(self) -> FloatArray:
        """What a network is to say: labels as 0 and 1, then ratings, float32."""
        parts = [self.labels] if self.ratings is None else [self.labels, self.ratings]
        return np.concatenate(parts, axis=1, dtype=np.float32, casting="unsafe")


class TrainingBatch(NamedTuple):
    """Inputs ``(batch, ...)``, their seeds ``(batch,)``, targets ``(batch, tags + dimensions)``."""

    inputs: Tensor
    seeds: Tensor
    targets: Tensor


class EvaluationBatch(NamedTuple):
    """Inputs ``(n, ...)``, and of each its track's row and its weight ``(n,)``; n may be 0."""

    inputs: Tensor
    rows: Tensor
    weights: Tensor


class TrainingTracks(Dataset[TrainingBatch]):
    """Tracks for training, by epoch and row."""

    def __init__(self, tracks: TrackSet, *, seed: int) -> None:
        self._tracks = tracks
        self._targets = tracks.targets
        self._seed = seed

    def __getitem__(self, place: tuple[int, int]) -> TrainingBatch:
        epoch, row = place
        rng = stream(self._seed, Purpose.EXAMPLE, epoch, row)
        inputs = self._tracks.examples.training_input(row, rng)
        return TrainingBatch(
            torch.from_numpy(inputs),
            torch.tensor(int(rng.integers(2**63))),
            torch.from_numpy(self._targets[row]),
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


def split_outputs(outputs: FloatArray, of: TrackTable | Run) -> tuple[FloatArray, Ratings | None]:
    """A system's scores, and its ratings on their own scales.

    Parameters
    ----------
    outputs
        Float (tracks, tags + dimensions), from 0 to 1.
    of
        The tags and dimensions.
    """
    scores, shares = outputs[:, : len(of.tags)], outputs[:, len(of.tags) :]
    return scores, Ratings.from_shares(of.dimensions, shares) if of.dimensions else None


class ScoreSums:
    """Each track's weighted mean of scores, gathered batch by batch and over processes."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._sums = np.zeros(shape)
        self._weights = np.zeros((shape[0], 1))

    def add(self, batch: EvaluationBatch, scores: FloatArray) -> None:
        """Add scores ``(n, tags)`` of a batch's inputs."""
        rows = batch.rows.cpu().numpy()
        weights = batch.weights.cpu().numpy().astype(np.float64)[:, None]
        np.add.at(self._sums, rows, weights * scores)
        np.add.at(self._weights, rows, weights)

    def gather(self) -> None:
        """Add up what all processes have; each track was scored by one of them."""
        if not (dist.is_available() and dist.is_initialized()):
            return
        parts: list[tuple[FloatArray, FloatArray] | None] = [None] * dist.get_world_size()
        dist.all_gather_object(parts, (self._sums, self._weights))
        there = [part for part in parts if part is not None]
        self._sums = np.sum([sums for sums, _ in there], axis=0)
        self._weights = np.sum([weights for _, weights in there], axis=0)

    def means(self) -> FloatArray:
        """Scores, float32 (tracks, tags)."""
        return (self._sums / self._weights).astype(np.float32)


def score_inputs(
    network: nn.Module | Callable[[Tensor], Tensor], inputs: Tensor, *, at_once: int
) -> FloatArray:
    """Scores ``(n, tags)`` of inputs ``(n, ...)``, at most `at_once` together."""
    scores = [torch.sigmoid(network(part).float()) for part in torch.split(inputs, at_once)]
    return np.asarray(torch.cat(scores).cpu().numpy(), dtype=np.float32)
