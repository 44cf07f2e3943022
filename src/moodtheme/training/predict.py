"""Scores of audio files by a trained network, decoded while it computes."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import nn

from moodtheme.audio import Position, read_audio, read_excerpt
from moodtheme.errors import AudioError
from moodtheme.recipes import CrnnView, EvaluationExcerpt
from moodtheme.training.audio_cache import MINIMUM_S
from moodtheme.training.examples import FloatArray, Weighted, choose_excerpts
from moodtheme.training.module import score_inputs


def predict_files(
    network: nn.Module,
    view: CrnnView,
    files: Sequence[Path],
    *,
    device: torch.device,
    jobs: int = 1,
    at_once: int = 8,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[FloatArray, list[AudioError]]:
    """Score files, each by itself, so that a score does not depend on the others.

    Parameters
    ----------
    network
        Takes audio as `view` says, returns logits.
    view
        Rate, length and place of the excerpts.
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
    network = network.eval().to(device)
    rows: list[FloatArray | None] = []
    failures = []
    with torch.inference_mode():
        for found in _read_ahead(files, view, jobs):
            if isinstance(found, AudioError):
                failures.append(found)
                rows.append(None)
            else:
                inputs = torch.from_numpy(found.inputs).to(device)
                scores = score_inputs(network, inputs, at_once=at_once)
                rows.append(np.average(scores, axis=0, weights=found.weights).astype(np.float32))
            progress(len(rows), len(files))
    n_tags = next((len(row) for row in rows if row is not None), 0)
    missing = np.full(n_tags, np.nan, np.float32)
    return np.stack([missing if row is None else row for row in rows]), failures


def read_for_evaluation(file: Path, view: CrnnView) -> Weighted:
    """Excerpts of a file that its score is computed from.

    Raises
    ------
    AudioError
        If the file cannot be decoded or is too short.
    """
    if view.evaluation is EvaluationExcerpt.CENTRE:
        # Only the excerpt is decoded, not the whole track.
        audio = read_excerpt(
            file,
            sample_rate=view.sample_rate,
            length_s=view.excerpt_s,
            position=Position.CENTRE,
            minimum_s=MINIMUM_S,
        )
    else:
        audio = read_audio(file, sample_rate=view.sample_rate, minimum_s=MINIMUM_S)
    return choose_excerpts(audio.samples, view.samples, view.evaluation)


def _read_ahead(
    files: Sequence[Path], view: CrnnView, jobs: int
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
