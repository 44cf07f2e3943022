"""Systems that hear stored features: Deep Spectrum and openSMILE."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from torch import nn

from moodtheme.arrays import FloatArray
from moodtheme.datasets import TrackTable
from moodtheme.errors import AudioError, WeightsError
from moodtheme.feature_store import (
    FeatureStore,
    build_features,
    describe_extractor,
    feature_statistics,
)
from moodtheme.feature_store.store import FEATURES as FORM
from moodtheme.fetched.weights import PublishedWeights
from moodtheme.models.image_networks import find_image_network, load_image_network
from moodtheme.models.recurrent import DeepSpectrum, FeatureNetwork
from moodtheme.recipes import DeepSpectrumView, OpenSmileView
from moodtheme.recipes.views import BaseView
from moodtheme.training.examples import Weighted
from moodtheme.training.kinds.kind import Kind, Source
from moodtheme.training.run_folder import Run
from moodtheme.training.settings import Settings
from moodtheme.work import Progress, Report

FEATURES = "features"
"""Where a run keeps features itself, in its folder."""

FeaturesT = TypeVar("FeaturesT", bound=BaseView)
ExtractedT = TypeVar("ExtractedT", DeepSpectrumView, OpenSmileView)
FeatureKindT = TypeVar("FeatureKindT", bound="FeatureKind[Any]")


class FeatureKind(Kind[FeaturesT]):
    """A system whose network is given features."""

    quick = True

    def make_network(self, *, n_tags: int, n_features: int | None) -> FeatureNetwork:
        """The recurrent part."""
        if n_features is None:
            raise ValueError(f"{self.recipe.system} hears features; how many is not given")
        return FeatureNetwork(self.head, n_features=n_features, n_tags=n_tags)


class ExtractedKind(FeatureKind[ExtractedT]):
    """A system whose features are computed from audio, and kept.

    Attributes
    ----------
    scaled
        Whether each feature is brought to zero mean and unit variance over the training tracks'
        windows.
    """

    scaled = False

    @property
    def n_features(self) -> int:
        """From what is known of the extractor."""
        return describe_extractor(self.view).n_features

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Windows and their features."""
        return (self.view.windows, self.n_features)

    def open_source(self, settings: Settings, folder: Path) -> "StoreSource":
        """A feature store."""
        return StoreSource(self, settings, folder)


class DeepSpectrumKind(ExtractedKind[DeepSpectrumView]):
    """Features go in as they are, as in the paper."""

    images = "images"

    @property
    def published(self) -> PublishedWeights | None:
        """The image network's."""
        network = find_image_network(self.view.image_network)
        return network.weights if self.view.pretrained else None

    @property
    def n_features(self) -> int:
        """Weights make no difference to it."""
        return describe_extractor(msgspec.structs.replace(self.view, pretrained=False)).n_features

    def shares_graph(self, weights: str | None) -> Hashable | None:
        """Equal features."""
        return self.view, weights

    def graph_module(
        self,
        networks: Sequence[nn.Module],
        *,
        check: Callable[[str], None],
        weights: Path | None = None,
        offline: bool = False,
    ) -> nn.Module:
        """Plots, the image network in float32, and the networks of each system."""
        view = self.view
        images = load_image_network(
            view.image_network,
            layer=view.layer,
            preprocessing=view.preprocessing,
            weights=weights,
            pretrained=view.pretrained,
            offline=offline,
        )
        check(f"{view.extractor} {images.weights_sha256}")
        return DeepSpectrum(view, images, [n for n in networks if isinstance(n, FeatureNetwork)])


class OpenSmileKind(ExtractedKind[OpenSmileView]):
    """Descriptors have units of all kinds, so each is brought to one scale."""

    scaled = True

    @property
    def no_graph(self) -> str:
        """No operator computes descriptors."""
        return "hears openSMILE's descriptors, which a graph cannot compute"


