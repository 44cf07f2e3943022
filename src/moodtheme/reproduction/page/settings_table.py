"""Every value behind the systems, each written once, and what was changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from moodtheme.recipes import RECIPES, describe
from moodtheme.reproduction.page.table_lines import Family, label, system_family
from moodtheme.reproduction.results import SystemRun

WHOLE = {
    Family.CRNN: "all crnn",
    Family.DEEP_SPECTRUM_1S: "all ds-1s",
    Family.DEEP_SPECTRUM_5S: "all ds-5s",
}
"""What all systems of a family together are called."""


@dataclass(frozen=True)
class SharedSetting:
    """A value that some systems have in common.

    Attributes
    ----------
    name, value, source
        As the recipes state them.
    systems
        Who has it: families where all of one have it, otherwise names.
    changed
        Whether it is not the recipe's own.
    own
        For a changed value, the recipe's own; "" where the recipe is unknown here.
    """

    name: str
    value: str
    source: str
    systems: str
    changed: bool
    own: str


def shared_settings(runs: Sequence[SystemRun]) -> tuple[SharedSetting, ...]:
    """Gather the settings of all systems, in the order in which names first appear."""
    holders: dict[str, dict[tuple[str, str, bool, str], list[str]]] = {}
    for run in runs:
        recipe = RECIPES.get(run.name)
        own = {setting.name: setting.value for setting in describe(recipe)} if recipe else {}
        for setting in run.settings:
            changed = setting.name in run.changed
            key = (setting.value, setting.source, changed,
                   own.get(setting.name, "") if changed else "")  # fmt: skip
            holders.setdefault(setting.name, {}).setdefault(key, []).append(run.name)
    everyone = [run.name for run in runs]
    return tuple(
        SharedSetting(name, value, source, name_group(systems, everyone), changed, own_value)
        for name, variants in holders.items()
        for (value, source, changed, own_value), systems in variants.items()
    )


def name_group(systems: Sequence[str], everyone: Sequence[str]) -> str:
    """Describe some of the systems shortly: by family where a whole one is among them."""
    if set(systems) == set(everyone):
        return "all"
    parts = []
    for family in dict.fromkeys(system_family(name) for name in everyone):
        members = [name for name in everyone if system_family(name) is family]
        there = [name for name in members if name in systems]
        if there == members and len(members) > 1 and family in WHOLE:
            parts.append(WHOLE[family])
        else:
            parts += [label(name) for name in there]
    return ", ".join(parts)
