"""A run's folder becomes a page and two tables.

The templates are rendered with everything escaped and every name checked. The table of results is
Markdown, for reading elsewhere, and CSV, for computing with.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moodtheme.errors import needing_extra
from moodtheme.files import csv_line, replacing
from moodtheme.reproduction.page.content import page_content
from moodtheme.reproduction.page.inputs import read_inputs
from moodtheme.reproduction.page.numbers import (
    UNDEFINED,
    count,
    decimal,
    duration,
    interval,
    percent,
    plural,
    signed,
    signed_points,
    size,
    tick_text,
)
from moodtheme.reproduction.page.rows import (
    DECIDED,
    FAMILY_NAMES,
    MACRO,
    Line,
    label,
    system_family,
    table_lines,
)
from moodtheme.reproduction.page.together import LEVELS
from moodtheme.reproduction.results import Results
from moodtheme.work import clock

if TYPE_CHECKING:
    from jinja2 import Environment


PAGE, MARKDOWN, CSV = "report.html", "table1.md", "table1.csv"


def write_report(folder: Path) -> Path:
    """Write ``report.html``, ``table1.md`` and ``table1.csv`` into a run's folder.

    The page is one file that needs nothing else: no scripts, no fonts, no connection. The same
    folder gives the same bytes.

    Parameters
    ----------
    folder
        Holds ``results.json`` and what it names. Parts whose files are missing are left out, and
        the page says so.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    ReproductionError
        ``results.json`` is missing, damaged or of another version.
    MissingExtraError
        Jinja2 is not installed.
    UsageError
        A file cannot be written.
    """
    templates = environment()
    inputs = read_inputs(folder)
    lines = table_lines(inputs.results)
    page = templates.get_template("page.html.j2").render(page_content(inputs, lines))
    for name, text in (
        (MARKDOWN, markdown(inputs.results, lines)),
        (CSV, csv_text(lines)),
        (PAGE, page),
    ):
        with replacing(folder / name) as temporary:
            # Lone surrogates, as broken file names have, cannot be written.
            temporary.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return folder / PAGE


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of the text after them."""


def environment() -> "Environment":
    """Make what renders the templates.

    Raises
    ------
    MissingExtraError
        Jinja2 is not installed.
    """
    with needing_extra("writing a report"):
        from jinja2 import Environment, PackageLoader, StrictUndefined
    made = Environment(
        loader=PackageLoader("moodtheme.reproduction.page"),
        # Names of tracks, artists and tags are whatever the collection says.
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    functions = (
        clock, count, decimal, duration, interval, label, percent, plural, signed, signed_points,
        size, system_family, tick_text,
    )  # fmt: skip
    made.globals |= {function.__name__: function for function in functions}
    made.globals |= {"family_names": FAMILY_NAMES, "levels": LEVELS}
    return made


def visible(value: Any) -> Any:
    """Leave out of a text what would change how the text around it is read."""
    return _UNSEEN.sub("", value) if type(value) is str else value


PR_AUC = "pr_auc_macro"
_CSV_FIGURES = (MACRO, PR_AUC, "roc_auc_micro", "pr_auc_micro", *DECIDED)


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
                [decimal(line.paper.validation, 1), decimal(line.paper.test, 1)]
                if line.paper
                else [UNDEFINED] * 2
            )
            row.append(signed_points(line.gap))
        cells.append(row)
    table = [heads, ["---", *["---:"] * (len(heads) - 1)], *cells]
    body = "\n".join(f"| {' | '.join(row)} |" for row in table)
    of, tested = _plain(results.dataset.source), results.dataset.tracks_in("test")
    caption = f"Macro ROC-AUC in percent on {of}, {tested} test tracks. {_interval_note(results)}"
    return f"{body}\n\n{caption}\n"


def csv_text(lines: Sequence[Line]) -> str:
    """Write the table as CSV: fractions in full precision, an empty cell for what is undefined."""
    columns = [f"test_{figure}{end}" for figure in _CSV_FIGURES for end in ("", "_low", "_high")]
    text = csv_line(
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
        text += csv_line(
            [row.name, row.kind, "+".join(row.members),
             row.validation[MACRO].value, row.validation[PR_AUC].value, *cells,
             _fraction(paper.validation if paper else None),
             _fraction(paper.test if paper else None)]
        )  # fmt: skip
    return text


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