class FeatureSource(Source[FeatureKindT]):
    """What is the same wherever features come from.

    Attributes
    ----------
    scale
        Mean and deviation of each feature over the training tracks, float32 ``(n_features,)``;
        None where features go in as they are.
    """

    scale: tuple[FloatArray, FloatArray] | None = None
    unit = "window"  # what has features

    @property
    def begins_with(self) -> str:
        """What training begins with, in words."""
        return f"random weights on {self.kind.view.hears}, {self.kind.n_features:,} a {self.unit}"

    def make_network(self, n_tags: int) -> nn.Module:
        """The network with random weights."""
        network = self.kind.make_network(n_tags=n_tags, n_features=self.kind.n_features)
        if self.scale is not None:
            mean, deviation = self.scale
            network.set_scale(torch.from_numpy(mean), torch.from_numpy(deviation))
        return network


class StoreSource(FeatureSource[ExtractedKind[Any]]):
    """Features of a fixed number of windows, in a store in the run's folder or a shared one."""

    @cached_property
    def weights(self) -> str:
        """What the features are made with: the image network and its weights, or openSMILE."""
        settings = self.settings
        made_by = describe_extractor(
            self.kind.view, weights=settings.weights, offline=settings.offline
        )
        return made_by.made_with

    def prepare(
        self, training: TrackTable, validation: TrackTable, *, report: Report, progress: Progress
    ) -> list[AudioError]:
        """Extract what is missing."""
        failures = self._build([*training.files, *validation.files], report, progress)
        if self.kind.scaled:
            failed = {failure.path for failure in failures}
            usable = [file for file in training.files if file not in failed]
            self.scale = feature_statistics(self._store, usable)
        return failures

    def _build(self, files: Sequence[Path], report: Report, progress: Progress) -> list[AudioError]:
        settings = self.settings
        self._store, failures = build_features(
            settings.features or self.folder / FEATURES,
            files,
            self.kind.view,
            weights=settings.weights,
            offline=settings.offline,
            device=settings.machine.accelerator,
            jobs=settings.jobs,
            report=report,
            progress=progress,
        )
        return failures

    def examples(self, files: Sequence[Path]) -> "StoredFeatures":
        """Features of files."""
        return StoredFeatures(self._store, files)

    def read(
        self, files: Sequence[Path], run: Run, *, report: Report, progress: Progress
    ) -> Iterator[Weighted | AudioError]:
        """Features of the files; those that are missing are extracted first."""
        require_same_weights(run, self.weights)
        failed = {failure.path: failure for failure in self._build(files, report, progress)}
        for file in files:
            if error := failed.get(file):
                yield error
            else:
                yield self.examples([file]).evaluation_inputs(0)


def require_same_weights(run: Run, weights: str) -> None:
    """See that what a system hears with now is what it was trained with.

    Raises
    ------
    WeightsError
        If it is not.
    """
    if weights != run.weights:
        raise WeightsError(
            f"{run.recipe.system} was trained on features by {run.weights}, not by {weights}; "
            "give the weights of the training with --weights"
        )


class StoredFeatures:
    """Every window's features of a track, the same in training and evaluation.

    It holds where the rows are, not the rows, so that copies for other processes are small.

    Parameters
    ----------
    store
        Has every file.
    files
        One a track.

    Raises
    ------
    DatasetError
        If the store lacks a file's audio.
    """

    def __init__(self, store: FeatureStore, files: Sequence[Path]) -> None:
        self._folder = store.folder
        self._shape = (1, store.info.windows, store.info.n_features)
        records = [store.record(file) for file in files]
        width = FORM.dtype.itemsize
        self._places = np.array([(r.shard, r.offset // width) for r in records], dtype=np.int64)

    @property
    def fixed_bytes(self) -> int:
        """Of all tracks' features."""
        return len(self) * prod(self._shape) * FORM.dtype.itemsize

    def __len__(self) -> int:
        return len(self._places)

    def training_input(self, row: int, rng: np.random.Generator) -> Weighted:
        """Features of a track, ``(1, windows, n_features)``; nothing is drawn."""
        return self.evaluation_inputs(row)

    def evaluation_inputs(self, row: int) -> Weighted:
        """The same, from the disk when they are looked at; batches copy them."""
        shard, first = self._places[row].tolist()
        numbers = FORM.numbers(self._folder, shard, first, prod(self._shape))
        return Weighted(numbers.reshape(self._shape))
