"""Which of several training processes this is."""

import os

# Set by torchrun, by Lightning for the processes it starts, and by Slurm.
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


def is_first_process() -> bool:
    """Whether this is the process that speaks and writes: the only one, or the first."""
    rank = next((os.environ[name] for name in _RANKS if name in os.environ), "0")
    return rank == "0" and os.environ.get("NODE_RANK", "0") == "0"
