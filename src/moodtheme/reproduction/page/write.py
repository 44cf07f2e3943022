"""A run's folder becomes a page and two tables."""

from pathlib import Path

from moodtheme.files import replacing
from moodtheme.reproduction.page.content import page_content
from moodtheme.reproduction.page.inputs import read_inputs
from moodtheme.reproduction.page.rendering import environment
from moodtheme.reproduction.page.table_files import csv_text, markdown
from moodtheme.reproduction.page.table_lines import table_lines

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
