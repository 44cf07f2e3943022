"""`moodtheme train`, `predict` and `export`, from a table to tags."""

import csv
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from moodtheme.evaluation.metrics import macro, roc_auc
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.tagger import Tagger
from moodtheme.training.prediction import read_tests
from moodtheme.training.trained import load_trained
from program import Program
from toy_collection import write_collection

SMALL = ["units=8", "dense=8", "excerpt_s=1", "batch_size=4", "frozen_epochs=1", "epochs=1"]


def arguments(table: Path, run: Path, *values: str, system: str = "crnn-gru") -> list[object]:
    settings = [part for value in [*SMALL, *values] for part in ("--set", value)]
    quiet = ["--weights", "random", "--device", "cpu", "--threads", 1, "--workers", 0]
    return ["train", system, "--dataset", table, "--run", run, *quiet, *settings]


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_collection(tmp_path_factory.mktemp("collection"))


@dataclass(frozen=True)
class Session:
    """A training that was run once for all tests."""

    folder: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def session(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("session") / "run"
    command = [sys.executable, "-m", "moodtheme", *map(str, arguments(collection, folder))]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return Session(folder, done.stdout, done.stderr)


@pytest.fixture
def trained(session: Session, tmp_path: Path) -> Path:
    """A finished run of one's own."""
    return shutil.copytree(session.folder, tmp_path / "run")


def test_training_says_what_it_does(session: Session) -> None:
    assert "validation ROC-AUC" in session.out and "waiting for data" in session.out
    assert "12 of 12 tracks to decode" in session.err and " are free" in session.err
    assert "stage 2, epoch 2/2: loss" in session.err


def test_from_a_table_to_tags(
    program: Program, collection: Path, trained: Path, tmp_path: Path
) -> None:
    # Scores of validation tracks, from the files, are those that training saw through its cache.
    output = tmp_path / "validation.npy"
    status, out, err = program("predict", trained, "--part", "validation", "-o", output)
    assert (status, out.split(",")[0]) == (0, f"{output}: 4 tracks"), err
    scores = np.load(output)
    assert (scores.shape, scores.dtype) == ((4, 2), np.float32)
    np.testing.assert_allclose(
        scores, np.load(trained / "validation-scores.npz")["scores"], atol=0.02
    )
    truth = np.load(trained / "validation-truth.npz")["truth"]
    with (trained / "history.csv").open(newline="") as file:
        figures = [float(row["validation_roc_auc"]) for row in csv.DictReader(file)]
    result = json.loads((trained / "result.json").read_text("utf-8"))
    stored = float(macro(roc_auc(truth, np.load(trained / "validation-scores.npz")["scores"])))
    assert result["validation_roc_auc"] == max(figures) == stored

    # The bundle says the same as PyTorch, and tags at once.
    bundle = tmp_path / "bundle"
    assert read_tests([trained]) is None
    status, out, err = program("evaluate", trained, "--bootstrap", 0, "--device", "cpu")
    assert status == 0, err
    tested = float(out.splitlines()[1].split("\t")[1])
    status, out, err = program("export", trained, "-o", bundle, "--licence", "CC0-1.0")
    assert status == 0, err
    manifest = read_manifest(bundle)
    assert (manifest.name, manifest.tags) == ("crnn-gru", ("high", "noisy"))
    assert manifest.thresholds is not None and manifest.licence == "CC0-1.0"
    # Its card has the figure of the test, once there is one.
    card = (bundle / "README.md").read_text("utf-8")
    assert f"roc_auc_macro {tested:.4f}" in card and f", on {collection}, test" in card
    audio, rate = soundfile.read(collection.parent / "test-1.flac", dtype="float32")
    assert rate != 16_000
    system = load_trained(trained)
    from moodtheme.audio import resample

    samples = resample(audio, rate, 16_000)
    start = (len(samples) - 16_000) // 2
    with torch.no_grad():
        inputs = torch.from_numpy(samples[start : start + 16_000])[None]
        expected = torch.sigmoid(system.network(inputs))[0].numpy()
    np.testing.assert_allclose(Tagger.load(bundle).score(audio, rate), expected, atol=1e-4)
    status, out, err = program(
        "tag", collection.parent / "test-1.flac", "--model", bundle, "--format", "json"
    )
    assert status == 0, err
    assert {tag["tag"] for tag in json.loads(out)[0]["tags"]} == {"high", "noisy"}
    assert all(tag["decision"] is not None for tag in json.loads(out)[0]["tags"])


def test_predicted_columns_are_the_tables(
    program: Program, collection: Path, trained: Path, tmp_path: Path
) -> None:
    # Scores used to come in the run's order of columns while help promised the table's.
    turned = collection.parent / "turned.csv"
    turned.write_text(
        "path,split,artist,noisy,High\ntest-1.flac,test,A,1,0\ntest-0.flac,test,,1,1\n", "utf-8"
    )
    runs, table = tmp_path / "runs.npz", tmp_path / "tables.npz"
    assert program("predict", trained, "-o", runs)[0] == 0
    status, _, err = program("predict", trained, "--dataset", turned, "-o", table)
    assert status == 0, err
    with np.load(runs) as mine, np.load(table) as found:
        assert found["tags"].tolist() == ["noisy", "High"]
        assert found["ids"].tolist() == ["test-1.flac", "test-0.flac"]
        assert found["artists"].tolist() == ["A", ""]
        np.testing.assert_array_equal(found["scores"], mine["scores"][[1, 0]][:, ::-1])
    # Other tags than the run's go into a file with names, and into no other.
    turned.write_text("path,split,noisy\ntest-1.flac,test,1\n", "utf-8")
    status, _, err = program("predict", trained, "--dataset", turned, "-o", table)
    assert status == 0 and "--like" in err
    status, _, err = program("predict", trained, "--dataset", turned, "-o", tmp_path / "x.npy")
    assert status == 2 and "end in .npz" in err and not (tmp_path / "x.npy").exists()


def resplit(collection: Path, folder: Path) -> Path:
    """Training recordings under other names, as another table's test; one of the run's own."""
    folder.mkdir()
    lines = ["path,tags,split,artist"]
    for number in range(3):
        shutil.copy(collection.parent / f"train-{number}.flac", folder / f"{number}.flac")
        lines.append(f"{number}.flac,{'high' if number % 2 == 0 else 'noisy'},test,A")
    shutil.copy(collection.parent / "test-1.flac", folder / "other.flac")
    lines.append("other.flac,noisy,test,train artist 0")
    (folder / "again.csv").write_text("\n".join(lines), "utf-8")
    return folder / "again.csv"


def test_what_was_trained_on_is_no_test(
    program: Program, collection: Path, trained: Path, tmp_path: Path
) -> None:
    # A re-split table used to give splendid figures on tracks that were all trained on.
    table, scores = resplit(collection, tmp_path / "again"), tmp_path / "scores.npz"
    predict = ["predict", trained, "--dataset", table, "-o", scores]
    status, out, err = program(*predict)
    assert (status, out) == (1, "") and not scores.exists()
    assert "3 of 4 recordings were trained on (0.flac, 1.flac, 2.flac)" in err
    assert "--allow-seen" in err
    status, _, err = program(*predict, "--allow-seen")
    assert status == 0 and "1 of 4 tracks are by artists that were trained on" in err
    with np.load(scores) as found:
        assert found["seen"].tolist() == ["train"] * 3 + ["artist"]
    # The mark stays with the scores, fused ones too, and evaluation refuses them.
    truth, fused = tmp_path / "truth.npz", tmp_path / "fused.csv"
    assert program("dataset", "truth", table, "-o", truth)[0] == 0
    assert program("fuse", scores, "-o", fused)[0] == 0
    for file in (scores, fused):
        status, out, err = program("evaluate", "--truth", truth, file)
        assert (status, out) == (1, "") and "3 of 4 recordings were trained on" in err
        status, out, err = program("evaluate", "--truth", truth, file, "--allow-seen")
        assert status == 0 and out.splitlines()[1].startswith(f"{file.stem} (seen)\t")
    # Training and validation tracks may be scored as what they are.
    for part in ("train", "validation", "all"):
        status, _, err = program("predict", trained, "--part", part, "-o", tmp_path / "own.npz")
        assert status == 0 and "warning" not in err, err
    with np.load(tmp_path / "own.npz") as found:
        assert sorted(set(found["seen"].tolist())) == ["", "train", "validation"]


def test_a_run_that_did_not_write_down_its_tracks(
    program: Program, collection: Path, trained: Path, tmp_path: Path
) -> None:
    (trained / "tracks.json").unlink()
    scores = tmp_path / "scores.npz"
    status, _, err = program("predict", trained, "-o", scores)
    assert status == 1 and "tracks.json" in err and "repeat the run's" in err
    # The finished run's command writes it, and trains nothing.
    status, _, err = program(*arguments(collection, trained))
    assert status == 0 and "epoch" not in err
    assert program("predict", trained, "-o", scores)[0] == 0


def test_shared_artists_are_said(program: Program, collection: Path, tmp_path: Path) -> None:
    table = tmp_path / "shared.tsv"
    rows = collection.read_text("utf-8").replace("test artist 0", "train artist 0")
    table.write_text(rows.replace("\n", f"\n{collection.parent}/").rpartition("\n")[0], "utf-8")
    _, _, err = program(*arguments(table, tmp_path / "run"))
    assert "1 artist is in more than one part of the collection" in err
    assert "train artist 0" in err and "moodtheme dataset split" in err


def test_unreadable_tracks_can_be_left_out_of_scores(
    program: Program, collection: Path, trained: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(collection.parent, tmp_path / "collection")
    (folder / "test-1.flac").write_bytes(b"not audio" * 100)
    table, scores, truth = folder / collection.name, tmp_path / "s.npz", tmp_path / "t.npz"
    predict = ["predict", trained, "--dataset", table, "-o", scores]
    status, _, err = program(*predict)
    assert status == 1 and "--skip-unreadable" in err and not scores.exists()
    status, out, err = program(*predict, "--skip-unreadable", "--threads", 1)
    assert status == 0 and "3 tracks, 2 tags" in out and "1 of 4 tracks are left out" in err
    # The truth of all tracks does not fit any more; that of the scored ones does.
    assert program("dataset", "truth", table, "-o", truth)[0] == 0
    status, _, err = program("evaluate", "--truth", truth, scores)
    assert status == 1 and "lacks 1 of the 4 tracks" in err and "test-1.flac" in err
    assert program("dataset", "truth", table, "--like", scores, "-o", truth)[0] == 0
    assert program("evaluate", "--truth", truth, scores)[0] == 0


def test_a_runs_table_is_found_from_another_folder(
    program: Program, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = json.loads((trained / "run.json").read_text("utf-8"))
    table = write_collection(tmp_path / "songs")
    record["dataset"] = f"songs/{table.name}"  # as it was given in tmp_path
    (trained / "run.json").write_text(json.dumps(record), "utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    status, out, err = program("predict", trained, "-o", "scores.npz")
    assert (status, out[:10]) == (0, "scores.npz"), err
    record["dataset"] = "gone/table.csv"
    (trained / "run.json").write_text(json.dumps(record), "utf-8")
    status, _, err = program("predict", trained, "-o", "scores.npz")
    assert status == 1 and "gone/table.csv" in err and "--dataset" in err


def test_whole_tracks_can_be_averaged(program: Program, trained: Path, tmp_path: Path) -> None:
    centre, cover = tmp_path / "centre.npy", tmp_path / "cover.npy"
    assert program("predict", trained, "-o", centre)[0] == 0
    status, out, _ = program("predict", trained, "-o", cover, "--evaluation", "cover")
    assert status == 0 and "excerpt cover of 1 s" in out
    assert np.abs(np.load(centre) - np.load(cover)).max() > 1e-4


def test_the_same_command_does_not_train_again_and_another_is_refused(
    program: Program, collection: Path, trained: Path
) -> None:
    before = (trained / "result.json").stat().st_mtime_ns
    assert program(*arguments(collection, trained))[0] == 0
    assert (trained / "result.json").stat().st_mtime_ns == before
    for change, difference in (("units=9", "head.units 8, not 9"), ("seed", "seed 0, not 1")):
        extra = ["--seed", 1] if change == "seed" else ["--set", change]
        status, _, err = program(*arguments(collection, trained), *extra)
        assert status == 1 and difference in err and "name another folder" in err


def test_a_finished_run_trained_longer_ends_as_one_that_was_to_be_longer(
    program: Program, collection: Path, trained: Path, tmp_path: Path
) -> None:
    status, _, err = program(*arguments(collection, trained, "epochs=3"))
    assert status == 0, err
    assert "epoch 2/4" not in err and "stage 2, epoch 4/4" in err
    fresh = tmp_path / "fresh"
    assert program(*arguments(collection, fresh, "epochs=3"))[0] == 0
    longer, whole = (
        [line.split(",")[:5] for line in (run / "history.csv").read_text("utf-8").splitlines()]
        for run in (trained, fresh)
    )
    assert longer == whole and len(longer) == 5
    scores = [np.load(run / "validation-scores.npz")["scores"] for run in (trained, fresh)]
    np.testing.assert_array_equal(*scores)
    assert json.loads((trained / "result.json").read_text("utf-8"))["epochs"] == 4
    # Not shorter, and no more of a stage that others began from.
    for change in ("epochs=2", "frozen_epochs=2"):
        status, _, err = program(*arguments(collection, trained, "epochs=3", change))
        assert status == 1 and f"schedule.{change.partition('=')[0]} " in err


def test_a_learning_rate_far_too_high_leaves_a_run_that_can_be_used(
    program: Program, collection: Path, tmp_path: Path
) -> None:
    status, out, err = program(*arguments(collection, tmp_path / "run", "learning_rate=1e30"))
    assert status == 0, err
    assert "diverged in epoch 2 and ended there; epoch 1, the best before, is kept" in err
    assert "Train with a lower learning rate" in err and "validation ROC-AUC" in out
    status, _, err = program("export", tmp_path / "run", "-o", tmp_path / "bundle")
    assert status == 0, err
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    assert np.isfinite(Tagger.load(tmp_path / "bundle").score(noise, 16_000)).all()


def test_missing_files_stop_a_run_with_their_names(program: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection")
    for number in (1, 3):
        (table.parent / f"train-{number}.flac").unlink()
    (table.parent / "test-0.flac").unlink()  # not needed for training
    status, _, err = program(*arguments(table, tmp_path / "run"))
    assert status == 1
    assert "2 of 12 tracks" in err
    assert "train-1.flac" in err and "train-3.flac" in err
    assert "test-0.flac" not in err
    assert not (tmp_path / "run").exists()


def test_unreadable_files_stop_a_run_or_are_left_out(program: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection")
    (table.parent / "train-1.flac").write_bytes(b"not audio" * 100)
    (table.parent / "test-1.flac").write_bytes(b"not audio" * 100)
    status, _, err = program(*arguments(table, tmp_path / "run"))
    assert status == 1 and "1 of 12 tracks" in err
    assert str(table.parent / "train-1.flac") in err and "--skip-unreadable" in err
    status, _, err = program(*arguments(table, tmp_path / "run"), "--skip-unreadable")
    assert status == 0 and "1 tracks" in err
    output = tmp_path / "test.npy"
    status, _, err = program("predict", tmp_path / "run", "-o", output)
    assert status == 1 and "1 of 4 tracks cannot be scored" in err and not output.exists()


def test_soundnet_trains_on_its_own_rate(
    program: Program, collection: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    status, _, err = program(
        *arguments(collection, run, "convolutions=soundnet", system="crnn-blstm")
    )
    assert status == 0, err
    assert (run / "audio" / "22050-hz" / "index.jsonl").is_file()


def test_runs_can_share_decoded_audio(program: Program, collection: Path, tmp_path: Path) -> None:
    shared = ["--audio-cache", tmp_path / "shared"]
    assert program(*arguments(collection, tmp_path / "one"), *shared)[0] == 0
    _, _, err = program(*arguments(collection, tmp_path / "two", system="crnn-lstm"), *shared)
    assert "to decode" not in err
    assert not list(tmp_path.glob("*/audio*"))


def test_a_run_that_is_not_finished_or_not_there_cannot_be_used(
    program: Program, trained: Path, tmp_path: Path
) -> None:
    (trained / "result.json").unlink()
    status, _, err = program("export", trained)
    assert status == 1 and "is not finished" in err
    status, _, err = program("predict", tmp_path / "nowhere", "-o", tmp_path / "x.npy")
    assert status == 1 and "nowhere" in err


def test_wrong_usage(program: Program, collection: Path, tmp_path: Path) -> None:
    status, _, err = program("train", "crnn-gru")
    assert status == 2 and "--dataset TABLE and --run DIR" in err
    status, _, err = program("train", "crnn-tcn", "--show")
    assert status == 2 and "choose from crnn-lstm" in err
    status, _, err = program(*arguments(collection, tmp_path / "run", "units"))
    assert status == 2 and "is not NAME=VALUE" in err
    status, _, err = program("predict", tmp_path, "-o", tmp_path / "x.npy", "--part", "tset")
    assert status == 2 and "is no split" in err


def test_a_recipe_goes_through_a_file(
    program: Program, collection: Path, trained: Path, tmp_path: Path
) -> None:
    settings = [part for value in SMALL for part in ("--set", value)]
    show = ["train", "crnn-gru", "--show", "--format", "toml", "--weights", "random"]
    status, out, _ = program(*show, *settings)
    assert status == 0 and 'system = "crnn-gru"' in out and "units = 8  # set for this run" in out
    (tmp_path / "mine.toml").write_text(out, "utf-8")
    # The file's recipe is the run's: nothing is trained again, and --set goes beyond it.
    command = ["train", tmp_path / "mine.toml", "--dataset", collection, "--run", trained]
    status, out, err = program(*command)
    assert status == 0 and "epoch 1/" not in err, err
    status, _, err = program(*command, "--set", "units=9")
    assert status == 1 and "head.units 8, not 9" in err


def test_a_training_is_logged_where_one_wants(
    program: Program, collection: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = arguments(collection, run, "epochs=0")
    status, _, err = program(*command, "--log", "CSVLogger:name=logs,version=one")
    assert status == 0, err
    rows = list(csv.DictReader((run / "logs" / "one" / "metrics.csv").open(newline="")))
    assert {"train_loss", "validation_roc_auc"} <= set(rows[0])
    for wanted, complaint in (
        ("NoLogger", "no such logger"),
        ("pathlib.Path", "is no logger"),
        ("CSVLogger:name", "is not NAME=VALUE"),
    ):
        status, _, err = program(*arguments(collection, tmp_path / "no"), "--log", wanted)
        assert status == 2 and complaint in err and not (tmp_path / "no").exists()


def test_show_prints_sources_and_keras_count(program: Program) -> None:
    status, out, _ = program("train", "crnn-blstm", "--show", "--set", "dropout=0.2")
    assert status == 0
    assert "set for this run" in out and "paper, section 2.1" in out
    assert "8,240,440" in out


def test_without_the_extra_the_commands_say_what_to_install(tmp_path: Path) -> None:
    block = "import sys; sys.modules['torch'] = None; sys.argv = {argv!r}; "
    block += "from moodtheme.cli.app import main; main()"
    for argv in (
        ["moodtheme", "train", "crnn-gru", "--dataset", "t.csv", "--run", str(tmp_path / "r")],
        ["moodtheme", "predict", str(tmp_path), "-o", "x.npy"],
        ["moodtheme", "export", str(tmp_path)],
    ):
        done = subprocess.run(
            [sys.executable, "-c", block.format(argv=argv)],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 2
        assert "pip install 'moodtheme[train]'" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_training_with_its_status(
    collection: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    words = map(str, arguments(collection, tmp_path / "run", "epochs=5000"))
    run = subprocess.Popen(
        [sys.executable, "-m", "moodtheme", *words], stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert run.stderr is not None
    for line in run.stderr:
        if "epoch 2/" in line:
            break
    run.send_signal(number)
    _, err = run.communicate(timeout=600)
    assert run.returncode == status
    assert "Traceback" not in err
