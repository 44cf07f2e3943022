"""The table of results as Markdown, for reading elsewhere, and as CSV, for computing with."""

import csv
import io
import re
from collections.abc import Sequence

from moodtheme.reproduction.page.formats import UNDEFINED, interval, percent, printed, signed_points
from moodtheme.reproduction.page.table_lines import Line
from moodtheme.reproduction.results import Results

MACRO, PR_AUC = "roc_auc_macro", "pr_auc_macro"
_CSV_FIGURES = (
    MACRO, PR_AUC, "roc_auc_micro", "pr_auc_micro",
    "f1_macro_validation", "precision_macro_validation", "recall_macro_validation",
    "f1_macro_oracle", "precision_macro_oracle", "recall_macro_oracle",
)  # fmt: skip


def markdown(results: Results, lines: Sequence[Line]) -> str:
    """Write the table as Markdown: macro ROC-AUC in percent, intervals, the paper's figures."""
    heads = ["system", "validation", "test", "95 % interval"]
    with_paper = any(line.paper for line in lines)
    if with_paper:
        heads += ["paper: validation", "paper: test", "difference"]
    cells = []
    for line in lines:
        test = line.row.test[MACRO]
        row = [_plain(line.label), percent(line.row.validation[MACRO].value),
               percent(test.value), interval(test)]  # fmt: skip
        if with_paper:
            row += (
                [printed(line.paper.validation), printed(line.paper.test)]
                if line.paper
                else [UNDEFINED] * 2
            )
            row.append(signed_points(line.gap))
        cells.append(row)
    table = [heads, ["---", *["---:"] * (len(heads) - 1)], *cells]
    body = "\n".join(f"| {' | '.join(row)} |" for row in table)
    n_test = next((part.tracks for part in results.dataset.parts if part.split == "test"), 0)
    caption = (
        f"Macro ROC-AUC in percent on {_plain(results.dataset.source)}, {n_test} test tracks. "
        + _interval_note(results)
    )
    return f"{body}\n\n{caption}\n"


def csv_text(lines: Sequence[Line]) -> str:
    """Write the table as CSV: fractions in full precision, an empty cell for what is undefined."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"test_{figure}{end}" for figure in _CSV_FIGURES for end in ("", "_low", "_high")]
    writer.writerow(
        ["system", "kind", "members", f"validation_{MACRO}", f"validation_{PR_AUC}", *columns,
         f"paper_validation_{MACRO}", f"paper_test_{MACRO}"]
    )  # fmt: skip
    for line in lines:
        row = line.row
        cells: list[float | None] = []
        for name in _CSV_FIGURES:
            figure = row.test.get(name)
            cells += [figure.value, figure.low, figure.high] if figure else [None] * 3
        paper = line.paper
        writer.writerow(
            [row.name, row.kind, "+".join(row.members),
             row.validation[MACRO].value, row.validation[PR_AUC].value, *cells,
             _fraction(paper.validation if paper else None),
             _fraction(paper.test if paper else None)]
        )  # fmt: skip
    return text.getvalue()


def _interval_note(results: Results) -> str:
    if not results.settings.bootstrap:
        return "Without intervals."
    return (
        f"Intervals: {results.settings.bootstrap} bootstrap resamples of the test tracks; they do "
        "not cover another training run."
    )


def _fraction(percents: float | None) -> str | None:
    return None if percents is None else f"{percents / 100:.3f}"


def _plain(text: str) -> str:
    """Keep a name from being read as Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>|&#~!])", r"\\\1", " ".join(text.split()))
