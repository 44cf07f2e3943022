"""What a training run is told, and what it asks of the machine."""

import importlib
import inspect
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moodtheme.errors import UsageError
from moodtheme.recipes import Recipe
from moodtheme.work import cores

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

_MOST_READERS = 8
_LOGGER = "write for example WandbLogger:project=moods"
# Set by torchrun, by Lightning for the processes it starts, and by Slurm.
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where to train; changes speed, and numbers by rounding alone.

    Attributes
    ----------
    accelerator
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    devices, nodes
        Processes a node and nodes. A batch is divided over all of them.
    threads
        Threads of PyTorch a process; None leaves the choice to it.
    workers
        Processes that read examples, beside each training process; 0 reads in the process itself.
        None chooses: none beside a processor, whose cores train, and up to eight beside a GPU.
    resident_bytes
        Room on the device for inputs that never change; None asks a GPU what it has free.
    tensorboard
        Also write TensorBoard logs to the run's folder.
    loggers
        Other loggers, as `find_logger` takes them.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    threads: int | None = None
    workers: int | None = None
    resident_bytes: int | None = None
    tensorboard: bool = False
    loggers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to train, on what, with what.

    Attributes
    ----------
    recipe
        The system.
    dataset
        What the table was read from, for the record.
    seed
        Of every random choice.
    weights
        File of pretrained weights, of a CRNN's convolutions or of the image network; None has them
        fetched, where the recipe wants any.
    offline
        Never touch the network.
    audio_cache
        Folder of decoded audio that runs may share; None keeps it in the run's folder.
    features
        Folder of stored features that runs may share; None keeps it in the run's folder.
    jobs
        Tracks decoded, or their features extracted, at once.
    skip_unreadable
        Leave out tracks that cannot be decoded; otherwise they stop the run before it trains.
    machine
        Where to train.
    """

    recipe: Recipe
    dataset: str
    seed: int = 0
    weights: Path | None = None
    offline: bool = False
    audio_cache: Path | None = None
    features: Path | None = None
    jobs: int = 1
    skip_unreadable: bool = False
    machine: Machine = field(default_factory=Machine)


def find_logger(wanted: str) -> "tuple[type[Logger], dict[str, Any]]":
    """Find a logger's class, and what it is made with.

    Parameters
    ----------
    wanted
        ``LOGGER`` or ``LOGGER:NAME=VALUE,NAME=VALUE``: one of ``lightning.pytorch.loggers`` by its
        class's name, or any other by ``package.module.Class``. Values are JSON where they can be,
        else text.

    Raises
    ------
    UsageError
        There is no such logger, or it is not written so.
    """
    from lightning.pytorch import loggers

    name, _, given = wanted.partition(":")
    module, _, kind_name = name.rpartition(".")
    try:
        home = importlib.import_module(module) if module else loggers
        kind = getattr(home, kind_name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--log {wanted}: no such logger ({error}); {_LOGGER}") from error
    if not (isinstance(kind, type) and issubclass(kind, loggers.Logger)):
        raise UsageError(f"--log {wanted}: is no logger of Lightning's; {_LOGGER}")
    values = {}
    for part in filter(None, given.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"--log {wanted}: {part!r} is not NAME=VALUE; {_LOGGER}")
        values[key] = _parsed(value)
    return kind, values


def open_loggers(machine: Machine, folder: Path) -> "list[Logger]":
    """The loggers of a training; those that write files do so in the run's folder by default.

    Raises
    ------
    UsageError
        A logger cannot be made, as its package is missing or a value does not fit.
    """
    from lightning.pytorch.loggers import TensorBoardLogger

    found: list[Logger] = []
    if machine.tensorboard:
        found.append(TensorBoardLogger(folder, name=None, version="tensorboard"))
    for wanted in machine.loggers:
        kind, values = find_logger(wanted)
        takes_folder = "save_dir" in inspect.signature(kind).parameters
        place = {"save_dir": str(folder)} if takes_folder else {}
        try:
            found.append(kind(**(place | values)))
        except (ImportError, TypeError, ValueError) as error:
            raise UsageError(
                f"--log {wanted}: cannot be made ({error}); install its package, or correct its "
                "values"
            ) from error
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def readers(machine: Machine, *, on_gpu: bool) -> int:
    """Processes that read examples, beside each training process."""
    if machine.workers is not None:
        return machine.workers
    # Eight kept one large GPU busy on cached audio; the training process wants a core itself.
    return min(_MOST_READERS, max(1, cores() // machine.devices - 1)) if on_gpu else 0


def is_first_process() -> bool:
    """Whether this is the process that speaks and writes: the only one, or the first."""
    rank = next((os.environ[name] for name in _RANKS if name in os.environ), "0")
    return rank == "0" and os.environ.get("NODE_RANK", "0") == "0"


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
