"""The recurrent part that all systems share, and the systems that hear features.

It follows the authors' Keras code in structure, initial values and batch normalisation. Where
PyTorch's fused recurrent kernels do otherwise, they win, for they are many times faster:

- gates are logistic, not Keras' piecewise linear "hard sigmoid";
- the GRU applies its reset gate after the product with the state (``reset_after``);
- LSTMs have a second bias vector, which adds nothing a first cannot do;
- of Keras' two dropouts the one on a layer's inputs is kept, with a mask that stays the same over
  time; the one on the recurrent state is not, since it needs an unrolled loop.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from moodtheme.features.plot_module import SpectrogramPlots
from moodtheme.recipes import Cell, DeepSpectrumView, Head

if TYPE_CHECKING:
    from moodtheme.models.image_networks.features import ImageFeatures

# Keras' batch normalisation; its momentum of 0.99 is 0.01 in PyTorch's reading of the word.
_NORM_EPS = 1e-3
_NORM_MOMENTUM = 0.01


class RecurrentHead(nn.Module):
    """Recurrent layers and a dense part: sequence ``(batch, steps, features)`` to logits.

    Each recurrent layer: dropout on its inputs, the cells, batch normalisation. Of the last layer
    only the last output goes on (in both directions: where each has seen everything). Then dense,
    batch normalisation, ReLU, dropout, dense.

    Parameters
    ----------
    head
        From the recipe; a layer of `Cell.BLSTM` has its units in each direction, and dropout is
        before each recurrent layer and after the dense layer's ReLU.
    features
        Width of the sequence.
    n_tags
        Number of logits.
    """

    def __init__(self, head: Head, *, features: int, n_tags: int) -> None:
        super().__init__()
        self._units = units = head.units
        self._both_ways = head.cell is Cell.BLSTM
        self._dropout = head.dropout
        kind = nn.GRU if head.cell is Cell.GRU else nn.LSTM
        width = features
        self.recurrent = nn.ModuleList()
        self.norms = nn.ModuleList()
        for _ in range(head.layers):
            self.recurrent.append(
                kind(width, units, batch_first=True, bidirectional=self._both_ways)
            )
            width = units * (2 if self._both_ways else 1)
            self.norms.append(_batch_norm(width))
        self.dense = nn.Linear(width, head.dense)
        self.dense_norm = _batch_norm(head.dense)
        self.tags = nn.Linear(head.dense, n_tags)
        self._initialise()

    def forward(self, sequence: Tensor) -> Tensor:
        """Logits ``(batch, n_tags)``."""
        last = len(self.recurrent) - 1
        for number, (layer, norm) in enumerate(zip(self.recurrent, self.norms, strict=True)):
            outputs, _ = layer(self._drop_features(sequence))
            if number == last:
                outputs = self._last_outputs(outputs)
                sequence = norm(outputs)
            else:
                sequence = norm(outputs.transpose(1, 2)).transpose(1, 2)
        dense = torch.relu(self.dense_norm(self.dense(sequence)))
        logits: Tensor = self.tags(nn.functional.dropout(dense, self._dropout, self.training))
        return logits

    def _drop_features(self, sequence: Tensor) -> Tensor:
        """Drop whole features of a clip, the same ones at every step."""
        if not self.training or self._dropout == 0:
            return sequence
        kept = nn.functional.dropout(torch.ones_like(sequence[:, :1]), self._dropout)
        return sequence * kept

    def _last_outputs(self, outputs: Tensor) -> Tensor:
        if not self._both_ways:
            return outputs[:, -1]
        return torch.cat([outputs[:, -1, : self._units], outputs[:, 0, self._units :]], dim=1)

    def _initialise(self) -> None:
        """Keras' initial values: Glorot, orthogonal on the state, 1 for the forget gate's bias."""
        for layer in self.recurrent:
            for name, value in layer.named_parameters():
                if name.startswith("bias"):
                    nn.init.zeros_(value)
                    if isinstance(layer, nn.LSTM) and name.startswith("bias_ih"):
                        # PyTorch's order of the gates is input, forget, cell, output.
                        nn.init.ones_(value[self._units : 2 * self._units])
                    continue
                # All gates as one matrix, as in Keras.
                initialise = nn.init.orthogonal_ if "_hh_" in name else nn.init.xavier_uniform_
                initialise(value)
        for linear in (self.dense, self.tags):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)


def _batch_norm(width: int) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(width, eps=_NORM_EPS, momentum=_NORM_MOMENTUM)


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
        self.head = RecurrentHead(head, features=n_features, n_tags=n_tags)

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


class DeepSpectrum(nn.Module):
    """Audio ``(batch, samples)`` at the view's rate to the logits of systems that share a view.

    Training and prediction work on stored features instead, which an image network gives once; this
    is what goes into a model bundle.

    Parameters
    ----------
    view
        What the systems see.
    images
        The image network that the view names.
    networks
        One a system.
    """

    def __init__(
        self, view: DeepSpectrumView, images: "ImageFeatures", networks: Sequence[FeatureNetwork]
    ) -> None:
        super().__init__()
        options = view.plot_options(images.size)
        self.plots = SpectrogramPlots(options, samples=view.window_samples)
        self.images = images
        self.networks = nn.ModuleList(networks)
        self._windows = view.windows
        self._window_samples = view.window_samples

    def forward(self, audio: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Logits ``(batch, tags)``; of several systems a tuple of them."""
        windows = audio.reshape(-1, self._window_samples)
        features = self.images(self.plots(windows))
        sequence = features.reshape(-1, self._windows, self.images.n_features)
        logits = tuple(network(sequence) for network in self.networks)
        return logits[0] if len(logits) == 1 else logits
