"""Short timings of this machine: decoding, features, a training step, the bootstrap.

Each takes a second or a few. What they give is a rate; `moodtheme.reproduction.estimator` makes
hours of it.
"""

import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.audio import read_audio
from moodtheme.errors import AudioError, EvaluationWarning
from moodtheme.evaluation.bootstrap import bootstrap
from moodtheme.evaluation.figures import rank_system
from moodtheme.exporting.graph import Scores, export_graph
from moodtheme.feature_store import make_extractor
from moodtheme.models.networks import parameter_count
from moodtheme.recipes import ExtractedView, Precision, Recipe, Stage
from moodtheme.reproduction.selection import without_weights
from moodtheme.training.kinds import kind_of
from moodtheme.training.module import SystemModule, tagging_loss

_DECODED = 2  # files that a decoding rate is measured on
_SAMPLE_S = 30.0  # length of the track that stands for files that are not there
_SMALL_BATCH = 2  # tracks in a timed step of audio on a processor, where time grows with them
_RESAMPLES = 4
_HALF = {Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}


@dataclass(frozen=True, kw_only=True)
class TrainingSpeed:
    """What training a system costs here.

    Attributes
    ----------
    step_s
        A training step with a whole batch, for each of the recipe's stages.
    track_s
        Scoring a track.
    parameters
        Numbers in the network.
    memory_bytes
        What a step keeps: weights, gradients, the optimiser's state, activations of a batch.
    """

    step_s: tuple[float, ...]
    track_s: float
    parameters: int
    memory_bytes: int


