"""What extracting features costs, and what part of it is decoding, drawing and the network.

``python benchmarks/extraction.py [FOLDER] [--system ds-1s] [--set NAME=VALUE] [--tracks N]`` takes
the first files of a folder, or without one writes MP3 of a synthetic signal. One core, processor
time, so that other programs disturb less; shares within one run compare, across machines they do
not. Random weights take the same time as published ones.

The last lines multiply the measured rates to a million tracks; see ``docs/scale.md``.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from rich.filesize import decimal

from audio_cache import write_synthetic
from moodtheme.audio import find_audio_files
from moodtheme.cli.options import RANDOM, chosen_recipe
from moodtheme.errors import AudioError
from moodtheme.feature_store import Extractor, make_extractor
from moodtheme.feature_store.extraction import read_track
from moodtheme.features.plots import draw
from moodtheme.files import sha256_of
from moodtheme.models.image_networks import load_image_network
from moodtheme.training.kinds import kind_of

MILLION = 1_000_000

T = TypeVar("T")


class Stopwatch:
    """Processor time by what it was spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, what: str, work: Callable[[], T]) -> T:
        """Do some work and add what it took."""
        start = time.process_time()
        result = work()
        spent = time.process_time() - start
        self.seconds[what] = self.seconds.get(what, 0.0) + spent
        return result


def measure(extractor: Extractor, files: list[Path], watch: Stopwatch, *, images: bool) -> None:
    """Each file alone through every stage, in turn."""
    view = extractor.info.view
    network = None
    if images:
        network = load_image_network(
            view.image_network,
            layer=view.layer,
            preprocessing=view.preprocessing,
            precision=view.feature_precision,
            pretrained=False,
        )
        # The first calls make tables and prepare the network, once for any number of tracks.
        options = view.plot_options(network.size)
        network.extract(draw(np.zeros((1, view.window_samples), np.float32), options))
    for file in files:
        watch.time("read and hash", lambda file=file: sha256_of(file))
        audio = watch.time("decode", lambda file=file: read_track(file, view))
        if isinstance(audio, AudioError):
            raise audio
        if network is None:
            watch.time("descriptors", lambda audio=audio: extractor(audio[None]))
            continue
        windows = audio.reshape(view.windows, view.window_samples)
        pictures = watch.time("pictures", lambda windows=windows: draw(windows, options))
        watch.time("image network", lambda pictures=pictures: network.extract(pictures))


def end_to_end(extractor: Extractor, files: list[Path]) -> float:
    """Processor seconds a track with tracks in groups, as a build computes them."""
    group = extractor.info.tracks_at_once
    extractor(np.zeros((1, extractor.info.view.samples), np.float32))  # prepares it
    some = (files * group)[: group * max(1, len(files) // group)]
    start = time.process_time()
    for first in range(0, len(some), group):
        tracks = [read_track(file, extractor.info.view) for file in some[first : first + group]]
        extractor(np.stack([track for track in tracks if not isinstance(track, AudioError)]))
    return (time.process_time() - start) / len(some)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--system", default="ds-1s")
    parser.add_argument("--set", dest="values", action="append", default=[])
    parser.add_argument("--tracks", type=int, default=4)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = chosen_recipe(f"{arguments.system}-gru", arguments.values, RANDOM)
    extractor = make_extractor(recipe.view)
    view, row_bytes = extractor.info.view, extractor.info.row_bytes
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.folder is None:
            found = write_synthetic(Path(scratch))
        else:
            found, _ = find_audio_files([arguments.folder])
        files = found[: arguments.tracks]
        watch = Stopwatch()
        measure(extractor, files, watch, images=bool(kind_of(recipe).images))
        whole_s = end_to_end(extractor, files)
        megabytes = sum(file.stat().st_size for file in files) / len(files) / 1e6

    seconds_s = view.samples / view.sample_rate
    each = {what: seconds / len(files) for what, seconds in watch.seconds.items()}
    total = sum(each.values())
    label = extractor.info.label
    print(f"{label}: {len(files)} tracks of {megabytes:.1f} MB, {seconds_s:g} s of each")
    for what, seconds in each.items():
        print(f"  {what:<14} {seconds * 1000:8.1f} ms a track {seconds / total:7.1%}")
    print(
        f"  end to end     {whole_s * 1000:8.1f} ms a track: {seconds_s / whole_s:.1f} × real time"
    )
    print(f"  stored         {decimal(row_bytes):>8} a track")
    print("a million tracks like these, at this rate:")
    cores_days = MILLION * (whole_s + each["read and hash"]) / 86_400
    print(f"  {cores_days:.1f} days of one such core; {decimal(MILLION * row_bytes)} stored")


if __name__ == "__main__":
    main()
