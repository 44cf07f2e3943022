"""How far a student agrees with its teacher."""

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Float64Array = npt.NDArray[np.float64]


def spearman_per_tag(first: npt.ArrayLike, second: npt.ArrayLike) -> Float64Array:
    """Spearman's rank correlation of two systems' scores over tracks, for each tag.

    Parameters
    ----------
    first, second
        Shape (tracks, tags).

    Returns
    -------
    ndarray, shape (tags,)
        In [-1, 1]; NaN for a tag on which either system is constant.
    """
    ranks = [rankdata(scores, axis=0) for scores in (first, second)]
    a, b = (rank - rank.mean(axis=0) for rank in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = (a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    return np.asarray(rho, dtype=np.float64)


def top_overlap(first: npt.ArrayLike, second: npt.ArrayLike, *, top: int = 5) -> Float64Array:
    """Share of each track's `top` highest tags that two systems have in common.

    Parameters
    ----------
    first, second
        Shape (tracks, tags).

    Returns
    -------
    ndarray, shape (tracks,)
        In [0, 1].
    """
    sets = []
    for scores in (np.asarray(first), np.asarray(second)):
        chosen = np.zeros(scores.shape, dtype=bool)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        np.put_along_axis(chosen, best, True, axis=1)
        sets.append(chosen)
    return np.asarray((sets[0] & sets[1]).sum(axis=1) / top)
