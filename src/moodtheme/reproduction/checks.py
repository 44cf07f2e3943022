"""What must hold before anything starts: weights within reach, room on the disk, memory."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from moodtheme.errors import DownloadError, ReproductionError
from moodtheme.fetched.weights import PublishedWeights
from moodtheme.files import free_room
from moodtheme.recipes import Recipe
from moodtheme.reproduction.estimates import Estimate
from moodtheme.training.kinds import kind_of


@dataclass(frozen=True)
class NeededWeights:
    """A file of pretrained weights, and who needs it.

    Attributes
    ----------
    file
        Where it comes from.
    systems
        That begin with it.
    """

    file: PublishedWeights
    systems: tuple[str, ...]


def needed_weights(recipes: Mapping[str, Recipe]) -> list[NeededWeights]:
    """Files of pretrained weights that some recipes begin with, each once."""
    users: dict[PublishedWeights, list[str]] = {}
    for system, recipe in recipes.items():
        if file := kind_of(recipe).published:
            users.setdefault(file, []).append(system)
    return [NeededWeights(file, tuple(systems)) for file, systems in users.items()]


def check_weights(needed: NeededWeights, *, offline: bool) -> str:
    """Say that a file is here or can be fetched, without fetching it.

    Raises
    ------
    ReproductionError
        If it is neither.
    """
    if needed.file.path.is_file():
        return f"{needed.file.file}: here"
    reason = "the network is off" if offline else needed.file.source.obstacle()
    if reason:
        raise ReproductionError(
            f"{needed.file.file}, which {', '.join(needed.systems)} begin with, is not here and "
            f"cannot be fetched from {needed.file.source.where} ({reason}); fetch it elsewhere and "
            f"copy it to {needed.file.path}, or begin with --weights random"
        )
    return f"{needed.file.file}: to be fetched from {needed.file.source.where}"


def fetch(needed: NeededWeights, *, offline: bool) -> Path:
    """Fetch a file, or find it; its hash is checked either way.

    Raises
    ------
    DownloadError, HashMismatchError
        If it cannot be had.
    """
    try:
        return needed.file.fetch(offline=offline)
    except DownloadError as error:
        raise DownloadError(
            f"{error}; {', '.join(needed.systems)} begin with it: leave them out with --systems, "
            "or begin with --weights random"
        ) from error


def check_room(estimates: Sequence[Estimate], folder: Path) -> str:
    """Compare what is to be written with what is free.

    Raises
    ------
    ReproductionError
        If there is not enough room.
    """
    free, needed = free_room(folder), sum(stage.disk_bytes for stage in estimates)
    line = f"about {needed / 1e9:.2f} GB of disk, {free / 1e9:.1f} GB are free"
    if needed > free:
        raise ReproductionError(f"{folder} needs {line}; make room or choose another folder")
    return line


def check_memory(estimates: Sequence[Estimate], *, device: str) -> str:
    """Compare what the hungriest training needs with what there is.

    Raises
    ------
    ReproductionError
        If the machine has not as much, all told.
    """
    free, total = accelerator_memory() if device == "cuda" else machine_memory()
    hungriest = max(estimates, key=lambda stage: stage.memory_bytes)
    line = f"about {hungriest.memory_bytes / 1e9:.2f} GB of memory to {hungriest.stage}"
    if total is not None and hungriest.memory_bytes > total:
        raise ReproductionError(
            f"{line}, and there are {total / 1e9:.1f} GB; make batches smaller, for instance "
            "with --set all.batch_size=8, or leave that system out with --systems"
        )
    if free is None:
        return line
    more = "; other programs must make room" if hungriest.memory_bytes > free else ""
    return f"{line}, {free / 1e9:.1f} GB are free{more}"


def machine_memory() -> tuple[int | None, int | None]:
    """Bytes of memory that are free and that there are; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        try:
            return None, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):  # Windows has no such thing
            return None, None
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
    free, total = kib["MemAvailable"] * 1024, kib["MemTotal"] * 1024
    limit = _group_limit()
    return (free, total) if limit is None else (min(free, limit), min(total, limit))


def accelerator_memory() -> tuple[int | None, int | None]:
    """Bytes of the GPU's memory that are free and that there are."""
    import torch

    return torch.cuda.mem_get_info()


def _group_limit() -> int | None:
    """What a container may use, where there is such a limit."""
    try:
        return int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
