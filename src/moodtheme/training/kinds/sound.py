"""Systems that hear sound: the CRNNs and the MediaEval baseline."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from torch import nn

from moodtheme.audio import ExcerptPolicy
from moodtheme.datasets import TrackTable
from moodtheme.errors import AudioError
from moodtheme.fetched.weights import PublishedWeights
from moodtheme.files import sha256_of
from moodtheme.models.crnn import Crnn, load_pretrained, published_weights
from moodtheme.models.mediaeval_baseline import Baseline
from moodtheme.recipes import BaselineView, CrnnView, EvaluationExcerpt, SoundView
from moodtheme.training.audio_cache import (
    AudioCache,
    build_cache,
)
from moodtheme.training.examples import Weighted
from moodtheme.training.kinds.excerpts import SoundExamples, read_excerpts
from moodtheme.training.kinds.kind import Kind, Source
from moodtheme.training.run_folder import Run
from moodtheme.training.settings import Settings
from moodtheme.work import Progress, Report

_AUDIO = "audio"
SoundT = TypeVar("SoundT", bound=SoundView)


class SoundKind(Kind[SoundT]):
    """A system whose network is given samples.

    Attributes
    ----------
    anywhere
        Whether training hears any place of a track; otherwise what makes its score.
    """

    anywhere = True

    @property
    def policy(self) -> ExcerptPolicy:  # type: ignore[override]
        """A bundle has no second half; the centre is the nearest to it."""
        covers = self.view.scored is EvaluationExcerpt.COVER
        return ExcerptPolicy.COVER if covers else ExcerptPolicy.CENTRE

    def input_shape(self, n_features: int | None) -> tuple[int, ...]:
        """Samples."""
        return (self.view.samples,)

    def open_source(self, settings: Settings, folder: Path) -> Source:
        """Decoded audio."""
        return SoundSource(self, settings, folder)

    def fetch_pretrained(self, settings: Settings) -> Path | None:
        """File that the network begins with."""
        return None

    def load_pretrained(self, network: nn.Module, file: Path) -> None:
        """Fill in what is in the file."""


class CrnnKind(SoundKind[CrnnView]):
    """Convolutions, pretrained or not, and the recurrent part."""

    @property
    def published(self) -> PublishedWeights | None:
        """The convolutions'."""
        return published_weights(self.view) if self.view.pretrained else None

    def make_network(self, *, n_tags: int, n_features: int | None) -> nn.Module:
        """All at random."""
        return Crnn(self.view, self.head, n_tags=n_tags)

    def fetch_pretrained(self, settings: Settings) -> Path | None:
        """The convolutions' file."""
        if not self.view.pretrained:
            return None
        published = published_weights(self.view)
        return published.given_or_fetched(settings.weights, offline=settings.offline)

    def load_pretrained(self, network: nn.Module, file: Path) -> None:
        """Fill in the convolutions."""
        assert isinstance(network, Crnn)
        load_pretrained(network, file)


class BaselineKind(SoundKind[BaselineView]):
    """The MediaEval baseline, which hears the middle of a track in training too."""

    anywhere = False

    def make_network(self, *, n_tags: int, n_features: int | None) -> nn.Module:
        """All at random."""
        return Baseline(n_tags=n_tags)


class SoundSource(Source):
    """Decoded audio, kept as int16 at the system's rate.

    Parameters
    ----------
    kind
        The system's.
    settings
        Of the run.
    folder
        The run's, where audio is kept unless `settings` names another.
    """

    def __init__(self, kind: SoundKind[SoundT], settings: Settings, folder: Path) -> None:
        self._kind = kind
        self._view: SoundView = kind.view
        self._settings = settings
        self._folder = settings.audio_cache or folder / _AUDIO

    @cached_property
    def _pretrained(self) -> Path | None:
        return self._kind.fetch_pretrained(self._settings)

    @property
    def weights(self) -> str | None:
        """Name and SHA-256 of the convolutions' file."""
        file = self._pretrained
        return None if file is None else f"{file.name} {sha256_of(file)}"

    @property
    def begins_with(self) -> str:
        """What training begins with, in words."""
        if self._pretrained is None:
            return "random weights, nothing frozen"
        return f"convolutions from {self._pretrained.name}"

    def prepare(
        self, training: TrackTable, validation: TrackTable, *, report: Report, progress: Progress
    ) -> list[AudioError]:
        """Decode what is missing."""
        rate = self._view.sample_rate
        files = [*training.files, *validation.files]
        durations = np.concatenate([training.durations, validation.durations])
        failures = build_cache(
            self._folder,
            files,
            sample_rate=rate,
            durations=durations.tolist(),
            jobs=self._settings.jobs,
            report=report,
            progress=progress,
        )
        self._cache = AudioCache(self._folder, sample_rate=rate)
        return failures

    def has(self, file: Path) -> bool:
        """Whether a file is decoded."""
        return self._cache.has(file)

    def examples(self, files: Sequence[Path]) -> SoundExamples:
        """Excerpts of decoded files."""
        return SoundExamples(
            self._cache,
            files,
            samples=self._view.samples,
            evaluation=self._view.scored,
            anywhere=self._kind.anywhere,
        )

    def make_network(self, n_tags: int) -> nn.Module:
        """The network, its convolutions as published where the recipe says so."""
        network = self._kind.make_network(n_tags=n_tags, n_features=None)
        if self._pretrained is not None:
            self._kind.load_pretrained(network, self._pretrained)
        return network

    def check(self, run: Run) -> None:
        """A trained network has its weights in it."""

    def read(
        self, files: Sequence[Path], *, report: Report, progress: Progress
    ) -> Iterator[Weighted | AudioError]:
        """Excerpts of the files, decoded for the occasion."""
        return read_excerpts(files, self._view, self._settings.jobs)
