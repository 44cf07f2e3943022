"""A Fourier transform as two small matrix products (Cooley and Tukey's step, taken once).

Graphs that hold no FFT operator pay for a plain DFT matrix in time and in size. With
``n = first · second`` samples in rows of `second`, the transform is one along the columns, then one
along each row, with the twiddle factors between them folded into the second: for 2,048 samples an
eighth of the work and a sixtieth of the constants.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array


@dataclass(frozen=True, eq=False)
class TwoStepDft:
    """The matrices of a transform of `n` real samples.

    Attributes
    ----------
    columns
        ``(2 · k, first)``: with a frame as ``(first, second)``, the product ``columns @ frame`` is
        real part and imaginary part, in turn, of each of ``k = first // 2 + 1`` rows.
    rows
        ``(k, 2 · second, 2 · second)``: from a row's real part followed by its imaginary part
        to those of `second` values of the transform.
    order
        ``(n // 2 + 1,)``: where each bin lies among the ``k · second`` values. Some are the
        conjugate of their bin, which does not matter to power or to the real part.
    """

    columns: Float64Array
    rows: Float64Array
    order: npt.NDArray[np.intp]


@lru_cache(maxsize=8)
def two_step_dft(n: int) -> TwoStepDft:
    """Factor a transform of `n` samples into the two steps that cost least."""
    divisors = [d for d in range(1, n + 1) if n % d == 0]
    # Products a sample: (first + 2) in the columns, 4 · second · k / first in the rows.
    first = min(divisors, key=lambda d: d + 2 + 4 * (n // d) * (d // 2 + 1) / d)
    second = n // first
    kept = np.arange(first // 2 + 1)
    angle = (2 * np.pi / first) * np.outer(kept, np.arange(first))
    columns = np.stack([np.cos(angle), -np.sin(angle)], axis=1).reshape(2 * len(kept), first)
    bins = kept[:, None] + first * np.arange(second)
    turn = (2 * np.pi / n) * (bins[:, :, None] * np.arange(second) % n)
    cosine, sine = np.cos(turn), np.sin(turn)
    rows = np.block([[cosine, sine], [-sine, cosine]])
    wanted = np.arange(n // 2 + 1)
    # A real signal's bin n − b is the conjugate of bin b.
    mirrored = np.where(wanted % first <= first // 2, wanted, n - wanted)
    return TwoStepDft(columns, rows, (mirrored % first) * second + mirrored // first)
