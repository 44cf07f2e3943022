"""Features: what the networks see of the audio. Importing the package itself loads nothing."""

from typing import TYPE_CHECKING, Any

__all__ = ["mel_plot", "mel_plots"]

if TYPE_CHECKING:
    from moodtheme.features.plots import mel_plot, mel_plots


def __getattr__(name: str) -> Any:
    if name in __all__:
        from moodtheme.features import plots

        return getattr(plots, name)
    raise AttributeError(f"module 'moodtheme.features' has no attribute {name!r}")
