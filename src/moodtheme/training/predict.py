"""Scores of audio files by a trained system."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from moodtheme.audio import Position, read_audio, read_excerpt
from moodtheme.errors import AudioError, UsageError
from moodtheme.recipes import BaselineView, CrnnView, EvaluationExcerpt
from moodtheme.training.audio_cache import MINIMUM_S, Progress
from moodtheme.training.examples import FloatArray, Weighted, choose_excerpts
from moodtheme.training.module import score_inputs
from moodtheme.training.system_run import TrainedSystem


def score_files(
    system: TrainedSystem,
    files: Sequence[Path],
    *,
    device: torch.device,
    jobs: int = 1,
    at_once: int = 8,
    progress: Progress = lambda done, of: None,
) -> tuple[FloatArray, list[AudioError]]:
    """Score files, each by itself, so that a score does not depend on the others.

    Parameters
    ----------
    system
        Its recipe's view says what of a file is scored.
    files
        One a track.
    device
        Where the network computes.
    jobs
        Files decoded at once.
    at_once
        Excerpts of a file given to the network in one call.
    progress
        Called after each file.

    Returns
    -------
    scores
        float32 (files, tags); the rows of files that failed are NaN.
    failures
        One error a file that could not be used.
    """
    view = system.run.recipe.view
    if not isinstance(view, CrnnView | BaselineView):
        raise UsageError(
            f"{system.run.recipe.system} cannot score files yet; choose another system"
        )
    network = system.network.eval().to(device)
    scores = np.full((len(files), len(system.run.tags)), np.nan, np.float32)
    failures = []
    with torch.inference_mode():
        for row, found in enumerate(_read_ahead(files, view, jobs)):
            if isinstance(found, AudioError):
                failures.append(found)
            else:
                inputs = torch.from_numpy(found.inputs).to(device)
                each = score_inputs(network, inputs, at_once=at_once)
                scores[row] = np.average(each, axis=0, weights=found.weights)
            progress(row + 1, len(files))
    return scores, failures


def choose_device(accelerator: str) -> torch.device:
    """The device that Lightning would take for the same word."""
    if accelerator != "auto":
        return torch.device(accelerator)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def read_for_evaluation(file: Path, view: CrnnView | BaselineView) -> Weighted:
    """Excerpts of a file that its score is computed from.

    Raises
    ------
    AudioError
        If the file cannot be decoded or is too short.
    """
    evaluation = view.evaluation if isinstance(view, CrnnView) else EvaluationExcerpt.CENTRE
    if evaluation is EvaluationExcerpt.CENTRE:
        # Only the excerpt is decoded, not the whole track.
        audio = read_excerpt(
            file,
            sample_rate=view.sample_rate,
            length_s=view.samples / view.sample_rate,
            position=Position.CENTRE,
            minimum_s=MINIMUM_S,
        )
    else:
        audio = read_audio(file, sample_rate=view.sample_rate, minimum_s=MINIMUM_S)
    return choose_excerpts(audio.samples, view.samples, evaluation)


def _read_ahead(
    files: Sequence[Path], view: CrnnView | BaselineView, jobs: int
) -> Iterator[Weighted | AudioError]:
    """Excerpts of the files in order, `jobs` of them read ahead."""

    def read(file: Path) -> Weighted | AudioError:
        try:
            return read_for_evaluation(file, view)
        except AudioError as error:
            return error

    waiting: deque[Future[Weighted | AudioError]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for file in files:
                waiting.append(pool.submit(read, file))
                if len(waiting) > jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
