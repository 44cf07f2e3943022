"""A recipe as a TOML file, to keep, send and change: every value with its source, and back.

The file names its system and has a table for the view, the recurrent part and the schedule. Values
that are left out are the system's own; ``"none"`` stands for a value that is absent.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from moodtheme.errors import UsageError
from moodtheme.recipes.recipe import Recipe, described_values, with_values
from moodtheme.recipes.systems import find_recipe


def to_toml(recipe: Recipe) -> str:
    """The text of a recipe's file; `from_toml` reads the same recipe back."""
    lines = [f"system = {json.dumps(recipe.system)}"]
    part = ""
    for name, value in described_values(recipe):
        table, leaf = name.split(".")
        if table != part:
            part = table
            lines += ["", f"[{part}]"]
        source = " ".join(recipe.sources[name].split())
        lines.append(f"{leaf} = {_toml(value)}  # {source}")
    return "\n".join(lines) + "\n"


def from_toml(path: Path) -> Recipe:
    """Read a recipe's file.

    Parameters
    ----------
    path
        As `to_toml` writes it, with any values left out.

    Raises
    ------
    UsageError
        The file cannot be read, names no known system, or has a value that does not fit.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read as a recipe ({error}); write one with "
            "`moodtheme train SYSTEM --show --format toml`"
        ) from error
    system = content.pop("system", None)
    if not isinstance(system, str):
        raise UsageError(f'{path}: names no system; begin it with a line like system = "crnn-gru"')
    base = find_recipe(system)
    known = dict(described_values(base))
    values: dict[str, str] = {}
    for table, entries in content.items():
        if not isinstance(entries, dict):
            raise UsageError(
                f"{path}: {table} stands outside a table; put it under [view], [head] or [schedule]"
            )
        for leaf, value in entries.items():
            name = f"{table}.{leaf}"
            wanted = None if value == "none" else value
            if name not in known or known[name] != wanted:
                values[name] = "none" if wanted is None else json.dumps(value, default=str)
    try:
        return with_values(base, values)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _toml(value: Any) -> str:
    """A value in TOML, whose strings, numbers, booleans and lists are written as JSON's."""
    return json.dumps("none" if value is None else value)
