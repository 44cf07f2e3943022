"""Several seeds and folds: what belongs together, means and deviations, and the commands."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evaluation_cases import case
from moodtheme.datasets import Split, group_folds, load_dataset
from moodtheme.errors import TrainingError
from moodtheme.evaluation import Evaluation, ScoredSet
from moodtheme.evaluation.spread import mean_difference, mean_figures
from moodtheme.records import write_record
from moodtheme.training.run_folder import read_run
from moodtheme.training.series import SERIES, Member, Series, places, plan_series, read_series
from moodtheme.training.trained import dataset_of
from program import Program
from toy_collection import write_collection
from toy_reproduction import arguments
from toy_results import write_run

TRACKS, ARTISTS = 60, 15


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = (f"t{n},t{n}.wav,{'high' if n % 3 else 'low'},a{n % ARTISTS}\n" for n in range(TRACKS))
    path = tmp_path / "tracks.csv"
    path.write_text("track,path,tags,artist\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(capsys, monkeypatch)


def test_every_track_is_tested_once_and_no_artist_is_on_two_sides(
    tmp_path: Path, table: Path
) -> None:
    tracks = load_dataset(str(table), check_files=False)
    series = plan_series(tmp_path / "s", str(table), tracks, folds=5, seeds=[3, 4])
    assert len(series.members) == 10
    assert series.members[1].folder == "fold-1/seed-4"
    tested: Counter[str] = Counter()
    divided = group_folds(tracks, folds=5, seed=0)
    for member, folder, dataset in places(tmp_path / "s", series):
        fold = load_dataset(dataset, check_files=False)
        assert folder == tmp_path / "s" / member.folder
        assert [file.resolve() for file in fold.files] == [f.resolve() for f in tracks.files]
        parts = [set(fold.part(split).artists) for split in Split]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        test = [split is Split.TEST for split in fold.splits]
        assert test == (divided == member.fold - 1).tolist()
        if member.seed == 3:
            tested.update(fold.part(Split.TEST).tracks)
    assert set(tested.values()) == {1} and len(tested) == TRACKS


def test_a_series_is_the_same_again_and_no_other(tmp_path: Path, table: Path) -> None:
    tracks = load_dataset(str(table), check_files=False)
    first = plan_series(tmp_path / "s", str(table), tracks, folds=0, seeds=[0, 1])
    assert [member.folder for member in first.members] == ["seed-0", "seed-1"]
    assert {member.dataset for member in first.members} == {str(table)}
    assert plan_series(tmp_path / "s", str(table), tracks, folds=0, seeds=[0, 1]) == first
    assert read_series(tmp_path / "s") == first
    with pytest.raises(
        TrainingError, match=r"holds a series of .* with 0 folds and the seeds 0, 1"
    ):
        plan_series(tmp_path / "s", str(table), tracks, folds=5, seeds=[0, 1])
    with pytest.raises(TrainingError, match="take 3 or more"):
        plan_series(tmp_path / "t", str(table), tracks, folds=2, seeds=[0])


def evaluated(names: str, *, seed: int, resamples: int = 200) -> Evaluation:
    """Systems with these names on a test set of forty artists."""
    truth, _ = case(120, 3, seed=seed)
    systems = {n: case(120, 3, seed=seed)[1] for n in names}
    rng = np.random.default_rng(seed)
    systems = {
        name: np.clip(scores + rng.normal(0, 0.05, scores.shape), 0, 1)
        for name, scores in systems.items()
    }
    artists = [f"{seed}-{row // 3}" for row in range(120)]
    return Evaluation(ScoredSet(truth, systems, artists), resamples=resamples, seed=seed)


def test_seeds_are_averaged_with_their_deviation_beside_the_interval() -> None:
    evaluation = evaluated("abc", seed=1)
    mean = mean_figures([evaluation.repetition(n, fold=0, seed=i) for i, n in enumerate("abc")])
    figure = mean["roc_auc_macro"]
    each = [evaluation.figures(name).figures["roc_auc_macro"] for name in "abc"]
    values = [one.value for one in each]
    assert figure.value == pytest.approx(np.mean(values))
    assert figure.deviation == pytest.approx(np.std(values, ddof=1))
    assert figure.low < figure.value < figure.high
    # Seeds do not make the test set larger.
    widths = [one.high - one.low for one in each]
    assert figure.high - figure.low == pytest.approx(np.mean(widths), rel=0.3)
    one = mean_figures([evaluation.repetition("a", fold=0, seed=0)])["roc_auc_macro"]
    assert one.deviation is None
    assert (one.low, one.high) == pytest.approx((each[0].low, each[0].high))


def test_folds_have_more_artists_together_than_each_alone() -> None:
    folds = [evaluated("a", seed=fold) for fold in (1, 2, 3, 4)]
    mean = mean_figures([e.repetition("a", fold=i, seed=0) for i, e in enumerate(folds)])
    figure = mean["roc_auc_macro"]
    each = [evaluation.figures("a").figures["roc_auc_macro"] for evaluation in folds]
    assert figure.value == pytest.approx(np.mean([one.value for one in each]))
    assert figure.deviation is None
    narrowest = min(one.high - one.low for one in each)
    assert figure.high - figure.low < 0.8 * narrowest
    without = mean_figures([evaluated("a", seed=1, resamples=0).repetition("a", fold=0, seed=0)])
    assert without["roc_auc_macro"].low is None


def test_differences_are_of_means_over_the_same_resamples() -> None:
    folds = {fold: evaluated("ab", seed=fold) for fold in (1, 2, 3, 4)}
    one, two = (
        [e.repetition(name, fold=fold, seed=0) for fold, e in folds.items()] for name in "ab"
    )
    found = mean_difference(one, two)["roc_auc_macro"]
    each = [e.difference("a", "b")["roc_auc_macro"] for e in folds.values()]
    assert found.value == pytest.approx(np.mean([gap.value for gap in each]))
    assert found.low < found.value < found.high and 0 < found.p <= 1
    assert found.high - found.low < 0.8 * min(gap.high - gap.low for gap in each)
    assert mean_difference(one[:1], two[:1])["roc_auc_macro"] == each[0]
    # Paired: narrower than the systems' own intervals would make it.
    alone = mean_figures(one)["roc_auc_macro"]
    assert found.high - found.low < alone.high - alone.low


def test_rows_of_reproductions_are_compared_over_their_folds(run: Program, tmp_path: Path) -> None:
    systems = ["crnn-gru", "crnn-lstm", "ds-1s-gru"]
    members = []
    for fold, tracks in enumerate((40, 50, 60), start=1):
        write_run(tmp_path / "cv" / f"fold-{fold}", systems=systems, tracks=tracks, baseline=False)
        members.append(Member(folder=f"fold-{fold}", dataset="", fold=fold, seed=0))
    series = Series(source="tracks.csv", folds=3, seeds=(0,), members=tuple(members))
    write_record(tmp_path / "cv" / SERIES, series)
    command = ["compare", tmp_path / "cv", "--bootstrap", 30]
    status, out, err = run(*command, "--json", tmp_path / "out.json")
    assert status == 0, err
    assert "crnn-gru minus crnn-lstm" in out and "popularity" not in out
    document = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert document["bootstrap"]["over"] == "150 tracks"
    assert len(document["comparisons"]) == 3
    singles = []
    for fold in (1, 2, 3):
        place = tmp_path / "cv" / f"fold-{fold}"
        status, _, err = run("compare", place, "--bootstrap", 30, "--json", tmp_path / "one.json")
        assert status == 0, err
        singles.append(json.loads((tmp_path / "one.json").read_text("utf-8"))["comparisons"][0])
    gap = document["comparisons"][0]["roc_auc_macro"]
    assert gap["value"] == pytest.approx(
        np.mean([one["roc_auc_macro"]["value"] for one in singles])
    )
    # The named pairs alone are made and corrected for.
    pairs = ["--pair", "ds-1s-gru,crnn-gru", "--pair", "ds-1s-gru, crnn-lstm"]
    status, out, _ = run(*command, *pairs)
    assert status == 0
    assert [line.split("\t")[0] for line in out.splitlines()[-2:]] == [
        "ds-1s-gru minus crnn-gru", "ds-1s-gru minus crnn-lstm",
    ]  # fmt: skip
    for wrong, said in (
        (["--pair", "ds-1s-gru"], "give two names with a comma"),
        (["--pair", "ds-1s-gru,vggish"], "vggish is none of crnn-gru, crnn-lstm"),
        (["--pair", "ds-1s-gru,ds-1s-gru"], "each two once"),
        (["--against", "ds-1s-gru", *pairs], "give one of them"),
        ([tmp_path / "cv" / "fold-1"], "others on one test set"),
        (["--truth", tmp_path / "cv/fold-1/truth/test.npy"], "folds bring their own"),
    ):
        status, _, err = run(*command, *wrong)
        assert status == 2 and said in err
    status, _, err = run("evaluate", tmp_path / "cv")
    assert status == 2 and "moodtheme compare" in err


@pytest.mark.slow
def test_runs_of_a_series_are_trained_tested_averaged_and_compared(
    run: Program, tmp_path: Path
) -> None:
    table = write_collection(tmp_path / "collection", training=8, others=5)
    values = ("units=4", "dense=4", "batch_size=4", "epochs=2", "frozen_epochs=0", "excerpt_s=1")
    settings = [word for value in values for word in ("--set", value)]
    command = [
        "train", "crnn-gru", "--dataset", table, "--weights", "random", "--device", "cpu",
        "--threads", 1, "--workers", 0, *settings,
    ]  # fmt: skip
    status, out, err = run(*command, "--run", tmp_path / "s", "--folds", 3, "--seeds", 2)
    assert status == 0, err
    assert f"next: moodtheme evaluate {tmp_path / 's'}" in out
    evaluate = ["evaluate", tmp_path / "s", "--bootstrap", 20, "--device", "cpu"]
    status, out, err = run(*evaluate, "--json", tmp_path / "s.json")
    assert status == 0, err
    lines = [line.split("\t") for line in out.splitlines()]
    assert [line[0] for line in lines[1:]] == [
        *(f"fold-{fold}/seed-{seed}" for fold in (1, 2, 3) for seed in (0, 1)),
        "mean of 2 seeds on 3 folds",
    ]
    assert "±" in lines[-1][1]
    document = json.loads((tmp_path / "s.json").read_text("utf-8"))
    values = [row["roc_auc_macro"] for row in document["rows"]]
    assert document["mean"]["roc_auc_macro"]["value"] == pytest.approx(np.mean(values))
    # What was scored once is not scored again.
    scored = tmp_path / "s" / "fold-1" / "seed-0" / "test-scores.npz"
    before = scored.stat().st_mtime_ns
    two = [tmp_path / "s" / "fold-1" / f"seed-{seed}" for seed in (0, 1)]
    status, out, err = run("compare", *two, "--bootstrap", 20, "--device", "cpu")
    assert status == 0, err
    assert "seed-0 minus seed-1" in out
    assert scored.stat().st_mtime_ns == before
    status, _, err = run("compare", tmp_path / "s", two[0])
    assert status == 2 and "was tested on folds 1, 2, 3, others on one test set" in err
    shutil.copytree(tmp_path / "s", tmp_path / "again")
    status, out, err = run("compare", tmp_path / "s", tmp_path / "again", "--bootstrap", 20)
    assert status == 0, err
    last = out.splitlines()[-1].split("\t")
    assert last[0] == "s minus again" and last[1].startswith("+0.0000")
    status, out, err = run("evaluate", two[0], "--bootstrap", 0, "--device", "cpu")
    assert status == 0, err
    assert out.splitlines()[0].split("\t")[:5] == [
        "system", "ROC-AUC", "PR-AUC", "F1 oracle", "F1 best",
    ]  # fmt: skip
    assert "F1 validation" in out
    status, _, err = run("evaluate", two[0], "--truth", table)
    assert status == 2 and "a run brings its own truth" in err


def test_a_run_is_tested_from_any_folder(
    run: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_collection(tmp_path / "collection", training=8, others=5)
    values = ("units=4", "dense=4", "batch_size=4", "epochs=1", "frozen_epochs=0", "excerpt_s=1")
    monkeypatch.chdir(table.parent)
    status, _, err = run(
        "train", "crnn-gru", "--dataset", table.name, "--run", "mine", "--weights", "random",
        "--device", "cpu", "--threads", 1, "--workers", 0,
        *(word for value in values for word in ("--set", value)),
    )  # fmt: skip
    assert status == 0, err
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    evaluate = ("evaluate", table.parent / "mine", "--bootstrap", 0, "--device", "cpu")
    status, out, err = run(*evaluate)
    assert status == 0, err
    assert out.splitlines()[1].startswith("mine\t")
    # Another table of that name here is not the run's own.
    other = elsewhere / table.name
    other.write_text("path,tags,split\nx.wav,high,test\n", encoding="utf-8")
    status, _, err = run(*evaluate)
    assert status == 0, err
    # The run's own counts here too, and one of that name beside the run does not.
    table.replace(other)
    table.write_text("path,tags,split\nx.wav,high,test\n", encoding="utf-8")
    mine = table.parent / "mine"
    assert dataset_of(mine, read_run(mine)) == table.name
    table.unlink()
    other.unlink()
    status, _, err = run(*evaluate)
    assert status == 1 and f"was trained on {table.name}" in err


@pytest.mark.slow
def test_a_reproduction_is_done_with_every_seed_and_averaged(run: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection", training=8, others=6)
    (table.parent / "test-5.flac").write_bytes(b"not audio" * 100)
    folder, more = tmp_path / "run", ["--seeds", 2, "--skip-unreadable"]
    status, out, err = run(*arguments(folder, table, *more, systems="crnn-gru"))
    assert status == 0, err
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}
    assert "±" in rows["crnn-gru"][0]
    assert f"report: {folder / 'report.md'}" in out
    assert "[seed-1](seed-1/report.html)" in (folder / "report.md").read_text("utf-8")
    for seed in (0, 1):
        assert (folder / f"seed-{seed}" / "report.html").is_file()
    assert (folder / "cache" / "audio").is_dir() and not (folder / "seed-0" / "audio").exists()
