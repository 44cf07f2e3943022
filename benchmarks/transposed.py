"""How alike a piece and its transposed self are to models and to each teacher: whose limit it is.

    python benchmarks/transposed.py MUSIC… [--models NAME…] [--sample N]
        [--teachers DIR|fetch --emotify DIR] [--cache DIR]

MUSIC is a folder or a table with ``path``. Of each piece one window of 29.12 s around its middle is
heard: as it is; a semitone up and down around the same middle, played faster and slower; and begun
1.5 s later, which is what the measure itself allows. Printed: Spearman's correlation over pieces,
median over outputs, its 95 % interval over resampled pieces, and the least output.

--teachers DIR    each teacher's own logits, and the teachers together, read as the student is (the
                  readings are fitted to Emotify's odd half). What they said is kept in --cache,
                  as by `listening.py`. 2 s of a core a window.
"""

import argparse
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr

from intervals import bounds
from listened_models import RATE, Ours, whole
from listened_music import asked_teachers, tracks_of
from moodtheme.distillation.quality import spearman_per_tag
from moodtheme.errors import AudioError
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES

SEMITONE = 2 ** (1 / 12)
WAYS = {
    "as it is": (1.0, 0.0),
    "a semitone up": (SEMITONE, 0.0),
    "a semitone down": (1 / SEMITONE, 0.0),
    "1.5 s later": (1.0, 1.5),
}  # speed, seconds by which the window's middle is later
LEAST_SAMPLES = round(EXCERPT_SAMPLES * SEMITONE) + 3 * RATE


def window(audio: np.ndarray, speed: float, later_s: float) -> np.ndarray:
    """What is around the middle of `audio`, played at `speed`."""
    length = round(EXCERPT_SAMPLES * speed)
    start = (len(audio) - length) // 2 + round(later_s * RATE)
    piece = audio[start : start + length]
    if speed != 1.0:
        piece = soxr.resample(piece, RATE * speed, RATE)
    return np.resize(piece, EXCERPT_SAMPLES).astype(np.float32)


def windows_of(music: list[Path], sample: int) -> list[dict[str, np.ndarray]]:
    """Windows of the first `sample` pieces, in a drawn order, that are long enough."""
    files = tracks_of(music)
    random.Random(0).shuffle(files)
    found: list[dict[str, np.ndarray]] = []
    for file in files:
        if len(found) == sample:
            break
        try:
            audio = whole(file)
        except AudioError:
            continue
        if len(audio) >= LEAST_SAMPLES:
            found.append({name: window(audio, *way) for name, way in WAYS.items()})
    return found


def show(name: str, heard: Callable[[np.ndarray], np.ndarray], pieces: list) -> None:
    """A line: how alike what is `heard` of pieces and of their changed selves is."""
    before, *others = (np.array([heard(piece[way]) for piece in pieces]) for way in WAYS)
    cells = []
    for after in others:

        def median(d: np.ndarray, after: np.ndarray = after) -> float:
            return float(np.nanmedian(spearman_per_tag(before[d], after[d])))

        low, high = bounds(median, len(pieces))
        rho = spearman_per_tag(before, after)
        cells.append(f"{np.median(rho):.3f} [{low:.3f}, {high:.3f}] ({rho.min():.3f})")
    print(f"{name:26}" + "".join(f"{cell:32}" for cell in cells).rstrip(), flush=True)


def main() -> None:
    """Print a line for each model and teacher."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("music", type=Path, nargs="+")
    parser.add_argument("--models", nargs="*", default=["moodtheme-small"])
    parser.add_argument("--sample", type=int, default=30)
    parser.add_argument("--teachers", metavar="DIR|fetch")
    parser.add_argument("--emotify", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("teachers-said"))
    options = parser.parse_args()
    together = asked_teachers(parser, options)
    pieces = windows_of(options.music, options.sample)
    print(f"{len(pieces)} pieces".ljust(26) + "".join(f"{way:32}" for way in [*WAYS][1:]).rstrip())
    for name in options.models:
        model = Ours(name)
        show(model.name, model.score, pieces)
    if together is not None:
        for name, part in together.columns.logits.items():
            show(name, lambda audio, part=part: together.ask(audio)[part], pieces)
        show(together.name, together.score, pieces)


if __name__ == "__main__":
    main()
