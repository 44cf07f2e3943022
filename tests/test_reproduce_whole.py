"""Reproductions from end to end: killed and resumed, repeated, swept, on MTG-Jamendo's own rows."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirror import running_mirror, sha256
from moodtheme.datasets.jamendo import HEADER
from moodtheme.demo import Mood, compose_and_render
from moodtheme.recipes import BASELINE, NINE_SYSTEMS
from moodtheme.reproduction.results import Kind, read_results
from moodtheme.tagging.tagger import Tagger
from program import Program
from toy_collection import write_collection
from toy_jamendo import regular, tar_of
from toy_reproduction import arguments

pytestmark = pytest.mark.slow

KILLS = 10
SYSTEMS = "crnn-gru,ds-1s-gru"
SHARED = Path(__file__).parents[2] / "shared" / "jamendo"


def start(words: list[object]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "moodtheme", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def said(folder: Path) -> list[str]:
    log = folder / "log.txt"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def kill_in_the_middle(words: list[object], folder: Path, chance: random.Random) -> bool:
    """Kill a run a random moment after a random line of a stage; whether it was still running."""
    process = start(words)
    stop_after = chance.randint(1, 4)
    begun = len([line for line in said(folder) if line.endswith("begins")])
    while process.poll() is None:
        now = len([line for line in said(folder) if line.endswith("begins")])
        if now - begun >= stop_after:
            time.sleep(chance.uniform(0, 1.5))
            break
        time.sleep(0.02)
    alive = process.poll() is None
    process.kill()
    process.wait()
    return alive


def test_a_run_killed_at_random_moments_ends_with_the_results_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    table = write_collection(tmp_path / "collection")
    more = ["--set", "crnn.epochs=3", "--set", "ds.epochs=4"]
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    done = start(arguments(undisturbed, table, *more, systems=SYSTEMS)).wait()
    assert done == 0
    words = arguments(disturbed, table, *more, systems=SYSTEMS)
    chance = random.Random(11)
    killed = 0
    while killed < KILLS:
        if kill_in_the_middle(words, disturbed, chance):
            killed += 1
        else:  # it came to its end; go back to somewhere before
            unfinish(disturbed, chance)
    assert start(words).wait() == 0
    assert (disturbed / "results.json").read_bytes() == (undisturbed / "results.json").read_bytes()
    for file in undisturbed.rglob("*.npz"):
        other = disturbed / file.relative_to(undisturbed)
        assert other.read_bytes() == file.read_bytes(), file
    skipped = [line for line in said(disturbed) if line.endswith("unchanged, skipped")]
    assert len(skipped) > KILLS


def unfinish(folder: Path, chance: random.Random) -> None:
    """Forget some stages, as if they had not been reached."""
    for stamp in (folder / ".stages").iterdir():
        if chance.random() < 0.5:
            stamp.unlink()
    shutil.rmtree(folder / "systems" / chance.choice(SYSTEMS.split(",")))


def test_two_runs_with_one_seed_are_equal_and_another_seed_is_not(tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection")
    for name, more in {
        "one": [],
        "two": ["--jobs", 2, "--workers", 1],
        "three": ["--seed", 1],
    }.items():
        assert start(arguments(tmp_path / name, table, *more, systems=SYSTEMS)).wait() == 0
    one, two, three = (tmp_path / name / "results.json" for name in ("one", "two", "three"))
    assert one.read_bytes() == two.read_bytes()
    figures = [
        [row.test["roc_auc_micro"].value for row in read_results(path.parent).rows]
        for path in (one, three)
    ]
    assert figures[0] != figures[1]


def test_a_run_trained_elsewhere_with_the_same_settings_is_taken(
    program: Program, tmp_path: Path
) -> None:
    table = write_collection(tmp_path / "collection")
    first, second = tmp_path / "first", tmp_path / "second"
    assert program(*arguments(first, table, systems="crnn-gru"))[0] == 0
    shutil.copytree(first / "systems" / "crnn-gru", second / "systems" / "crnn-gru")
    status, _, err = program(*arguments(second, table, systems="crnn-gru"))
    assert status == 0, err
    assert "train crnn-gru: trained before with the same settings, taken as it is" in err
    assert (first / "results.json").read_bytes() == (second / "results.json").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="only on POSIX")
def test_ctrl_c_stops_a_training_and_says_that_it_can_go_on(tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection")
    run = tmp_path / "run"
    more = ["--set", "crnn.epochs=500"]
    words = map(str, arguments(run, table, *more, systems="crnn-gru"))
    process = subprocess.Popen(
        [sys.executable, "-m", "moodtheme", *words], stderr=subprocess.PIPE, encoding="utf-8"
    )
    history = run / "systems" / "crnn-gru" / "history.csv"
    while not history.exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert "the same command goes on from here" in err and "Traceback" not in err
    assert said(run)[-1].endswith("interrupted")


def test_a_sweep_chooses_on_validation_and_reports_every_configuration(
    program: Program, tmp_path: Path
) -> None:
    table = write_collection(tmp_path / "collection")
    words = arguments(tmp_path / "run", table, "--sweep", systems="crnn-gru")
    at = words.index("crnn.units=4")
    del words[at - 1 : at + 1]
    status, _, err = program(*words)
    assert status == 0, err
    results = read_results(tmp_path / "run")
    assert len(results.sweep) == 9
    tried = {(point.values["units"], point.values["dropout"]) for point in results.sweep}
    assert tried == {(u, d) for u in ("128", "256", "512") for d in ("0.2", "0.3", "0.4")}
    (chosen,) = [point for point in results.sweep if point.chosen]
    assert chosen.validation_roc_auc == max(point.validation_roc_auc for point in results.sweep)
    (run,) = results.runs
    settings = {setting.name: setting for setting in run.settings}
    assert settings["head.units"].value == chosen.values["units"]
    assert settings["head.dropout"].source == "chosen on validation by --sweep"
    assert run.selection_roc_auc == chosen.validation_roc_auc


def jamendo_rows(part: str, count: int) -> list[str]:
    """Real rows of the official list, chosen so that tags recur."""
    lines = (
        (SHARED / "split-0" / f"autotagging_moodtheme-{part}.tsv").read_text("utf-8").splitlines()
    )
    frequent = {"happy", "film", "dark", "energetic", "relaxing"}
    tagged = [
        line
        for line in lines[1:]
        if len({cell.split("---")[1] for cell in line.split("\t")[5:]} & frequent) == 1
    ]
    by_tag = [[line for line in tagged if line.endswith(f"---{tag}")] for tag in sorted(frequent)]
    turns = [line for turn in zip(*by_tag, strict=False) for line in turn]
    return turns[:count]


@pytest.mark.shared
def test_mtg_jamendo_in_miniature_from_download_to_report(program: Program, tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("THE PAPER PRESET IS NOT TRIED ON MTG-JAMENDO'S ROWS: ../shared is absent")

    rows = {"train": 10, "validation": 5, "test": 5}
    lists = {part: jamendo_rows(part, count) for part, count in rows.items()}
    place = tmp_path / "metadata" / "splits" / "split-0"
    place.mkdir(parents=True)
    for part, lines in lists.items():
        text = "\n".join(["\t".join(HEADER), *lines]) + "\n"
        (place / f"autotagging_moodtheme-{part}.tsv").write_text(text, encoding="utf-8")
    moods = {"happy": Mood.HAPPY, "dark": Mood.DARK, "energetic": Mood.ENERGETIC}
    content = {}
    for number, line in enumerate(line for lines in lists.values() for line in lines):
        cells = line.split("\t")
        mood = moods.get(cells[-1].split("---")[1], Mood.RELAXING)
        audio = compose_and_render(mood, seed=number, duration_s=4.0, sample_rate=44_100)
        file = io.BytesIO()
        soundfile.write(file, audio, 44_100, format="MP3")
        content[cells[3]] = file.getvalue()
    archives = {
        f"autotagging_moodtheme_audio-{folder}.tar": tar_of(
            regular(name, body) for name, body in content.items() if name.startswith(f"{folder}/")
        )
        for folder in sorted({name[:2] for name in content})
    }
    download = tmp_path / "metadata" / "download"
    download.mkdir()
    for kind, files in (("tars", archives), ("tracks", content)):
        (download / f"autotagging_moodtheme_audio_sha256_{kind}.txt").write_text(
            "".join(f"{sha256(body)} {name}\n" for name, body in files.items()), encoding="utf-8"
        )
    dataset = tmp_path / "jamendo"
    with running_mirror() as mirror:
        mirror.files.update(
            {f"autotagging_moodtheme/audio/{name}": body for name, body in archives.items()}
        )
        status, _, err = program(
            "dataset", "download", "jamendo", dataset, "--metadata", tmp_path / "metadata",
            "--mirror", mirror.url,
        )  # fmt: skip
        assert status == 0, err

    values = ["all.epochs=1", "crnn.frozen_epochs=1", "baseline.sgd_epochs=0", "all.batch_size=5"]
    values += ["crnn.units=8", "crnn.excerpt_s=2", "ds.units=8", "ds.duration_s=2"]
    values += ["ds.image_network=efficientnet-lite0"]
    run = tmp_path / "run"
    status, out, err = program(
        "reproduce", run, "--dataset", f"jamendo:{dataset}", "--metadata", tmp_path / "metadata",
        "--preset", "paper", "--weights", "random", "--device", "cpu", "--threads", 1,
        "--bootstrap", 20, *(word for value in values for word in ("--set", value)),
    )  # fmt: skip
    assert status == 0, err
    results = read_results(run)
    assert results.dataset.is_jamendo and not results.dataset.comparable
    assert [part.tracks for part in results.dataset.parts] == [10, 5, 5]
    assert len(results.dataset.tags) == 56
    kinds = [row.kind for row in results.rows]
    assert kinds.count(Kind.SYSTEM) == 9 and kinds.count(Kind.FUSION) == 5
    assert {run.name for run in results.runs} == {BASELINE, *NINE_SYSTEMS}
    assert any("all.epochs=1" in note for note in results.notes)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "all.epochs=1" in page and "random" in page

    # The nine as one model say what the fused scores say.
    row = next(r for r in results.rows if r.name == "all systems")
    fused = np.load(run / row.test_scores.path)["scores"]
    table = [line.split("\t")[3] for line in lists["test"]]
    tagger = Tagger.load(run / "bundles" / "fused-nine")
    heard = {tag.name: tag.score for tag in tagger.tag(dataset / table[0]).tags}
    np.testing.assert_allclose([heard[tag] for tag in tagger.tags], fused[0], atol=2e-3)
    status, out, _ = program(
        "report", "table1", run / "scores" / "test", "--truth", run / "truth" / "test.npz"
    )
    assert status == 0 and "all systems" in out
    assert json.loads((run / "timings.json").read_text("utf-8"))["stages"]
