"""Where else a training is logged: any of Lightning's loggers, none of which is needed."""

import importlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch import loggers as lightning_loggers
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from moodtheme.errors import UsageError
from moodtheme.training.settings import Machine

_EXAMPLE = "write for example WandbLogger:project=moods"


@dataclass(frozen=True)
class WantedLogger:
    """A logger's class and what it is made with."""

    kind: type[Logger]
    values: dict[str, Any]


def find_logger(wanted: str) -> WantedLogger:
    """Find a logger by its name.

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
    name, _, given = wanted.partition(":")
    module, _, kind_name = name.rpartition(".")
    try:
        home = importlib.import_module(module) if module else lightning_loggers
        kind = getattr(home, kind_name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--log {wanted}: no such logger ({error}); {_EXAMPLE}") from error
    if not (isinstance(kind, type) and issubclass(kind, Logger)):
        raise UsageError(f"--log {wanted}: is no logger of Lightning's; {_EXAMPLE}")
    values = {}
    for part in filter(None, given.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"--log {wanted}: {part!r} is not NAME=VALUE; {_EXAMPLE}")
        values[key] = _parsed(value)
    return WantedLogger(kind, values)


def open_loggers(machine: Machine, folder: Path) -> list[Logger]:
    """The loggers of a training; those that write files do so in the run's folder by default.

    Raises
    ------
    UsageError
        A logger cannot be made, as its package is missing or a value does not fit.
    """
    found: list[Logger] = []
    if machine.tensorboard:
        found.append(TensorBoardLogger(folder, name=None, version="tensorboard"))
    return found + [_made(wanted, folder) for wanted in machine.loggers]


def _made(wanted: str, folder: Path) -> Logger:
    logger = find_logger(wanted)
    takes: Sequence[str] = list(inspect.signature(logger.kind).parameters)
    place = {"save_dir": str(folder)} if "save_dir" in takes else {}
    try:
        return logger.kind(**(place | logger.values))
    except (ImportError, TypeError, ValueError) as error:
        raise UsageError(
            f"--log {wanted}: cannot be made ({error}); install its package, or correct its values"
        ) from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
