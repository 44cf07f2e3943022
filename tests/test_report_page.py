"""A reproduction's report: what stands in the page and the tables, whatever the run is like."""

import csv
import importlib.resources
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from moodtheme.errors import ReproductionError
from moodtheme.evaluation import Figure, PairedFigure
from moodtheme.reproduction.page import write_report
from moodtheme.reproduction.page.inputs import read_inputs
from moodtheme.reproduction.page.numbers import (
    signed_points,
)
from moodtheme.reproduction.page.rows import name_group, shared_settings, table_lines
from moodtheme.reproduction.results import (
    RESULTS,
    Kind,
    Results,
    ScoreFile,
    SweepPoint,
)
from moodtheme.reproduction.stages import TIMINGS
from program import Program
from toy_results import HOSTILE, rewrite, some_tags, write_run

VOID = {"meta", "link", "br", "wbr", "img", "hr", "input"}


class Page(HTMLParser):
    """The page's elements, text and links; every element must be closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text("utf-8")
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _, attrs in self.elements if "id" in attrs]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """A run of everything there is, on MTG-Jamendo's tags and test set."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, write_run(folder, jamendo=True)


def test_the_page_shows_every_figure_of_table_1_with_its_interval(
    whole: tuple[Path, Results],
) -> None:
    folder, results = whole
    text = Page(write_report(folder)).text
    assert len(results.rows) == 16
    for row in results.rows:
        figure, known = row.test["roc_auc_macro"], row.validation["roc_auc_macro"]
        assert figure.value is not None and figure.low is not None and figure.high is not None
        assert known.value is not None
        name = "MediaEval baseline" if row.kind is Kind.BASELINE else row.name
        assert (
            f"{name} {100 * known.value:.1f} {100 * figure.value:.1f} "
            f"{100 * figure.low:.1f} to {100 * figure.high:.1f}"
        ) in text
    # The paper's lines, and the difference on its own test set.
    all_systems = results.rows[-1].test["roc_auc_macro"].value
    assert all_systems is not None
    assert f"– 74.2 {signed_points(100 * all_systems - 74.2)}" in text
    assert "71.4 69.4" in text


def test_the_first_rows_are_the_baselines(whole: tuple[Path, Results]) -> None:
    lines = table_lines(whole[1])
    assert [line.label for line in lines[:2]] == ["popularity", "MediaEval baseline"]
    assert [line.paper.test if line.paper else None for line in lines[:2]] == [None, 72.5]


@pytest.mark.parametrize(
    ("value", "p_holm", "said"),
    [
        (
            0.03,
            0.04,
            "Beyond chance after correction for 2 comparisons: crnn-gru over MediaEval baseline "
            "(+3.0)",
        ),
        (-0.03, 0.04, "MediaEval baseline over crnn-gru (+3.0)"),
        (0.03, 0.06, "None of these 2 comparisons is beyond chance after correction"),
    ],
)
def test_what_is_beyond_chance_is_said_whichever_is_better(
    tmp_path: Path, value: float, p_holm: float, said: str
) -> None:
    results = write_run(tmp_path, systems=["crnn-gru"], resamples=3)
    # Before the correction both intervals leave zero out.
    ends = sorted((value / 3, value * 2))
    figure = PairedFigure(value=value, low=ends[0], high=ends[1], p=0.03, p_holm=p_holm)
    figures = {**results.differences[0].figures, "roc_auc_macro": figure}
    other = {**figures, "roc_auc_macro": replace(figure, p_holm=0.9)}
    first = results.differences[0]
    rewrite(
        tmp_path,
        results,
        differences=(replace(first, figures=figures), replace(first, figures=other)),
    )
    assert said in Page(write_report(tmp_path)).text


def test_the_paper_stands_beside_no_other_collection(tmp_path: Path) -> None:
    write_run(tmp_path, systems=["crnn-gru"], resamples=0)
    assert "Paper" not in Page(write_report(tmp_path)).text
    assert "paper" not in (tmp_path / "table1.md").read_text("utf-8")


def test_some_of_jamendos_rows_stand_beside_the_paper_without_a_difference(tmp_path: Path) -> None:
    results = write_run(tmp_path, systems=["crnn-gru"], resamples=0, jamendo=True)
    rewrite(tmp_path, results, dataset=replace(results.dataset, comparable=False))
    text = Page(write_report(tmp_path)).text
    assert "72.6 69.5" in text
    assert "no difference is taken" in text
    assert all(line.gap is None for line in table_lines(read_inputs(tmp_path).results))


