"""The training loss: binary cross-entropy of each tag, and two ways to weigh rare tags."""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor


def tagging_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    positive_weights: Tensor | None = None,
    focal_gamma: float | None = None,
) -> Tensor:
    """Mean binary cross-entropy over tracks and tags.

    Parameters
    ----------
    logits, labels
        Float ``(batch, tags)``; labels are 0 or 1.
    positive_weights
        What a positive counts, ``(tags,)``; 1 where None.
    focal_gamma
        Exponent of the focal loss (Lin et al. 2017), which weighs each term by the probability of
        the wrong answer to this power; None leaves all terms alike.
    """
    terms = F.binary_cross_entropy_with_logits(
        logits, labels, pos_weight=positive_weights, reduction="none"
    )
    if focal_gamma is not None:
        wrong = torch.sigmoid(torch.where(labels > 0.5, -logits, logits))
        terms = terms * wrong**focal_gamma
    return terms.mean()


def balancing_weights(labels: npt.NDArray[np.bool_]) -> Tensor:
    """For each tag its negatives over its positives, so that both sides weigh the same.

    A tag without positives gets 1: nothing can be weighed.
    """
    positives = labels.sum(axis=0)
    weights = np.where(positives, (len(labels) - positives) / np.maximum(positives, 1), 1.0)
    return torch.from_numpy(weights.astype(np.float32))
