"""A trained system as a model bundle: waveform in, scores out, the front end inside."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from moodtheme import __version__
from moodtheme.bundle import (
    FORMAT_VERSION,
    Bundle,
    Fusion,
    Measurement,
    Thresholds,
    write_bundle,
)
from moodtheme.evaluation.thresholds import best_f1, choose
from moodtheme.system_graph import export_member
from moodtheme.training.system_run import TrainedSystem

_NEVER = 1.0  # no score is above it


def export_system(
    system: TrainedSystem,
    folder: Path,
    *,
    name: str,
    licence: str,
    validation_truth: np.typing.NDArray[np.bool_],
    validation_scores: np.typing.NDArray[np.float32],
) -> Bundle:
    """Write a trained system as a bundle.

    Parameters
    ----------
    system
        From `moodtheme.training.system_run.load_trained`.
    folder
        The bundle's folder.
    name
        The bundle's name.
    licence
        Terms of the weights, which follow from what they were trained on.
    validation_truth, validation_scores
        Of the system, (tracks, tags): the per-tag thresholds are chosen on them.

    Raises
    ------
    BundleError
        If `folder` holds something else.
    """
    run, view = system.run, system.run.recipe.view
    with tempfile.TemporaryDirectory() as scratch:
        member = export_member(system, Path(scratch))
        best = choose(validation_truth, validation_scores, best_f1)
        bundle = Bundle(
            format_version=FORMAT_VERSION,
            name=name,
            description=f"{run.recipe.system} with {view.hears}: {len(run.tags)} tags",
            tags=run.tags,
            members=(member,),
            fusion=Fusion(),
            licence=licence,
            origin="trained with moodtheme",
            training_data=f"{run.dataset}: {run.tracks['train']} training tracks",
            thresholds=Thresholds(
                values=tuple(np.nan_to_num(best, nan=_NEVER).tolist()),
                method="highest F1",
                chosen_on=f"{run.dataset}: {len(validation_truth)} validation tracks",
            ),
            quality=(
                Measurement(
                    measure="roc_auc_macro",
                    value=system.result.validation_roc_auc,
                    data=f"{run.dataset}, validation (the epoch was chosen on it)",
                ),
            ),
            provenance={
                "seed": str(run.seed),
                "best_epoch": str(system.result.best_epoch),
                "data_sha256": run.data_sha256,
                "pretrained": run.weights or "none",
                "validation_heard": view.heard,
                "trained_by": f"moodtheme {run.version}",
                "exported_by": f"moodtheme {__version__}, torch {torch.__version__}",
            },
        )
        write_bundle(folder, bundle, [Path(scratch) / member.file])
    return bundle