def test_the_page_needs_nothing_but_itself(whole: tuple[Path, Results]) -> None:
    page = Page(write_report(whole[0]))
    assert not {"script", "iframe", "object", "embed", "img"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("href", "src", "xlink:href"):
                assert (value or "").startswith(("#", "data:"))
    assert not re.search(r"https?:|//\w|@import|url\(", page.source)
    assert "default-src 'none'" in page.source


def test_links_and_labels_have_their_targets(whole: tuple[Path, Results]) -> None:
    page = Page(write_report(whole[0]))
    ids = page.ids()
    assert len(set(ids)) == len(ids)
    for _, attributes in page.elements:
        if (attributes.get("href") or "").startswith("#"):
            assert (attributes["href"] or "")[1:] in ids
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids


def test_heads_have_scopes_and_drawings_say_what_they_are_or_are_hidden(
    whole: tuple[Path, Results],
) -> None:
    page = Page(write_report(whole[0]))
    assert all("scope" in attributes for tag, attributes in page.elements if tag == "th")
    drawings = [attributes for tag, attributes in page.elements if tag == "svg"]
    labelled = [a for a in drawings if a.get("role") == "img"]
    assert labelled and all(a.get("aria-label") for a in labelled)
    # The others are hidden, or lie inside another drawing and only place its marks.
    assert all(
        "aria-hidden" in a or "x" in a or "viewbox" in a for a in drawings if a not in labelled
    )
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_the_same_folder_gives_the_same_bytes(whole: tuple[Path, Results]) -> None:
    folder, _ = whole
    first = write_report(folder).read_bytes(), (folder / "table1.md").read_bytes()
    assert (write_report(folder).read_bytes(), (folder / "table1.md").read_bytes()) == first
    assert not list(folder.glob(".*.part"))


def test_names_from_the_collection_stay_text(tmp_path: Path) -> None:
    tags = (HOSTILE, "a" * 200, *some_tags(3))
    write_run(tmp_path, systems=["crnn-gru"], tags=tags, names=HOSTILE, resamples=5)
    page = Page(write_report(tmp_path))
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert "\u202e" not in page.source
    assert HOSTILE.replace("\u202e", "") in "".join(page.words)
    markdown = (tmp_path / "table1.md").read_text("utf-8")
    assert "\\</script\\>\\<img" in markdown
    assert len({line.count(" | ") for line in markdown.splitlines() if line[:1] == "|"}) == 1


def test_one_system_without_intervals_is_enough(tmp_path: Path) -> None:
    write_run(tmp_path, systems=["crnn-gru"], baseline=False, epochs=1, resamples=0, tracks=8)
    page = Page(write_report(tmp_path))
    assert "One system on demo" in page.text
    assert "No intervals were computed" in page.text
    assert not {"differences", "fusion"} & set(page.ids())
    assert "95 % interval" not in page.text


@pytest.mark.parametrize("n_tags", [1, 56, 400])
def test_any_number_of_tags(tmp_path: Path, n_tags: int) -> None:
    tags = some_tags(n_tags)
    write_run(tmp_path, systems=["crnn-gru"], tags=tags, resamples=0, tracks=40)
    path = write_report(tmp_path)
    page = Page(path)
    assert all(tag in page.text for tag in tags)
    assert ("The other 340 tags" in page.text) == (n_tags == 400)
    assert ("together" in page.ids()) == (n_tags > 1)
    assert path.stat().st_size < 1_000_000


def test_what_is_missing_is_left_out_and_said(tmp_path: Path) -> None:
    write_run(tmp_path, systems=["crnn-gru"], resamples=0)
    (tmp_path / "truth" / "test.npy").unlink()
    (tmp_path / "systems" / "crnn-gru" / "history.csv").write_text(
        "epoch,stage\n1,x\n", encoding="utf-8"
    )
    (tmp_path / TIMINGS).unlink()
    page = Page(write_report(tmp_path))
    assert "together" not in page.ids()
    assert "No comparison of tags that go together" in page.text
    assert "No training curve of crnn-gru" in page.text
    assert "How long each stage took" not in page.text


def test_scores_of_another_set_are_not_compared_with_the_labels(tmp_path: Path) -> None:
    results = write_run(tmp_path, systems=["crnn-gru"], resamples=0)
    np.save(tmp_path / results.rows[-1].test_scores.path, np.zeros((3, 12), np.float32))
    assert "are not those of the results" in Page(write_report(tmp_path)).text


def test_undefined_figures_are_dashes_and_named(tmp_path: Path) -> None:
    results = write_run(tmp_path, systems=["crnn-gru"], resamples=0)
    lost = results.rows[-1].tags[3]
    without = replace(
        lost, positives=0, threshold_oracle=None,
        figures={name: Figure(value=None) for name in lost.figures},
    )  # fmt: skip
    tags = tuple(without if tag is lost else tag for tag in results.rows[-1].tags)
    rewrite(tmp_path, results, rows=(*results.rows[:-1], replace(results.rows[-1], tags=tags)))
    text = Page(write_report(tmp_path)).text
    assert f"with or without it: {lost.tag}." in text
    assert f"{lost.tag} 0 – " in text


def test_paths_in_the_results_stay_in_the_folder(tmp_path: Path) -> None:
    results = write_run(tmp_path, systems=["crnn-gru"], resamples=0)
    for path in ("../test.npy", "/etc/passwd"):
        truth = {**results.dataset.truth, "test": ScoreFile(path=path, sha256="")}
        rewrite(tmp_path, results, dataset=replace(results.dataset, truth=truth))
        with pytest.raises(ReproductionError, match="outside the run's folder"):
            write_report(tmp_path)


def test_results_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReproductionError, match="moodtheme reproduce"):
        write_report(tmp_path)
    (tmp_path / RESULTS).write_text("{", encoding="utf-8")
    with pytest.raises(ReproductionError, match="damaged"):
        write_report(tmp_path)


