"""A trained system as a model bundle: waveform in, scores out, the front end inside."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme import __version__
from moodtheme.bundle import (
    FORMAT_VERSION,
    Bundle,
    ExcerptPolicy,
    Fusion,
    Measurement,
    Member,
    Thresholds,
    write_bundle,
)
from moodtheme.downloads import sha256_of
from moodtheme.evaluation.thresholds import best_f1, choose
from moodtheme.export import export_graph
from moodtheme.recipes import EvaluationExcerpt
from moodtheme.training.crnn_run import TrainedSystem

_POLICIES = {
    EvaluationExcerpt.CENTRE: ExcerptPolicy.CENTRE,
    # A bundle has no such place; the centre is the nearest.
    EvaluationExcerpt.SECOND_HALF: ExcerptPolicy.CENTRE,
    EvaluationExcerpt.COVER: ExcerptPolicy.COVER,
}
_NEVER = 1.0  # no score is above it


class Scores(nn.Module):
    """A network's logits as scores in [0, 1].

    Parameters
    ----------
    network
        Takes audio ``(batch, samples)``, returns logits ``(batch, tags)``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, audio: Tensor) -> Tensor:
        """Scores ``(batch, tags)``."""
        return torch.sigmoid(self.network(audio))


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
        From `moodtheme.training.crnn_run.load_trained`.
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
        graph = Path(scratch) / f"{run.recipe.system}.onnx"
        export_graph(Scores(system.network.cpu()), graph, samples=view.samples)
        best = choose(validation_truth, validation_scores, best_f1)
        bundle = Bundle(
            format_version=FORMAT_VERSION,
            name=name,
            description=(
                f"{run.recipe.system} with {view.convolutions} convolutions: {len(run.tags)} tags"
            ),
            tags=run.tags,
            members=(
                Member(
                    file=graph.name,
                    sha256=sha256_of(graph),
                    systems=(run.recipe.system,),
                    sample_rate=view.sample_rate,
                    samples=view.samples,
                    policy=_POLICIES[view.evaluation],
                ),
            ),
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
                "evaluation_excerpt": str(view.evaluation),
                "trained_by": f"moodtheme {run.version}",
                "exported_by": f"moodtheme {__version__}, torch {torch.__version__}",
            },
        )
        write_bundle(folder, bundle, [graph])
    return bundle