def decoding_speed(files: Sequence[Path], sample_rate: int) -> float:
    """Seconds of music decoded and resampled a second, one file at a time.

    Parameters
    ----------
    files
        Some of these are decoded; where none can be, an MP3 made for it.
    sample_rate
        In Hz.
    """
    there = [file for file in files if file.is_file()]
    chosen = there[:: max(1, len(there) // _DECODED)][:_DECODED]
    music_s, seconds = _decode(chosen, sample_rate)
    if not music_s:
        with tempfile.TemporaryDirectory() as scratch:
            music_s, seconds = _decode([_sample(Path(scratch))], sample_rate)
    return music_s / seconds


def feature_speed(view: ExtractedView, *, device: str) -> float:
    """Windows a second, once they are decoded; random weights take as long as others."""
    short = msgspec.structs.replace(without_weights(view), duration_s=2 * view.window_s)
    extract = make_extractor(short, device=device)
    audio = np.random.default_rng(0).normal(0, 0.1, (1, short.samples)).astype(np.float32)
    extract(audio)  # the first call allocates
    return short.windows / timed(lambda: extract(audio))


def training_speed(
    recipe: Recipe, *, n_tags: int, n_features: int | None, device: torch.device
) -> TrainingSpeed:
    """Time a step of each stage on random inputs of the right shape.

    Parameters
    ----------
    recipe
        The system.
    n_tags
        Number of tags.
    n_features
        Width of a window's features; None for a system that hears audio.
    device
        Where to compute.
    """
    kind, batch = kind_of(recipe), recipe.schedule.batch_size
    # Where a step is quick, weights, not tracks, are most of the work.
    tracks = batch if device.type != "cpu" or kind.quick else min(batch, _SMALL_BATCH)
    tracks = max(tracks, 2)  # batch normalisation needs two
    inputs = 0.1 * torch.randn(tracks, *kind.input_shape(n_features), device=device)
    network = kind.make_network(n_tags=n_tags, n_features=n_features).to(device)
    parameters = parameter_count(network)
    kept, steps = 0, []
    for stage in recipe.stages:
        step = _Step(network, recipe, stage, inputs, n_tags)
        kept = max(kept, step.activations())
        steps.append(timed(step) * batch / tracks)
    network.eval()
    with torch.inference_mode():
        track_s = timed(lambda: _synchronised(network(inputs))) / tracks
    return TrainingSpeed(
        step_s=tuple(steps),
        track_s=track_s,
        parameters=parameters,
        # float32: weights, gradients, and at most two numbers an optimiser keeps of each.
        memory_bytes=4 * 4 * parameters + kept * batch // tracks,
    )


def export_cost(recipe: Recipe, *, n_tags: int, n_features: int | None) -> tuple[float, int]:
    """Seconds to write a system as a graph, and its bytes; random weights take as many as others.

    Parameters
    ----------
    recipe, n_tags, n_features
        As for `training_speed`.
    """
    kind = kind_of(replace(recipe, view=without_weights(recipe.view)))
    network = kind.make_network(n_tags=n_tags, n_features=n_features)
    module = kind.graph_module([network], check=lambda made_with: None)
    samples = kind.view.samples
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "graph.onnx"
        seconds = timed(lambda: export_graph(Scores(module), path, samples=samples))
        return seconds, path.stat().st_size


def bootstrap_speed(n_tracks: int, n_tags: int) -> float:
    """Seconds a resample of one system takes."""
    rng = np.random.default_rng(0)
    truth = rng.random((n_tracks, n_tags)) < 0.5
    scores = rng.random(truth.shape).astype(np.float32)
    ranked = rank_system(truth, scores, {})
    tags = [str(tag) for tag in range(n_tags)]
    with warnings.catch_warnings():
        # Nothing is said of tags; they are made up.
        warnings.simplefilter("ignore", EvaluationWarning)
        seconds = timed(lambda: bootstrap(truth, [ranked], resamples=_RESAMPLES, tags=tags))
    return seconds / _RESAMPLES


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class _Step:
    """A training step without a trainer around it."""

    def __init__(
        self, network: nn.Module, recipe: Recipe, stage: Stage, inputs: Tensor, n_tags: int
    ) -> None:
        labels = np.zeros((2, n_tags), np.bool_)
        network.requires_grad_(True)
        self._module = SystemModule(
            network,
            schedule=recipe.schedule,
            stage=stage,
            training_labels=labels,
            validation_labels=labels,
            seed=0,
            first_epoch=0,
        )
        self._optimiser = self._module.configure_optimizers()
        self._inputs = inputs
        self._seeds = torch.arange(len(inputs), device=inputs.device)
        self._labels = torch.zeros(len(inputs), n_tags, device=inputs.device)
        self._half = _HALF.get(recipe.schedule.precision)

    def __call__(self) -> None:
        self._optimiser.zero_grad()
        loss = self._loss()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        _synchronised(loss)

    def activations(self) -> int:
        """Bytes that the forward pass keeps for the backward pass, each storage once."""
        kept: dict[int, int] = {}
        weights = {value.untyped_storage().data_ptr() for value in self._module.parameters()}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss = self._loss()
        loss.backward()  # type: ignore[no-untyped-call]
        return sum(kept.values())

    def _loss(self) -> Tensor:
        with torch.autocast(
            self._inputs.device.type, dtype=self._half, enabled=self._half is not None
        ):
            logits = self._module.network(self._inputs, self._seeds)
        return tagging_loss(logits.float(), self._labels)


def _decode(files: Sequence[Path], sample_rate: int) -> tuple[float, float]:
    """Seconds of music, and seconds it took."""
    music_s, began = 0.0, time.perf_counter()
    for file in files:
        try:
            music_s += len(read_audio(file, sample_rate=sample_rate).samples) / sample_rate
        except AudioError:
            continue  # named when all are decoded
    return music_s, time.perf_counter() - began


def _sample(folder: Path) -> Path:
    """An MP3 file of noise."""
    import soundfile

    rate = 44_100
    audio = 0.1 * np.random.default_rng(0).standard_normal((round(_SAMPLE_S * rate), 2))
    path = folder / "sample.mp3"
    soundfile.write(path, audio, rate, format="MP3")
    return path


def _synchronised(result: Tensor) -> None:
    """Wait until a result is computed; on a GPU calls return before that."""
    result.detach().flatten()[:1].cpu()
