"""`moodtheme reproduce`: one miniature run, and what must stop or skip one."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from moodtheme.feature_store import Extractor, deep_spectrum, describe_extractor
from moodtheme.recipes import DeepSpectrumView
from moodtheme.reproduction.results import Kind, read_results
from moodtheme.reproduction.stages import read_timings
from moodtheme.tagging.tagger import Tagger
from program import Program
from toy_collection import write_collection
from toy_reproduction import arguments

SYSTEM = "crnn-gru"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_collection(tmp_path_factory.mktemp("collection"))


@dataclass(frozen=True)
class Sitting:
    """A reproduction that was run once for all tests."""

    folder: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def sitting(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Sitting:
    folder = tmp_path_factory.mktemp("sitting") / "run"
    words = map(str, arguments(folder, collection, systems=SYSTEM))
    command = [sys.executable, "-m", "moodtheme", *words]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return Sitting(folder, done.stdout, done.stderr)


@pytest.fixture
def finished(sitting: Sitting, tmp_path: Path) -> Path:
    """A finished reproduction of one's own."""
    return shutil.copytree(sitting.folder, tmp_path / "run")


def test_one_command_makes_scores_models_results_and_a_report(
    sitting: Sitting, program: Program, collection: Path
) -> None:
    folder = sitting.folder
    results = read_results(folder)
    assert [(row.name, row.kind) for row in results.rows] == [
        ("popularity", Kind.POPULARITY),
        (SYSTEM, Kind.SYSTEM),
    ]
    (run,) = results.runs
    assert {"head.units", "view.pretrained", "schedule.epochs"} <= set(run.changed)
    assert run.epochs == 2 and (folder / run.history).is_file()
    assert any("quick preset" in note for note in results.notes)
    assert any("Random weights" in note for note in results.notes)
    assert results.dataset.parts[0].positives == (4, 4)
    assert results.settings.threads == 1

    # The figures are those of the files beside them.
    row = results.rows[1]
    status, out, err = program(
        "evaluate", folder / row.test_scores.path, "--truth", folder / "truth" / "test.npz",
        "--tags", folder / "tags.txt", "--long",
    )  # fmt: skip
    assert status == 0, err
    said = dict(line.split("\t")[1:3] for line in out.splitlines() if line.startswith(SYSTEM))
    for key in ("roc_auc_macro", "pr_auc_micro", "f1_macro_oracle"):
        value = row.test[key].value
        assert value is not None and float(said[key]) == pytest.approx(value, abs=1e-6)

    # The model says what the scores say.
    assert row.bundle is not None
    tagger = Tagger.load(folder / row.bundle)
    scores = np.load(folder / row.test_scores.path)["scores"]
    for number in (0, 3):
        heard = tagger.tag(collection.parent / f"test-{number}.flac")
        found = [next(t.score for t in heard.tags if t.name == tag) for tag in tagger.tags]
        np.testing.assert_allclose(found, scores[number], atol=1e-4)
    assert {example.model for example in results.examples} == {row.bundle}
    assert all(len(window.scores) == 2 for e in results.examples for window in e.windows)

    stages = [timing.stage for timing in read_timings(folder).stages]
    assert stages[0] == "decode at 22050 Hz" and f"train {SYSTEM}" in stages
    assert f"report: {folder / 'report.html'}" in sitting.out
    assert (folder / "report.html").stat().st_size > 1000
    assert (folder / "table1.csv").is_file() and (folder / "table1.md").is_file()


def test_what_is_said_is_logged_and_estimates_come_first(sitting: Sitting) -> None:
    log = (sitting.folder / "log.txt").read_text("utf-8").splitlines()
    said = [line.partition(" ")[2] for line in log]
    assert said[0].startswith("moodtheme reproduce RUN_DIR --dataset")
    estimates = [number for number, line in enumerate(said) if line.startswith("estimate: ")]
    begins = [number for number, line in enumerate(said) if line.endswith(": begins")]
    assert estimates and begins and max(estimates) < min(begins)
    assert any(line.startswith(f"estimate: train {SYSTEM}: ") for line in said)
    assert said[-1].startswith("finished")
    assert all(line in sitting.err for line in said[1:-1])


def test_the_same_command_does_nothing_again(
    program: Program, collection: Path, finished: Path
) -> None:
    before = (finished / "results.json").read_bytes()
    status, _, err = program(*arguments(finished, collection, systems=SYSTEM))
    assert status == 0, err
    assert "begins" not in err and f"train {SYSTEM}: unchanged, skipped" in err
    assert "report: unchanged, skipped" in err
    assert (finished / "results.json").read_bytes() == before


