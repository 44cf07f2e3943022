"""Opening and reading files: what a header says, a stream of samples, whole files and excerpts."""

import math
import os
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from moodtheme.audio.decoders import open_source
from moodtheme.audio.opened import OpenFile
from moodtheme.audio.resample import ResampleQuality, Samples
from moodtheme.audio.sources import SHORTFALL_S, AudioInfo
from moodtheme.audio.stream import AudioStream

_MOST_HELD = 8_000_000  # samples, 32 MB


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono samples.

    Attributes
    ----------
    samples
        Float32 of shape ``(n,)``, on a scale of ±1.
    sample_rate
        In Hz.
    warnings
        What went wrong while reading without making the samples useless.
    """

    samples: Samples
    sample_rate: int
    warnings: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


class ExcerptPolicy(StrEnum):
    """Which part of a track a model hears.

    ``CENTRE`` and ``START`` are one excerpt; ``COVER`` is windows over the whole track whose
    outputs are averaged.
    """

    CENTRE = "centre"
    START = "start"
    COVER = "cover"


def probe(path: str | os.PathLike[str]) -> AudioInfo:
    """Read a file's header: decoder, codec, rate, channels, duration.

    Raises
    ------
    AudioError
        If the file is missing, unreadable, empty or not audio.
    """
    with OpenFile(Path(path)) as file:
        source, _ = open_source(file)
        source.close()
    return source.info


def open_audio(
    path: str | os.PathLike[str],
    *,
    sample_rate: int | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
    block_s: float = 1.0,
    quality: ResampleQuality = ResampleQuality.HIGH,
) -> AudioStream:
    """Open a file, or an excerpt of it, as a stream of mono blocks.

    Parameters
    ----------
    path
        Any regular file that soundfile or FFmpeg decodes.
    sample_rate
        Rate of the blocks in Hz; None keeps the file's own.
    start_s
        Where to start, in seconds. The excerpt's samples are those of the whole stream.
    duration_s
        How much to read, in seconds; None reads to the end.
    block_s
        Length of a block in seconds, about. One second of stereo fits a processor's cache.
    quality
        soxr recipe.

    Raises
    ------
    AudioError
        If the file is missing, unreadable, empty or not audio.
    ValueError
        If a number is out of range.
    """
    if sample_rate is not None and sample_rate <= 0:
        raise ValueError(f"sample_rate is {sample_rate}; it must be positive")
    if not 0 <= start_s < math.inf:
        raise ValueError(f"start_s is {start_s}; it must be zero or more")
    if duration_s is not None and not 0 < duration_s < math.inf:
        raise ValueError(f"duration_s is {duration_s}; it must be positive")
    if not 0 < block_s < math.inf:
        raise ValueError(f"block_s is {block_s}; it must be positive")
    return AudioStream(
        OpenFile(Path(path)),
        sample_rate=sample_rate,
        start_s=start_s,
        duration_s=duration_s,
        block_s=block_s,
        quality=quality,
    )


def read_audio(
    path: str | os.PathLike[str],
    *,
    sample_rate: int | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
    minimum_s: float = 0.0,
    quality: ResampleQuality = ResampleQuality.HIGH,
) -> Audio:
    """Read a file, or a part of it, as mono samples.

    Parameters
    ----------
    path, sample_rate, start_s, duration_s, quality
        As for `open_audio`.
    minimum_s
        Least length in seconds that is of use.

    Raises
    ------
    AudioError
        If the file cannot be read, or gives less than ``minimum_s`` or nothing.
    """
    with open_audio(
        path, sample_rate=sample_rate, start_s=start_s, duration_s=duration_s, quality=quality
    ) as stream:
        blocks = list(stream)
        stream.require(minimum_s)
    return _audio(blocks, stream)


def read_excerpt(
    path: str | os.PathLike[str],
    *,
    sample_rate: int | None = None,
    length_s: float,
    policy: ExcerptPolicy,
    minimum_s: float = 0.0,
    quality: ResampleQuality = ResampleQuality.HIGH,
) -> Audio:
    """Read the excerpt that a model looks at; a shorter file is given whole.

    Parameters
    ----------
    path, sample_rate, quality
        As for `open_audio`.
    length_s
        Length of the excerpt in seconds.
    policy
        Where it lies; ``COVER`` gives the whole file. The centre is that of the audio that can be
        decoded.
    minimum_s
        Least length in seconds that is of use.

    Raises
    ------
    AudioError
        As for `read_audio`.
    """
    if policy is not ExcerptPolicy.CENTRE:
        return read_audio(
            path,
            sample_rate=sample_rate,
            duration_s=length_s if policy is ExcerptPolicy.START else None,
            minimum_s=minimum_s,
            quality=quality,
        )
    claimed_s = probe(path).duration_s
    if claimed_s is not None:
        excerpt = open_audio(
            path,
            sample_rate=sample_rate,
            start_s=max((claimed_s - length_s) / 2, 0.0),
            duration_s=length_s,
            quality=quality,
        )
        with excerpt as stream:
            blocks = list(stream)
        if stream.decoded_s >= min(claimed_s, length_s) - SHORTFALL_S:
            stream.require(minimum_s)
            return _audio(blocks, stream)
    # The header does not say how long the audio is, or claims more than can be decoded.
    return _centre(path, sample_rate, length_s, minimum_s, quality)


def _centre(
    path: str | os.PathLike[str],
    sample_rate: int | None,
    length_s: float,
    minimum_s: float,
    quality: ResampleQuality,
) -> Audio:
    """The centre of audio whose length is known at its end only, decoded once.

    All that may be the centre yet is held, half the track at most; a track of which that is too
    much is decoded again.
    """
    held: deque[Samples] = deque()
    first = end = 0
    with open_audio(path, sample_rate=sample_rate, quality=quality) as stream:
        wanted = round(length_s * stream.sample_rate)
        for block in stream:
            held.append(block)
            end += len(block)
            needed = (end - wanted) // 2 - 2  # two samples for rounding, which depends on the rates
            if end - needed > _MOST_HELD:
                needed = end
            while held and first + len(held[0]) <= needed:
                first += len(held.popleft())
        stream.require(minimum_s)
    start_s = max((stream.position_s - length_s) / 2, 0.0)
    start = round(start_s * stream.sample_rate)
    if start >= first and held:
        samples = np.concatenate(held)[start - first :][:wanted]
        return Audio(samples, stream.sample_rate, tuple(stream.warnings))
    return read_audio(
        path,
        sample_rate=sample_rate,
        start_s=start_s,
        duration_s=length_s,
        minimum_s=minimum_s,
        quality=quality,
    )


def _audio(blocks: list[Samples], stream: AudioStream) -> Audio:
    samples = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    return Audio(samples, stream.sample_rate, tuple(stream.warnings))
