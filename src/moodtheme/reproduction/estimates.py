"""How long a reproduction will take here, how much disk and memory, and whether there is as much.

Three rates are timed on a few seconds of work: music decoded, windows turned into features, tracks
trained on. A stage takes as much as there is of that, divided by its rate. What comes after the
trainings is one row: it is minutes wherever they are hours.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from moodtheme.audio import read_audio
from moodtheme.datasets import Split
from moodtheme.errors import AudioError, MoodthemeError, ReproductionError
from moodtheme.feature_store import FeatureStore, describe_extractor, make_extractor
from moodtheme.feature_store.extractor import uses_accelerator
from moodtheme.files import free_room
from moodtheme.models.image_networks import IMAGE_NETWORKS
from moodtheme.models.networks import parameter_count
from moodtheme.recipes import ExtractedView, Precision, Recipe
from moodtheme.reproduction.inputs import audio_rates, decode_stage, feature_stages
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.outcome import EVALUATE
from moodtheme.reproduction.training import CONFIGURATIONS, is_swept, training_stage
from moodtheme.training.audio_cache import plan_cache
from moodtheme.training.kinds import kind_of
from moodtheme.training.module import tagging_loss
from moodtheme.work import cores

# Measured on a core of a cloud machine: MP3 decoded, in real time's multiples, for files that are
# not there; seconds from a trained system to its model and figures.
_DECODING, _MODEL_S = 500.0, 7.0
_FORWARD = 1 / 3  # of a step: backward takes two products for each one forward
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
    return [*_inputs(job), *_systems(job)]


def _inputs(job: Job) -> Iterator[Estimate]:
    """Audio, then features."""
    job.console.say("timing decoding")
    decoding = _decoding_speed(job)
    learnt, done = job.tracks_of(Split.TRAIN, Split.VALIDATION), job.stages.is_done
    durations = learnt.durations.tolist()  # where the table states none the file's header does
    for rate in audio_rates(job.recipes):
        plan = plan_cache(job.audio, learnt.files, sample_rate=rate, durations=durations)
        if plan.missing and not done(decode_stage(rate)):
            music_s = plan.needed / 2 / rate
            work = f"{music_s / 3600:.2f} h of music at {decoding:.0f}× real time"
            yield Estimate(decode_stage(rate), music_s / decoding, work, plan.needed)
    for view, stage in feature_stages(job.recipes).items():
        if not done(stage) and (tracks := _without_features(job, view)):
            job.console.say(f"timing {stage}")
            windows, speed = tracks * view.windows, windows_a_second(view, str(job.device))
            seconds = windows / speed + tracks * view.samples / view.sample_rate / decoding
            stored = tracks * describe_extractor(_random(view)).row_bytes
            yield Estimate(stage, seconds, f"{windows:,} windows at {speed:.1f} a second", stored)


def _systems(job: Job) -> Iterator[Estimate]:
    """Trainings, and what follows them."""
    training, validation, test = (len(job.table.part(part)) for part in Split)
    n_tags, later_s = len(job.table.tags), _MODEL_S * len(job.recipes)
    for system, recipe in job.recipes.items():
        stage = training_stage(system)
        if job.stages.is_done(stage):
            continue
        job.console.say(f"timing {stage}")
        track_s, weights, memory = training_cost(recipe, n_tags=n_tags, device=job.device)
        times = CONFIGURATIONS if is_swept(job, system) else 1
        epochs, tracks = epochs_of(recipe, training=training, validation=validation)
        work = f"{times * epochs} epochs of {training:,} tracks, {1 / track_s:.1f} a second"
        images = IMAGE_NETWORKS.get(view.extractor) if (view := recipe.view.extracted) else None
        written = times * len(recipe.stages) * _COPIES * weights
        written += images.download_bytes if images else 0  # the model holds it too
        yield Estimate(stage, times * tracks * track_s, work, written, memory)
        later_s += _FORWARD * track_s * (validation + test)
    if not job.stages.is_done(EVALUATE):
        work = f"{validation + test:,} tracks, {len(job.recipes)} models"
        yield Estimate("scores, models, figures", later_s, work)


def _without_features(job: Job, view: ExtractedView) -> int:
    """Tracks that are not known to have such features; without its weights, all."""
    with suppress(MoodthemeError):
        store = FeatureStore(job.features / describe_extractor(view, offline=True).key)
        return sum(not store.knows(file) for file in job.table.files)
    return len(job.table)


def _random(view: ExtractedView) -> ExtractedView:
    """The same view with random weights, where it has a choice."""
    return msgspec.structs.replace(view, pretrained=False) if view.pretrained else view


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
    short = msgspec.structs.replace(_random(view), duration_s=2 * view.window_s)
    extract = make_extractor(short, device=device)
    # A processor is as fast with two windows; a device has as many as it takes, and more under way.
    there = uses_accelerator(short, device)
    tracks = extract.info.tracks_of(extract.windows_at_once) if there else 1
    audio = np.random.default_rng(0).normal(0, 0.1, (tracks, short.samples)).astype(np.float32)
    extract(audio)  # the first call allocates
    seconds = _timed(lambda: [wait() for wait in [extract.start(audio) for _ in range(4)]])
    return 4 * tracks * short.windows / seconds


def epochs_of(recipe: Recipe, *, training: int, validation: int) -> tuple[int, float]:
    """Epochs that a training will have, and tracks trained on in them that would take as long."""
    patience, count, tracks = recipe.schedule.patience, 0, 0.0
    for stage in recipe.stages:
        epochs = min(stage.epochs, _PATIENCES * (patience or stage.epochs))
        tracks += epochs * (training * (_FORWARD if stage.frozen else 1) + validation * _FORWARD)
        count += epochs
    return count, tracks


def training_cost(recipe: Recipe, *, n_tags: int, device: torch.device) -> tuple[float, int, int]:
    """Seconds a track of training on random inputs; bytes of weights; bytes of memory."""
    kind, schedule = kind_of(recipe), recipe.schedule
    # On a processor time grows with tracks, unless a step is quick; batch normalisation needs two.
    few = device.type == "cpu" and not kind.quick
    tracks = 2 if few else max(2, schedule.batch_size)
    inputs = 0.1 * torch.randn(tracks, *kind.input_shape, device=device)
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
    weights_bytes = 4 * parameter_count(network)
    # Weights, gradients, the two numbers of each that Adam keeps, and a batch's activations.
    activations = round(schedule.batch_size / tracks * sum(kept.values()))
    memory_bytes = _BASE_BYTES + 4 * weights_bytes + activations
    return _timed(step) / tracks, weights_bytes, memory_bytes


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def check_room(estimates: Sequence[Estimate], folder: Path) -> str:
    """Compare what is to be written with what is free.

    Raises
    ------
    ReproductionError
        If there is not enough room.
    """
    free, needed = free_room(folder), sum(stage.disk_bytes for stage in estimates)
    line = f"about {needed / 1e9:.2f} GB of disk, {free / 1e9:.1f} GB are free"
    if needed > free:
        raise ReproductionError(f"{folder} needs {line}; make room or choose another folder")
    return line


def check_memory(estimates: Sequence[Estimate], *, device: str) -> str:
    """Compare what the hungriest training needs with what there is.

    Raises
    ------
    ReproductionError
        If the machine has not as much, all told.
    """
    free, total = torch.cuda.mem_get_info() if device == "cuda" else machine_memory()
    hungriest = max(estimates, key=lambda stage: stage.memory_bytes)
    line = f"about {hungriest.memory_bytes / 1e9:.2f} GB of memory to {hungriest.stage}"
    if total is not None and hungriest.memory_bytes > total:
        raise ReproductionError(
            f"{line}, and there are {total / 1e9:.1f} GB; make batches smaller, for instance "
            "with --set all.batch_size=8, or leave that system out with --systems"
        )
    if free is None:
        return line
    more = "; other programs must make room" if hungriest.memory_bytes > free else ""
    return f"{line}, {free / 1e9:.1f} GB are free{more}"


def machine_memory() -> tuple[int | None, int | None]:
    """Bytes of memory that are free and that there are; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        try:
            return None, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):  # Windows has no such thing
            return None, None
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
    free, total = kib["MemAvailable"] * 1024, kib["MemTotal"] * 1024
    with suppress(OSError, ValueError):  # no container, or one without a limit
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        free, total = min(free, limit), min(total, limit)
    return free, total
