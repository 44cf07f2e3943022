"""How long each stage will take here, and how much disk and memory.

A little of what takes longest is timed: decoding, each extractor, a training step of each system.
What hardly depends on the machine's settings is taken from measurements on a core of a cloud
machine.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import numpy as np
import torch
from torch import Tensor

from moodtheme.audio import read_audio
from moodtheme.datasets import Split
from moodtheme.errors import AudioError
from moodtheme.feature_store import FeatureStore, describe_extractor, make_extractor
from moodtheme.feature_store.append_store import STORE
from moodtheme.models.image_networks import IMAGE_NETWORKS
from moodtheme.models.networks import parameter_count
from moodtheme.recipes import ExtractedView, Precision, Recipe
from moodtheme.reproduction import names
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.models import exportable, fused_models
from moodtheme.reproduction.selection import without_weights
from moodtheme.reproduction.training import CONFIGURATIONS
from moodtheme.training.audio_cache import plan_cache
from moodtheme.training.kinds import kind_of
from moodtheme.training.module import tagging_loss
from moodtheme.work import cores

# Measured: MP3 decoded and resampled, in real time's multiples, for files that are not there;
# seconds for a graph to be traced (3 for a CRNN, 12 for three Deep Spectrum systems), for the five
# of the nine to be copied, and for a track's tag in a resample, on 4,231 tracks with 56 tags.
_DECODING, _GRAPH_S, _COPY_S, _CELL_S = 500.0, 8.0, 1.5, 7e-8
FORWARD = 1 / 3  # of a step: backward takes two products for each one forward
_SMALL_BATCH = 2  # tracks in a timed step of audio on a processor, where time grows with them
_PATIENCES = 2  # after how many patiences a training that ends early is taken to end
_CHECKPOINTS = 4  # copies of the weights in a stage: the best, and the last with its optimiser's
_BASE_BYTES = 700_000_000  # Python with PyTorch and Lightning, before they do anything
_OTHER_ROWS = 6  # popularity and five fusions
_HALF = {Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}


@dataclass(frozen=True)
class Estimate:
    """A stage: its name, how long it will take, and what the estimate multiplies, in words."""

    stage: str
    seconds: float
    work: str


@dataclass
class Estimates:
    """All stages that are to come, in order, and what they need.

    Attributes
    ----------
    disk_bytes
        Decoded audio, features, checkpoints and models.
    memory_bytes
        Of the hungriest training, on `memory_of`'s device; 0 where all is trained.
    memory_of
        That system.
    """

    stages: list[Estimate] = field(default_factory=list)
    disk_bytes: int = 0
    memory_bytes: int = 0
    memory_of: str = ""

    @property
    def seconds(self) -> float:
        """All stages together."""
        return sum(stage.seconds for stage in self.stages)

    def add(self, stage: str, seconds: float, work: str, disk_bytes: int = 0) -> None:
        """Add a stage."""
        self.stages.append(Estimate(stage, seconds, work))
        self.disk_bytes += disk_bytes


def estimate(job: Job) -> Estimates:
    """Estimate all that is not done; what is known to be in the caches is left out."""
    coming = Estimates()
    job.console.say("timing decoding")
    decoding = _decoding_speed(job)
    _add_inputs(coming, job, decoding)
    weights = _add_systems(coming, job, decoding)
    _add_exports(coming, job, weights)
    resamples, rows = job.request.resamples, len(job.recipes) + _OTHER_ROWS
    if resamples and not job.stages.is_done(names.EVALUATE):
        cells = len(job.tracks_of(Split.VALIDATION, Split.TEST)) * len(job.table.tags)
        work = f"{resamples} resamples of {rows} rows, on validation and test"
        coming.add(names.EVALUATE, _CELL_S * cells * rows * resamples, work)
    return coming


def _add_inputs(coming: Estimates, job: Job, decoding: float) -> None:
    """Audio, then features."""
    learnt, done = job.tracks_of(Split.TRAIN, Split.VALIDATION), job.stages.is_done
    durations = learnt.durations.tolist()  # where the table states none the file's header does
    for rate in names.audio_rates(job.recipes):
        plan = plan_cache(job.audio, learnt.files, sample_rate=rate, durations=durations)
        if plan.missing and not done(names.decode(rate)):
            music_s = plan.needed / 2 / rate
            work = f"{music_s / 3600:.2f} h of music at {decoding:.0f}× real time"
            coming.add(names.decode(rate), music_s / decoding, work, plan.needed)
    speeds = dict[str, float]()
    for view, stage in names.feature_stages(job.recipes).items():
        if done(stage) or not (tracks := _without_features(job, view)):
            continue
        if view.extractor not in speeds:  # how long a window is hardly matters
            job.console.say(f"timing {stage}")
            speeds[view.extractor] = windows_a_second(view, str(job.device))
        windows, speed = tracks * view.windows, speeds[view.extractor]
        seconds = windows / speed + tracks * view.samples / view.sample_rate / decoding
        stored = tracks * describe_extractor(without_weights(view)).row_bytes
        coming.add(stage, seconds, f"{windows:,} windows at {speed:.1f} a second", stored)


def _add_systems(coming: Estimates, job: Job, decoding: float) -> dict[str, int]:
    """Trainings and scores; bytes of the weights of each system that was timed."""
    training, validation, test = (len(job.table.part(part)) for part in Split)
    weights = dict[str, int]()
    for system, recipe in job.recipes.items():
        stages = names.train(system), names.predict(system), names.export(system)
        trained, predicted, exported = map(job.stages.is_done, stages)
        if trained and predicted and exported:
            continue
        job.console.say(f"timing {names.train(system)}")
        cost = step_cost(recipe, n_tags=len(job.table.tags), device=job.device)
        weights[system] = cost.weights_bytes
        if not trained:
            swept = job.request.sweep and system in names.swept(job.recipes)
            times, steps = CONFIGURATIONS if swept else 1, training // recipe.schedule.batch_size
            most = [stage.epochs for stage in recipe.stages]
            patience = recipe.schedule.patience
            likely = [min(n, n if patience is None else _PATIENCES * patience) for n in most]
            seconds = 0.0
            for epochs, stage in zip(likely, recipe.stages, strict=True):
                step_s = cost.step_s * (FORWARD if stage.frozen else 1)
                seconds += times * epochs * (max(1, steps) * step_s + validation * cost.track_s)
            early = f" (at most {sum(most)}, if it ends early)" if most != likely else ""
            work = f"{sum(likely)} epochs{early} of {max(1, steps)} steps"
            work = f"{times} configurations of {work}" if swept else work
            kept = times * len(most) * _CHECKPOINTS * cost.weights_bytes
            coming.add(names.train(system), seconds, work, kept)
            if cost.memory_bytes > coming.memory_bytes:
                coming.memory_bytes, coming.memory_of = cost.memory_bytes, system
        if not predicted:
            sound = recipe.view.sound
            heard_s = sound.samples / sound.sample_rate if sound else 0.0
            seconds = (validation + test) * (cost.track_s + heard_s / decoding)
            coming.add(names.predict(system), seconds, f"{validation + test:,} tracks")
    return weights


def _add_exports(coming: Estimates, job: Job, weights: Mapping[str, int]) -> None:
    """Models of the systems, each with a graph at most, and of the nine, of graphs there then."""
    fused = fused_models(job.recipes)
    for name, systems in ({s: (s,) for s in exportable(job.recipes)} | fused).items():
        if job.stages.is_done(names.export(name)):
            continue
        kinds = (kind_of(job.recipes[system]) for system in systems)
        # Systems with equal features share a graph, and the network of pictures in it.
        images = {kind.view: kind.view.extractor for kind in kinds if kind.images}.values()
        written = sum(IMAGE_NETWORKS[network].download_bytes for network in images)
        written += sum(weights.get(system, 0) for system in systems)
        seconds, work = (_COPY_S, "no graph is new") if name in fused else (_GRAPH_S, "a graph")
        coming.add(names.export(name), seconds, work, written)


def _without_features(job: Job, view: ExtractedView) -> int:
    """Tracks that are not known to have such features; neither audio nor weights are read."""
    named = describe_extractor(without_weights(view)).view
    for description in sorted(job.features.glob(f"*/{STORE}")):
        store = FeatureStore(description.parent)
        stored = store.info.view
        if without_weights(stored) == named and stored.pretrained == view.pretrained:
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
    # A processor is as fast with two windows; a device has as many as it takes, one batch begun
    # while another is computed.
    tracks = 1 if extract.begin is None else extract.info.tracks_of(extract.windows_at_once)
    audio = np.random.default_rng(0).normal(0, 0.1, (tracks, short.samples)).astype(np.float32)
    extract(audio)  # the first call allocates

    def batches() -> None:
        under_way = [extract.start(audio) for _ in range(1 if extract.begin is None else 8)]
        for waiting in under_way:
            waiting()

    count = tracks * short.windows * (1 if extract.begin is None else 8)
    return count / _timed(batches)


@dataclass(frozen=True)
class StepCost:
    """Seconds of a step with a whole batch and of a track scored; what weights and a step take.

    Attributes
    ----------
    step_s, track_s
        Forward and backward for a batch, and forward for a track.
    weights_bytes, memory_bytes
        Of the network, and of training it with a batch.
    """

    step_s: float
    track_s: float
    weights_bytes: int
    memory_bytes: int


def step_cost(recipe: Recipe, *, n_tags: int, device: torch.device) -> StepCost:
    """Time forward and backward, which is most of a step of training, on random inputs."""
    kind, batch = kind_of(recipe), recipe.schedule.batch_size
    # Where a step is quick, weights, not tracks, are most of the work.
    few = device.type == "cpu" and not kind.quick
    tracks = max(2, min(batch, _SMALL_BATCH) if few else batch)  # batch normalisation needs two
    inputs = 0.1 * torch.randn(tracks, *kind.input_shape(kind.n_features), device=device)
    network = kind.make_network(n_tags=n_tags, n_features=kind.n_features).to(device)
    weights = {value.untyped_storage().data_ptr() for value in network.parameters()}
    half, kept = _HALF.get(recipe.schedule.precision), dict[int, int]()

    def step() -> None:
        network.zero_grad()
        with torch.autocast(device.type, dtype=half, enabled=half is not None):
            logits = network(inputs, torch.arange(tracks, device=device)).float()
        loss = tagging_loss(logits, torch.zeros_like(logits))
        loss.backward()  # type: ignore[no-untyped-call]
        loss.item()  # on a GPU calls return before they are done; this waits

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        step()
    track_s, weights_bytes = _timed(step) / tracks, 4 * parameter_count(network)
    # Weights, gradients, the two numbers of each that Adam keeps, and a batch's activations.
    memory_bytes = 4 * weights_bytes + sum(kept.values()) * batch // tracks
    memory_bytes += _BASE_BYTES if device.type == "cpu" else 0
    return StepCost(track_s * batch, track_s * FORWARD, weights_bytes, memory_bytes)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
