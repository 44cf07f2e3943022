"""What FFmpeg decodes, as mono samples: frames of one form are taken together."""

from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame

from moodtheme.audio.mono import Downmix
from moodtheme.audio.resample import Samples

# From this many planes on, PyAV reads past the end of a frame's list of planes.
_MOST_PLANES = 7

# Sample format without its planar mark: NumPy type, value of silence, factor to ±1.
_FORMATS: dict[str, tuple[type[np.generic], float, float]] = {
    "u8": (np.uint8, 2.0**7, 2.0**-7),
    "s16": (np.int16, 0.0, 2.0**-15),
    "s32": (np.int32, 0.0, 2.0**-31),
    "s64": (np.int64, 0.0, 2.0**-63),
    "flt": (np.float32, 0.0, 1.0),
    "dbl": (np.float64, 0.0, 1.0),
}


def form_of(frame: AudioFrame) -> tuple[int, int, str]:
    """What frames have in common that `mono_of_frames` takes together."""
    return frame.sample_rate, frame.layout.nb_channels, frame.format.name


def mono_of_frames(frames: list[AudioFrame], downmix: Downmix) -> Samples:
    """Mean of the channels of frames of one form, float32 on a scale of ±1."""
    channels, form = frames[0].layout.nb_channels, frames[0].format
    if form.is_planar and channels > _MOST_PLANES:
        packed = [av.AudioResampler(format="flt").resample(frame) for frame in frames]
        return mono_of_frames([part for parts in packed for part in parts], downmix)
    dtype, silence, factor = _FORMATS[form.name.removesuffix("p")]
    counts = [frame.samples for frame in frames]
    planes: list[Any] = [frame.planes for frame in frames]
    if form.is_planar:
        parts = [
            np.concatenate(
                [np.frombuffer(p[channel], dtype, n) for p, n in zip(planes, counts, strict=True)]
            )
            for channel in range(channels)
        ]
    else:
        values = np.concatenate(
            [np.frombuffer(p[0], dtype, n * channels) for p, n in zip(planes, counts, strict=True)]
        ).reshape(-1, channels)
        parts = [values[:, channel] for channel in range(channels)]
    mono: Samples = parts[0].astype(np.float32)
    for part in parts[1:]:
        mono += part
    if silence:
        mono -= np.float32(silence * channels)
    mono *= np.float32(factor / channels)
    return mono if silence else downmix.check(mono, parts, scale=factor)
