"""A process that was forked goes on with the model that its parent opened."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from moodtheme import Tagger
from toy_bundle import RATE, make_bundle

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

AUDIO = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE).astype(np.float32)


def in_a_fork(work: Callable[[], bool]) -> bool:
    """Whether it came to its end in a forked process, within ten minutes, and was right."""
    process = os.fork()
    if not process:
        import signal

        signal.alarm(600)
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitpid(process, 0)[1] == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_tagger_scores_and_can_be_let_go_of(threads: int) -> None:
    taggers = [Tagger.load(threads=threads)]
    expected = taggers[0].score(AUDIO, RATE)

    def work() -> bool:
        same = np.array_equal(taggers[0].score(AUDIO, RATE), expected)
        taggers.clear()
        return same

    assert in_a_fork(work)
    assert np.array_equal(taggers[0].score(AUDIO, RATE), expected)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_a_forked_tagger_has_threads_again() -> None:
    tagger = Tagger.load(threads=2)

    def work() -> bool:
        threads = len(list(Path("/proc/self/task").iterdir()))
        tagger.score(AUDIO, RATE)
        return threads == 1 and len(list(Path("/proc/self/task").iterdir())) > 1

    assert in_a_fork(work)


def test_a_fork_amid_other_threads_scores() -> None:
    tagger = Tagger.load(threads=1)
    expected = tagger.score(AUDIO, RATE)
    ended = threading.Event()

    def keep_busy() -> None:
        while not ended.is_set():
            tagger.score(AUDIO, RATE)

    others = [threading.Thread(target=keep_busy) for _ in range(2)]
    for other in others:
        other.start()
    try:
        for _ in range(5):
            assert in_a_fork(lambda: np.array_equal(tagger.score(AUDIO, RATE), expected))
    finally:
        ended.set()
        for other in others:
            other.join()


def test_a_fork_whose_bundle_is_gone_says_so(tmp_path: Path) -> None:
    make_bundle(tmp_path / "toy")
    tagger = Tagger.load(tmp_path / "toy", threads=2)
    (tmp_path / "toy" / "toy.onnx").unlink()

    def work() -> bool:
        try:
            tagger.score(AUDIO, RATE)
        except Exception as error:
            return type(error).__name__ == "BundleError" and "toy.onnx" in str(error)
        return False

    assert in_a_fork(work)
    assert tagger.score(AUDIO, RATE).shape == (3,)
