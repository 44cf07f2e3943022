"""The paper's table, drawn tables, pictures."""

import importlib.util
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.metrics import roc_auc_score

from evaluation_cases import case
from moodtheme.cli.tables import with_interval
from moodtheme.errors import EvaluationError, EvaluationWarning
from moodtheme.evaluation import ScoredSet, evaluate_systems
from moodtheme.evaluation.plots import COLOURS, Curve, curve_grid, save, tag_curves, tag_dots
from moodtheme.recipes import TABLE_1
from moodtheme.reproduction.table1 import compare_with_paper
from program import Program

NINE = [row.name for row in TABLE_1[:9]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(capsys, monkeypatch)


def write_scores(folder: Path, names: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "truth.npy", case(60, 3)[0])
    for seed, name in enumerate(names):
        scores = 0.5 * case(60, 3)[1] + 0.5 * case(60, 3, seed=seed + 1)[1]
        np.save(folder / f"{name}.npy", scores)
    return folder


def test_table_1_holds_nine_systems_and_five_fusions_of_them() -> None:
    assert [row.name for row in TABLE_1[:9]] == [row.members[0] for row in TABLE_1[:9]]
    assert [len(row.members) for row in TABLE_1[9:]] == [3, 3, 3, 6, 9]
    assert set(TABLE_1[-1].members) == set(NINE)
    assert [row.validation is None for row in TABLE_1] == [False] * 9 + [True] * 5


def test_rows_are_measured_where_all_members_are_there() -> None:
    truth, _ = case(60, 3)
    systems = {name: case(60, 3, seed=i)[1] for i, name in enumerate(NINE[:4])}
    known = {NINE[0]: case(60, 3, seed=7)[1]}
    rows = compare_with_paper(
        truth, systems | {"another": systems[NINE[0]]}, validation=ScoredSet(truth, known)
    )
    by_name = {row.paper.name: row for row in rows}
    crnn = np.mean([systems[name].astype(np.float64) for name in NINE[:3]], axis=0)
    assert by_name["all CRNN"].test == pytest.approx(roc_auc_score(truth, crnn), abs=1e-6)
    assert by_name[NINE[0]].validation == pytest.approx(roc_auc_score(truth, known[NINE[0]]))
    assert by_name[NINE[1]].validation is None
    assert by_name["all systems"].test is None
    assert by_name["all systems"].missing == tuple(NINE[4:])
    with pytest.raises(EvaluationError, match=r"crnn-lstm\.npy"):
        compare_with_paper(truth, {"another": systems[NINE[0]]})


def test_report_table1_prints_paper_and_measurement(run: Program, tmp_path: Path) -> None:
    folder = write_scores(tmp_path / "scores", NINE[:3])
    validation = write_scores(tmp_path / "validation", NINE[:3])
    status, out, err = run(
        "report", "table1", folder, "--truth", folder / "truth.npy", "--bootstrap", 20,
        "--validation", validation / "truth.npy", validation, "--json", tmp_path / "t.json",
    )  # fmt: skip
    assert status == 0
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == [
        "system", "paper: validation", "here", "paper: test", "here", "difference",
    ]  # fmt: skip
    measured = roc_auc_score(np.load(folder / "truth.npy"), np.load(folder / "crnn-lstm.npy"))
    assert lines[1][:2] == ["crnn-lstm", "71.4"]
    assert lines[1][3] == "69.4"
    assert lines[1][4].startswith(f"{100 * measured:.1f} [")
    assert lines[1][5] == f"{100 * measured - 69.4:+.2f}"
    assert lines[-1] == ["all systems", "-", "-", "74.2", "-", "-"]
    assert "ds-5s-blstm" in err
    assert json.loads((tmp_path / "t.json").read_text("utf-8"))[0]["test"] == pytest.approx(
        measured
    )
    assert run("report", "table1", tmp_path, "--truth", folder / "truth.npy")[0] == 2


def test_table1_is_no_test_of_what_was_trained_on(run: Program, tmp_path: Path) -> None:
    folder = write_scores(tmp_path / "scores", NINE[:3])
    truth = np.load(folder / "truth.npy")
    tags, ids = [f"tag {n}" for n in range(truth.shape[1])], [f"t{n}" for n in range(len(truth))]
    np.savez(folder / "truth.npz", truth=truth, tags=tags, ids=ids)
    for name in NINE[:3]:
        seen = ["train" if name == "crnn-gru" and row < 7 else "" for row in range(len(truth))]
        scores = np.load(folder / f"{name}.npy")
        np.savez(folder / f"{name}.npz", scores=scores, tags=tags, ids=ids, seen=seen)
        (folder / f"{name}.npy").unlink()
    (folder / "truth.npy").unlink()
    command = ["report", "table1", folder, "--truth", folder / "truth.npz"]
    status, out, err = run(*command)
    assert status == 1 and not out
    assert "crnn-gru.npz: 7 of 60 recordings were trained on" in err and "--allow-seen" in err
    status, out, err = run(*command, "--allow-seen", "--json", tmp_path / "t.json")
    assert status == 0 and "crnn-gru.npz: 7 of 60 recordings were trained on" in err
    # The system is marked, and the fusion that it is part of.
    marked = [line.split("\t")[0] for line in out.splitlines() if "(seen)" in line]
    assert marked == ["crnn-gru (seen)", "all CRNN (seen)"]
    rows = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert [row["paper"]["name"] for row in rows if row["seen"]] == ["crnn-gru", "all CRNN"]
    # The validation column is held to the same.
    known = ["--validation", folder / "truth.npz", folder]
    assert run(*command, *known)[0] == 1


def test_figures_with_intervals_are_written_briefly() -> None:
    assert with_interval(0.74247, [0.736, None], decimals=4) == "0.7425"
    assert with_interval(0.74247, [0.736, 0.7497], decimals=1, scale=100) == "74.2 [73.6, 75.0]"
    assert with_interval(None, None, decimals=4) == "-"


def test_plots_are_written_as_png_and_svg(run: Program, tmp_path: Path) -> None:
    folder = write_scores(tmp_path / "scores", NINE[:2])
    status, out, _ = run(
        "report", "plots", folder / f"{NINE[0]}.npy", folder / f"{NINE[1]}.npy",
        "--truth", folder / "truth.npy", "--output", tmp_path / "plots", "--bootstrap", 20,
        "--tag", "column 1",
    )  # fmt: skip
    assert status == 0
    written = {Path(line).name for line in out.splitlines()}
    stems = ("tags", "roc", "pr", "curves-column_1")
    assert written == {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")}
    for name in written:
        content = (tmp_path / "plots" / name).read_bytes()
        if name.endswith("png"):
            assert content.startswith(b"\x89PNG")
        else:
            root = ET.fromstring(content)
            assert root.tag.endswith("svg")
            # One drawn path at least in each system's colour.
            assert all(colour.lower() in content.decode() for colour in COLOURS[:2])


def test_one_format_and_an_unknown_tag(run: Program, tmp_path: Path) -> None:
    folder = write_scores(tmp_path / "scores", NINE[:1])
    command = (
        "report", "plots", folder / f"{NINE[0]}.npy", "--truth", folder / "truth.npy",
        "--output", tmp_path / "plots", "--bootstrap", 0,
    )  # fmt: skip
    status, _, err = run(*command, "--tag", "loud")
    assert status == 2
    assert "choose from column 0, column 1, column 2" in err
    assert run(*command, "--format", "svg")[0] == 0
    assert {path.suffix for path in (tmp_path / "plots").iterdir()} == {".svg"}


def test_pictures_overwrite_no_input_and_no_audio(run: Program, tmp_path: Path) -> None:
    folder = write_scores(tmp_path / "scores", NINE[:1])
    plots = tmp_path / "plots"
    plots.mkdir()
    command = (
        "report", "plots", folder / f"{NINE[0]}.npy", "--output", plots, "--bootstrap", 0,
        "--format", "png",
    )  # fmt: skip
    shutil.copy(folder / "truth.npy", plots / "pr.png")
    (plots / "pr.npy").symlink_to(plots / "pr.png")
    before = (plots / "pr.png").read_bytes()
    status, _, err = run(*command, "--truth", plots / "pr.npy")
    assert status == 2 and "pr.png is the same file" in err
    assert (plots / "pr.png").read_bytes() == before
    soundfile.write(plots / "pr.png", np.zeros(8000), 8000, format="WAV")
    status, _, err = run(*command, "--truth", folder / "truth.npy")
    assert status == 2 and "pr.png holds audio" in err
    (plots / "pr.png").unlink()
    (plots / "pr.png").mkdir()
    status, _, err = run(*command, "--truth", folder / "truth.npy")
    assert status == 2 and "pr.png" in err
    assert {path.name for path in plots.iterdir()} == {"pr.png", "pr.npy"}


def test_without_matplotlib_plots_say_what_to_install(
    run: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_scores(tmp_path / "scores", NINE[:1])
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "moodtheme.evaluation.plots.find_spec",
        lambda name: None if name == "matplotlib" else found(name),
    )
    status, _, err = run(
        "report", "plots", folder / f"{NINE[0]}.npy", "--truth", folder / "truth.npy",
        "--output", tmp_path / "plots",
    )  # fmt: skip
    assert status == 2
    assert "pip install 'moodtheme[train]'" in err


def test_pictures_show_the_figures_they_are_made_of(tmp_path: Path) -> None:
    truth, scores = case(60, 3)
    with_gap = truth.copy()
    with_gap[:, 1] = False  # a tag without positives has no dot and no curve
    with pytest.warns(EvaluationWarning):
        rows = evaluate_systems(with_gap, {"a": scores}, resamples=10)
    panels = tag_dots(rows, len(truth)).axes
    drawn = [line for line in panels[0].lines if line.get_marker() == "o"]
    assert sorted(float(line.get_xdata()[0]) for line in drawn) == pytest.approx(
        sorted(value for tag in rows[0].tags if (value := tag.figures["roc_auc"].value) is not None)
    )
    grid = curve_grid(with_gap, {"a": scores}, ["x", "y", "z"], Curve.ROC)
    for index, panel in enumerate(grid.axes[:3]):
        if index == 1:
            assert [text.get_text() for text in panel.texts] == ["undefined"]
            continue
        x, y = panel.lines[-1].get_data()
        assert np.trapezoid(y, x) == pytest.approx(rows[0].tags[index].figures["roc_auc"].value)
    _, panel = tag_curves(truth, {"a": scores}, 0, "x").axes
    recall, precision = panel.lines[-1].get_data()
    area = float((np.diff(recall) * precision[1:]).sum())
    assert area == pytest.approx(rows[0].tags[0].figures["pr_auc"].value)
    # The same picture twice is the same file.
    for name in ("one.svg", "two.svg"):
        save(curve_grid(truth, {"a": scores}, ["x", "y", "z"], Curve.ROC), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
