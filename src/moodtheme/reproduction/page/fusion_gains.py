"""What fusing brings over the systems that are fused."""

from dataclasses import dataclass

from moodtheme.reproduction.page.table_lines import Line
from moodtheme.reproduction.results import Figure, Kind, Results

FIGURE = "roc_auc_macro"


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
        value = line.row.test[FIGURE].value
        if value is None or not members:
            continue
        best = max(members, key=lambda member: member.row.validation[FIGURE].value or 0)
        alone = best.row.test[FIGURE].value
        paired = compared.get((line.row.name, best.row.name), {}).get(FIGURE)
        gain = paired or Figure(value=None if alone is None else value - alone)
        gains.append(FusionGain(line, members, best, gain))
    return tuple(gains)
