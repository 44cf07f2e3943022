"""How much memory this process has needed."""

import sys
from pathlib import Path


def peak_memory() -> int | None:
    """Largest resident size so far in bytes; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        # Linux counts in KiB. Its rusage would remember the parent's size across a fork.
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
