"""Work that takes long: how it is told."""


def in_words(seconds: float) -> str:
    """Seconds, minutes or hours, such as ``12 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
