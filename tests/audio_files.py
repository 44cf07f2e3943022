"""Audio files made for tests: every format from the same signal, nothing recorded."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

# One write of a long Ogg file can overflow the stack of libsndfile, so files grow block by block.
WRITE_BLOCK = 8192

# Extension of a soundfile format: subtype.
SOUNDFILE_FORMATS = {
    ".wav": "PCM_16",
    ".flac": "PCM_24",
    ".ogg": "VORBIS",
    ".opus": "OPUS",
    ".mp3": "MPEG_LAYER_III",
    ".aiff": "PCM_16",
}
# Extension of a PyAV container: audio codec, sample format.
PYAV_FORMATS = {
    ".m4a": ("aac", "fltp"),
    ".mov": ("alac", "s16p"),
    ".wma": ("wmav2", "fltp"),
    ".mka": ("libopus", "flt"),
    ".mp4": ("aac", "fltp"),
    ".avi": ("ac3", "fltp"),
    ".aac": ("aac", "fltp"),
}
VIDEO_CONTAINERS = frozenset({".mp4", ".avi"})
EVERY_FORMAT = (*SOUNDFILE_FORMATS, *PYAV_FORMATS)


def chirp(seconds: float, rate: int, channels: int = 2, *, seed: int = 0) -> np.ndarray:
    """Tonal, noisy and time-varying, so that a shift of one sample shows: (n, channels) float32."""
    time = np.arange(round(seconds * rate)) / rate
    generator = np.random.default_rng(seed)
    columns = []
    for channel in range(channels):
        sweep = np.sin(2 * np.pi * (200 + 50 * channel + 30 * time) * time)
        beat = 0.6 + 0.4 * np.sin(2 * np.pi * (1.3 + 0.2 * channel) * time)
        columns.append(0.3 * beat * sweep + 0.02 * generator.standard_normal(len(time)))
    return np.stack(columns, axis=1).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int) -> Path:
    """Write ``(n, channels)`` samples in the format that the extension names."""
    if path.suffix in SOUNDFILE_FORMATS:
        return write_soundfile(path, samples, rate, subtype=SOUNDFILE_FORMATS[path.suffix])
    codec, sample_format = PYAV_FORMATS[path.suffix]
    return write_pyav(
        path, samples, rate, codec, sample_format, video=path.suffix in VIDEO_CONTAINERS
    )


def write_soundfile(
    path: Path, samples: np.ndarray, rate: int, *, subtype: str, container: str | None = None
) -> Path:
    container = container or {".opus": "OGG"}.get(path.suffix)
    with soundfile.SoundFile(
        path, "w", rate, samples.shape[1], subtype=subtype, format=container
    ) as file:
        for start in range(0, len(samples), WRITE_BLOCK):
            file.write(samples[start : start + WRITE_BLOCK])
    return path


def write_pyav(
    path: Path,
    samples: np.ndarray,
    rate: int,
    codec: str,
    sample_format: str,
    *,
    video: bool = False,
    layout: str | None = None,
) -> Path:
    layout = layout or {1: "mono", 2: "stereo", 6: "5.1"}[samples.shape[1]]
    with av.open(path, "w") as container:
        picture = None
        if video:
            picture = container.add_stream("mpeg4", rate=10)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        # Noise substitution puts fresh random numbers into every decoding.
        options = {"aac_pns": "0"} if codec == "aac" else {}
        stream = container.add_stream(codec, rate=rate, layout=layout, options=options)
        stream.bit_rate = 64_000 * samples.shape[1]
        stream.format = sample_format
        for start in range(0, len(samples), WRITE_BLOCK):
            block = samples[start : start + WRITE_BLOCK]
            container.mux(stream.encode(audio_frame(block, rate, sample_format, layout, start)))
            if picture is not None:
                container.mux(picture.encode(_picture(start / rate)))
        container.mux(stream.encode(None))
        if picture is not None:
            container.mux(picture.encode(None))
    return path


def audio_frame(
    block: np.ndarray, rate: int, sample_format: str, layout: str, start: int
) -> av.AudioFrame:
    values = block.T if sample_format.endswith("p") else block.reshape(1, -1)
    if sample_format.startswith("s16"):
        values = np.clip(np.round(values * 2**15), -(2**15), 2**15 - 1).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), sample_format, layout)
    frame.sample_rate = rate
    frame.pts = start
    frame.time_base = Fraction(1, rate)
    return frame


def _picture(seconds: float) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
    frame.pts = int(seconds * 10)
    frame.time_base = Fraction(1, 10)
    return frame
