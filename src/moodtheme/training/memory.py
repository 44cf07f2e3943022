"""How much memory this process has needed."""

import sys


def peak_memory() -> int | None:
    """Largest resident size so far in bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024  # Linux counts in KiB
