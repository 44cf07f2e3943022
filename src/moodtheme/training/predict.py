"""Scores of audio files by a trained system."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from moodtheme.audio import Position, read_audio, read_excerpt
from moodtheme.errors import AudioError
from moodtheme.feature_store import FeatureStore, build_features, describe_extractor
from moodtheme.recipes import BaselineView, CrnnView, EvaluationExcerpt
from moodtheme.training.audio_cache import MINIMUM_S
from moodtheme.training.examples import FloatArray, Weighted, choose_excerpts
from moodtheme.training.feature_examples import StoredFeatures
from moodtheme.training.feature_source import made_with
from moodtheme.training.module import score_inputs
from moodtheme.training.system_run import TrainedSystem, require_same_weights
from moodtheme.work import Progress, Report, no_progress, no_report, read_ahead

_AT_ONCE = 8  # excerpts of a file given to the network in one call


def score_files(
    system: TrainedSystem,
    files: Sequence[Path],
    *,
    device: torch.device,
    jobs: int = 1,
    features: Path | None = None,
    weights: Path | None = None,
    offline: bool = False,
    report: Report = no_report,
    progress: Progress = no_progress,
) -> tuple[FloatArray, list[AudioError]]:
    """Score files, each by itself, so that a score does not depend on the others.

    Parameters
    ----------
    system
        Its recipe's view says what of a file is scored.
    files
        One a track.
    device
        Where networks compute.
    jobs
        Files decoded, or their features extracted, at once.
    features
        Folder of stored features; what it lacks is added. None has features extracted and thrown
        away. Only systems that hear features need any.
    weights
        File of the image network's weights; None has the published ones fetched.
    offline
        Never touch the network.
    report
        Called with lines about what is done.
    progress
        Called after each file with files done and files to do; for features that are missing
        first, then for scores.

    Returns
    -------
    scores
        float32 (files, tags); the rows of files that failed are NaN.
    failures
        One error a file that could not be used.

    Raises
    ------
    WeightsError
        If the image network's weights are not those of the training.
    """
    view = system.run.recipe.view
    if isinstance(view, CrnnView | BaselineView):
        return _score(system, _read_ahead(files, view, jobs), len(files), device, progress)
    made = made_with(describe_extractor(view, weights=weights, offline=offline))
    require_same_weights(system.run, made)
    with contextlib.ExitStack() as stack:
        if features is None:
            scratch = tempfile.TemporaryDirectory(prefix="moodtheme-features-")
            features = Path(stack.enter_context(scratch))
        store, failures = build_features(
            features,
            files,
            view,
            weights=weights,
            offline=offline,
            device=str(device),
            jobs=jobs,
            report=report,
            progress=progress,
        )
        inputs = _read_stored(store, files, failures)
        return _score(system, inputs, len(files), device, progress)


def _score(
    system: TrainedSystem,
    inputs: Iterable[Weighted | AudioError],
    count: int,
    device: torch.device,
    progress: Progress,
) -> tuple[FloatArray, list[AudioError]]:
    network = system.network.eval().to(device)
    scores = np.full((count, len(system.run.tags)), np.nan, np.float32)
    failures = []
    with torch.inference_mode():
        for row, found in enumerate(inputs):
            if isinstance(found, AudioError):
                failures.append(found)
            else:
                tensor = torch.from_numpy(found.inputs).to(device)
                each = score_inputs(network, tensor, at_once=_AT_ONCE)
                scores[row] = np.average(each, axis=0, weights=found.weights)
            progress(row + 1, count)
    return scores, failures


def _read_stored(
    store: FeatureStore, files: Sequence[Path], failures: Sequence[AudioError]
) -> Iterator[Weighted | AudioError]:
    """Features of the files in order."""
    failed = {str(failure.path): failure for failure in failures}
    for file in files:
        if str(file) in failed:
            yield failed[str(file)]
        else:
            yield StoredFeatures(store, [file]).evaluation_inputs(0)


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

    return read_ahead(read, files, jobs=jobs)
