"""Systems that hear features: the recurrent part alone, or behind plots and an image network."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from moodtheme.features.plot_module import SpectrogramPlots
from moodtheme.models.image_networks.features import ImageFeatures
from moodtheme.models.recurrent import RecurrentHead
from moodtheme.recipes import DeepSpectrumView, Head


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
        self, view: DeepSpectrumView, images: ImageFeatures, networks: Sequence[FeatureNetwork]
    ) -> None:
        super().__init__()
        options = view.plot_options(images.size)
        self.plots = SpectrogramPlots(options, samples=view.window_samples)
        self.images = images
        self.networks = nn.ModuleList(networks)
        self._windows = view.windows
        self._window_samples = view.window_samples

    def forward(self, audio: Tensor) -> Tensor:
        """Logits ``(batch, tags)`` of one system, ``(batch, systems, tags)`` of several."""
        logits = self.each(audio)
        return logits[0] if len(logits) == 1 else torch.stack(logits, dim=1)

    def each(self, audio: Tensor) -> tuple[Tensor, ...]:
        """Logits ``(batch, tags)``, one a system."""
        windows = audio.reshape(-1, self._window_samples)
        features = self.images(self.plots(windows))
        sequence = features.reshape(-1, self._windows, self.images.n_features)
        return tuple(network(sequence) for network in self.networks)
