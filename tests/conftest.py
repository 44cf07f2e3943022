"""What all tests share."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from environment import clean_environment
from program import Program
from skips import SkipReport
from toy_bundle import make_bundle
from toy_music import write_music

clean_environment()

# Two processes that compile the same function at once spoil what numba keeps of it for all.
_COMPILED = tempfile.mkdtemp(prefix="moodtheme-numba-")
os.environ["NUMBA_CACHE_DIR"] = _COMPILED

# Tests started in the background ignore interrupts, and so would the programs that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Examples are the same in every run, and how long one takes says nothing: machines are busy.
settings.register_profile("moodtheme", deadline=None, derandomize=True)
settings.load_profile("moodtheme")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipReport(config))


def pytest_unconfigure() -> None:
    shutil.rmtree(_COMPILED, ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Path]]:
    """Keep tests out of the user's cache, and the user's models out of the tests.

    What fixtures of a module fetch goes to a cache of the session's; each test has its own.
    """
    folder = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOODTHEME_CACHE", str(folder / "session"))
        yield (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_cache(caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty cache, so that none depends on what another fetched."""
    cache = next(caches)
    monkeypatch.setenv("MOODTHEME_CACHE", str(cache))
    return cache


@pytest.fixture(autouse=True)
def same_weights() -> None:
    """Begin every test at the same place of PyTorch's generator, whatever ran before."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address that nobody answers: the port is taken, and not listened to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """The command line, to be called with arguments."""
    return Program(capsys, monkeypatch)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy bundle, whose scores are known."""
    folder = tmp_path_factory.mktemp("model") / "toy"
    make_bundle(folder)
    return folder


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    """Three short files."""
    (tmp_path / "music").mkdir()
    return [write_music(tmp_path / "music" / f"{i}.wav", i) for i in range(3)]
