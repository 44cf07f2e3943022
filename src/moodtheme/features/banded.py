"""Products with matrices whose entries lie about a diagonal, block by block.

Mel filters, the rows of a picture and bicubic interpolation only mix neighbours. Cut into blocks of
rows, such a matrix is mostly empty columns, which need no work.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import FloatArray

_BLOCK = 16  # rows; small enough to leave columns out, large enough for a fast product


@dataclass(frozen=True, eq=False)
class BandedMatrix:
    """A matrix in blocks.

    Attributes
    ----------
    blocks
        Rows, columns, and the part of the matrix where they cross.
    """

    blocks: tuple[tuple[slice, slice, FloatArray], ...]

    @classmethod
    def of(cls, matrix: npt.NDArray[np.float64]) -> "BandedMatrix":
        """Find the columns that each block of rows needs."""
        blocks = []
        for start in range(0, len(matrix), _BLOCK):
            part = matrix[start : start + _BLOCK]
            used = np.flatnonzero(part.any(axis=0))
            columns = slice(used[0], used[-1] + 1) if len(used) else slice(0, 0)
            block = np.ascontiguousarray(part[:, columns], dtype=np.float32)
            blocks.append((slice(start, start + len(part)), columns, block))
        return cls(tuple(blocks))

    def multiply(self, right: FloatArray, out: FloatArray) -> None:
        """Write the product with ``(columns, n)`` into `out`, ``(rows, n)``."""
        for rows, columns, block in self.blocks:
            np.matmul(block, right[columns], out=out[rows])
