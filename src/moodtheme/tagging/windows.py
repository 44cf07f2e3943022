"""Windows over a track: the excerpts a model scores, cut from an array or a stream of blocks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.tagging.bundle import ExcerptPolicy

FloatArray = npt.NDArray[np.float32]

_TAIL_SHARE = 0.25  # a rest shorter than this share of a hop is not worth a window of its own


@dataclass(frozen=True, slots=True)
class Window:
    """One excerpt on its way to a model.

    Attributes
    ----------
    start
        Position of its first sample in the track.
    length
        Samples of the track it shows; less than ``len(audio)`` when the track was looped.
    weight
        Its share in the track's mean: 1, or less for a last window that overlaps the one before.
    audio
        Float32 mono of the model's excerpt length.
    """

    start: int
    length: int
    weight: float
    audio: FloatArray


def loop_to_length(audio: FloatArray, samples: int) -> FloatArray:
    """`audio` repeated from its beginning until it is `samples` long (or cut to that length)."""
    return audio[:samples] if len(audio) >= samples else np.resize(audio, samples)


def cut_excerpt(audio: FloatArray, *, samples: int, policy: ExcerptPolicy) -> Window:
    """The one excerpt that `ExcerptPolicy.CENTRE` or ``START`` asks for.

    Parameters
    ----------
    audio
        The track, shape (n,), n ≥ 1; looped when it is shorter than the excerpt.
    samples
        Length of the excerpt.
    policy
        Where the excerpt lies.
    """
    start = max(0, (len(audio) - samples) // 2) if policy is ExcerptPolicy.CENTRE else 0
    piece = audio[start : start + samples]
    return Window(start, len(piece), 1.0, loop_to_length(piece, samples))


def slide_windows(
    blocks: Iterable[FloatArray], *, samples: int, hop: int | None = None
) -> Iterator[Window]:
    """Windows over a whole track, read block by block.

    Windows start at 0, hop, 2·hop, …. When a rest of at least a quarter of a hop remains behind
    the last of them, one more window ends where the track ends, weighted by the rest's share of a
    hop. A track shorter than a window is looped. Memory is bounded by a window, a hop and a block.

    Parameters
    ----------
    blocks
        The track's samples in order, float32, in pieces of any length.
    samples
        Length of a window.
    hop
        Distance of windows' starts, at most `samples`; the same when None, so that they tile.
    """
    hop = samples if hop is None else hop
    if not 0 < hop <= samples:
        raise ValueError(f"hop must be from 1 to {samples} samples, not {hop}")
    # `held` begins at `start`, where the last window given out began (or will begin).
    held = np.empty(0, dtype=np.float32)
    start, given = 0, False
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= samples + (hop if given else 0):
            if given:
                held, start = held[hop:], start + hop
            given = True
            yield Window(start, samples, 1.0, held[:samples])
    if not given:
        if len(held):
            yield Window(0, len(held), 1.0, loop_to_length(held, samples))
        return
    rest = len(held) - samples
    if rest >= _TAIL_SHARE * hop:
        yield Window(start + rest, samples, rest / hop, held[rest:])
