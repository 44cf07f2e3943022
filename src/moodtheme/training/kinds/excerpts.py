"""Excerpts of sound: from decoded audio in training, from the files themselves in scoring."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.audio import ExcerptPolicy, read_excerpt
from moodtheme.errors import AudioError
from moodtheme.recipes import EvaluationExcerpt, SoundView
from moodtheme.tagging.windows import cut_excerpt, loop_to_length, slide_windows
from moodtheme.training.audio_cache import MINIMUM_S, AudioCache
from moodtheme.training.examples import Stored, Weighted
from moodtheme.work import read_ahead


class SoundExamples:
    """Excerpts from decoded audio; a track shorter than an excerpt is looped, as in tagging.

    Parameters
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

    def __init__(
        self,
        cache: AudioCache,
        files: Sequence[Path],
        *,
        samples: int,
        evaluation: EvaluationExcerpt,
        anywhere: bool = True,
    ) -> None:
        self._cache = cache
        self._files = tuple(files)
        self._samples = samples
        self._evaluation = evaluation
        self._anywhere = anywhere

    fixed_bytes = None  # far more than a device has room for, even where no place is drawn

    def __len__(self) -> int:
        return len(self._files)

    def training_input(self, row: int, rng: np.random.Generator) -> Stored:
        """Audio from anywhere in the track, all places equally likely."""
        if not self._anywhere:
            middle = self.evaluation_inputs(row)
            return Stored(middle.inputs[0], middle.scale)
        file = self._files[row]
        start = int(rng.integers(max(0, self._cache.length(file) - self._samples) + 1))
        return self._excerpt(file, start)

    def evaluation_inputs(self, row: int) -> Weighted:
        """Audio of the excerpt or excerpts that count."""
        file = self._files[row]
        if self._evaluation is EvaluationExcerpt.COVER:
            return choose_excerpts(self._cache.read(file), self._samples, self._evaluation)
        start = excerpt_start(self._cache.length(file), self._samples, self._evaluation)
        excerpt = self._excerpt(file, start)
        return Weighted(excerpt.numbers[None], np.ones(1, np.float32), excerpt.scale)

    def _excerpt(self, file: Path, start: int) -> Stored:
        samples, scale = self._cache.stored(file, start, self._samples)
        return Stored(loop_to_length(samples, self._samples), scale)


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
    if evaluation is EvaluationExcerpt.COVER:
        windows = list(slide_windows([audio], samples=samples))
    else:
        start = excerpt_start(len(audio), samples, evaluation)
        windows = [cut_excerpt(audio[start:], samples=samples, policy=ExcerptPolicy.START)]
    return Weighted(
        np.stack([window.audio for window in windows]),
        np.array([window.weight for window in windows], dtype=np.float32),
    )


def read_for_evaluation(file: Path, view: SoundView) -> Weighted:
    """Excerpts of a file that its score is computed from.

    Raises
    ------
    AudioError
        If the file cannot be decoded or is too short.
    """
    # Of a centre only the excerpt is decoded, not the whole track.
    centre = view.scored is EvaluationExcerpt.CENTRE
    audio = read_excerpt(
        file,
        sample_rate=view.sample_rate,
        length_s=view.samples / view.sample_rate,
        policy=ExcerptPolicy.CENTRE if centre else ExcerptPolicy.COVER,
        minimum_s=MINIMUM_S,
    )
    return choose_excerpts(audio.samples, view.samples, view.scored)


def read_excerpts(
    files: Sequence[Path], view: SoundView, jobs: int
) -> Iterator[Weighted | AudioError]:
    """Excerpts of the files in order, `jobs` of them read ahead."""

    def read(file: Path) -> Weighted | AudioError:
        try:
            return read_for_evaluation(file, view)
        except AudioError as error:
            return error

    return read_ahead(read, files, jobs=jobs)
