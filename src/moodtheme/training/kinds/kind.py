"""What every kind of system can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from moodtheme.audio import ExcerptPolicy
from moodtheme.datasets import TrackTable
from moodtheme.errors import AudioError
from moodtheme.fetched.weights import PublishedWeights
from moodtheme.recipes import Head, Recipe
from moodtheme.recipes.views import BaseView
from moodtheme.training.examples import Examples, Weighted
from moodtheme.training.run_folder import Run
from moodtheme.training.settings import Settings
from moodtheme.work import Progress, Report

ViewT = TypeVar("ViewT", bound=BaseView)
KindT = TypeVar("KindT", bound="Kind[Any]")


class Source(ABC, Generic[KindT]):
    """Inputs of some tracks, and what they and the network need of pretrained weights.

    In training `prepare` comes before `examples`, and before the networks that are trained; a
    trained system's tracks are read with `read` alone.

    Parameters
    ----------
    kind
        The system's.
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

    def __init__(self, kind: KindT, settings: Settings, folder: Path) -> None:
        self.kind = kind
        self.settings = settings
        self.folder = folder

    @property
    def weights(self) -> str | None:
        """Name and SHA-256 of pretrained weights, or openSMILE's version; None without any.

        Raises
        ------
        DownloadError, HashMismatchError, WeightsError
            If they cannot be had.
        """
        return None

    @property
    @abstractmethod
    def begins_with(self) -> str:
        """What training begins with, in words."""

    def absent(self, files: Sequence[Path]) -> list[str]:
        """Files that must be there and are not."""
        return [str(file) for file in files if not file.is_file()]

    @abstractmethod
    def prepare(
        self, training: TrackTable, validation: TrackTable, *, report: Report, progress: Progress
    ) -> list[AudioError]:
        """Make what is missing of the tracks' inputs; one error a file that cannot be used.

        Raises
        ------
        DatasetError
            If there is not enough room, or a folder holds something else.
        """

    @abstractmethod
    def examples(self, files: Sequence[Path]) -> Examples:
        """Inputs of files that are there."""

    @abstractmethod
    def make_network(self, n_tags: int) -> nn.Module:
        """The network with its initial values, from random numbers and pretrained weights."""

    @abstractmethod
    def read(
        self, files: Sequence[Path], run: Run, *, report: Report, progress: Progress
    ) -> Iterator[Weighted | AudioError]:
        """What a run's scores of files are computed from, in order.

        Raises
        ------
        WeightsError
            If it is not made with what the run was trained with.
        """


class Kind(ABC, Generic[ViewT]):
    """A recipe's system, before it is trained.

    Parameters
    ----------
    recipe
        The system's.
    view
        The recipe's view.

    Attributes
    ----------
    quick
        Whether a step of training takes little time on a processor.
    policy
        Which excerpt of a track a graph is given.
    images
        Where the module of a graph holds an image network; None where it holds none.
    """

    quick: bool = False
    policy: ExcerptPolicy = ExcerptPolicy.START
    images: str | None = None

    def __init__(self, recipe: Recipe, view: ViewT) -> None:
        self.recipe = recipe
        self.view = view

    @property
    def head(self) -> Head:
        """The recurrent part."""
        if self.recipe.head is None:
            raise ValueError(f"the recipe of {self.recipe.system} has no recurrent part")
        return self.recipe.head

    @property
    def published(self) -> PublishedWeights | None:
        """The published weights that it begins with, or whose features it hears, if any."""
        return None

    @property
    def n_features(self) -> int | None:
        """Width of a window's features, found without any weights; None where audio is heard.

        Raises
        ------
        MissingExtraError
            If openSMILE is wanted and not installed.
        """
        return None

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """Shape of what the network is given of a track."""

    @abstractmethod
    def make_network(self, *, n_tags: int, n_features: int | None) -> nn.Module:
        """The network with random initial values.

        Parameters
        ----------
        n_tags
            Number of logits.
        n_features
            Width of a window's features; None for a system that hears audio.

        Returns
        -------
        Module
            A `moodtheme.training.module.Network`: audio ``(batch, samples)``, or features
            ``(batch, windows, n_features)``, to logits ``(batch, n_tags)``.
        """

    @abstractmethod
    def open_source(self, settings: Settings, folder: Path) -> Source[Any]:
        """Where its inputs come from; arguments and errors are those of `Source`."""

    @property
    def no_graph(self) -> str:
        """Why no graph can compute the system from audio, in words; empty if one can."""
        return ""

    def shares_graph(self, weights: str | None) -> Hashable | None:
        """What systems of one graph have in common; None for one that has a graph of its own.

        Parameters
        ----------
        weights
            What the run says of its weights.
        """
        return None

    def graph_module(
        self,
        networks: Sequence[nn.Module],
        *,
        check: Callable[[str], None],
        weights: Path | None = None,
        offline: bool = False,
    ) -> nn.Module:
        """Audio ``(batch, samples)`` to the logits of systems that share a graph.

        Parameters
        ----------
        networks
            One a system.
        check
            Called with what features are made with, where any are.
        weights
            File of the image network's weights; None has the published ones fetched.
        offline
            Never touch the network.

        Raises
        ------
        DownloadError, HashMismatchError, WeightsError
            If weights cannot be had.
        """
        (network,) = networks
        return network
