"""Systems that hear sound, the CRNNs and the MediaEval baseline, and the excerpts they are shown.

Excerpts come from decoded audio in training, from the files themselves in scoring.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import nn

from moodtheme.arrays import FloatArray
from moodtheme.audio import ExcerptPolicy, read_excerpt
from moodtheme.datasets import TrackTable
from moodtheme.errors import AudioError
from moodtheme.fetched.weights import PublishedWeights
from moodtheme.files import sha256_of
from moodtheme.models.crnn import Crnn, published_weights
from moodtheme.models.mediaeval_baseline import Baseline
from moodtheme.recipes import BaselineView, CrnnView, EvaluationExcerpt, SoundView
from moodtheme.tagging.windows import MINIMUM_S, loop_to_length, slide_windows
from moodtheme.training.audio_cache import AudioCache, build_cache
from moodtheme.training.examples import Weighted
from moodtheme.training.kinds.kind import Kind, Source
from moodtheme.training.run_folder import Run
from moodtheme.training.settings import Settings
from moodtheme.work import Progress, Report, read_ahead

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

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Samples."""
        return (self.view.samples,)

    def open_source(self, settings: Settings, folder: Path) -> "SoundSource":
        """Decoded audio."""
        return SoundSource(self, settings, folder)


class CrnnKind(SoundKind[CrnnView]):
    """Convolutions, pretrained or not, and the recurrent part."""

    @property
    def published(self) -> PublishedWeights | None:
        """The convolutions'."""
        return published_weights(self.view) if self.view.pretrained else None

    def make_network(self, *, n_tags: int, n_features: int | None) -> nn.Module:
        """All at random."""
        return Crnn(self.view, self.head, n_tags=n_tags)


class BaselineKind(SoundKind[BaselineView]):
    """The MediaEval baseline, which hears the middle of a track in training too."""

    anywhere = False

    def make_network(self, *, n_tags: int, n_features: int | None) -> nn.Module:
        """All at random."""
        return Baseline(n_tags=n_tags)


class SoundSource(Source[SoundKind[Any]]):
    """Decoded audio, kept as int16 at the system's rate, in the run's folder or a shared one."""

    @cached_property
    def _pretrained(self) -> Path | None:
        """File that the network begins with."""
        published, settings = self.kind.published, self.settings
        if published is None:
            return None
        return published.given_or_fetched(settings.weights, offline=settings.offline)

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
        folder, rate = self.settings.audio_cache or self.folder / _AUDIO, self.kind.view.sample_rate
        durations = np.concatenate([training.durations, validation.durations])
        failures = build_cache(
            folder,
            [*training.files, *validation.files],
            sample_rate=rate,
            durations=durations.tolist(),
            jobs=self.settings.jobs,
            report=report,
            progress=progress,
        )
        self._cache = AudioCache(folder, sample_rate=rate)
        return failures

    def examples(self, files: Sequence[Path]) -> "SoundExamples":
        """Excerpts of decoded files."""
        return SoundExamples(
            self._cache,
            files,
            samples=self.kind.view.samples,
            evaluation=self.kind.view.scored,
            anywhere=self.kind.anywhere,
        )

    def make_network(self, n_tags: int) -> nn.Module:
        """The network, its convolutions as published where the recipe says so."""
        network = self.kind.make_network(n_tags=n_tags, n_features=None)
        if self._pretrained is not None:
            assert isinstance(network, Crnn)  # nothing else begins with any
            network.pretrained_part.load(self._pretrained)
        return network

    def read(
        self, files: Sequence[Path], run: Run, *, report: Report, progress: Progress
    ) -> Iterator[Weighted | AudioError]:
        """Excerpts of the files, decoded for the occasion; a trained network has its weights."""
        view: SoundView = self.kind.view
        # Of a centre only the excerpt is decoded, not the whole track.
        centre = view.scored is EvaluationExcerpt.CENTRE

        def read(file: Path) -> Weighted | AudioError:
            try:
                audio = read_excerpt(
                    file,
                    sample_rate=view.sample_rate,
                    length_s=view.samples / view.sample_rate,
                    policy=ExcerptPolicy.CENTRE if centre else ExcerptPolicy.COVER,
                    minimum_s=MINIMUM_S,
                )
            except AudioError as error:
                return error
            return choose_excerpts(audio.samples, view.samples, view.scored)

        return read_ahead(read, files, jobs=self.settings.jobs)


@dataclass(frozen=True)
class SoundExamples:
    """Excerpts from decoded audio; a track shorter than an excerpt is looped, as in tagging.

    Attributes
    ----------
    cache
        Holds every file.
    files
        One a track.
    samples
        Length of an excerpt.
    evaluation
        Which excerpts make a track's score.
    anywhere
        Whether training hears any place of a track; otherwise what makes its score.
    """

    cache: AudioCache
    files: Sequence[Path]
    samples: int
    evaluation: EvaluationExcerpt
    anywhere: bool = True

    def __post_init__(self) -> None:
        for file in self.files:  # found here, once for all workers
            self.cache.length(file)

    fixed_bytes = None  # far more than a device has room for, even where no place is drawn

    def __len__(self) -> int:
        return len(self.files)

    def training_input(self, row: int, rng: np.random.Generator) -> Weighted:
        """Audio from anywhere in the track, all places equally likely."""
        if not self.anywhere:
            return self.evaluation_inputs(row)
        file = self.files[row]
        start = int(rng.integers(max(0, self.cache.length(file) - self.samples) + 1))
        return self._excerpt(file, start)

    def evaluation_inputs(self, row: int) -> Weighted:
        """Audio of the excerpt or excerpts that count."""
        file = self.files[row]
        if self.evaluation is EvaluationExcerpt.COVER:
            return choose_excerpts(self.cache.read(file), self.samples, self.evaluation)
        start = excerpt_start(self.cache.length(file), self.samples, self.evaluation)
        return self._excerpt(file, start)

    def _excerpt(self, file: Path, start: int) -> Weighted:
        samples, scale = self.cache.stored(file, start, self.samples)
        return Weighted(loop_to_length(samples, self.samples)[None], scale=scale)


def excerpt_start(length: int, samples: int, evaluation: EvaluationExcerpt) -> int:
    """First sample of the one excerpt of a track of `length` samples."""
    if evaluation is EvaluationExcerpt.SECOND_HALF:
        return length // 2 if length > 2 * samples else 0
    return max(0, (length - samples) // 2)


def choose_excerpts(audio: FloatArray, samples: int, evaluation: EvaluationExcerpt) -> Weighted:
    """Excerpts of a whole track's audio that its score is computed from.

    Parameters
    ----------
    audio
        Shape (n,).
    samples
        Length of an excerpt.
    evaluation
        Which ones.
    """
    if evaluation is not EvaluationExcerpt.COVER:
        start = excerpt_start(len(audio), samples, evaluation)
        return Weighted(loop_to_length(audio[start : start + samples], samples)[None])
    windows = list(slide_windows([audio], samples=samples))
    return Weighted(
        np.stack([window.audio for window in windows]),
        np.array([window.weight for window in windows], dtype=np.float32),
    )
