"""Systems as rows: groups, labels, the paper's figures, what fusing gains, settings they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from moodtheme.evaluation import Figure
from moodtheme.recipes import BASELINE, PAPER_BASELINE, RECIPES, TABLE_1, PaperRow, describe
from moodtheme.reproduction.results import Kind, Results, Row, SystemRun

MACRO = "roc_auc_macro"
"""The figure that the page is about."""

DECIDED = (
    "f1_macro_validation", "precision_macro_validation", "recall_macro_validation",
    "f1_macro_oracle", "precision_macro_oracle", "recall_macro_oracle", "f1_macro_best",
)  # fmt: skip
"""Figures of decisions that the tables have, in their order."""


class Family(StrEnum):
    """Groups of rows; each has a colour and a mark of its own in every drawing."""

    REFERENCE = "reference"
    CRNN = "crnn"
    DEEP_SPECTRUM_1S = "ds-1s"
    DEEP_SPECTRUM_5S = "ds-5s"
    OTHER = "other"
    FUSION = "fusion"


FAMILY_NAMES = {
    Family.REFERENCE: "Baselines",
    Family.CRNN: "CRNN",
    Family.DEEP_SPECTRUM_1S: "Deep Spectrum, windows of 1 s",
    Family.DEEP_SPECTRUM_5S: "Deep Spectrum, windows of 5 s",
    Family.OTHER: "Other systems",
    Family.FUSION: "Fusions",
}


_OF_THE_PAPER = (Family.CRNN, Family.DEEP_SPECTRUM_1S, Family.DEEP_SPECTRUM_5S)
"""Their systems' names begin with the family's."""


@dataclass(frozen=True)
class Line:
    """A row of results, with what readers see of it.

    Attributes
    ----------
    row
        The figures.
    family, label
        Its group and what it is called.
    paper
        The paper's line; None where the data is another or the paper has no such system.
    gap
        Test minus paper in points of macro ROC-AUC, where the test set is the paper's, whole.
    """

    row: Row
    family: Family
    label: str
    paper: PaperRow | None
    gap: float | None


def table_lines(results: Results) -> tuple[Line, ...]:
    """List the rows in their order."""
    paper = {line.name: line for line in TABLE_1} | {BASELINE: PAPER_BASELINE}
    lines = []
    for row in results.rows:
        printed = paper.get(row.name) if results.dataset.is_jamendo else None
        test, gap = row.test[MACRO].value, None
        if printed is not None and test is not None and results.dataset.comparable:
            gap = 100 * test - printed.test
        lines.append(Line(row, family(row), label(row.name), printed, gap))
    return tuple(lines)


def family(row: Row) -> Family:
    """Group of a row."""
    if row.kind in (Kind.POPULARITY, Kind.BASELINE):
        return Family.REFERENCE
    if row.kind is Kind.FUSION:
        return Family.FUSION
    return system_family(row.name)


def system_family(name: str) -> Family:
    """Group of a system, by its name."""
    for one in _OF_THE_PAPER:
        if name.startswith(f"{one}-"):
            return one
    return Family.REFERENCE if name == BASELINE else Family.OTHER


def label(name: str) -> str:
    """What readers see for a row's name."""
    return PAPER_BASELINE.name if name == BASELINE else name


def headline(results: Results) -> Row:
    """The row that the page is about in detail.

    The fusion of the most systems; without fusions, whichever system is best on validation. The
    test set has no say.
    """
    fusions = [row for row in results.rows if row.kind is Kind.FUSION]
    if fusions:
        return max(fusions, key=lambda row: len(row.members))
    trained = [row for row in results.rows if row.kind is Kind.SYSTEM] or list(results.rows)
    return max(trained, key=lambda row: row.validation[MACRO].value or 0)


@dataclass(frozen=True)
class FusionGain:
    """A fusion beside its members.

    Attributes
    ----------
    line
        The fusion.
    members
        The lines of its systems.
    best
        The member that is best on validation: the one to use if nothing were fused.
    gain
        Fusion minus that member, on test; with an interval where the results compare the two.
    """

    line: Line
    members: tuple[Line, ...]
    best: Line
    gain: Figure


def fusion_gains(results: Results, lines: tuple[Line, ...]) -> tuple[FusionGain, ...]:
    """List the fusions whose figures are defined."""
    by_name = {line.row.name: line for line in lines}
    compared = {(pair.name, pair.against): pair.figures for pair in results.differences}
    gains = []
    for line in lines:
        if line.row.kind is not Kind.FUSION:
            continue
        members = tuple(by_name[name] for name in line.row.members if name in by_name)
        value = line.row.test[MACRO].value
        if value is None or not members:
            continue
        best = max(members, key=lambda member: member.row.validation[MACRO].value or 0)
        alone = best.row.test[MACRO].value
        paired = compared.get((line.row.name, best.row.name), {}).get(MACRO)
        gain = paired or Figure(value=None if alone is None else value - alone)
        gains.append(FusionGain(line, members, best, gain))
    return tuple(gains)


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
        if there == members and len(members) > 1 and family in _OF_THE_PAPER:
            parts.append(f"all {family}")
        else:
            parts += [label(name) for name in there]
    return ", ".join(parts)
