"""Trained systems as a model bundle: their scores fused, the view of each inside."""

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from moodtheme import __version__
from moodtheme.errors import EvaluationWarning, UsageError
from moodtheme.evaluation.calibration import fit_calibration
from moodtheme.evaluation.evaluator import evaluate_systems
from moodtheme.evaluation.ratings import RatingFigures, evaluate_ratings
from moodtheme.evaluation.thresholds import best_f1, choose
from moodtheme.exporting.conformance import write_conformance
from moodtheme.exporting.systems import Graphs, plan_graphs
from moodtheme.scores.fusion import FusionMethod, fuse
from moodtheme.scores.matrices import SystemScores, Truth
from moodtheme.tagging.bundle import (
    FORMAT_VERSION,
    Bundle,
    Calibration,
    Dimension,
    Fusion,
    Measurement,
    Thresholds,
)
from moodtheme.tagging.bundle_files import write_bundle
from moodtheme.training.trained import TrainedSystem

_NEVER = 1.0  # no score is above it
_RESAMPLES = 1000  # of the figures' intervals, the usual number


def export_fused(
    systems: Sequence[TrainedSystem],
    folder: Path,
    *,
    name: str,
    licence: str,
    validation_truth: npt.NDArray[np.bool_],
    validation_scores: Sequence[npt.NDArray[np.float32]],
    artists: Sequence[str] = (),
    rated: Sequence[RatingFigures] = (),
    tested: tuple[Truth, Sequence[SystemScores]] | None = None,
    fusion: FusionMethod = FusionMethod.MEAN,
    half_images: bool = False,
    weights: Path | None = None,
    offline: bool = False,
    graphs: Graphs | None = None,
) -> Bundle:
    """Write trained systems, or one, as one bundle.

    Deep Spectrum systems with one view share a file, so that the image network looks at each window
    once: the paper's nine systems are five files.

    Parameters
    ----------
    systems
        At least one, from `moodtheme.training.trained.load_trained`, all for the same tags.
    folder
        The bundle's folder.
    name
        The bundle's name.
    licence
        Terms of the weights, which follow from what they were trained on.
    validation_truth
        Bool (tracks, tags).
    validation_scores
        One matrix a system, (tracks, tags): thresholds and calibration are fitted on their fusion.
    artists
        Of the validation tracks, for the figure's interval; empty where none is known.
    rated
        How near the systems' mean ratings come to listeners' there.
    tested
        Truth and each system's scores on test tracks, which the bundle's figures are measured on
        then instead of validation; from `moodtheme.training.prediction.read_tests`.
    fusion
        How the systems' scores become one: by mean, or by mean of logits.
    half_images
        Whether image networks' weights are kept as float16 in the bundle, at half the size;
        refused where that changes a score of test music by more than 0.002.
    weights
        File of the image network's weights, for Deep Spectrum systems; None has them fetched.
    offline
        Never touch the network.
    graphs
        Of these systems and others, for several bundles with the same graphs; it knows
        `half_images`, `weights` and `offline` already.

    Raises
    ------
    UsageError
        If the systems do not fit together, or the front end of one cannot be part of a graph.
    BundleError
        If `folder` holds something else.
    DownloadError, HashMismatchError, WeightsError
        If the image network's weights cannot be had, or are too coarse as float16.
    """
    if len(validation_scores) != len(systems):
        raise ValueError(f"{len(validation_scores)} score matrices for {len(systems)} systems")
    first = systems[0].run
    for system in systems:
        if (system.run.tags, system.run.dimensions) != (first.tags, first.dimensions):
            raise UsageError(
                f"{system.run.recipe.system} knows other tags or dimensions than "
                f"{first.recipe.system}; fuse systems that were trained on one dataset"
            )
    fused = fuse(validation_scores, method=fusion)
    if tested is None:
        quality = _quality(
            validation_truth,
            fused,
            rated,
            tags=first.tags,
            artists=artists,
            data=f"{first.dataset}, validation (epochs were chosen on it)",
        )
    else:
        truth, found = tested
        quality = _quality(
            truth.values,
            fuse([system.values for system in found], method=fusion),
            mean_ratings_against(truth, found),
            tags=truth.names.tags,
            artists=truth.names.artists,
            data=f"{first.dataset}, test",
        )
    planned = plan_graphs(systems)
    with tempfile.TemporaryDirectory() as scratch:
        kept = graphs or Graphs(
            systems,
            Path(scratch) / "kept",
            half_images=half_images,
            weights=weights,
            offline=offline,
        )
        written = [kept.write(graph, Path(scratch)) for graph in planned]
        best = choose(validation_truth, fused, best_f1)
        calibration = fit_calibration(validation_truth, fused)
        validation = f"{first.dataset}: {len(validation_truth)} validation tracks"
        bundle = Bundle(
            format_version=FORMAT_VERSION,
            name=name,
            description=_description(systems),
            tags=first.tags,
            dimensions=tuple(
                Dimension(name=one.name, lowest=one.lowest, highest=one.highest)
                for one in first.dimensions
            ),
            members=tuple(member for member, _ in written),
            fusion=Fusion(method=fusion),
            licence=licence,
            origin="trained with moodtheme",
            training_data=f"{first.dataset}: {first.tracks['train']} training tracks",
            thresholds=Thresholds(
                values=tuple(np.nan_to_num(best, nan=_NEVER).tolist()),
                method="highest F1",
                chosen_on=validation,
                without=tuple(
                    tag for tag, at in zip(first.tags, best, strict=True) if np.isnan(at)
                ),
            ),
            calibration=Calibration(
                slopes=tuple(calibration.slopes.tolist()),
                intercepts=tuple(calibration.intercepts.tolist()),
                fitted_on=validation,
            ),
            quality=quality,
            provenance={
                **{
                    called: _provenance(system)
                    for graph in planned
                    for called, system in zip(graph.names, graph.systems, strict=True)
                },
                "data_sha256": first.data_sha256,
                "exported_by": f"moodtheme {__version__}, torch {torch.__version__}",
            },
        )
        write_bundle(folder, bundle, [path for _, path in written])
    write_conformance(folder)
    return bundle


