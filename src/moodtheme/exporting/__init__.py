"""Making a bundle: graphs, trained systems alone or fused, published checkpoints converted."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moodtheme.exporting.bundles import export_fused

__all__ = ["export_fused"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # imported when it is asked for, since PyTorch is heavy
        from moodtheme.exporting import bundles

        return getattr(bundles, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
