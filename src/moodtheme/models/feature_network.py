"""The network of the systems that hear features: the recurrent part alone."""

import torch
from torch import Tensor, nn

from moodtheme.models.recurrent import RecurrentHead
from moodtheme.recipes import Head


class FeatureNetwork(nn.Module):
    """Features of windows ``(batch, windows, n_features)`` to logits ``(batch, n_tags)``.

    Features go in as they are, as the paper's Deep Spectrum systems take them, unless `set_scale`
    brings each to zero mean and unit variance.

    Parameters
    ----------
    head
        From the recipe.
    n_features
        Width of a window's features.
    n_tags
        Number of logits.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, head: Head, *, n_features: int, n_tags: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("deviation", torch.ones(n_features))
        self.head = RecurrentHead(
            features=n_features,
            n_tags=n_tags,
            cell=head.cell,
            units=head.units,
            layers=head.layers,
            dense=head.dense,
            dropout=head.dropout,
        )

    def set_scale(self, mean: Tensor, deviation: Tensor) -> None:
        """Subtract `mean` from the features and divide by `deviation`, both ``(n_features,)``."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def forward(self, features: Tensor, clip_seeds: Tensor | None = None) -> Tensor:
        """Logits; features are not augmented, so the seeds do not matter."""
        logits: Tensor = self.head((features - self.mean) / self.deviation)
        return logits

    @property
    def pretrained_part(self) -> None:
        """There is none here: the image network has done its part before."""
        return None
