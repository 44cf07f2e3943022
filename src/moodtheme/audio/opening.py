"""Opening a file: what its header says, or a stream of its samples."""

import math
import os
from pathlib import Path

from moodtheme.audio.decoders import open_source
from moodtheme.audio.opened import OpenFile
from moodtheme.audio.resample import ResampleQuality
from moodtheme.audio.sources import AudioInfo
from moodtheme.audio.stream import AudioStream


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
