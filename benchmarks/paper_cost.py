"""What the paper's experiment on MTG-Jamendo costs, and how long that takes at a given rate.

Operations are counted, not timed: of the convolutions by PyTorch, of the recurrent part as two for
each of its weights and step. Training costs three times the forward pass (one where layers are
frozen). Decoding and plots are taken at the rates that this machine has now, on one core each.

    python benchmarks/paper_cost.py --teraflops 20 --cores 8
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from audio_cache import SYNTHETIC_S, write_synthetic
from moodtheme.audio import read_audio
from moodtheme.features import mel_plots
from moodtheme.models.crnn import Crnn
from moodtheme.models.image_networks import load_image_network
from moodtheme.recipes import Recipe
from moodtheme.reproduction.names import audio_rates, feature_stages
from moodtheme.reproduction.selection import DEFAULT_SYSTEMS, Preset, choose_recipes
from moodtheme.training.kinds import kind_of

TAGS = 56
TRAIN, VALIDATION, TEST = 9949, 3802, 4231  # tracks of division 0
LEARNT_HOURS = 834  # of music in the first two, by the lists' durations: what is decoded whole
FEATURES = 4096
EPOCHS_EARLY = 100  # of a training that stops 50 after its best: two patiences


@dataclass(frozen=True)
class Cost:
    """One stage: operations on the accelerator, seconds of one processor core."""

    stage: str
    operations: float = 0.0
    core_s: float = 0.0


def counted(network: nn.Module, inputs: torch.Tensor) -> float:
    """Operations of a forward pass."""
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        network(inputs)
    return float(counter.get_total_flops())


def head_operations(head: nn.Module, steps: int) -> float:
    """Two for each weight and step of the recurrent layers, two for each other weight."""
    total = 0.0
    for module in head.modules():
        if isinstance(module, nn.RNNBase):
            total += 2 * steps * sum(weight.numel() for weight in module.parameters())
        elif isinstance(module, nn.Linear):
            total += 2 * module.weight.numel()
    return total


def forward(recipe: Recipe) -> tuple[float, float]:
    """Operations for a track: of what a first stage keeps frozen, and of the rest."""
    kind = kind_of(recipe)
    network = kind.make_network(n_tags=TAGS, n_features=FEATURES).eval()
    shape = kind.input_shape(FEATURES)
    if kind.images:
        return 0.0, head_operations(network, steps=shape[0])
    audio = torch.zeros(1, *shape)
    if isinstance(network, Crnn):
        with torch.inference_mode():
            steps = network.extractor(audio).shape[1]
        return counted(network.extractor, audio), head_operations(network.head, steps)
    return 0.0, counted(network, audio)


def training(recipe: Recipe) -> Cost:
    """All epochs with their validations."""
    frozen, rest = forward(recipe)
    operations = 0.0
    for stage in recipe.stages:
        patient = recipe.schedule.patience is not None
        epochs = min(stage.epochs, EPOCHS_EARLY) if patient else stage.epochs
        step = (frozen if stage.frozen else 3 * frozen) + 3 * rest
        operations += epochs * (TRAIN * step + VALIDATION * (frozen + rest))
    return Cost(f"train {recipe.system}", operations)


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def decoding_speed(rate: int) -> float:
    """Seconds of synthetic music decoded and resampled a second."""
    with tempfile.TemporaryDirectory() as scratch:
        files = write_synthetic(Path(scratch))
        took = timed(lambda: [read_audio(file, sample_rate=rate) for file in files])
    return SYNTHETIC_S * len(files) / took


def costs() -> Iterator[Cost]:
    """Every stage."""
    recipes = choose_recipes(DEFAULT_SYSTEMS, preset=Preset.PAPER)
    for rate in audio_rates(recipes):
        seconds = LEARNT_HOURS * 3600 / decoding_speed(rate)
        yield Cost(f"decode at {rate} Hz", core_s=seconds)
    tracks = TRAIN + VALIDATION + TEST
    for view, stage in feature_stages(recipes).items():
        network = load_image_network(view.extractor, pretrained=False)
        each = counted(network, torch.zeros(1, 3, network.size, network.size))
        windows = np.random.default_rng(0).normal(0, 0.1, (4, view.window_samples))
        windows = windows.astype(np.float32)
        mel_plots(windows, view.sample_rate)
        plot_s = timed(lambda w=windows, v=view: mel_plots(w, v.sample_rate)) / len(windows)
        count = tracks * view.windows
        excerpts_s = tracks * view.samples / view.sample_rate
        decoding_s = excerpts_s / decoding_speed(view.sample_rate)
        yield Cost(stage, count * each, count * plot_s + decoding_s)
    for recipe in recipes.values():
        yield training(recipe)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--teraflops", type=float, default=20.0, help="sustained, in float32")
    parser.add_argument("--cores", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"at {options.teraflops:g} sustained TFLOP/s and {options.cores} cores")
    print("stage\tPFLOP\tcore hours\thours")
    total = 0.0
    for cost in costs():
        hours = max(
            cost.operations / (options.teraflops * 1e12) / 3600,
            cost.core_s / options.cores / 3600,
        )
        total += hours
        print(
            f"{cost.stage}\t{cost.operations / 1e15:.1f}\t{cost.core_s / 3600:.1f}\t{hours:.2f}",
            flush=True,
        )
    print(f"all\t\t\t{total:.1f}")
