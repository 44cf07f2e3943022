"""Small libraries: toy models, seconds of sound, and rows that were never heard."""

import os
from pathlib import Path

import numpy as np
import soundfile

from moodtheme import Tagger
from moodtheme.audio import ExcerptPolicy
from moodtheme.library import Library
from moodtheme.tagging.bundle import Output
from toy_bundle import RATE, make_many_membered_bundle, toy_member

EVERYTHING = (Output.SCORES, Output.DIMENSIONS, Output.EMBEDDING)


def toy_tagger(folder: Path, *, name: str = "one") -> Tagger:
    """A model with scores, a dimension and an embedding; another name makes another model."""
    member = toy_member(name, ExcerptPolicy.COVER, outputs=EVERYTHING, embedding_size=2)
    make_many_membered_bundle(folder / name, [member])
    return Tagger.load(folder / name)


def write_piece(path: Path, number: int = 0, *, level: float | None = None) -> Path:
    """Three seconds of noise; another number is other audio, and louder unless told."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    samples = (0.02 + 0.01 * number if level is None else level) * rng.standard_normal(3 * RATE)
    soundfile.write(path, samples.clip(-1, 1), RATE)
    age(path)
    return path


def age(path: Path, *, seconds: int = 60) -> None:
    """Make a file one that was not written just now."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - seconds * 10**9))


def content(library: Library) -> list[tuple[object, ...]]:
    """All that a library says, without the numbers and times of its rows."""
    return sorted(
        (
            track.audio,
            track.places,
            track.model.bundle.digest,
            track.result.scores.tobytes(),
            track.result.embedding is not None and track.result.embedding.tobytes(),
            track.result.dimensions is not None and track.result.dimensions.tobytes(),
            track.result.duration_s,
            track.result.notes,
            track.result.warnings,
        )
        for track in library.tracks()
    )
