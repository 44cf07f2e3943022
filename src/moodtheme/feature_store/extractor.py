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
    compute
        Windows ``(n, window_samples)`` on a scale of ±1 to features ``(n, n_features)``; each
        window's from that window alone.
    begin
        The same, of which what is returned waits for the features: of a device that computes while
        its host does other things. None where the host computes.
    windows_at_once
        In one call.
    """

    info: ExtractorInfo
    compute: Callable[[FloatArray], FloatArray]
    begin: Callable[[FloatArray], Waiting] | None = None
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
        self._check(audio)
        at_once = self.info.tracks_of(self.windows_at_once)
        features = np.empty((len(audio), self.info.windows, self.info.n_features), np.float32)
        for start in range(0, len(audio), at_once):
            found = self.compute(self._windows(audio[start : start + at_once]))
            features[start : start + at_once] = found.reshape(
                -1, self.info.windows, self.info.n_features
            )
        return features

    def start(self, audio: FloatArray) -> Waiting:
        """Begin with tracks, as for a call; what is returned waits for their features."""
        if self.begin is None:
            computed = self(audio)
            return lambda: computed
        self._check(audio)
        waiting = self.begin(self._windows(audio))
        return lambda: waiting().reshape(len(audio), self.info.windows, self.info.n_features)

    def _windows(self, audio: FloatArray) -> FloatArray:
        return audio.reshape(-1, self.info.view.window_samples)

    def _check(self, audio: FloatArray) -> None:
        if audio.ndim != 2 or audio.shape[1] != self.info.view.samples:
            raise ValueError(f"audio must be (tracks, {self.info.view.samples}), not {audio.shape}")


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
