"""Where a plot's pixels come from: the geometry of a matplotlib drawing, worked out once.

The Deep Spectrum toolkit draws a spectrogram as a ``pcolormesh`` that fills a picture of 227 × 227
pixels. Its cells are rectangles, and Agg, matplotlib's renderer, snaps their corners to whole
pixels: each pixel shows exactly one cell. So a drawing is a choice of rows and columns of the
spectrogram. Bringing it to an image network's size with Pillow is linear (bicubic) or a choice
again (nearest).
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.features.mel import hz_to_mel, mel_to_hz
from moodtheme.features.plot_options import FrequencyScale, PlotOptions, Resize

IndexArray = npt.NDArray[np.intp]

CANVAS = 227
"""Pixels of a drawing's side: the toolkit's default."""

# librosa's display of mel spectrograms: linear up to 1 kHz, octaves above. With matplotlib's
# linscale of 1 and base 2 the linear part is as high as 1 / (1 − 1/2) = 2 octaves.
_LINEAR_UP_TO_HZ = 1000.0
_LINEAR_OCTAVES = 2.0

_BICUBIC_SHARPNESS = -0.5  # Pillow's a, Catmull and Rom's spline
_BICUBIC_REACH = 2.0


def plot_layout(options: PlotOptions, frames: int) -> tuple[IndexArray, IndexArray]:
    """Lay out a spectrogram of so many frames.

    Rows follow librosa's display: a mel band reaches from halfway below to halfway above its
    frequency among `n_mels` that divide 0 Hz to `f_max` evenly in mel (not the filters' centres),
    on an axis that is linear up to 1 kHz and logarithmic above; a bin of the linear scale lies
    around its frequency, on a linear axis that `f_max` cuts off.

    Returns
    -------
    rows, columns
        ``(CANVAS,)`` each: which band a row of pixels shows, from the highest to the lowest, and
        which frame a column shows.
    """
    top = options.top_frequency
    if options.scale is FrequencyScale.MEL:
        centres = mel_to_hz(np.linspace(0.0, hz_to_mel(top), options.bands))
        heights = _symmetric_log(_cell_edges(centres, top))
        share = heights / _symmetric_log(np.array(top))
    else:
        nyquist = options.sample_rate / 2
        share = _cell_edges(np.linspace(0.0, nyquist, options.bands), nyquist) / top
    # A picture's y axis points down.
    rows = options.bands - 1 - _cells(1.0 - share[::-1])
    return rows, _cells(np.arange(frames + 1) / frames)


@lru_cache(maxsize=64)
def nearest_cells(options: PlotOptions, frames: int) -> tuple[IndexArray, IndexArray]:
    """Rows and columns of a picture of the wanted size whose pixels are the drawing's."""
    rows, columns = plot_layout(options, frames)
    pixels = nearest_pixels(CANVAS, options.size)
    return rows[pixels], columns[pixels]


def bicubic_products(options: PlotOptions, frames: int) -> tuple[Float64Array, Float64Array]:
    """Drawing and bicubic resizing as two matrices.

    Returns
    -------
    vertical, horizontal
        ``(size, bands)`` and ``(size, frames)``; the colours of spectrogram cells times the latter
        along the frames, rounded, times the former along the bands, rounded, are the picture.
    """
    rows, columns = plot_layout(options, frames)
    weights = bicubic_weights(CANVAS, options.size)
    vertical = np.zeros((options.bands, options.size))
    horizontal = np.zeros((frames, options.size))
    np.add.at(vertical, rows, weights.T)
    np.add.at(horizontal, columns, weights.T)
    return vertical.T.copy(), horizontal.T.copy()


def is_resampled(options: PlotOptions) -> bool:
    """Whether a picture's pixels are mixtures of the drawing's."""
    return options.resize is Resize.BICUBIC and options.size != CANVAS


def nearest_pixels(length: int, size: int) -> IndexArray:
    """Pixel that each of `size` pixels takes from `length`, as Pillow's NEAREST."""
    return np.asarray((np.arange(size) + 0.5) * (length / size), dtype=np.intp)


def bicubic_weights(length: int, size: int) -> Float64Array:
    """Share of each of `length` pixels in each of `size`, as Pillow's BICUBIC.

    The kernel is stretched when the picture shrinks, so that every pixel counts.

    Returns
    -------
    ndarray, shape (size, length)
        Rows sum to 1.
    """
    scale = length / size
    stretch = max(scale, 1.0)
    centres = (np.arange(size)[:, None] + 0.5) * scale
    pixels = np.arange(length)[None, :]
    # Pillow cuts the kernel off at whole pixels.
    first = np.floor(np.maximum(centres - _BICUBIC_REACH * stretch + 0.5, 0.0))
    last = np.floor(np.minimum(centres + _BICUBIC_REACH * stretch + 0.5, length))
    weights = _bicubic((pixels + 0.5 - centres) / stretch)
    weights[(pixels < first) | (pixels >= last)] = 0.0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _bicubic(distance: Float64Array) -> Float64Array:
    x, a = np.abs(distance), _BICUBIC_SHARPNESS
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return np.where(x < 1.0, near, np.where(x < _BICUBIC_REACH, far, 0.0))


def _cell_edges(centres_hz: Float64Array, top_hz: float) -> Float64Array:
    """Halfway between neighbours; from 0 to `top_hz`."""
    between = centres_hz[1:] - np.diff(centres_hz) / 2.0
    return np.concatenate([[0.0], between, [top_hz]])


def _symmetric_log(frequency_hz: Float64Array) -> Float64Array:
    ratio = frequency_hz / _LINEAR_UP_TO_HZ
    octaves = _LINEAR_OCTAVES + np.log2(np.maximum(ratio, 1.0))
    return np.where(ratio <= 1.0, _LINEAR_OCTAVES * ratio, octaves)


def _cells(edges: Float64Array) -> IndexArray:
    """Cell that each pixel shows, from the cells' ascending edges in shares of the canvas."""
    snapped = np.floor(CANVAS * edges + 0.5)
    return np.asarray(np.searchsorted(snapped, np.arange(CANVAS), side="right") - 1, dtype=np.intp)
