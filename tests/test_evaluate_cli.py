"""`moodtheme evaluate`, `fuse` and `decide`: files in, files and tables out, exit status."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from console_blocks import run as on_a_terminal
from evaluation_cases import case
from moodtheme.evaluation.thresholds import best_f1, best_youden, choose, top_k
from program import Program

CONTRACT = (
    "roc_auc_macro",
    "pr_auc_macro",
    "roc_auc_micro",
    "pr_auc_micro",
    "f1_macro_oracle",
    "precision_macro_oracle",
    "recall_macro_oracle",
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(capsys, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """truth.npy, two systems, a tag list, and the same on a validation set."""
    for place, seed, tracks in ((tmp_path, 0, 60), (tmp_path / "validation", 50, 40)):
        place.mkdir(exist_ok=True)
        truth, gru = case(tracks, 3, seed=seed)
        np.save(place / "truth.npy", truth)
        np.save(place / "gru.npy", gru)
        np.save(place / "lstm.npy", case(tracks, 3, seed=seed + 1)[1])
    (tmp_path / "tags.txt").write_text("mood/theme---sad\ncalm\nepic\n", encoding="utf-8")
    return tmp_path


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_evaluate_writes_the_contracts_json_and_a_table(run: Program, folder: Path) -> None:
    status, out, err = run(
        "evaluate", "--truth", folder / "truth.npy", folder / "gru.npy", folder / "lstm.npy",
        "--tags", folder / "tags.txt", "--json", folder / "out.json",
    )  # fmt: skip
    assert (status, err) == (0, "")
    document = json.loads((folder / "out.json").read_text("utf-8"))
    assert [row["name"] for row in document["rows"]] == ["gru", "lstm"]
    truth, scores = np.load(folder / "truth.npy"), np.load(folder / "gru.npy")
    row = document["rows"][0]
    assert all(isinstance(row[key], float) for key in CONTRACT)
    assert row["roc_auc_macro"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert row["pr_auc_macro"] == pytest.approx(average_precision_score(truth, scores), abs=1e-12)
    assert [tag["tag"] for tag in row["tags"]] == ["sad", "calm", "epic"]
    table = rows(out)
    assert table[0] == ["system", "ROC-AUC", "PR-AUC", "F1 oracle", "F1 best", "F1 at 0.5"]
    assert table[1][:2] == ["gru", f"{row['roc_auc_macro']:.6f}"]


def test_evaluate_with_validation_thresholds_shows_both(run: Program, folder: Path) -> None:
    status, out, _ = run(
        "evaluate", "--truth", folder / "truth.npy", folder / "gru.npy", folder / "lstm.npy",
        "--thresholds-from", folder / "validation" / "truth.npy", folder / "validation",
    )  # fmt: skip
    assert status == 0
    head, gru, _ = rows(out)
    assert head[3:6] == ["F1 oracle", "F1 best", "F1 validation"]
    truth, scores = np.load(folder / "truth.npy"), np.load(folder / "gru.npy")
    thresholds = choose(
        np.load(folder / "validation" / "truth.npy"),
        np.load(folder / "validation" / "gru.npy"),
        best_f1,
    )
    expected = f1_score(truth, scores > thresholds, average="macro", zero_division=0)
    assert gru[5] == f"{expected:.6f}"
    assert float(gru[4]) >= max(float(gru[3]), float(gru[5]))  # it is the upper bound


def test_evaluate_with_a_bootstrap_gives_intervals_and_paired_differences(
    run: Program, folder: Path
) -> None:
    command = (
        "evaluate", "--truth", folder / "truth.npy", folder / "gru.npy", folder / "lstm.npy",
        "--bootstrap", 50, "--against", "lstm", "--json", folder / "out.json",
    )  # fmt: skip
    status, out, _ = run(*command)
    assert status == 0
    document = json.loads((folder / "out.json").read_text("utf-8"))
    assert document["bootstrap"] == {
        "resamples": 50, "seed": 0, "level": 0.95, "over": "track", "units": 60,
    }  # fmt: skip
    gru, lstm = document["rows"]
    low, high = gru["intervals"]["roc_auc_macro"]
    assert low < gru["roc_auc_macro"] < high
    assert gru["difference"]["against"] == "lstm"
    assert gru["difference"]["roc_auc_macro"]["value"] == pytest.approx(
        gru["roc_auc_macro"] - lstm["roc_auc_macro"]
    )
    assert f"{gru['roc_auc_macro']:.4f} [{low:.4f}, {high:.4f}]" in out
    assert "minus lstm" in out
    assert run(*command)[1] == out  # seeded


def test_intervals_are_over_artists_wherever_they_are_known(run: Program, folder: Path) -> None:
    table = "track,path,tags,artist\n" + "".join(
        f"t{row},t{row}.wav,sad,artist {row // 4}\n" for row in range(60)
    )
    (folder / "table.csv").write_text(table, encoding="utf-8")
    (folder / "artists.txt").write_text("".join(f"a{row // 4}\n" for row in range(60)), "utf-8")
    command = [
        "evaluate", "--truth", folder / "truth.npy", folder / "gru.npy", "--bootstrap", 50,
        "--json", folder / "out.json",
    ]  # fmt: skip

    def over(*options: str | Path) -> tuple[str, int, list[float], str]:
        status, _, err = run(*command, *options)
        assert status == 0
        document = json.loads((folder / "out.json").read_text("utf-8"))
        told = document["bootstrap"]
        return told["over"], told["units"], document["rows"][0]["intervals"]["roc_auc_macro"], err

    alone = over()
    assert alone[:2] == ("track", 60)
    assert "as no artists are known: too narrow" in alone[3]
    by_table, by_list = (over("--artists", folder / name) for name in ("table.csv", "artists.txt"))
    assert by_table[:3] == by_list[:3]
    assert by_table[:2] == ("artist", 15)
    assert "too narrow" not in by_table[3]
    assert by_table[3].count("columns have no names and are taken to be in one order") == 1
    assert by_table[2] != alone[2]
    status, _, err = run(*command, "--group", "artist")
    assert status == 2 and "names no artists; give the dataset's table with --artists" in err
    (folder / "artists.txt").write_text("a\nb\n", encoding="utf-8")
    status, _, err = run(*command, "--artists", folder / "artists.txt")
    assert status == 2 and "has 2 tracks" in err


def test_artists_are_found_by_the_tracks_identifiers(run: Program, folder: Path) -> None:
    truth, scores = case(30, 2)
    ids = [f"t{row}" for row in range(30)]
    head = "track,sad,calm\n"
    for name, values in (("truth.csv", truth.astype(int)), ("gru.csv", scores)):
        rows = (f"{i},{','.join(map(str, row))}\n" for i, row in zip(ids, values, strict=True))
        (folder / name).write_text(head + "".join(rows), encoding="utf-8")
    lines = [f"t{row},t{row}.wav,sad,artist {row % 6}\n" for row in range(40)]
    table = folder / "table.csv"
    table.write_text("track,path,tags,artist\n" + "".join(reversed(lines)), encoding="utf-8")
    command = [
        "evaluate", "--truth", folder / "truth.csv", folder / "gru.csv", "--bootstrap", 20,
        "--artists", table, "--json", folder / "out.json",
    ]  # fmt: skip
    assert run(*command)[0] == 0
    assert json.loads((folder / "out.json").read_text("utf-8"))["bootstrap"]["units"] == 6
    table.write_text("track,path,tags,artist\n" + "".join(lines[:20]), encoding="utf-8")
    status, _, err = run(*command)
    assert status == 2 and "lacks 10 of the 30 tracks" in err


def test_evaluate_long_prints_every_figure(run: Program, folder: Path) -> None:
    status, out, _ = run("evaluate", "--truth", folder / "truth.npy", folder / "gru.npy", "--long")
    assert status == 0
    printed = {line[1]: line[2] for line in rows(out)[1:]}
    assert set(CONTRACT) <= set(printed)
    assert len(printed) == 4 + 3 * 6  # areas, and three figures, macro and micro, of three rules


def test_evaluate_takes_the_popularity_baseline_like_any_system(run: Program, folder: Path) -> None:
    status, out, _ = run(
        "evaluate", "--truth", folder / "truth.npy", folder / "gru.npy",
        "--popularity", folder / "validation" / "truth.npy",
        "--thresholds-from", folder / "validation" / "truth.npy",
        folder / "validation" / "gru.npy",
    )  # fmt: skip
    assert status == 0
    assert rows(out)[2][:2] == ["popularity", "0.500000"]


def test_one_bad_file_is_named_and_does_not_stop_the_others(run: Program, folder: Path) -> None:
    np.save(folder / "short.npy", np.zeros((10, 3), np.float32))
    (folder / "torn.npy").write_bytes(b"\x93NUMPY")
    status, out, err = run(
        "evaluate", "--truth", folder / "truth.npy",
        folder / "short.npy", folder / "gru.npy", folder / "torn.npy",
    )  # fmt: skip
    assert status == 1
    assert [line[0] for line in rows(out)] == ["system", "gru"]
    assert "short.npy: scores of shape (10, 3) against truth of shape (60, 3)" in err
    assert "torn.npy: cannot be read" in err
    status, out, _ = run("evaluate", "--truth", folder / "truth.npy", folder / "torn.npy")
    assert (status, out) == (1, "")


def test_warnings_are_lines_on_standard_error(run: Program, folder: Path) -> None:
    truth = np.load(folder / "truth.npy")
    truth[:, 1] = False
    np.save(folder / "truth.npy", truth)
    status, _, err = run(
        "evaluate", "--truth", folder / "truth.npy", folder / "gru.npy",
        "--tags", folder / "tags.txt", "--json", folder / "out.json",
    )  # fmt: skip
    assert status == 0
    assert err.startswith("moodtheme: warning: truth: no positives for tag calm")
    assert len(err.splitlines()) == 1
    row = json.loads((folder / "out.json").read_text("utf-8"))["rows"][0]
    assert row["tags"][1]["roc_auc"] is None
    assert row["roc_auc_macro"] is not None


def test_wrong_usage_is_status_2(run: Program, folder: Path) -> None:
    scores = folder / "gru.npy"
    out = folder / "out.npy"
    for arguments in (
        ("evaluate", scores),
        ("evaluate", "--truth", folder / "truth.npy", scores, "--against", "nobody"),
        ("evaluate", "--truth", folder / "truth.npy", scores, scores),
        ("evaluate", "--truth", folder / "truth.npy", scores, "--bootstrap", -1),
        ("evaluate", "--truth", folder / "truth.npy", scores, "--json", folder / "no" / "x.json"),
        ("fuse", scores, "--output", folder / "fused.txt"),
        ("fuse", scores, "--output", out, "--weights", "1"),
        ("fuse", scores, "--output", out, "--method", "weighted", "--weights", "one"),
        ("fuse", scores, "--output", out, "--method", "learned"),
        ("fuse", scores, "--output", out, "--method", "geometric"),
        ("decide", scores, "--thresholds", "oracle", "--output", out),
        ("decide", scores, "--thresholds", "validation", "--output", out),
        ("decide", scores, "--thresholds", "best", "--output", out),
        ("decide", scores, "--thresholds", "nan", "--output", out),
    ):
        status, printed, err = run(*arguments)
        assert (status, printed) == (2, ""), arguments
        assert err, arguments
    assert not out.exists()


def test_fuse_mean_weighted_and_rank(run: Program, folder: Path) -> None:
    gru, lstm = np.load(folder / "gru.npy"), np.load(folder / "lstm.npy")
    fused = folder / "fused.npy"
    status, out, err = run("fuse", folder / "gru.npy", folder / "lstm.npy", "--output", fused)
    assert status == 0 and len(err.splitlines()) == 1
    assert "columns have no names and are taken to be in one order" in err
    assert out == f"{fused}: 2 systems fused, method mean\n"
    np.testing.assert_allclose(np.load(fused), (gru + lstm) / 2, rtol=1e-6)
    assert np.load(fused).dtype == np.float32
    run(
        "fuse", folder / "gru.npy", folder / "lstm.npy", "--output", fused,
        "--method", "weighted", "--weights", "3, 1",
    )  # fmt: skip
    np.testing.assert_allclose(np.load(fused), 0.75 * gru + 0.25 * lstm, rtol=1e-6)
    np.savez(folder / "both.npz", gru=gru, lstm=lstm)
    run("fuse", folder / "both.npz", "--output", fused, "--method", "rank")
    assert np.load(fused).max() <= 1


def test_files_that_do_not_go_together_are_named(run: Program, folder: Path) -> None:
    np.save(folder / "short.npy", np.zeros((10, 3), np.float32))
    scores = np.load(folder / "lstm.npy")
    scores[4, 2] = np.nan
    np.save(folder / "lstm.npy", scores)
    for bad, message in (("short", "shape (10, 3)"), ("lstm", "tag epic, first in row 4")):
        status, _, err = run(
            "fuse", folder / "gru.npy", folder / f"{bad}.npy", "--output", folder / "fused.npy",
            "--tags", folder / "tags.txt",
        )  # fmt: skip
        assert status == 1
        assert f"{bad}.npy: " in err
        assert message in err
    np.save(folder / "logits.npy", 8 * np.load(folder / "gru.npy") - 4)
    status, _, err = run(
        "decide", folder / "logits.npy", "--thresholds", "0.5", "--output", folder / "d.npy"
    )
    assert status == 0
    assert "warning" in err
    assert "apply the sigmoid" in err


def test_fuse_learns_its_weights_on_validation(run: Program, folder: Path) -> None:
    fused = folder / "fused.npy"
    status, out, _ = run(
        "fuse", folder / "gru.npy", folder / "lstm.npy", "--output", fused, "--method", "learned",
        "--weights-from", folder / "validation" / "truth.npy", folder / "validation",
    )  # fmt: skip
    assert status == 0
    weights = {line[0]: float(line[1]) for line in rows(out)[1:3]}
    assert weights["gru"] > weights["lstm"]  # lstm's scores belong to another truth
    assert "cross-validated" in out
    np.testing.assert_allclose(
        np.load(fused),
        weights["gru"] * np.load(folder / "gru.npy")
        + weights["lstm"] * np.load(folder / "lstm.npy"),
        rtol=1e-5,
    )


def test_decide_by_every_rule(run: Program, folder: Path) -> None:
    truth, scores = np.load(folder / "truth.npy"), np.load(folder / "gru.npy")
    other_truth = np.load(folder / "validation" / "truth.npy")
    other = np.load(folder / "validation" / "gru.npy")
    own = ("--truth", folder / "truth.npy")
    honest = ("--thresholds-from", folder / "validation" / "truth.npy", folder / "validation")
    for rule, data, expected, said in (
        ("oracle", own, scores > choose(truth, scores, best_f1), "an oracle"),
        ("validation", honest, scores > choose(other_truth, other, best_f1), "on validation"),
        ("youden", own, scores > choose(truth, scores, best_youden), "an oracle"),
        ("youden", honest, scores > choose(other_truth, other, best_youden), "on validation"),
        ("0.5", (), scores > 0.5, "fixed at 0.5"),
        ("top-2", (), top_k(scores, 2), "2 highest"),
    ):
        status, out, err = run(
            "decide", folder / "gru.npy", "--thresholds", rule,
            "--output", folder / "decisions.npy", *data,
        )  # fmt: skip
        assert status == 0, err
        decisions = np.load(folder / "decisions.npy")
        assert decisions.dtype == np.bool_
        np.testing.assert_array_equal(decisions, expected, err_msg=rule)
        assert said in err
        assert [int(line[2]) for line in rows(out)[1:]] == expected.sum(axis=0).tolist()


def test_decide_prints_thresholds_to_the_last_digit(run: Program, folder: Path) -> None:
    _, out, _ = run(
        "decide", folder / "gru.npy", "--thresholds", "oracle", "--truth", folder / "truth.npy",
        "--output", folder / "decisions.npy", "--tags", folder / "tags.txt",
    )  # fmt: skip
    expected = choose(np.load(folder / "truth.npy"), np.load(folder / "gru.npy"), best_f1)
    assert [line[0] for line in rows(out)[1:]] == ["sad", "calm", "epic"]
    assert [float(line[1]) for line in rows(out)[1:]] == expected.tolist()


def test_decide_wants_one_system(run: Program, folder: Path) -> None:
    np.savez(folder / "both.npz", gru=np.load(folder / "gru.npy"), b=np.load(folder / "gru.npy"))
    arguments = ("--thresholds", "0.5", "--output", folder / "decisions.npy")
    status, _, err = run("decide", folder / "both.npz", *arguments)
    assert status == 2
    assert "both.npz:gru" in err
    assert run("decide", f"{folder / 'both.npz'}:gru", *arguments)[0] == 0


@pytest.mark.parametrize("width", [60, 120])
def test_tables_are_drawn_on_a_terminal_and_never_cut(folder: Path, width: int) -> None:
    out = on_a_terminal(
        f"export COLUMNS={width}; moodtheme evaluate --truth truth.npy gru.npy --bootstrap 20",
        folder,
    )
    assert "95 % intervals from 20 bootstrap resamples of 60 tracks" in " ".join(out.split())
    assert "─" in out
    assert "\t" not in out
    assert max(map(len, out.splitlines())) <= width
    # A narrow terminal gets several tables, each naming the system, and every interval whole.
    assert out.count(" gru ") == (5 if width == 60 else 2)
    assert len(re.findall(r"0\.\d{4} \[0\.\d{4}, 0\.\d{4}\]", out)) == 5


def test_the_base_install_is_enough(folder: Path) -> None:
    code = (
        "import sys\n"
        "from moodtheme.cli.app import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'lightning'}\n"
        "sys.exit(f'{heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)\n"
    )
    for arguments in (
        ("evaluate", "--truth", folder / "truth.npy", folder / "gru.npy", "--bootstrap", "5"),
        ("fuse", folder / "gru.npy", "--output", folder / "fused.npy"),
        ("decide", folder / "gru.npy", "--thresholds", "0.5", "--output", folder / "d.npy"),
    ):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr


def test_compare_says_which_differences_survive_all_comparisons(run: Program, folder: Path) -> None:
    truth = np.load(folder / "truth.npy")
    rng = np.random.default_rng(0)
    np.save(folder / "good.npy", (0.8 * truth + 0.15 * rng.random(truth.shape)).astype(np.float32))
    files = [folder / f"{name}.npy" for name in ("good", "gru", "lstm")]
    command = ["compare", *files, "--truth", folder / "truth.npy", "--bootstrap", 100]
    status, out, _ = run(*command, "--json", folder / "out.json")
    assert status == 0
    by_name = {line[0]: line[1:] for line in rows(out)}
    assert {"good minus gru", "good minus lstm", "gru minus lstm"} <= set(by_name)
    assert by_name["good minus gru"][0].endswith(" *")
    assert "difference (*: beyond chance, of 3)" in by_name
    document = json.loads((folder / "out.json").read_text("utf-8"))
    gaps = {(gap["name"], gap["against"]): gap for gap in document["comparisons"]}
    assert len(gaps) == 3
    for gap in gaps.values():
        assert gap["roc_auc_macro"]["p_holm"] >= gap["roc_auc_macro"]["p"]
    status, out, _ = run(*command, "--against", "lstm")
    assert status == 0 and "gru minus good" not in out and "gru minus lstm" in out
    status, _, err = run("compare", files[0], "--truth", folder / "truth.npy")
    assert status == 2 and "good alone cannot be compared" in err
    status, _, err = run("compare", *files)
    assert status == 2 and "score files need --truth" in err


def test_what_was_trained_on_is_neither_compared_nor_drawn(run: Program, folder: Path) -> None:
    truth = np.load(folder / "truth.npy")
    tags, ids = [f"tag {n}" for n in range(truth.shape[1])], [f"t{n}" for n in range(len(truth))]
    np.savez(folder / "named.npz", truth=truth, tags=tags, ids=ids)
    for name, seen in (("own", "train"), ("other", "")):
        scores = np.load(folder / "gru.npy")
        np.savez(
            folder / f"{name}.npz", scores=scores, tags=tags, ids=ids, seen=[seen] * len(truth)
        )
    files = [folder / "own.npz", folder / "other.npz", "--truth", folder / "named.npz"]
    for command in (["compare", *files], ["report", "plots", *files, "-o", folder / "plots"]):
        status, _, err = run(*command, "--bootstrap", 5)
        assert status == 1 and "own.npz: 60 of 60 recordings were trained on" in err
    status, out, _ = run("compare", *files, "--bootstrap", 5, "--allow-seen", "--against", "own")
    assert status == 0 and "other minus own (seen)" in out
