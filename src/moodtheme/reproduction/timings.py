"""How long a reproduction took, as ``timings.json`` holds it."""

from dataclasses import dataclass
from pathlib import Path

from moodtheme.files import read_record
from moodtheme.reproduction.names import RECORDS

TIMINGS = "timings.json"


@dataclass(frozen=True, kw_only=True)
class StageTiming:
    """How long a stage took when it was last worked on.

    Attributes
    ----------
    stage
        Its name.
    seconds
        Of the sitting that finished it; a training counts all its epochs.
    waiting_s
        Of a training: how long it waited for data.
    peak_memory_bytes
        Largest size of the process up to the stage's end, as far as the system tells.
    peak_accelerator_bytes
        Allocated on the accelerator in a training; None on a processor.
    finished
        When, in UTC, as ISO 8601.
    """

    stage: str
    seconds: float
    waiting_s: float | None = None
    peak_memory_bytes: int | None = None
    peak_accelerator_bytes: int | None = None
    finished: str


@dataclass(frozen=True, kw_only=True)
class Timings:
    """What differs from run to run: `machine` names the processor, cores and accelerator."""

    machine: str
    stages: tuple[StageTiming, ...]


def read_timings(folder: Path) -> Timings:
    """Read how long everything took; errors as of `moodtheme.files.read_record`."""
    return read_record(folder / TIMINGS, Timings, RECORDS)
