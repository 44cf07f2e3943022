"""How near extraction comes to what the device can do, in one run.

    python benchmarks/device_rates.py [--device cuda] [--jobs N] [--windows N] [FOLDER]

For windows of 1 s and 5 s and each precision, windows a second of: the image network alone on
pictures that are on the device; audio on the host to features on the host, by plain PyTorch, a
batch at a time; the same as extraction does it, a batch begun while another is computed; and with
decoding, from the files of FOLDER, or from synthetic MP3, in so many processes. Shares are of the
second. Weights are random: they take the same time. Any device will do, processors included.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import msgspec
import numpy as np
import torch

from audio_cache import write_synthetic
from moodtheme.audio import find_audio_files
from moodtheme.feature_store import describe_extractor
from moodtheme.feature_store.extraction import extract_here
from moodtheme.feature_store.extractor import Extractor
from moodtheme.feature_store.on_device import DeviceFeatures, tensor_float
from moodtheme.features.plot_module import SpectrogramPlots
from moodtheme.models.image_networks import load_image_network
from moodtheme.models.networks import choose_device
from moodtheme.recipes import DeepSpectrumView, Precision, find_recipe

UNDER_WAY = 2


def rate(count: int, work: Callable[[], object]) -> float:
    """Windows a second, after a first time that prepares."""
    work()
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def in_turn(features: DeviceFeatures, batches: list[np.ndarray]) -> None:
    """Batches as extraction gives them, some under way at a time."""
    waiting = []
    for batch in batches:
        waiting.append(features.start(batch))
        if len(waiting) == UNDER_WAY:
            waiting.pop(0)()
    for rest in waiting:
        rest()


def measure(view: DeepSpectrumView, files: list[Path], options: argparse.Namespace) -> None:
    place, precision = choose_device(options.device), view.feature_precision
    network = load_image_network(view.extractor, precision=precision, pretrained=False).to(place)
    plot_options = view.plot_options(network.size)
    features = DeviceFeatures(
        network, plot_options, samples=view.window_samples, precision=precision
    )
    at_once = min(features.at_once, options.windows)
    rng = np.random.default_rng(0)
    audio = rng.normal(0, 0.1, (at_once, view.window_samples)).astype(np.float32)
    batches = [audio] * max(1, options.windows // at_once)
    count = len(batches) * at_once
    plots = SpectrogramPlots(plot_options, samples=view.window_samples).to(place).eval()

    def settled() -> None:
        if place.type == "cuda":
            torch.cuda.synchronize()

    with torch.inference_mode(), tensor_float(allowed=precision is Precision.TF32):
        pictures = torch.zeros(at_once, 3, network.size, network.size, device=place)

        def alone() -> None:
            for _ in batches:
                network(pictures)
            settled()

        def plain() -> None:
            for batch in batches:
                network(plots(torch.from_numpy(batch).to(place))).cpu()

        rates = {"network alone": rate(count, alone), "plain PyTorch": rate(count, plain)}
    rates["extraction"] = rate(count, lambda: in_turn(features, batches))
    info = describe_extractor(msgspec.structs.replace(view, pretrained=False))
    extractor = Extractor(info, features.start, windows_at_once=features.at_once)
    tracks = list(islice(cycle(files), max(1, options.windows // view.windows)))
    began = time.perf_counter()
    list(extract_here(extractor, [tuple(tracks)], jobs=options.jobs, on_device=True))
    rates["and decoding"] = len(tracks) * view.windows / (time.perf_counter() - began)
    for name, windows in rates.items():
        share = windows / rates["plain PyTorch"]
        print(
            f"{view.window_s:g} s\t{precision.value}\t{name}\t{windows:,.1f}\t{share:.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--jobs", type=int, default=2, help="processes that decode")
    parser.add_argument("--windows", type=int, default=2048, help="in a measurement")
    parser.add_argument("--network", default="vgg16-keras")
    parser.add_argument(
        "--precision", type=Precision, nargs="+", default=[Precision.FLOAT32, Precision.BFLOAT16]
    )
    options = parser.parse_args()
    place = choose_device(options.device)
    card = torch.cuda.get_device_name() if place.type == "cuda" else str(place)
    print(f"{card}, {options.network}, {options.jobs} decoding processes")
    print("window\tprecision\twhat\twindows/s\tof plain PyTorch")
    with tempfile.TemporaryDirectory() as scratch:
        if options.folder is None:
            files = write_synthetic(Path(scratch))
        else:
            files, _ = find_audio_files([options.folder])
        for system in ("ds-1s-gru", "ds-5s-gru"):
            view = find_recipe(system).view
            for precision in options.precision:
                changed = msgspec.structs.replace(
                    view,
                    image_network=options.network,
                    feature_precision=precision,
                    pretrained=False,
                )
                measure(changed, files, options)


if __name__ == "__main__":
    main()
