"""openSMILE's low-level descriptors of a window, as their mean and standard deviation over it.

openSMILE computes a descriptor every 10 ms, so a window gives a matrix; the vector is first every
descriptor's mean over the window's frames, then every one's standard deviation. A window is
analysed by itself, so nothing of its neighbours is in it. A descriptor that openSMILE cannot
compute somewhere counts as 0 there. The package's licence allows research and private use only.
"""

from pathlib import Path
from typing import Any

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.errors import UsageError, needing_extra
from moodtheme.feature_store.extractor import Extractor, ExtractorInfo, Waiting
from moodtheme.recipes import OpenSmileView

# Below this the longest analysis frames (60 ms) and the smoothing over them find no place.
_SHORTEST_WINDOW_S = 0.1


def describe(
    view: OpenSmileView, *, weights: Path | None = None, offline: bool = False
) -> ExtractorInfo:
    """What the extractor is; the version of openSMILE stands for weights, of which it has none."""
    return _info(view, _open(view))


def make(
    view: OpenSmileView,
    *,
    weights: Path | None = None,
    offline: bool = False,
    device: str = "cpu",
) -> Extractor:
    """Make the extractor; it computes on the processor and needs nothing from anywhere."""
    smile = _open(view)

    def begin(windows: FloatArray) -> Waiting:
        features = [_statistics(smile(window, view.sample_rate)[0]) for window in windows]
        return lambda: np.stack(features)

    return Extractor(_info(view, smile), begin)


def uses_accelerator(device: str) -> bool:
    """Never: openSMILE knows processors alone."""
    return False


def _open(view: OpenSmileView) -> Any:
    if view.window_s < _SHORTEST_WINDOW_S:
        raise UsageError(
            f"openSMILE's descriptors need windows of at least {_SHORTEST_WINDOW_S} s, not "
            f"{view.window_s:g} s; set window_s"
        )
    with needing_extra("computing openSMILE's descriptors", "opensmile"):
        import opensmile
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet[view.feature_set.value],
        feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
    )


def _info(view: OpenSmileView, smile: Any) -> ExtractorInfo:
    import opensmile

    names = tuple(f"{name}_{what}" for what in ("mean", "std") for name in smile.feature_names)
    return ExtractorInfo(
        view=view,
        weights=f"opensmile {opensmile.__version__}",
        n_features=len(names),
        names=names,
    )


def _statistics(descriptors: FloatArray) -> FloatArray:
    """Mean and standard deviation over frames of ``(descriptors, frames)``, as one vector."""
    values = np.nan_to_num(descriptors.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return np.concatenate([values.mean(axis=1), values.std(axis=1)]).astype(np.float32)
