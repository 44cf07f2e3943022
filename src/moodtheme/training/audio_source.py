"""Inputs of the systems that hear audio: the CRNNs and the MediaEval baseline."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn

from moodtheme.datasets import TrackTable
from moodtheme.errors import AudioError
from moodtheme.files import sha256_of
from moodtheme.models.crnn import Crnn, fetch_pretrained, load_pretrained
from moodtheme.models.networks import make_network
from moodtheme.recipes import BaselineView, CrnnView
from moodtheme.training.audio_cache import AudioCache, build_cache, plan_cache
from moodtheme.training.examples import AudioExamples, CentreExamples
from moodtheme.training.settings import Settings
from moodtheme.work import Progress, Report

_AUDIO = "audio"


class AudioSource:
    """Decoded audio, kept as int16 at the system's rate.

    Parameters
    ----------
    settings
        Of the run.
    view
        Its recipe's.
    folder
        The run's, where audio is kept unless `settings` names another.

    Attributes
    ----------
    n_features
        None: there are no features.

    Raises
    ------
    DownloadError, HashMismatchError, WeightsError
        If pretrained weights cannot be had.
    """

    n_features = None

    def __init__(self, settings: Settings, view: CrnnView | BaselineView, folder: Path) -> None:
        self._settings = settings
        self._view = view
        self._folder = (settings.audio_cache or folder / _AUDIO) / f"{view.sample_rate}-hz"
        self._pretrained: Path | None = None
        if isinstance(view, CrnnView) and view.pretrained:
            self._pretrained = fetch_pretrained(
                view, file=settings.weights, offline=settings.offline
            )

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
        """Decode what is missing.

        Raises
        ------
        DatasetError
            If there is not enough room, or the folder holds something else.
        """
        rate = self._view.sample_rate
        files = [*training.files, *validation.files]
        durations = np.concatenate([training.durations, validation.durations])
        plan = plan_cache(self._folder, files, sample_rate=rate, durations=durations.tolist())
        if plan.missing:
            report(
                f"{len(plan.missing)} of {len(files)} tracks to decode to {self._folder}: "
                f"{plan.needed / 1e9:.2f} GB, {plan.free / 1e9:.1f} GB are free"
            )
        failures = build_cache(
            self._folder, plan, sample_rate=rate, jobs=self._settings.jobs, progress=progress
        )
        self._cache = AudioCache(self._folder, sample_rate=rate)
        return failures

    def has(self, file: Path) -> bool:
        """Whether a file is decoded."""
        return self._cache.has(file)

    def examples(self, files: Sequence[Path]) -> AudioExamples:
        """Excerpts of decoded files."""
        view = self._view
        if isinstance(view, CrnnView):
            return AudioExamples(
                self._cache, files, samples=view.samples, evaluation=view.evaluation
            )
        return CentreExamples(self._cache, files, samples=view.samples)

    def make_network(self, n_tags: int) -> nn.Module:
        """The network, its convolutions as published where the recipe says so."""
        network = make_network(self._settings.recipe, n_tags=n_tags, n_features=None)
        if self._pretrained is not None and isinstance(network, Crnn):
            load_pretrained(network, self._pretrained)
        return network