def test_the_csv_holds_full_precision(whole: tuple[Path, Results]) -> None:
    folder, results = whole
    write_report(folder)
    with (folder / "table1.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["system"] for row in rows] == [row.name for row in results.rows]
    for read, row in zip(rows, results.rows, strict=True):
        assert float(read["test_roc_auc_macro"]) == row.test["roc_auc_macro"].value
        assert float(read["test_roc_auc_macro_low"]) == row.test["roc_auc_macro"].low
        assert float(read["test_f1_macro_oracle"]) == row.test["f1_macro_oracle"].value
    assert rows[-1]["paper_test_roc_auc_macro"] == "0.742"
    assert rows[-1]["members"].count("+") == 8


def test_changed_settings_are_named_with_the_recipes_own_values(
    whole: tuple[Path, Results],
) -> None:
    folder, results = whole
    changed = [setting for setting in shared_settings(results.runs) if setting.changed]
    assert [(s.name, s.value, s.own, s.systems) for s in changed] == [
        ("schedule.epochs", "40", "60", "MediaEval baseline"),
        ("schedule.epochs", "40", "80", "all crnn"),
        ("schedule.epochs", "40", "1000", "all ds-1s, all ds-5s"),
    ]
    text = Page(write_report(folder)).text
    # Every value of every system, its source, and what the run was asked for.
    for run in results.runs:
        for setting in run.settings:
            assert setting.source in text
    for stated in (results.settings.command, results.dataset.sha256, "3.11.2", "12 min 14 s"):
        assert stated in text
    assert name_group(["crnn-gru"], ["crnn-gru", "crnn-lstm"]) == "crnn-gru"
    assert name_group(["crnn-gru"], ["crnn-gru"]) == "all"


def test_a_sweep_is_listed_with_what_was_chosen(tmp_path: Path) -> None:
    results = write_run(tmp_path, systems=["crnn-gru"], resamples=0)
    tried = SweepPoint(
        system="crnn-gru", values={"head.units": "128"}, folder="sweep/1", best_epoch=3, epochs=9,
        validation_roc_auc=0.7123, chosen=True,
    )  # fmt: skip
    rewrite(
        tmp_path, results, sweep=(tried, replace(tried, values={"head.units": "256"}, chosen=False))
    )
    assert (
        "head.units=128 71.2 3 9 chosen crnn-gru head.units=256 71.2 3 9"
        in Page(write_report(tmp_path)).text
    )


def test_the_command_prints_where_the_page_is(
    whole: tuple[Path, Results], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Program(capsys, monkeypatch)
    status, out, _ = run("report", "page", whole[0])
    assert (status, out.strip()) == (0, str(whole[0] / "report.html"))
    status, _, err = run("report", "page", whole[0] / "nowhere")
    assert status == 1
    assert "moodtheme reproduce" in err


def test_the_templates_are_part_of_the_package() -> None:
    templates = importlib.resources.files("moodtheme.reproduction.page") / "templates"
    assert {"page.html.j2", "style.css"} <= {entry.name for entry in templates.iterdir()}
