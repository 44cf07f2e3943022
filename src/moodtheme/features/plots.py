"""Spectrogram plots as the Deep Spectrum toolkit draws them, without drawing.

The toolkit has matplotlib draw each window's mel spectrogram into a picture, which an image network
looks at. Here the same pictures are computed: the spectrogram, its colours, and which of them each
pixel shows (`moodtheme.features.plot_layout`). NumPy alone, many windows at a time.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import ByteArray, FloatArray
from moodtheme.errors import PlotError
from moodtheme.features.colour_maps import colour_map as find_colour_map
from moodtheme.features.plot_layout import bicubic_products, is_resampled, nearest_cells
from moodtheme.features.plot_options import (
    FrequencyScale,
    PlotOptions,
    Resize,
    WindowFunction,
    choice,
)
from moodtheme.features.plot_spectrum import BandedMatrix, log_spectrogram

IndexArray = npt.NDArray[np.int32]
Painter = Callable[[IndexArray, ByteArray], None]

_PIXEL = np.dtype("V3")


def mel_plot(
    audio: npt.ArrayLike,
    sample_rate: int,
    *,
    n_mels: int = 128,
    colour_map: str = "magma",
    size: int = 224,
    resize: Resize | str = Resize.BICUBIC,
    scale: FrequencyScale | str = FrequencyScale.MEL,
    n_fft: int | None = None,
    window: WindowFunction | str = WindowFunction.HANN,
    hop: int | None = None,
    f_max: float | None = None,
    delta: int = 0,
    start_s: float = 0.0,
    end_s: float | None = None,
) -> ByteArray:
    """Draw the spectrogram of a piece of audio.

    Parameters
    ----------
    audio
        Mono ``(samples,)``, or ``(samples, channels)``, of which the mean is taken; on a scale of
        ±1. It is never resampled.
    sample_rate
        In Hz.
    start_s, end_s
        The part that is drawn, in seconds from the start of the audio; up to its end when None.
    n_mels, colour_map, size, resize, scale, n_fft, window, hop, f_max, delta
        See `mel_plots`.

    Returns
    -------
    ndarray
        uint8 RGB ``(size, size, 3)``, time from left to right, low frequencies at the bottom.

    Raises
    ------
    PlotError
        A value is out of its range, the audio is too short, or a sample is not finite.
    """
    samples = np.asarray(audio, dtype=np.float32)
    if samples.ndim == 2:
        samples = samples.mean(axis=1)
    if samples.ndim != 1:
        raise PlotError(f"audio must be (samples,) or (samples, channels), not {samples.shape}")
    if start_s < 0 or (end_s is not None and end_s <= start_s):
        raise PlotError(f"end_s must be above start_s, both from 0; they are {end_s} and {start_s}")
    end = None if end_s is None else round(end_s * sample_rate)
    part = samples[round(start_s * sample_rate) : end]
    pictures = mel_plots(
        part[None],
        sample_rate,
        n_mels=n_mels,
        colour_map=colour_map,
        size=size,
        resize=resize,
        scale=scale,
        n_fft=n_fft,
        window=window,
        hop=hop,
        f_max=f_max,
        delta=delta,
    )
    return np.asarray(pictures[0])


def mel_plots(
    windows: npt.ArrayLike,
    sample_rate: int,
    *,
    n_mels: int = 128,
    colour_map: str = "magma",
    size: int = 224,
    resize: Resize | str = Resize.BICUBIC,
    scale: FrequencyScale | str = FrequencyScale.MEL,
    n_fft: int | None = None,
    window: WindowFunction | str = WindowFunction.HANN,
    hop: int | None = None,
    f_max: float | None = None,
    delta: int = 0,
) -> ByteArray:
    """Draw the spectrograms of windows of equal length.

    The defaults are the Deep Spectrum toolkit's with the options of the paper's authors, but for
    the resize, for which see `Resize`.

    Parameters
    ----------
    windows
        Mono ``(n, samples)`` on a scale of ±1.
    sample_rate
        In Hz.
    n_mels
        Slaney mel bands from 0 Hz to half the sample rate. Ignored on the linear scale.
    colour_map
        A matplotlib colour map's name, see `moodtheme.features.colour_maps`; from a window's own
        minimum, the lowest colour, to its maximum. A window without contrast (digital silence) has
        the lowest colour throughout.
    size
        Pixels of a side. The drawing has 227, and is returned as it is when that is asked for.
    resize
        How it is brought to `size`.
    scale
        Mel bands on an axis that is linear up to 1 kHz and logarithmic above, or the transform's
        bins on a linear axis.
    n_fft
        Samples of an analysis frame, even; the next power of two of 25 ms when None (2,048 at
        44.1 kHz). Only complete frames are drawn; nothing is padded.
    window
        The frame's weighting. The toolkit always uses ``hann``.
    hop
        Samples from one frame to the next, half a frame when None, as in the toolkit.
    f_max
        Upper end of the plot in Hz; half the sample rate when None. As in the toolkit, the linear
        scale is cut off there (what is cut off still counts for the range of colours), while on
        the mel scale the filters of the whole range are squeezed into what is below.
    delta
        Order of a derivative over time (Savitzky and Golay's filter over nine frames), 0 for none.
        It is taken of the real part of the transform, before power, because that is what becomes
        of the toolkit's complex transform in SciPy.

    Returns
    -------
    ndarray
        uint8 RGB ``(n, size, size, 3)``.

    Raises
    ------
    PlotError
        A value is out of its range, windows are too short, or a sample is not finite.
    """
    options = PlotOptions(
        sample_rate=sample_rate,
        n_mels=n_mels,
        scale=choice(FrequencyScale, scale),
        colour_map=colour_map,
        resize=choice(Resize, resize),
        size=size,
        n_fft=n_fft,
        hop=hop,
        window=choice(WindowFunction, window),
        f_max=f_max,
        delta=delta,
    )
    return draw(windows, options)


def draw(windows: npt.ArrayLike, options: PlotOptions) -> ByteArray:
    """Draw windows as `options` say; see `mel_plots`."""
    size, audio = options.size, np.asarray(windows, dtype=np.float32)
    if audio.ndim != 2:
        raise PlotError(f"windows must be (n, samples), not {audio.shape}")
    paint = _painter(options, options.frames(audio.shape[1]))
    pictures = np.empty((len(audio), size, size, 3), dtype=np.uint8)
    with np.errstate(invalid="ignore"):  # samples that are not finite are an error of their own
        for picture, samples in zip(pictures, audio, strict=True):
            paint(_colour_indices(log_spectrogram(samples, options), options), picture)
    return pictures


def _colour_indices(level: FloatArray, options: PlotOptions) -> IndexArray:
    """Entry of the colour map for each value, from the window's minimum to its maximum."""
    lowest = level.min()
    contrast = level.max() - lowest
    if not np.isfinite(contrast):
        raise PlotError("a window holds samples that are not finite; set them to 0 first")
    entries = len(find_colour_map(options.colour_map))
    level -= lowest
    # In this order, as matplotlib: to [0, 1] first, then to an entry, rounded down.
    level /= contrast if contrast > 0 else np.float32(1)
    level *= entries
    return np.minimum(level.astype(np.int32), entries - 1)


def _painter(options: PlotOptions, frames: int) -> Painter:
    """Make what draws ``(bands, frames)`` entries of the colour map into a picture's pixels."""
    colours = find_colour_map(options.colour_map)
    if not is_resampled(options):
        rows, columns = nearest_cells(options, frames)

        def choose(indices: IndexArray, picture: ByteArray) -> None:
            shown = indices[rows][:, columns]
            np.take(colours, shown, axis=0, out=picture, mode="clip")

        return choose

    size, bands = options.size, options.bands
    vertical, horizontal = _products(options, frames)
    # Each pass rounds halves upwards, as Pillow: 0.5 is added before numbers are cut off to whole
    # ones. A pixel's weights sum to 1, so it may be added to the fewer colours that are mixed.
    half = np.float32(0.5)
    raised = colours + half
    # Used again for each window: fresh memory is slow.
    cells_rgb = np.empty((frames, bands, 3), dtype=np.float32)
    sideways = np.empty((size, bands * 3), dtype=np.float32)
    upright = np.empty((bands, size * 3), dtype=np.float32)
    mixed = np.empty((size, size * 3), dtype=np.float32)

    def mix(indices: IndexArray, picture: ByteArray) -> None:
        np.take(raised, indices.T, axis=0, out=cells_rgb, mode="clip")
        horizontal.multiply(cells_rgb.reshape(frames, bands * 3), out=sideways)
        np.clip(sideways, 0.0, 255.0, out=sideways)
        # Whole pixels change places, which is faster than single bytes.
        pixels = np.ascontiguousarray(sideways.astype(np.uint8).view(_PIXEL).T)
        np.add(pixels.view(np.uint8), half, out=upright)
        vertical.multiply(upright, out=mixed)
        np.clip(mixed, 0.0, 255.0, out=mixed)
        np.copyto(picture, mixed.reshape(picture.shape), casting="unsafe")

    return mix


@lru_cache(maxsize=32)
def _products(options: PlotOptions, frames: int) -> tuple[BandedMatrix, BandedMatrix]:
    vertical, horizontal = bicubic_products(options, frames)
    return BandedMatrix.of(vertical), BandedMatrix.of(horizontal)
