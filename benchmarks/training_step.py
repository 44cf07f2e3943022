"""What a training step of the CRNN systems costs, and how much of it is waiting for data.

``python benchmarks/training_step.py [--device cuda] [--batch-size 32]`` trains a few steps of each
kind on decoded noise through the real trainer's parts: excerpts from a cache, forward, backward,
RMSprop. Figures within one run compare; across machines they do not.
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
from moodtheme.training.batches import TrainingBatches
from moodtheme.training.examples import TrackSet, TrainingTracks
from moodtheme.training.kinds.excerpts import SoundExamples
from moodtheme.training.module import SystemModule

TAGS = 56
TRACKS = 32
AUTOCAST = {Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}


@dataclass(frozen=True)
class Step:
    """The shortest step in seconds, and the share of all steps' time that was waiting for data."""

    took: float
    waiting: float


def measure(recipe: Recipe, stage: int, examples: TrackSet, options: argparse.Namespace) -> Step:
    """Time the steps after a first one that warms up."""
    module = SystemModule(
        Crnn(recipe.view, recipe.head, n_tags=TAGS),
        schedule=recipe.schedule,
        stage=recipe.stages[stage],
        training_labels=examples.labels,
        validation_labels=examples.labels,
        seed=0,
        first_epoch=0,
    ).to(options.device)
    optimiser = module.configure_optimizers()
    batches = TrainingBatches(TRACKS, batch_size=recipe.schedule.batch_size, seed=0)
    loader = DataLoader(
        TrainingTracks(examples, seed=0), batch_sampler=batches, num_workers=options.workers
    )
    dtype = AUTOCAST.get(recipe.schedule.precision)
    durations, waits = [], []
    while len(durations) <= options.steps:
        ended = time.perf_counter()
        for batch in loader:
            began = time.perf_counter()
            inputs, seeds, labels = (part.to(options.device) for part in batch)
            with torch.autocast(options.device, dtype=dtype, enabled=dtype is not None):
                logits = module.network(inputs, seeds).float()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            if options.device == "cuda":
                torch.cuda.synchronize()
            waits.append(began - ended)
            durations.append(time.perf_counter() - ended)
            ended = time.perf_counter()
            if len(durations) > options.steps:
                break
    return Step(min(durations[1:]), sum(waits[1:]) / sum(durations[1:]))


def noise(folder: Path, recipe: Recipe) -> TrackSet:
    """Tracks of 30 s of noise in a cache at the recipe's rate."""
    rate, rng = recipe.view.sample_rate, np.random.default_rng(0)
    folder.mkdir()
    files = [folder / f"{number}.wav" for number in range(TRACKS)]
    for file in files:
        soundfile.write(file, 0.1 * rng.normal(size=30 * rate), rate)
    build_cache(folder / "cache", files, sample_rate=rate)
    cache = AudioCache(folder / "cache", sample_rate=rate)
    return TrackSet(
        SoundExamples(
            cache, files, samples=recipe.view.samples, evaluation=EvaluationExcerpt.CENTRE
        ),
        rng.random((TRACKS, TAGS)) < 0.05,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--systems", nargs="+", default=["crnn-lstm", "crnn-gru", "crnn-blstm"])
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(
        f"batch {options.batch_size}, {TAGS} tags, excerpts of 20 s, {options.device}, "
        f"{torch.get_num_threads()} threads"
    )
    print("system      convolutions  stage     precision  parameters  clips/s  waiting  speed-up")
    with tempfile.TemporaryDirectory() as scratch:
        for convolutions in ("vggish", "soundnet"):
            values = {"convolutions": convolutions, "batch_size": str(options.batch_size)}
            data = noise(Path(scratch) / convolutions, with_values(find_recipe("crnn-gru"), values))
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
                f"{parameters:10,d}{rate:9.2f}{step.waiting:9.1%}{rate / plain:10.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
