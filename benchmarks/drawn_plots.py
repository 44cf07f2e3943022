"""Spectrogram plots drawn for real: the reference that computed ones are held against.

What the Deep Spectrum toolkit does, with the libraries it does it with: librosa's transform and
filters, a matplotlib figure of one square inch without frame or margins, its picture as a PNG file
in memory, Pillow's resize.
"""

import io
import warnings

import librosa
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

DPI = 227
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "nearest": Image.Resampling.NEAREST}
SCIPY_WINDOWS = {"rectangular": "boxcar"}


def spectrogram_db(
    audio: npt.NDArray[np.float32],
    sample_rate: int,
    *,
    n_mels: int = 128,
    scale: str = "mel",
    n_fft: int = 2048,
    window: str = "hann",
    hop: int | None = None,
    f_max: float | None = None,
    delta: int = 0,
) -> npt.NDArray[np.float32]:
    """Decibel below the maximum, ``(bands, frames)``."""
    spectrum = librosa.stft(
        audio,
        n_fft=n_fft,
        hop_length=hop or n_fft // 2,
        window=SCIPY_WINDOWS.get(window, window),
        center=False,
    )
    if f_max is not None and scale == "mel":
        share = min(f_max * 2 / sample_rate, 1)
        spectrum = spectrum[: int(share * (1 + n_fft / 2))]
    if delta:
        with warnings.catch_warnings():
            # SciPy's filter drops the imaginary part.
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            spectrum = librosa.feature.delta(spectrum, order=delta)
    if scale == "linear":
        return librosa.amplitude_to_db(np.abs(spectrum), ref=np.max, top_db=None)
    mel = librosa.feature.melspectrogram(S=np.abs(spectrum) ** 2, sr=sample_rate, n_mels=n_mels)
    return librosa.power_to_db(mel, ref=np.max, top_db=None)


def draw(
    level: npt.NDArray[np.float32],
    sample_rate: int,
    *,
    colour_map: str = "magma",
    scale: str = "mel",
    n_fft: int = 2048,
    hop: int | None = None,
    f_max: float | None = None,
) -> Figure:
    """The figure of a spectrogram, its cells as librosa 0.7 laid them out."""
    bands, frames = level.shape
    top = f_max or sample_rate / 2
    if scale == "mel":
        edges = librosa.mel_frequencies(bands, fmin=0, fmax=top)
        last = top
    else:
        edges = librosa.fft_frequencies(sr=sample_rate, n_fft=n_fft)
        last = edges[-1]
    edges[1:] -= 0.5 * np.diff(edges)
    edges = np.append(edges, last)
    times = librosa.frames_to_time(
        np.arange(frames + 1), sr=sample_rate, hop_length=hop or n_fft // 2
    )
    figure = Figure(figsize=(1, 1), frameon=False)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.pcolormesh(times, edges, level, cmap=colour_map, shading="flat", rasterized=True)
    axes.set_xlim(times[0], times[-1])
    if scale == "mel":
        axes.set_yscale("symlog", linthresh=1000, base=2)
    axes.set_ylim(0, top)
    return figure


def picture(figure: Figure, *, size: int = 224, resize: str = "bicubic") -> npt.NDArray[np.uint8]:
    """The figure as the image network gets it, ``(size, size, 3)``, through a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB").resize((size, size), FILTERS[resize]))


def pixels(figure: Figure, *, size: int = 224, resize: str = "bicubic") -> npt.NDArray[np.uint8]:
    """The same, straight from the renderer's memory."""
    figure.set_dpi(DPI)
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    return np.asarray(Image.fromarray(drawn).resize((size, size), FILTERS[resize]))
