"""A second or a few of decoding, features, training and the bootstrap, timed."""

import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from moodtheme.audio import read_audio
from moodtheme.errors import AudioError, EvaluationWarning
from moodtheme.evaluation.bootstrap import bootstrap
from moodtheme.evaluation.figures import rank_system
from moodtheme.feature_store import make_extractor
from moodtheme.models.networks import parameter_count
from moodtheme.recipes import ExtractedView, Precision, Recipe
from moodtheme.reproduction.selection import without_weights
from moodtheme.training.kinds import kind_of
from moodtheme.training.module import SystemModule, tagging_loss

_DECODED = 2  # files that a decoding rate is measured on
_SAMPLE_S = 30.0  # length of the track that stands for files that are not there
_SMALL_BATCH = 2  # tracks in a timed step of audio on a processor, where time grows with them
_RESAMPLES = 4
_HALF = {Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}


@dataclass(kw_only=True)
class TrainingCost:
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

    step_s: list[float] = field(default_factory=list)
    track_s: float = 0.0
    parameters: int
    memory_bytes: int = 0


def training_cost(recipe: Recipe, *, n_tags: int, device: torch.device) -> TrainingCost:
    """Time a step of each stage, without a trainer around it, on random inputs."""
    kind, batch = kind_of(recipe), recipe.schedule.batch_size
    # Where a step is quick, weights, not tracks, are most of the work.
    few = device.type == "cpu" and not kind.quick
    tracks = max(2, min(batch, _SMALL_BATCH) if few else batch)  # batch normalisation needs two
    inputs = 0.1 * torch.randn(tracks, *kind.input_shape(kind.n_features), device=device)
    seeds, truth = torch.arange(tracks), torch.zeros(tracks, n_tags, device=device)
    network = kind.make_network(n_tags=n_tags, n_features=kind.n_features).to(device)
    weights = {value.untyped_storage().data_ptr() for value in network.parameters()}
    half = _HALF.get(recipe.schedule.precision)
    cost, most = TrainingCost(parameters=parameter_count(network)), 0
    for stage in recipe.stages:
        network.requires_grad_(True)
        labels = np.zeros((2, n_tags), np.bool_)
        module = SystemModule(
            network, schedule=recipe.schedule, stage=stage, training_labels=labels,
            validation_labels=labels, seed=0, first_epoch=0,
        )  # fmt: skip
        optimiser, kept = module.configure_optimizers(), dict[int, int]()

        def step(module: SystemModule = module, by: torch.optim.Optimizer = optimiser) -> None:
            by.zero_grad()
            with torch.autocast(device.type, dtype=half, enabled=half is not None):
                logits = module.network(inputs, seeds.to(device))
            loss = tagging_loss(logits.float(), truth)
            loss.backward()  # type: ignore[no-untyped-call]
            by.step()
            loss.item()  # on a GPU calls return before they are done; this waits

        def note(tensor: Tensor, kept: dict[int, int] = kept) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            step()
        cost.step_s.append(timed(step) * batch / tracks)
        most = max(most, sum(kept.values()))
    with torch.inference_mode():
        cost.track_s = timed(lambda: network.eval()(inputs).sum().item()) / tracks
    # float32: weights, gradients, and at most two numbers an optimiser keeps of each.
    cost.memory_bytes = 4 * 4 * cost.parameters + most * batch // tracks
    return cost


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
    with tempfile.TemporaryDirectory() as scratch:
        return _decode(chosen, sample_rate) or _decode([_sample(Path(scratch))], sample_rate)


def _decode(files: Sequence[Path], sample_rate: int) -> float:
    """Seconds of music a second; 0 where no file can be decoded, which is said later."""
    music_s, began = 0.0, time.perf_counter()
    for file in files:
        with suppress(AudioError):
            music_s += len(read_audio(file, sample_rate=sample_rate).samples) / sample_rate
    return music_s / (time.perf_counter() - began)


def _sample(folder: Path) -> Path:
    """An MP3 file of noise."""
    import soundfile

    rate, path = 44_100, folder / "sample.mp3"
    audio = 0.1 * np.random.default_rng(0).standard_normal((round(_SAMPLE_S * rate), 2))
    soundfile.write(path, audio, rate, format="MP3")
    return path


def windows_a_second(view: ExtractedView, device: str) -> float:
    """Windows a second, once they are decoded; random weights take as long as others."""
    short = msgspec.structs.replace(without_weights(view), duration_s=2 * view.window_s)
    extract = make_extractor(short, device=device)
    audio = np.random.default_rng(0).normal(0, 0.1, (1, short.samples)).astype(np.float32)
    extract(audio)  # the first call allocates
    return short.windows / timed(lambda: extract(audio))


def resample_s(n_tracks: int, n_tags: int) -> float:
    """Seconds a resample of one system takes."""
    rng = np.random.default_rng(0)
    truth = rng.random((n_tracks, n_tags)) < 0.5
    ranked = rank_system(truth, rng.random(truth.shape).astype(np.float32), {})
    tags = [str(tag) for tag in range(n_tags)]
    with warnings.catch_warnings():
        # Nothing is said of tags; they are made up.
        warnings.simplefilter("ignore", EvaluationWarning)
        return (
            timed(lambda: bootstrap(truth, [ranked], resamples=_RESAMPLES, tags=tags)) / _RESAMPLES
        )


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
