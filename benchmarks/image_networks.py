"""How fast the image networks turn plots into features, and what bfloat16 changes in them.

``python benchmarks/image_networks.py [--networks NAME...] [--random] [--threads N]`` runs every way
to compute features in turn, round after round, on plots of synthetic music, beside ONNX Runtime on
the exported graph and the machine's own matrix multiplication. Medians over the rounds; rates are
of one thread's processor time, which other programs disturb least, or with more threads of time
passed. Figures within one run compare; across machines they do not.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from moodtheme.demo import Mood, compose_and_render
from moodtheme.features import mel_plots
from moodtheme.models.image_networks import find_image_network, load_image_network
from moodtheme.models.image_networks.features import ImageFeatures, onnx_engine, torch_engine
from moodtheme.recipes import Precision

RATE = 44_100
MATRIX = 2048
Work = Callable[[], object]


def plots(seconds: int) -> npt.NDArray[np.uint8]:
    """Plots of a second each, the moods in turn."""
    moods = list(Mood)
    each = -(-seconds // len(moods))
    music = [
        compose_and_render(mood, seed=1, duration_s=each + 2.0, sample_rate=RATE).mean(axis=1)
        for mood in moods
    ]
    windows = np.stack([piece[: each * RATE].reshape(each, RATE) for piece in music], axis=1)
    return mel_plots(windows.reshape(-1, RATE)[:seconds].astype(np.float32), RATE)


def multiplications(features: ImageFeatures) -> int:
    """Multiply-adds of convolutions and dense layers for one picture."""
    total = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d | nn.Linear):
            places = output[0, 0].numel() if output.ndim == 4 else 1
            total += module.weight.numel() * places

    counted = copy.deepcopy(features)
    for module in counted.modules():
        module.register_forward_hook(count)
    counted(torch.zeros(1, 3, features.size, features.size))
    return total


def time_in_turn(ways: dict[str, Work], *, rounds: int, threads: int) -> dict[str, float]:
    """Median seconds of each way, after one round that warms up."""
    clock = time.process_time if threads == 1 else time.perf_counter
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, work in ways.items():
            start = clock()
            work()
            spent[name].append(clock() - start)
    return {name: statistics.median(times[1:]) for name, times in spent.items()}


def cosine(features: npt.NDArray[np.float32], reference: npt.NDArray[np.float32]) -> float:
    """Lowest similarity of a picture's features."""
    return float(
        torch.cosine_similarity(torch.from_numpy(features), torch.from_numpy(reference)).min()
    )


def report(name: str, pictures: npt.NDArray[np.uint8], options: argparse.Namespace) -> None:
    network = find_image_network(name)
    loaded = {
        precision: load_image_network(
            name, layer=options.layer, precision=precision, pretrained=not options.random
        )
        for precision in network.precisions
    }
    full = loaded[Precision.FLOAT32]
    graph = onnx_engine(full, size=full.size)
    ways = {
        "ONNX Runtime": lambda: np.concatenate(
            [graph(part) for part in np.split(pictures, len(pictures) // 4)]
        ),
        "float32": lambda: full.extract(pictures),
        "float32, plain PyTorch": lambda: np.concatenate(
            [torch_engine(full)(part) for part in np.split(pictures, len(pictures) // 4)]
        ),
    }
    matrix = torch.randn(MATRIX, MATRIX)
    matrices = {Precision.FLOAT32: matrix, Precision.BFLOAT16: matrix.bfloat16()}
    if Precision.BFLOAT16 in loaded:
        half = loaded[Precision.BFLOAT16]
        ways["bfloat16"] = lambda: half.extract(pictures)
        ways["bfloat16, plain PyTorch"] = lambda: np.concatenate(
            [torch_engine(half)(pair) for pair in np.split(pictures, len(pictures) // 2)]
        )
    reference = ways["float32"]()
    similar = {way: cosine(np.asarray(work()), reference) for way, work in ways.items()}
    multiply = {f"product {kind}": lambda m=value: m @ m for kind, value in matrices.items()}
    took = time_in_turn({**ways, **multiply}, rounds=options.rounds, threads=options.threads)
    work = multiplications(full)
    print(
        f"\n{name}: {full.n_features} features, {work / 1e9:.2f} billion multiply-adds a picture, "
        f"weights {full.weights_sha256[:8]}"
    )
    rates = {kind: MATRIX**3 / took[f"product {kind}"] for kind in matrices}
    print(
        "matrix product: "
        + ", ".join(f"{rate / 1e9:.0f} billion a second in {kind}" for kind, rate in rates.items())
    )
    print(f"{'':26s}pictures/s  to ONNX Runtime  to float32  to matrix product    cosine")
    for way in ways:
        rate = len(pictures) / took[way]
        kind = Precision.BFLOAT16 if way.startswith("bfloat16") else Precision.FLOAT32
        print(
            f"{way:26s}{rate:10.2f}{took['ONNX Runtime'] / took[way]:17.2f}"
            f"{took['float32'] / took[way]:12.2f}{rate * work / rates[kind]:19.2f}"
            f"{similar[way]:10.6f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--networks", nargs="+", default=["vgg16-convolutions", "efficientnet-lite0"]
    )
    parser.add_argument("--layer", help="instead of each network's usual one")
    parser.add_argument("--random", action="store_true", help="random weights, nothing fetched")
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.pictures % 4:
        parser.error("--pictures: choose a multiple of 4, the most a network takes at once here")
    torch.set_num_threads(options.threads)
    pictures = plots(options.pictures)
    print(f"{len(pictures)} plots, {options.rounds} rounds, {options.threads} threads")
    with torch.inference_mode():
        for name in options.networks:
            report(name, pictures, options)


if __name__ == "__main__":
    main()
