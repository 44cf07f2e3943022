"""How fast spectrogram plots are computed, beside drawing them with matplotlib, and how alike.

    python benchmarks/plots.py [--pictures N] [--rounds N] [--goldens FILE]

All ways turn the same windows of synthetic sound into pictures of 224 × 224, in turn, on one core.
Time is the processor's, and the best round of each way is taken, so that other work on the machine
counts little. Compare ratios within one run. The references, from the toolkit's way to the leanest:

- as the toolkit: librosa's spectrogram and ``specshow`` in a pyplot figure, saved as a PNG file in
  memory, read again and resized by Pillow, which are the calls that the Deep Spectrum toolkit makes
  (librosa of today lays the cells out otherwise, so this one's pictures are not compared);
- drawn: `drawn_plots.py`, without pyplot and ``specshow``; the pictures that ours must equal;
- drawn, no PNG: the same, its pixels taken from the renderer's memory.

The module is our computation in PyTorch and, exported, in ONNX Runtime.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import librosa
import librosa.display
import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import torch
from threadpoolctl import threadpool_limits

from drawn_plots import DPI, draw, picture, pixels, spectrogram_db
from moodtheme.arrays import ByteArray, FloatArray
from moodtheme.exporting.graph import export_graph
from moodtheme.features import mel_plot, mel_plots
from moodtheme.features.plot_module import SpectrogramPlots
from moodtheme.features.plot_options import PlotOptions

RATE = 44_100


def sound(windows: int, seconds: int) -> FloatArray:
    """Decaying chords over noise, another one every half second; ``(windows, samples)``."""
    rng = np.random.default_rng(0)
    time_s = np.arange(RATE // 2) / RATE
    chords = []
    for _ in range(windows * seconds * 2):
        pitches = 55.0 * 2 ** (rng.integers(0, 48, size=3) / 12)
        partials = np.concatenate([pitches * k for k in range(1, 7)])
        strengths = np.repeat(1.0 / np.arange(1, 7), 3)
        waves = np.sin(2 * np.pi * partials[:, None] * time_s) * strengths[:, None]
        chord = waves.sum(axis=0) * np.exp(-4 * time_s) + 0.01 * rng.normal(size=len(time_s))
        chords.append(0.1 * chord)
    return np.concatenate(chords).astype(np.float32).reshape(windows, seconds * RATE)


def as_toolkit(windows: FloatArray) -> None:
    for window in windows:
        figure = plt.figure(frameon=False)
        figure.set_size_inches(1, 1)
        axes = plt.Axes(figure, (0, 0, 1, 1))
        axes.set_axis_off()
        figure.add_axes(axes)
        librosa.display.specshow(
            spectrogram_db(window, RATE),
            sr=RATE, hop_length=1024, fmax=RATE / 2, x_axis="time", y_axis="mel", cmap="magma",
        )  # fmt: skip
        picture(figure)
        plt.close(figure)


def drawn(windows: FloatArray, *, through_png: bool) -> ByteArray:
    pictures = []
    for window in windows:
        figure = draw(spectrogram_db(window, RATE), RATE)
        pictures.append(picture(figure) if through_png else pixels(figure))
    return np.stack(pictures)


def module_ways(seconds: int) -> dict[str, Callable[[FloatArray], object]]:
    module = SpectrogramPlots(PlotOptions(sample_rate=RATE), samples=seconds * RATE)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "plots.onnx"
        export_graph(module, graph, samples=seconds * RATE)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
    return {
        "module, PyTorch": lambda windows: module(torch.from_numpy(windows)),
        "module, ONNX Runtime": lambda windows: session.run(None, {"audio": windows}),
    }


def best_times(
    ways: dict[str, Callable[[FloatArray], object]], windows: FloatArray, rounds: int
) -> dict[str, float]:
    """Seconds of processor time a picture."""
    for way in ways.values():
        way(windows[:1])
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.process_time()
            way(windows)
            times[name].append((time.process_time() - start) / len(windows))
    return {name: min(measured) for name, measured in times.items()}


def report_speed(seconds: int, pictures: int, rounds: int) -> None:
    windows = sound(pictures, seconds)
    ways: dict[str, Callable[[FloatArray], object]] = {
        "as the toolkit": as_toolkit,
        "drawn": partial(drawn, through_png=True),
        "drawn, no PNG": partial(drawn, through_png=False),
        "computed": partial(mel_plots, sample_rate=RATE),
        **module_ways(seconds),
    }
    times = best_times(ways, windows, rounds)
    references = list(times)[:3]
    print(f"{seconds} s windows: × how much faster than each reference")
    print(f"{'':26s}ms a picture  pictures/s" + "".join(f"{name:>16s}" for name in references))
    for name, spent in times.items():
        ratios = "".join(f"{times[reference] / spent:16.1f}" for reference in references)
        print(f"  {name:24s}{1e3 * spent:12.2f}{1 / spent:12.0f}{ratios}")
    both = mel_plots(windows, RATE).astype(int), drawn(windows, through_png=True).astype(int)
    difference = np.abs(both[0] - both[1])
    print(
        f"  computed against drawn: mean difference {difference.mean():.5f} of 255, "
        f"at most {difference.max()}, {(difference > 0).any(axis=3).mean():.3%} of pixels differ"
    )


def report_goldens(file: Path) -> None:
    print(f"against {file.name}: mean absolute difference of 255, share of differing pixels")
    with np.load(file, allow_pickle=False) as goldens:
        for name in sorted({key.split("/")[0] for key in goldens.files}):
            for part, (start_s, end_s) in {"1s": (2, 3), "5s": (0, 5)}.items():
                for size, key in ((DPI, "plot227"), (224, "plot")):
                    ours = mel_plot(
                        goldens[f"{name}/audio"], RATE, start_s=start_s, end_s=end_s, size=size
                    )
                    difference = np.abs(ours - goldens[f"{name}/{key}_{part}"].astype(int))
                    share = (difference > 0).any(axis=2).mean()
                    print(f"  {name} {part} {size}: {difference.mean():.6f}, {share:.4%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=4, help="a call")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--goldens", type=Path, help="pictures to compare with")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1), torch.no_grad():
        for seconds in (1, 5):
            report_speed(seconds, arguments.pictures, arguments.rounds)
    if arguments.goldens:
        report_goldens(arguments.goldens)


if __name__ == "__main__":
    main()