def test_other_settings_are_refused_before_anything_starts(
    program: Program, collection: Path, finished: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.npz")}
    more = ["--set", "crnn.units=5", "--seed", 1]
    status, _, err = program(*arguments(finished, collection, *more, systems=SYSTEM))
    assert status == 1
    assert "head.units 4, not 5; seed 0, not 1" in err and "nothing was started" in err
    assert before == {path: path.stat().st_mtime_ns for path in finished.rglob("*.npz")}


def test_a_table_whose_files_are_half_missing_stops_with_the_list(
    program: Program, tmp_path: Path
) -> None:
    table = write_collection(tmp_path / "collection")
    gone = sorted(table.parent.glob("*.flac"))[::2]
    for file in gone:
        file.unlink()
    run = tmp_path / "run"
    status, _, err = program(*arguments(run, table, systems=SYSTEM))
    assert status == 1 and "8 of 16 files are missing" in err
    assert all(file.name in err for file in gone)
    assert sorted(path.name for path in run.iterdir()) == ["log.txt", "missing-files.txt"]


def test_a_dry_run_prints_estimates_and_leaves_nothing(
    program: Program, collection: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    status, out, err = program(*arguments(run, collection, "--dry-run", systems=SYSTEM))
    assert status == 0, err
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["stage", "estimate", "for"]
    assert {
        "decode at 22050 Hz",
        f"train {SYSTEM}",
        "scores, models, figures",
        "all of these",
    } <= {row[0] for row in rows}
    assert "GB of memory to train crnn-gru" in err and "GB of disk" in err
    assert not run.exists()


def test_what_is_in_the_cache_is_not_estimated(
    program: Program, collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_a_network(view: DeepSpectrumView, **_: object) -> Extractor:
        info = describe_extractor(view)

        def begin(windows: np.ndarray) -> Callable[[], np.ndarray]:
            return lambda: np.zeros((len(windows), info.n_features), np.float32)

        return Extractor(info, begin)

    monkeypatch.setattr(deep_spectrum, "make", without_a_network)
    cache, stage = tmp_path / "cache", "extract efficientnet-lite0 features of 1 s"
    more = ["--cache", cache, "--dry-run"]
    words = arguments(tmp_path / "run", collection, *more, systems="ds-1s-gru")
    status, out, err = program(*words)
    assert status == 0 and f"{stage}\t" in out and "16 windows at" in out, err
    extract = ["features", "extract", "--dataset", collection, "--system", "ds-1s-gru"]
    extract += ["-o", cache / "features", "--set", "image_network=efficientnet-lite0"]
    extract += ["--set", "duration_s=1", "--weights", "random"]
    assert program(*extract, "--part", "validation")[0] == 0
    assert "12 windows at" in program(*words)[1]
    assert program(*extract)[0] == 0
    status, out, err = program(*words)
    assert status == 0 and stage not in out and "timing extract" not in err
    assert "train ds-1s-gru\t" in out


def test_a_dry_run_estimates_what_cannot_be_started_yet_and_names_every_problem(
    program: Program, tmp_path: Path
) -> None:
    table = write_collection(tmp_path / "collection")
    (table.parent / "train-1.flac").unlink()
    run = tmp_path / "run"
    more = ["--weights", "published", "--offline", "--dry-run"]
    status, out, err = program(*arguments(run, table, *more, systems=SYSTEM))
    assert status == 1
    assert "train crnn-gru\t" in out
    assert "1 of 16 files are missing" in err and "soundnet8.npy, which crnn-gru begin" in err
    assert not run.exists()


def test_systems_that_cannot_be_exported_are_trained_and_reported(
    program: Program, collection: Path, tmp_path: Path
) -> None:
    pytest.importorskip("opensmile", reason="pip install 'moodtheme[opensmile]'")
    run = tmp_path / "run"
    command = ["reproduce", run, "--dataset", collection, "--systems", "opensmile-gru"]
    command += ["--bootstrap", 20, "--threads", 1, "--jobs", 1, "--device", "cpu"]
    values = ("units=4", "dense=4", "epochs=2", "duration_s=1", "batch_size=4")
    command += [word for value in values for word in ("--set", f"opensmile.{value}")]
    status, out, err = program(*command)
    assert status == 0, err
    assert "opensmile-gru\t" in out
    assert "export opensmile-gru: left out" in err and "moodtheme predict" in err
    results = read_results(run)
    assert results.rows[-1].bundle is None and not results.examples
    assert (run / "report.html").is_file() and not (run / "bundles").exists()


def test_unreadable_tracks_stop_a_run_before_it_trains(program: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection")
    for name in ("train-1", "test-2"):
        (table.parent / f"{name}.flac").write_bytes(b"not audio" * 100)
    run = tmp_path / "run"
    status, _, err = program(*arguments(run, table, systems=SYSTEM))
    assert status == 1 and "2 of 16 tracks cannot be read" in err
    assert "train-1.flac: " in err and "test-2.flac: " in err and "--skip-unreadable" in err
    assert not (run / "systems").exists()


def test_weights_that_cannot_be_had_stop_a_run_at_once(
    program: Program, collection: Path, tmp_path: Path
) -> None:
    status, _, err = program(
        "reproduce", tmp_path / "run", "--dataset", collection, "--systems", SYSTEM, "--offline"
    )
    assert status == 1
    assert "vggish-10086976.pth, which crnn-gru begin with, is not here" in err
    assert "--weights random" in err


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; sys.argv = "
    code += repr(["moodtheme", "reproduce", str(tmp_path / "run"), "--dataset", "demo"])
    code += "; from moodtheme.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2 and "pip install 'moodtheme[train]'" in done.stderr
