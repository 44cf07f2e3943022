"""The rows of results as the page and its tables list them: groups, labels, the paper's figures."""

from dataclasses import dataclass
from enum import StrEnum

from moodtheme.recipes import BASELINE
from moodtheme.reproduction.results import Kind, Results, Row
from moodtheme.reproduction.table1 import TABLE_1, PaperRow

PAPER_BASELINE = PaperRow("MediaEval baseline", (BASELINE,), None, 72.5)
"""The paper's caption of Table 1: the baseline's macro ROC-AUC on test, in percent."""


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
        test = row.test["roc_auc_macro"].value
        known = printed is not None and test is not None and results.dataset.comparable
        gap = 100 * test - printed.test if known and printed and test is not None else None
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
    for one in (Family.CRNN, Family.DEEP_SPECTRUM_1S, Family.DEEP_SPECTRUM_5S):
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
    return max(trained, key=lambda row: row.validation["roc_auc_macro"].value or 0)
