"""Published checkpoints as bundles."""

import tempfile
from pathlib import Path

import torch

from moodtheme import __version__
from moodtheme.audio import ExcerptPolicy
from moodtheme.errors import BundleError
from moodtheme.exporting.conformance import write_conformance
from moodtheme.exporting.graph import Scores, export_graph
from moodtheme.fetched.weights import MEDIAEVAL_BASELINE
from moodtheme.files import sha256_of
from moodtheme.models import mediaeval_baseline
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS
from moodtheme.tagging.bundle import (
    FORMAT_VERSION,
    Bundle,
    Fusion,
    Measurement,
    Member,
)
from moodtheme.tagging.bundle_files import write_bundle

# "Official results" of the MediaEval 2019 baseline on split 0's test tracks.
_QUALITY = (("roc_auc_macro", 0.725821), ("pr_auc_macro", 0.107734))


def convert_mediaeval_baseline(checkpoint: Path, folder: Path) -> None:
    """Write the MediaEval baseline as a bundle.

    Parameters
    ----------
    checkpoint
        The organisers' state dict, already verified by its hash.
    folder
        The bundle's folder.

    Raises
    ------
    BundleError
        If the checkpoint's shapes are not the baseline's.
    """
    model = mediaeval_baseline.Baseline()
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    try:
        model.network.load_state_dict(state)
    except RuntimeError as error:
        raise BundleError(
            f"{checkpoint} does not hold the baseline's layers ({error}); download it again"
        ) from error
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / "mtg-baseline.onnx"
        export_graph(Scores(model), graph, samples=mediaeval_baseline.EXCERPT_SAMPLES)
        bundle = Bundle(
            format_version=FORMAT_VERSION,
            name="mtg-baseline",
            description="The VGG-ish baseline of MediaEval 2019: 56 moods and themes",
            tags=MOOD_THEME_TAGS,
            members=(
                Member(
                    file=graph.name,
                    sha256=sha256_of(graph),
                    systems=("mtg-baseline",),
                    sample_rate=mediaeval_baseline.SAMPLE_RATE,
                    samples=mediaeval_baseline.EXCERPT_SAMPLES,
                    policy=ExcerptPolicy.CENTRE,
                ),
            ),
            fusion=Fusion(),
            licence=MEDIAEVAL_BASELINE.licence,
            origin=MEDIAEVAL_BASELINE.origin,
            training_data="MTG-Jamendo mood/theme split 0, training tracks",
            quality=tuple(
                Measurement(measure=measure, value=value, data="MTG-Jamendo split 0, test")
                for measure, value in _QUALITY
            ),
            provenance={
                "checkpoint": MEDIAEVAL_BASELINE.source.where,
                "checkpoint_sha256": MEDIAEVAL_BASELINE.sha256,
                "converted_by": f"moodtheme {__version__}, torch {torch.__version__}",
            },
        )
        write_bundle(folder, bundle, [graph])
    write_conformance(folder)
