"""Extractors: audio of whole tracks to features, and what their features are called by."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.recipes import DeepSpectrumView, ExtractedView, OpenSmileView

RANDOM_WEIGHTS = "random"
_REVISION = 1  # raised whenever the same view and weights come to give other features
_WINDOWS_AT_ONCE = 32

Waiting = Callable[[], FloatArray]
"""Waits for features that are being computed, and gives them."""
_KEY_DIGITS = 16

# Each has `describe` and `make`, as the functions here; loaded when they are needed.
_MODULES: Mapping[type[ExtractedView], str] = {
    DeepSpectrumView: "deep_spectrum",
    OpenSmileView: "descriptors",
}


class ExtractorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an extractor is, known without loading it.

    Attributes
    ----------
    view
        With every choice named, such as the layer.
    weights
        SHA-256 of the image network's weights or ``random``; openSMILE's version.
    n_features
        Length of a window's vector.
    names
        Of the features; empty where they have only numbers.
    revision
        Of this program's way to compute them.
    """

    view: ExtractedView
    weights: str
    n_features: int
    names: tuple[str, ...] = ()
    revision: int = _REVISION

    @property
    def key(self) -> str:
        """Name of the features: equal for equal features, from all that they depend on."""
        view = msgspec.to_builtins(self.view)
        # The duration counts by its windows, and whether weights are published by their hash.
        for name in ("duration_s", "pretrained"):
            view.pop(name, None)
        content = {
            "view": view,
            "windows": self.windows,
            "weights": self.weights,
            "revision": self.revision,
        }
        digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
        return f"{self.label}-{digest[:_KEY_DIGITS]}"

    @property
    def label(self) -> str:
        """The features' kind, readable, not unique."""
        return f"{self.view.extractor.lower()}-{self.view.window_s:g}s"

    @property
    def made_with(self) -> str:
        """What computes them, for the record: a name, and a hash or version."""
        return f"{self.view.extractor} {self.weights}"

    @property
    def windows(self) -> int:
        """Windows a track."""
        return self.view.windows

    @property
    def row_bytes(self) -> int:
        """What a track takes as float32."""
        return self.windows * self.n_features * np.dtype(np.float32).itemsize

    def tracks_of(self, windows: int) -> int:
        """Tracks that have so many windows together, at least one."""
        return max(1, windows // self.windows)

    @property
    def tracks_at_once(self) -> int:
        """Tracks that are shared out, and go through the extractor on a processor, together."""
        return self.tracks_of(_WINDOWS_AT_ONCE)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each feature."""
        layer = getattr(self.view, "layer", None) or "feature"
        return self.names or tuple(f"{layer}_{number}" for number in range(self.n_features))


@dataclass(frozen=True)
class Extractor:
    """Tracks to features.

    A track's features do not depend on the tracks that are computed with it: in float32 on a
    processor bit for bit, otherwise but for the rounding of differently shaped products.

    Attributes
    ----------
    info
        What it is.
    begin
        Begins with windows ``(n, window_samples)`` on a scale of ±1; what is returned waits for
        their features ``(n, n_features)``, each from its window alone. A device computes while its
        host does other things; where the host computes they are there at once.
    windows_at_once
        In one call, unless one track has more.
    """

    info: ExtractorInfo
    begin: Callable[[FloatArray], Waiting]
    windows_at_once: int = _WINDOWS_AT_ONCE

    def __call__(self, audio: FloatArray) -> FloatArray:
        """Features of tracks.

        Parameters
        ----------
        audio
            Float32 mono ``(tracks, samples)``, ±1.

        Returns
        -------
        ndarray, shape (tracks, windows, n_features), float32
        """
        return self.start(audio)()

    def start(self, audio: FloatArray) -> Waiting:
        """Begin with tracks, as for a call; what is returned waits for their features."""
        info, at_once = self.info, self.info.tracks_of(self.windows_at_once)
        if audio.ndim != 2 or audio.shape[1] != info.view.samples:
            raise ValueError(f"audio must be (tracks, {info.view.samples}), not {audio.shape}")
        groups = [audio[first : first + at_once] for first in range(0, len(audio), at_once)]
        parts = [self.begin(group.reshape(-1, info.view.window_samples)) for group in groups]

        def wait() -> FloatArray:
            features = [np.empty((0, info.n_features), np.float32), *(part() for part in parts)]
            return np.concatenate(features).reshape(-1, info.windows, info.n_features)

        return wait


def describe_extractor(
    view: ExtractedView, *, weights: Path | None = None, offline: bool = False
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
    info: ExtractorInfo = _module(view).describe(view, weights=weights, offline=offline)
    return info


def make_extractor(
    view: ExtractedView,
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
        Where an image network computes, ``auto`` or in PyTorch's words; openSMILE always uses the
        processor.

    Raises
    ------
    UsageError, DownloadError, HashMismatchError, WeightsError
        As `describe_extractor`.
    MissingExtraError
        If PyTorch or openSMILE is not installed.
    """
    extractor: Extractor = _module(view).make(view, weights=weights, offline=offline, device=device)
    return extractor


def uses_accelerator(view: ExtractedView, device: str) -> bool:
    """Whether a view's extractor, made for `device`, computes on something else than processors."""
    answer: bool = _module(view).uses_accelerator(device)
    return answer


def _module(view: ExtractedView) -> Any:
    return import_module(f"moodtheme.feature_store.{_MODULES[type(view)]}")
