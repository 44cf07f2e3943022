"""Several seeds and folds: what belongs together, means and deviations, and the commands."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evaluation_cases import case
from moodtheme.datasets import Split, group_folds, load_dataset
from moodtheme.errors import TrainingError
from moodtheme.evaluation import Evaluation, ScoredSet
from moodtheme.evaluation.repeated import mean_figures
from moodtheme.training.series import places, plan_series, read_series
from program import Program
from toy_collection import write_collection
from toy_reproduction import arguments

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
    assert status == 2 and "holds several runs" in err
    status, out, err = run("evaluate", two[0], "--bootstrap", 0, "--device", "cpu")
    assert status == 0, err
    assert out.splitlines()[0].split("\t")[:5] == [
        "system", "ROC-AUC", "PR-AUC", "F1 oracle", "F1 best",
    ]  # fmt: skip
    assert "F1 validation" in out
    status, _, err = run("evaluate", two[0], "--truth", table)
    assert status == 2 and "a run brings its own truth" in err


@pytest.mark.slow
def test_a_reproduction_is_done_with_every_seed_and_averaged(run: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection", training=8, others=6)
    folder = tmp_path / "run"
    status, out, err = run(*arguments(folder, table, "--seeds", 2, systems="crnn-gru"))
    assert status == 0, err
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}
    assert "±" in rows["crnn-gru"][0]
    assert f"report: {folder / 'report.md'}" in out
    assert "[seed-1](seed-1/report.html)" in (folder / "report.md").read_text("utf-8")
    for seed in (0, 1):
        assert (folder / f"seed-{seed}" / "report.html").is_file()
    assert (folder / "cache" / "audio").is_dir() and not (folder / "seed-0" / "audio").exists()
