"""Inputs of the systems that hear features: Deep Spectrum and openSMILE."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from moodtheme.datasets import TrackTable
from moodtheme.errors import AudioError
from moodtheme.feature_store import (
    ExtractorInfo,
    FeatureView,
    build_features,
    describe_extractor,
    feature_statistics,
)
from moodtheme.models.feature_network import FeatureNetwork
from moodtheme.models.networks import make_network
from moodtheme.recipes import DeepSpectrumView, OpenSmileView, View
from moodtheme.training.devices import choose_device
from moodtheme.training.feature_examples import StoredFeatures
from moodtheme.training.settings import Settings
from moodtheme.work import Progress, Report

_FEATURES = "features"


class FeatureSource:
    """Features of a fixed number of windows, kept in a feature store.

    Deep Spectrum features are shown to the network as they are, as in the paper. Descriptors have
    units of all kinds, so each is brought to zero mean and unit variance over the training tracks'
    windows.

    Parameters
    ----------
    settings
        Of the run.
    view
        Its recipe's.
    folder
        The run's, where features are kept unless `settings` names another.

    Raises
    ------
    DownloadError, HashMismatchError, WeightsError
        If pretrained weights cannot be had.
    MissingExtraError
        If openSMILE is not installed.
    """

    def __init__(self, settings: Settings, view: FeatureView, folder: Path) -> None:
        self._settings = settings
        self._view = view
        self._folder = settings.features or folder / _FEATURES
        self._info = describe_extractor(view, weights=settings.weights, offline=settings.offline)
        self._scale: tuple[Tensor, Tensor] | None = None

    @property
    def weights(self) -> str:
        """What the features are made with: the image network and its weights, or openSMILE."""
        return made_with(self._info)

    @property
    def n_features(self) -> int:
        """Width of a window's features."""
        return self._info.n_features

    @property
    def begins_with(self) -> str:
        """What training begins with, in words."""
        return f"random weights on {self._view.hears}, {self.n_features:,} a window"

    def prepare(
        self, training: TrackTable, validation: TrackTable, *, report: Report, progress: Progress
    ) -> list[AudioError]:
        """Extract what is missing.

        Raises
        ------
        DatasetError
            If there is not enough room, or the folder holds something else.
        """
        settings = self._settings
        self._store, failures = build_features(
            self._folder,
            [*training.files, *validation.files],
            self._view,
            weights=settings.weights,
            offline=settings.offline,
            device=str(choose_device(settings.machine.accelerator)),
            jobs=settings.jobs,
            report=report,
            progress=progress,
        )
        self._failed = {str(failure.path) for failure in failures}
        if isinstance(self._view, OpenSmileView):
            usable = [file for file in training.files if self.has(file)]
            mean, deviation = feature_statistics(self._store, usable)
            self._scale = torch.from_numpy(mean), torch.from_numpy(deviation)
        return failures

    def has(self, file: Path) -> bool:
        """Whether a file's features were extracted."""
        return str(file) not in self._failed

    def examples(self, files: Sequence[Path]) -> StoredFeatures:
        """Features of files."""
        return StoredFeatures(self._store, files)

    def make_network(self, n_tags: int) -> nn.Module:
        """The network with random weights."""
        network = make_network(self._settings.recipe, n_tags=n_tags, n_features=self.n_features)
        if self._scale is not None and isinstance(network, FeatureNetwork):
            network.set_scale(*self._scale)
        return network


def made_with(info: ExtractorInfo) -> str:
    """What features are made with, for the record: a name, and a hash or version."""
    view = info.view
    kind = view.image_network if isinstance(view, DeepSpectrumView) else view.feature_set
    return f"{kind} {info.weights}"


def feature_count(view: View) -> int | None:
    """Width of a window's features, without fetching weights; None where audio is heard.

    Raises
    ------
    MissingExtraError
        If openSMILE is wanted and not installed.
    """
    match view:
        case DeepSpectrumView():
            return describe_extractor(msgspec.structs.replace(view, pretrained=False)).n_features
        case OpenSmileView():
            return describe_extractor(view).n_features
        case _:
            return None


def features_of(run: Path) -> Path | None:
    """Folder of the features that a run keeps itself; None where it keeps none."""
    folder = run / _FEATURES
    return folder if folder.is_dir() else None
