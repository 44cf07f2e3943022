"""What the paper's experiment on MTG-Jamendo takes on this machine, from rates measured here.

    python benchmarks/paper_cost.py [--device cuda] [--precision bfloat16] [--cores N]

Decoding, extraction and a training step of every system are timed, a few seconds each, and
multiplied: the same rates that ``moodtheme reproduce --dry-run`` uses. A stage that decodes for a
device takes as long as the slower of the two. Recurrent systems that may stop early are counted
with 100 epochs (two patiences of 50; the paper says none took more than 200).
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from audio_cache import SYNTHETIC_S, write_synthetic
from moodtheme.audio import read_audio
from moodtheme.models.networks import choose_device
from moodtheme.recipes import Precision, Recipe
from moodtheme.reproduction.estimates import epochs_of, training_cost, windows_a_second
from moodtheme.reproduction.inputs import audio_rates, feature_stages
from moodtheme.reproduction.selection import DEFAULT_SYSTEMS, Preset, Weights, choose_recipes

TAGS = 56
TRAIN, VALIDATION, TEST = 9949, 3802, 4231  # tracks of division 0
LEARNT_HOURS = 834  # of music in the first two, by the lists' durations: what is decoded whole


@dataclass(frozen=True)
class Cost:
    """One stage: its rate in words, and hours of the device and of all cores together."""

    stage: str
    rate: str
    device_h: float = 0.0
    cores_h: float = 0.0

    @property
    def hours(self) -> float:
        """Both work at the same time."""
        return max(self.device_h, self.cores_h)


def decoding_speed(rate: int) -> float:
    """Seconds of synthetic MP3 decoded and resampled by one core a second."""
    with tempfile.TemporaryDirectory() as scratch:
        files = write_synthetic(Path(scratch))
        began = time.perf_counter()
        for file in files:
            read_audio(file, sample_rate=rate)
        return SYNTHETIC_S * len(files) / (time.perf_counter() - began)


def training(system: str, recipe: Recipe, device: torch.device) -> Cost:
    """All epochs with their validations."""
    track_s, _, _ = training_cost(recipe, n_tags=TAGS, device=device)
    _, tracks = epochs_of(recipe, training=TRAIN, validation=VALIDATION)
    rate = f"{1 / track_s:,.1f} tracks/s in a step of all layers"
    return Cost(f"train {system}", rate, tracks * track_s / 3600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", type=Precision, default=Precision.FLOAT32)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--systems", nargs="+", default=list(DEFAULT_SYSTEMS))
    options = parser.parse_args()
    device = choose_device(options.device)
    card = torch.cuda.get_device_name() if device.type == "cuda" else str(device)
    print(f"{card}, {options.cores} cores, {options.precision.value}")
    print("stage\tmeasured here\tdevice h\tcores h\thours")
    values = [f"all.precision={options.precision.value}"]
    if options.precision is not Precision.FLOAT16:
        values.append(f"ds.feature_precision={options.precision.value}")
    recipes = choose_recipes(
        options.systems, preset=Preset.PAPER, values=values, weights=Weights.RANDOM
    )
    total = 0.0

    def say(cost: Cost) -> None:
        nonlocal total
        total += cost.hours
        cells = (f"{hours:.2f}" for hours in (cost.device_h, cost.cores_h, cost.hours))
        print(cost.stage, cost.rate, *cells, sep="\t", flush=True)

    for rate in audio_rates(recipes):
        speed = decoding_speed(rate)
        hours = LEARNT_HOURS / speed / options.cores
        say(Cost(f"decode at {rate} Hz", f"{speed:,.0f} × real time a core", cores_h=hours))
    tracks = TRAIN + VALIDATION + TEST
    for view, stage in feature_stages(recipes).items():
        windows, speed = windows_a_second(view, str(device)), decoding_speed(view.sample_rate)
        heard_h = tracks * view.samples / view.sample_rate / 3600
        on_device = tracks * view.windows / windows / 3600
        say(Cost(stage, f"{windows:,.1f} windows/s", on_device, heard_h / speed / options.cores))
    for system, recipe in recipes.items():
        say(training(system, recipe, device))
    print(f"all\t\t\t\t{total:.1f}")


if __name__ == "__main__":
    main()
