"""Where a system's inputs come from: decoded audio, or stored features."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torch import nn

from moodtheme.datasets import TrackTable
from moodtheme.errors import AudioError
from moodtheme.recipes import BaselineView, CrnnView
from moodtheme.training.audio_source import AudioSource
from moodtheme.training.examples import Examples
from moodtheme.training.feature_source import FeatureSource
from moodtheme.training.settings import Settings
from moodtheme.work import Progress, Report


class Source(Protocol):
    """Inputs of some tracks, and what they and the network need of pretrained weights.

    `prepare` comes before `has` and `examples`, and before the networks that are trained.
    """

    @property
    def weights(self) -> str | None:
        """Name and SHA-256 of pretrained weights, or openSMILE's version; None without any."""
        ...

    @property
    def n_features(self) -> int | None:
        """Width of a window's features; None where the system hears audio."""
        ...

    @property
    def begins_with(self) -> str:
        """What training begins with, in words."""
        ...

    def prepare(
        self, training: TrackTable, validation: TrackTable, *, report: Report, progress: Progress
    ) -> list[AudioError]:
        """Make what is missing of the tracks' inputs; one error a file that cannot be used."""
        ...

    def has(self, file: Path) -> bool:
        """Whether a file's inputs are there."""
        ...

    def examples(self, files: Sequence[Path]) -> Examples:
        """Inputs of files that are there."""
        ...

    def make_network(self, n_tags: int) -> nn.Module:
        """The network with its initial values, from random numbers and pretrained weights."""
        ...


def open_source(settings: Settings, folder: Path) -> Source:
    """The source of a recipe's inputs.

    Parameters
    ----------
    settings
        Of the run.
    folder
        The run's, for what `settings` keeps nowhere else.

    Raises
    ------
    DownloadError, HashMismatchError, WeightsError
        If pretrained weights cannot be had.
    MissingExtraError
        If openSMILE is wanted and not installed.
    """
    view = settings.recipe.view
    if isinstance(view, CrnnView | BaselineView):
        return AudioSource(settings, view, folder)
    return FeatureSource(settings, view, folder)
