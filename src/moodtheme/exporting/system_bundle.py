"""A trained system as a model bundle."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from moodtheme.exporting.bundles import export_fused
from moodtheme.tagging.bundle import Bundle
from moodtheme.training.trained import TrainedSystem


def export_system(
    system: TrainedSystem,
    folder: Path,
    *,
    name: str,
    licence: str,
    validation_truth: npt.NDArray[np.bool_],
    validation_scores: npt.NDArray[np.float32],
    half_images: bool = False,
    weights: Path | None = None,
    offline: bool = False,
) -> Bundle:
    """Write a trained system as a bundle; parameters and errors are those of `export_fused`."""
    return export_fused(
        [system],
        folder,
        name=name,
        licence=licence,
        validation_truth=validation_truth,
        validation_scores=[validation_scores],
        half_images=half_images,
        weights=weights,
        offline=offline,
    )
