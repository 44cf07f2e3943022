"""What arrays hold, for every layer: imports nothing of the package.

Matrices of scores and labels have names of their own in `moodtheme.scores.matrices`.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
Float64Array: TypeAlias = npt.NDArray[np.float64]
ByteArray: TypeAlias = npt.NDArray[np.uint8]
