"""Several processes and a Ray cluster: the same rows, and what dies is done again."""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from moodtheme.engines import Engine, Workers, run_units
from moodtheme.errors import ExtractionError, UsageError
from moodtheme.feature_store.extraction import extract_unit
from toy_extractor import RATE, ToyMaker, assert_right, build, info, write_tracks


def contents(folder: Path) -> dict[str, bytes]:
    store = folder / info().key
    return {path.name: path.read_bytes() for path in sorted(store.iterdir())}


def test_several_processes_store_the_same_bytes(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 30)
    files.insert(3, tmp_path / "short.wav")
    soundfile.write(files[3], np.zeros(100), RATE)
    _, expected = build(tmp_path / "one", files)
    _, failures = build(tmp_path / "two", files, jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert [str(failure) for failure in failures] == [str(failure) for failure in expected]


def test_a_worker_that_dies_ends_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 30)
    deadly = ToyMaker(deadly=tmp_path / "killed")
    with pytest.raises(ExtractionError, match="fewer --jobs"):
        build(tmp_path / "features", files, deadly, jobs=2)
    store, _ = build(tmp_path / "features", files, deadly, jobs=2)
    assert_right(store, files)


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    write_tracks(tmp_path / "music", 200)
    program = Path(__file__).with_name("toy_extractor.py")
    command = [sys.executable, program, tmp_path / "features", tmp_path / "music", "--jobs", "2"]
    parent = psutil.Popen(command, stdout=subprocess.DEVNULL)
    index = tmp_path / "features" / info().key / "index.jsonl"
    while not (index.exists() and index.stat().st_size):
        assert parent.poll() is None
        time.sleep(0.01)
    workers = parent.children()
    parent.kill()
    parent.wait()
    assert len(workers) >= 2
    assert psutil.wait_procs(workers, timeout=600)[1] == []


@pytest.mark.slow
class TestRay:
    """On a local cluster of two workers."""

    @pytest.fixture(autouse=True)
    def ray(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Its workers find the toy extractor by this; moodtheme itself is installed for them.
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
        pytest.importorskip("ray", reason="pip install 'moodtheme[ray]'")

    def test_stores_the_same_bytes(self, tmp_path: Path) -> None:
        files = write_tracks(tmp_path / "music", 40)
        files.append(tmp_path / "short.wav")
        soundfile.write(files[-1], np.zeros(100), RATE)
        _, expected = build(tmp_path / "local", files)
        _, failures = build(tmp_path / "ray", files, engine=Engine.RAY, jobs=2)
        assert contents(tmp_path / "local") == contents(tmp_path / "ray")
        assert [str(failure) for failure in failures] == [str(failure) for failure in expected]

    def test_survives_a_killed_worker(self, tmp_path: Path) -> None:
        files = write_tracks(tmp_path / "music", 40)
        deadly = ToyMaker(deadly=tmp_path / "killed")
        store, failures = build(tmp_path / "features", files, deadly, engine=Engine.RAY, jobs=2)
        assert (tmp_path / "killed").exists()
        assert failures == []
        assert_right(store, files)

    def test_an_error_in_a_worker_is_the_users(self) -> None:
        workers = Workers(engine=Engine.RAY, jobs=2)
        with pytest.raises(UsageError, match="set it otherwise"):
            list(run_units(partial(extract_unit, _refuse), [(Path("a.wav"),)], workers))

    @pytest.mark.parametrize("failures", [1, 99])
    def test_a_start_that_takes_too_long_is_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, failures: int
    ) -> None:
        import ray

        start, starts = ray.init, []

        def start_slowly(**options: object) -> object:
            starts.append(options)
            if len(starts) <= failures:
                raise Exception("The current node timed out during startup.")
            return start(**options)

        monkeypatch.setattr(ray, "init", start_slowly)
        results = run_units(abs, [-1, 2], Workers(engine=Engine.RAY, jobs=2))
        if failures == 1:
            assert list(results) == [1, 2]
            return
        with pytest.raises(ExtractionError, match=r"this machine \(The current node timed out"):
            list(results)
        assert len(starts) > 1

    def test_an_address_without_a_cluster_is_named(self) -> None:
        workers = Workers(engine=Engine.RAY, address="127.0.0.1:1")
        with pytest.raises(ExtractionError, match=r"127\.0\.0\.1:1"):
            list(run_units(partial(extract_unit, ToyMaker()), [(Path("a.wav"),)], workers))


def _refuse() -> None:
    raise UsageError("this cannot be had; set it otherwise")
