"""How long a reproduction will take here, and how much disk and memory.

Each stage takes so many tracks, windows or steps, times what one of them takes, of which a few are
timed. What comes after the trainings is one row: it is minutes wherever they are hours.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import msgspec
import numpy as np
import torch
from torch import Tensor

from moodtheme.audio import read_audio
from moodtheme.datasets import Split
from moodtheme.errors import AudioError, MoodthemeError
from moodtheme.feature_store import FeatureStore, describe_extractor, make_extractor
from moodtheme.models.image_networks import IMAGE_NETWORKS
from moodtheme.models.networks import parameter_count
from moodtheme.recipes import ExtractedView, Precision, Recipe
from moodtheme.reproduction import names
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.selection import without_weights
from moodtheme.reproduction.training import CONFIGURATIONS
from moodtheme.training.audio_cache import plan_cache
from moodtheme.training.kinds import kind_of
from moodtheme.training.module import tagging_loss
from moodtheme.work import cores

# Measured on a core of a cloud machine: MP3 decoded, in real time's multiples, for files that are
# not there; seconds a model's export, and a track's tag in a resample of one row.
_DECODING, _EXPORT_S, _CELL_S = 500.0, 5.0, 7e-8
FORWARD = 1 / 3  # of a step: backward takes two products for each one forward
_PATIENCES = 2  # after how many patiences a training that ends early is taken to end
_COPIES = 6  # of weights: three checkpoints, one of them with the optimiser's; two models
_BASE_BYTES = 700_000_000  # Python with PyTorch and Lightning, before they do anything


@dataclass(frozen=True)
class Estimate:
    """A stage: how long it will take, what that multiplies, in words, and what it needs."""

    stage: str
    seconds: float
    work: str
    disk_bytes: int = 0
    memory_bytes: int = 0


def estimate(job: Job) -> list[Estimate]:
    """All that is not done, in order; what is known to be in the caches is left out."""
    job.console.say("timing decoding")
    decoding = _decoding_speed(job)
    return [*_inputs(job, decoding), *_systems(job, decoding)]


def _inputs(job: Job, decoding: float) -> Iterator[Estimate]:
    """Audio, then features."""
    learnt, done = job.tracks_of(Split.TRAIN, Split.VALIDATION), job.stages.is_done
    durations = learnt.durations.tolist()  # where the table states none the file's header does
    for rate in names.audio_rates(job.recipes):
        plan = plan_cache(job.audio, learnt.files, sample_rate=rate, durations=durations)
        if plan.missing and not done(names.decode(rate)):
            music_s = plan.needed / 2 / rate
            work = f"{music_s / 3600:.2f} h of music at {decoding:.0f}× real time"
            yield Estimate(names.decode(rate), music_s / decoding, work, plan.needed)
    for view, stage in names.feature_stages(job.recipes).items():
        if not done(stage) and (tracks := _without_features(job, view)):
            job.console.say(f"timing {stage}")
            windows, speed = tracks * view.windows, windows_a_second(view, str(job.device))
            seconds = windows / speed + tracks * view.samples / view.sample_rate / decoding
            stored = tracks * describe_extractor(without_weights(view)).row_bytes
            yield Estimate(stage, seconds, f"{windows:,} windows at {speed:.1f} a second", stored)


def _systems(job: Job, decoding: float) -> Iterator[Estimate]:
    """Trainings, and what follows them."""
    training, validation, test = (len(job.table.part(part)) for part in Split)
    n_tags, resamples, heard = len(job.table.tags), job.request.resamples, validation + test
    later_s, written = 0.0, 0
    for system, recipe in job.recipes.items():
        later_s += _EXPORT_S + _CELL_S * heard * n_tags * resamples
        images = IMAGE_NETWORKS.get(view.extractor) if (view := recipe.view.extracted) else None
        written += images.download_bytes if images else 0
        stage = names.train(system)
        if job.stages.is_done(stage):
            continue
        job.console.say(f"timing {stage}")
        step_s, weights, memory = step_cost(recipe, n_tags=n_tags, device=job.device)
        schedule, track_s = recipe.schedule, FORWARD * step_s / recipe.schedule.batch_size
        times = CONFIGURATIONS if job.request.sweep and system in names.swept(job.recipes) else 1
        steps, seconds, epochs = max(1, training // schedule.batch_size), 0.0, 0
        for part in recipe.stages:
            likely = times * min(part.epochs, _PATIENCES * (schedule.patience or part.epochs))
            share = FORWARD if part.frozen else 1
            seconds += likely * (steps * share * step_s + validation * track_s)
            epochs += likely
        kept = times * len(recipe.stages) * _COPIES * weights
        work = f"about {epochs} epochs of {steps} steps"
        yield Estimate(stage, seconds, work, kept, memory)
        sound = recipe.view.sound
        decoded_s = sound.samples / sound.sample_rate / decoding if sound else 0.0
        later_s += heard * (track_s + decoded_s)
    if not job.stages.is_done(names.EVALUATE):
        work = f"{heard:,} tracks, {len(job.recipes)} models, {resamples} resamples"
        yield Estimate("scores, models, figures", later_s, work, written)


def _without_features(job: Job, view: ExtractedView) -> int:
    """Tracks that are not known to have such features; without its weights, all."""
    with suppress(MoodthemeError):
        store = FeatureStore(job.features / describe_extractor(view, offline=True).key)
        return sum(not store.knows(file) for file in job.table.files)
    return len(job.table)


def _decoding_speed(job: Job) -> float:
    """Seconds of music a second, as many files at once as are asked for."""
    music_s, began = 0.0, time.perf_counter()
    for file in job.table.files[:2]:
        with suppress(AudioError):  # which is said later
            audio = read_audio(file)
            music_s += len(audio.samples) / audio.sample_rate
    alone = music_s / (time.perf_counter() - began) or _DECODING
    return alone * min(job.request.jobs, cores())


def windows_a_second(view: ExtractedView, device: str) -> float:
    """Windows a second, once they are decoded; random weights take as long as others."""
    short = msgspec.structs.replace(without_weights(view), duration_s=2 * view.window_s)
    extract = make_extractor(short, device=device)
    # A processor is as fast with two windows; a device has as many as it takes, and more under way.
    tracks = extract.info.tracks_of(extract.windows_at_once) if extract.begin else 1
    audio = np.random.default_rng(0).normal(0, 0.1, (tracks, short.samples)).astype(np.float32)
    extract(audio)  # the first call allocates
    seconds = _timed(lambda: [wait() for wait in [extract.start(audio) for _ in range(4)]])
    return 4 * tracks * short.windows / seconds


def step_cost(recipe: Recipe, *, n_tags: int, device: torch.device) -> tuple[float, int, int]:
    """Seconds of a step of training on random inputs; bytes of its weights; bytes of memory."""
    kind, schedule = kind_of(recipe), recipe.schedule
    # On a processor time grows with tracks, unless a step is quick; batch normalisation needs two.
    few = device.type == "cpu" and not kind.quick
    tracks = 2 if few else max(2, schedule.batch_size)
    inputs = 0.1 * torch.randn(tracks, *kind.input_shape(kind.n_features), device=device)
    network = kind.make_network(n_tags=n_tags, n_features=kind.n_features).to(device)
    half = schedule.precision in {Precision.BFLOAT16, Precision.FLOAT16}
    dtype, kept = getattr(torch, schedule.precision) if half else None, dict[int, int]()

    def step() -> None:
        network.zero_grad()
        with torch.autocast(device.type, dtype=dtype, enabled=half):
            logits = network(inputs, torch.arange(tracks, device=device)).float()
        loss = tagging_loss(logits, torch.zeros_like(logits))
        loss.backward()  # type: ignore[no-untyped-call]
        loss.item()  # on a GPU calls return before they are done; this waits

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        step()
    for weights in network.parameters():
        kept.pop(weights.untyped_storage().data_ptr(), None)
    seconds, weights_bytes = _timed(step), 4 * parameter_count(network)
    # Weights, gradients, the two numbers of each that Adam keeps, and a batch's activations.
    share, activations = schedule.batch_size / tracks, sum(kept.values())
    memory_bytes = _BASE_BYTES + 4 * weights_bytes + round(share * activations)
    return share * seconds, weights_bytes, memory_bytes


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
