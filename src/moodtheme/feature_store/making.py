"""From a view to its extractor."""

from pathlib import Path

from moodtheme.feature_store.extractor import Extractor, ExtractorInfo, FeatureView
from moodtheme.recipes import DeepSpectrumView


def describe_extractor(
    view: FeatureView, *, weights: Path | None = None, offline: bool = False
) -> ExtractorInfo:
    """What a view's extractor is; weights are fetched and hashed, but not loaded.

    Parameters
    ----------
    view
        What it sees.
    weights
        File of the image network's weights; None has the published ones fetched, where the view
        wants any.
    offline
        Never touch the network.

    Raises
    ------
    UsageError
        If the view cannot be had as it is.
    MissingExtraError
        If openSMILE is not installed.
    DownloadError, HashMismatchError, WeightsError
        If the weights cannot be had.
    """
    if isinstance(view, DeepSpectrumView):
        from moodtheme.feature_store import deep_spectrum

        return deep_spectrum.describe(view, weights=weights, offline=offline)
    from moodtheme.feature_store import descriptors

    return descriptors.describe(view)


def make_extractor(
    view: FeatureView,
    *,
    weights: Path | None = None,
    offline: bool = False,
    device: str = "cpu",
) -> Extractor:
    """Make a view's extractor, ready to compute.

    Parameters
    ----------
    view, weights, offline
        As for `describe_extractor`.
    device
        Where an image network computes, in PyTorch's words; openSMILE always uses the processor.

    Raises
    ------
    UsageError, DownloadError, HashMismatchError, WeightsError
        As `describe_extractor`.
    MissingExtraError
        If PyTorch or openSMILE is not installed.
    """
    if isinstance(view, DeepSpectrumView):
        from moodtheme.feature_store import deep_spectrum

        return deep_spectrum.make(view, weights=weights, offline=offline, device=device)
    from moodtheme.feature_store import descriptors

    return descriptors.make(view)