def mean_ratings_against(truth: Truth, systems: Sequence[SystemScores]) -> list[RatingFigures]:
    """How near the mean of systems' ratings comes to listeners'; empty without ratings.

    Parameters
    ----------
    truth, systems
        From `moodtheme.training.trained.load_validation`, or of test tracks.
    """
    known = [system.ratings for system in systems if system.ratings is not None]
    if truth.ratings is None or not known:
        return []
    mean = replace(known[0], values=np.mean([one.values for one in known], axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvaluationWarning)  # the card shows figures alone then
        return evaluate_ratings(
            truth.ratings,
            mean,
            source="ratings",
            artists=truth.names.artists,
            resamples=_RESAMPLES,
        )


def _quality(
    truth: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.float32],
    rated: Sequence[RatingFigures],
    *,
    tags: Sequence[str],
    artists: Sequence[str],
    data: str,
) -> tuple[Measurement, ...]:
    """Macro ROC-AUC over the tags that have one, and CCC of each dimension."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvaluationWarning)  # tags were named before training
        (found,) = evaluate_systems(
            truth, {"": scores}, tags=tags, artists=artists or None, resamples=_RESAMPLES
        )
    figure = found.figures["roc_auc_macro"]
    measured = [
        Measurement(
            measure="roc_auc_macro",
            value=figure.value or 0.0,
            data=data,
            interval=_ends(figure.low, figure.high),
        )
    ]
    for one in rated:
        low, high = one.intervals.get("ccc", (None, None))
        measured.append(
            Measurement(
                measure=f"ccc_{one.dimension}",
                value=one.figures["ccc"],
                data=data,
                interval=_ends(low, high),
            )
        )
    return tuple(one for one in measured if np.isfinite(one.value))


def _ends(low: float | None, high: float | None) -> tuple[float, float] | None:
    if low is None or high is None or not np.isfinite([low, high]).all():
        return None
    return low, high


def _description(systems: Sequence[TrainedSystem]) -> str:
    recipe = systems[0].run.recipe
    tags = f"{len(systems[0].run.tags)} tags"
    if len(systems) == 1:
        return f"{recipe.system} with {recipe.view.hears}: {tags}"
    return f"{len(systems)} systems fused: {tags}"


def _provenance(system: TrainedSystem) -> str:
    """What a system is and where its weights are from, in a line."""
    run, result = system.run, system.result
    return (
        f"{run.recipe.view.hears}, {run.recipe.view.heard}; pretrained {run.weights or 'none'}; "
        f"seed {run.seed}, epoch {result.best_epoch} of {result.epochs}, validation ROC-AUC "
        f"{result.validation_roc_auc:.4f}; moodtheme {run.version}"
    )
