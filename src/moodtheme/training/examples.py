"""What a network is shown of tracks, and the scores that come of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.data import Dataset

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.datasets import TrackTable
from moodtheme.scores.matrices import BoolMatrix
from moodtheme.scores.ratings import Ratings
from moodtheme.training.batches import Purpose, stream
from moodtheme.training.run_folder import Run
from moodtheme.training.settings import Machine

_MEMORY_SHARE = 0.5  # of what is free; the network, its optimiser and a batch need the rest

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Weighted:
    """Inputs of one track, ``(n, ...)``, and what each weighs in its score, ``(n,)``.

    They are as they are kept: float32, or int16 that a scale makes so. What is kept as int16
    crosses to workers and to a device as such, in half the room.
    """

    inputs: Numbers
    weights: FloatArray = field(default_factory=lambda: np.ones(1, np.float32))
    scale: float = 1.0

    @property
    def values(self) -> FloatArray:
        """What the network is shown, float32."""
        if self.inputs.dtype == np.float32:
            return self.inputs
        return self.inputs.astype(np.float32) * np.float32(self.scale)


class Examples(Protocol):
    """Inputs of some tracks, by row. Copied to worker processes, so it must be small."""

    @property
    def fixed_bytes(self) -> int | None:
        """What all inputs take where training draws nothing: one a track, always the same."""
        ...

    def __len__(self) -> int:
        """Number of tracks."""
        ...

    def training_input(self, row: int, rng: np.random.Generator) -> Weighted:
        """What the network is shown of a track in an epoch: one input."""
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
    """Inputs ``(batch, ...)``, scales and seeds ``(batch,)``, targets ``(batch, outputs)``."""

    inputs: Tensor
    scales: Tensor
    seeds: Tensor
    targets: Tensor


class EvaluationBatch(NamedTuple):
    """Inputs ``(n, ...)``, and of each scale, its track's row and weight ``(n,)``; n may be 0."""

    inputs: Tensor
    scales: Tensor
    rows: Tensor
    weights: Tensor


class TrainingTracks(Dataset[TrainingBatch]):
    """Batches for training, by epochs and rows; made whole where they are read."""

    def __init__(self, tracks: TrackSet, *, seed: int) -> None:
        self._tracks = tracks
        self._targets = tracks.targets
        self._seed = seed

    def __getitems__(self, places: Sequence[tuple[int, int]]) -> TrainingBatch:
        """A batch of (epoch, row)."""
        tracks: list[Weighted] = []
        seeds: list[int] = []
        for epoch, row in places:
            rng = stream(self._seed, Purpose.EXAMPLE, epoch, row)
            tracks.append(self._tracks.examples.training_input(row, rng))
            seeds.append(int(rng.integers(2**63)))
        return TrainingBatch(
            torch.from_numpy(np.concatenate([track.inputs for track in tracks])),
            torch.tensor([track.scale for track in tracks]),
            torch.tensor(seeds),
            torch.from_numpy(self._targets[[row for _, row in places]]),
        )


class EvaluationTracks(Dataset[EvaluationBatch]):
    """Batches for evaluation, by rows; no rows make an empty one."""

    def __init__(self, tracks: TrackSet) -> None:
        self._tracks = tracks

    def __getitems__(self, rows: Sequence[int]) -> EvaluationBatch:
        """A batch of rows."""
        if not rows:
            nothing = torch.zeros(0)
            return EvaluationBatch(nothing, nothing, nothing.long(), nothing)
        tracks = [self._tracks.examples.evaluation_inputs(row) for row in rows]
        counts = torch.tensor([len(track.weights) for track in tracks])
        return EvaluationBatch(
            torch.from_numpy(np.concatenate([track.inputs for track in tracks])),
            torch.tensor([track.scale for track in tracks]).repeat_interleave(counts),
            torch.tensor(list(rows)).repeat_interleave(counts),
            torch.from_numpy(np.concatenate([track.weights for track in tracks])),
        )


def shown(inputs: Tensor, scales: Tensor) -> Tensor:
    """What the network is shown of a batch's inputs, float32, computed where they are.

    The same numbers, to the last bit, as `Weighted.values` has.
    """
    if inputs.dtype is not torch.int16:
        return inputs
    return inputs.to(torch.float32) * scales.reshape(-1, *[1] * (inputs.dim() - 1))


@dataclass(frozen=True)
class Places:
    """Examples whose inputs are rows of a table that the device has; batches name the rows.

    Attributes
    ----------
    first, count
        Rows of these tracks in the table.
    """

    first: int
    count: int

    fixed_bytes = None

    def __len__(self) -> int:
        return self.count

    def training_input(self, row: int, rng: np.random.Generator) -> Weighted:
        """A track's row."""
        return self.evaluation_inputs(row)

    def evaluation_inputs(self, row: int) -> Weighted:
        """A track's row."""
        return Weighted(np.array([self.first + row]))


def keep_resident(
    training: TrackSet, validation: TrackSet, machine: Machine
) -> tuple[TrackSet, TrackSet, Tensor | None]:
    """Read all inputs, if they never change and the device has room for them.

    A recurrent system on stored features computes for a few milliseconds a batch; to carry the same
    features to the device in every epoch would take longer.

    Parameters
    ----------
    training, validation
        Tracks.
    machine
        Where to train; `Machine.resident_bytes` is the room, by default half of what a GPU has
        free. A processor maps features from the disk, which is as good.

    Returns
    -------
    training, validation
        With `Places` for examples; as they were where there is no table.
    table
        Inputs of the tracks of both, float32 ``(tracks, ...)``, or None.
    """
    parts = (training.examples, validation.examples)
    sizes = [part.fixed_bytes for part in parts]
    room = _room(machine) if machine.resident_bytes is None else machine.resident_bytes
    if any(size is None for size in sizes) or sum(size or 0 for size in sizes) > room:
        return training, validation, None
    inputs = [part.evaluation_inputs(row).values[0] for part in parts for row in range(len(part))]
    learnt = len(training.examples)
    return (
        replace(training, examples=Places(0, learnt)),
        replace(validation, examples=Places(learnt, len(inputs) - learnt)),
        torch.from_numpy(np.stack(inputs)),
    )


def _room(machine: Machine) -> int:
    if machine.accelerator not in ("auto", "cuda") or not torch.cuda.is_available():
        return 0
    free, _ = torch.cuda.mem_get_info()
    return int(_MEMORY_SHARE * free)


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
    network: Callable[[Tensor], Tensor], inputs: Tensor, *, at_once: int
) -> FloatArray:
    """Scores ``(n, tags)`` of inputs ``(n, ...)``, at most `at_once` together."""
    scores = [torch.sigmoid(network(part).float()) for part in torch.split(inputs, at_once)]
    return np.asarray(torch.cat(scores).cpu().numpy(), dtype=np.float32)
