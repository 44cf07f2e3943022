"""Stages of a long job: done once, skipped while their inputs stay the same, timed.

A stage that has been done leaves a stamp in ``.stages``: digests of what it was made from, and how
long it took. It is written last, so a stage that was killed has none and is done again; a stage
that can go on where it was does so by itself. Whether the same inputs give the same outputs is the
stage's affair.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from moodtheme.records import read_record, write_record
from moodtheme.reproduction.results import RECORDS
from moodtheme.training.settings import peak_memory

_STAMPS = ".stages"
TIMINGS = "timings.json"
"""How long a reproduction took."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


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
    finished: str = field(default_factory=_now)


@dataclass(frozen=True, kw_only=True)
class Timings:
    """What differs from run to run: `machine` names the processor, cores and accelerator."""

    machine: str
    stages: tuple[StageTiming, ...]


def read_timings(folder: Path) -> Timings:
    """Read how long everything took; errors as of `moodtheme.records.read_record`."""
    return read_record(folder / TIMINGS, Timings, RECORDS)


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a finished stage was made from, by name, and how long it took."""

    inputs: Mapping[str, str]
    timing: StageTiming


class Stages:
    """Does stages, or skips them.

    Parameters
    ----------
    folder
        Outputs and stamps are below it.
    report
        Called with a line a stage.
    """

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        self._folder = folder
        self._report = report
        self._names: list[str] = []

    def do(
        self,
        name: str,
        work: Callable[[], StageTiming | None],
        *,
        inputs: Mapping[str, Any],
        outputs: Sequence[Path],
        resumes: str = "",
    ) -> None:
        """Do a stage unless it has been done.

        Parameters
        ----------
        name
            What is done, in words.
        work
            Does it; returns how long it took where it knows better than a clock around it.
        inputs
            Everything the outputs follow from, by what it is called; values JSON can hold.
        outputs
            Files or folders that are there afterwards.
        resumes
            Where an unfinished stage goes on, in words; empty where it begins.
        """
        self._names.append(name)
        digests = {key: fingerprint(value) for key, value in inputs.items()}
        stamp = self._stamp(name)
        there = all(output.exists() for output in outputs)
        if stamp is not None and there and stamp.inputs == digests:
            self._report(f"{name}: unchanged, skipped")
            return
        self._report(f"{name}: {_why(stamp, digests, there=there) or resumes or 'begins'}")
        began = time.monotonic()
        timing = work() or StageTiming(
            stage=name, seconds=time.monotonic() - began, peak_memory_bytes=peak_memory()
        )
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_record(path, Stamp(inputs=digests, timing=timing))
        self._report(f"{name}: done in {timing.seconds:.1f} s")

    def is_done(self, name: str) -> bool:
        """Whether a stage was finished once, from whatever inputs."""
        return self._stamp(name) is not None

    def stale(self, name: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of inputs that are not what a finished stage was made from."""
        stamp = self._stamp(name)
        if stamp is None:
            return ()
        return tuple(
            key for key, value in inputs.items() if stamp.inputs.get(key) != fingerprint(value)
        )

    def timings(self) -> tuple[StageTiming, ...]:
        """Of all stages that were done or skipped so far, in that order."""
        stamps = [self._stamp(name) for name in self._names]
        return tuple(stamp.timing for stamp in stamps if stamp is not None)

    def _stamp(self, name: str) -> Stamp | None:
        try:
            return msgspec.json.decode(self._path(name).read_bytes(), type=Stamp)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None  # whatever is not a stamp means that the stage is done again

    def _path(self, name: str) -> Path:
        return self._folder / _STAMPS / f"{slug(name)}.json"


def slug(stage: str) -> str:
    """A stage's name as the name of a file."""
    return stage.replace(",", "").replace(" ", "-")


def fingerprint(value: Any) -> str:
    """SHA-256 of a value that JSON can hold."""
    encoded = msgspec.json.encode(value, enc_hook=str, order="sorted")
    return hashlib.sha256(encoded).hexdigest()


def _why(stamp: Stamp | None, digests: Mapping[str, str], *, there: bool) -> str:
    """Why a stage that was done is done again; empty if it never was."""
    if stamp is None:
        return ""
    names = {*digests, *stamp.inputs}
    changed = sorted(n for n in names if digests.get(n) != stamp.inputs.get(n))
    if changed:
        return f"other {', '.join(changed)} than before, done again"
    return "" if there else "what it made is gone, done again"
