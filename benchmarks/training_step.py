"""What a training step of the CRNN systems costs, and how much of it is waiting for data.

``python benchmarks/training_step.py [--device cuda] [--batch-size 32]`` trains some steps of each
kind on decoded noise through the real trainer's parts: excerpts from a cache, forward, backward,
RMSprop. Workers start once, before the clock does, and an epoch has as many batches as are timed.
Beside each rate stands the one with the batch there already, which no loader can pass. Figures
within one run compare; across machines they do not.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch.utils.data import DataLoader

from moodtheme.models.crnn import Crnn
from moodtheme.models.networks import parameter_count
from moodtheme.recipes import EvaluationExcerpt, Precision, Recipe, find_recipe, with_values
from moodtheme.training.audio_cache import AudioCache, build_cache
from moodtheme.training.batches import TrainingBatches, loading
from moodtheme.training.examples import TrackSet, TrainingBatch, TrainingTracks, shown
from moodtheme.training.kinds.sound import SoundExamples
from moodtheme.training.module import SystemModule
from moodtheme.training.settings import Machine, readers

TAGS = 56
FILES = 32
WARMING = 2  # steps before the clock starts: kernels are chosen, workers start
AUTOCAST = {Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}


@dataclass(frozen=True)
class Step:
    """Seconds of a step, of one whose batch is there already, and the share spent waiting."""

    took: float
    ready: float
    waiting: float


def measure(recipe: Recipe, stage: int, examples: TrackSet, options: argparse.Namespace) -> Step:
    """Time steps of an epoch after the first ones, then steps on one batch."""
    module = SystemModule(
        Crnn(recipe.view, recipe.head, n_tags=TAGS),
        schedule=recipe.schedule,
        stage=recipe.stages[stage],
        training=examples,
        validation=examples,
        seed=0,
        first_epoch=0,
    ).to(options.device)
    optimiser = module.configure_optimizers()
    dtype = AUTOCAST.get(recipe.schedule.precision)

    def step(batch: TrainingBatch) -> None:
        with torch.autocast(options.device, dtype=dtype, enabled=dtype is not None):
            logits = module.network(shown(batch.inputs, batch.scales), batch.seeds).float()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.targets)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()

    def there(batch: TrainingBatch) -> TrainingBatch:
        return TrainingBatch(*(part.to(options.device, non_blocking=True) for part in batch))

    def finish() -> float:
        if options.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    size = recipe.schedule.batch_size
    batches = TrainingBatches(len(examples.labels), batch_size=size, seed=0)
    workers = readers(Machine(workers=options.workers), on_gpu=options.device == "cuda")
    loader = DataLoader(TrainingTracks(examples, seed=0), batch_sampler=batches, **loading(workers))
    waits, began = [], 0.0
    ended = finish()
    for number, loaded in enumerate(loader):
        came = time.perf_counter()
        batch = there(loaded)
        step(batch)
        if options.device != "cuda" or number < WARMING:
            finish()  # a GPU goes on by itself, and what it is not given in time it waits for
        if number == WARMING - 1:
            began = finish()
        elif number >= WARMING:
            waits.append(came - ended)
        ended = time.perf_counter()
    took = finish() - began
    ready = finish()
    for _ in range(options.steps):
        step(batch)
    ready = finish() - ready
    return Step(took / len(waits), ready / options.steps, sum(waits) / took)


def noise(folder: Path, recipe: Recipe, tracks: int) -> TrackSet:
    """As many tracks as the steps need, of 30 s of noise in a cache at the recipe's rate."""
    rate, rng = recipe.view.sample_rate, np.random.default_rng(0)
    folder.mkdir()
    files = [folder / f"{number}.wav" for number in range(FILES)]
    for file in files:
        soundfile.write(file, 0.1 * rng.normal(size=30 * rate), rate)
    build_cache(folder / "cache", files, sample_rate=rate)
    cache = AudioCache(folder / "cache", sample_rate=rate)
    return TrackSet(
        SoundExamples(
            cache,
            [files[track % FILES] for track in range(tracks)],
            samples=recipe.view.samples,
            evaluation=EvaluationExcerpt.CENTRE,
        ),
        rng.random((tracks, TAGS)) < 0.05,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3, help="30 or more say more on a GPU")
    parser.add_argument("--workers", type=int, help="by default as in training")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--systems", nargs="+", default=["crnn-lstm", "crnn-gru", "crnn-blstm"])
    parser.add_argument("--convolutions", nargs="+", default=["vggish", "soundnet"])
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    card = torch.cuda.get_device_name() if options.device == "cuda" else options.device
    print(
        f"batch {options.batch_size}, {TAGS} tags, excerpts of 20 s, {card}, "
        f"{torch.get_num_threads()} threads"
    )
    print(
        "system      convolutions  stage     precision  parameters  clips/s    ready  share"
        "  waiting  speed-up"
    )
    with tempfile.TemporaryDirectory() as scratch:
        for convolutions in options.convolutions:
            values = {"convolutions": convolutions, "batch_size": str(options.batch_size)}
            recipe = with_values(find_recipe("crnn-gru"), values)
            tracks = (WARMING + options.steps) * options.batch_size
            data = noise(Path(scratch) / convolutions, recipe, tracks)
            for system in options.systems:
                report(with_values(find_recipe(system), values), data, options)


def report(recipe: Recipe, data: TrackSet, options: argparse.Namespace) -> None:
    parameters = parameter_count(Crnn(recipe.view, recipe.head, n_tags=TAGS))
    for stage, name in enumerate(("frozen", "all")):
        plain = 0.0
        for precision in (Precision.FLOAT32, Precision.BFLOAT16):
            changed = with_values(recipe, {"precision": str(precision)})
            step = measure(changed, stage, data, options)
            rate = options.batch_size / step.took
            plain = plain or rate
            print(
                f"{recipe.system:12s}{recipe.view.convolutions:14s}{name:10s}{precision:11s}"
                f"{parameters:10,d}{rate:9.2f}{options.batch_size / step.ready:9.2f}"
                f"{step.ready / step.took:7.2f}{step.waiting:9.1%}{rate / plain:10.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
