"""Deep Spectrum systems whole: plots of windows, an image network, the recurrent part of each."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from moodtheme.features.plot_module import SpectrogramPlots
from moodtheme.models.feature_network import FeatureNetwork
from moodtheme.models.image_networks.features import ImageFeatures
from moodtheme.recipes import DeepSpectrumView


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
        self.plots = SpectrogramPlots(
            sample_rate=view.sample_rate,
            samples=view.window_samples,
            n_mels=view.n_mels,
            scale=view.scale,
            colour_map=view.colour_map,
            resize=view.resize,
            size=images.size,
        )
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
