"""What all tests share."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from program import Program

# Examples are the same in every run, and how long one takes says nothing: machines are busy.
settings.register_profile("moodtheme", deadline=None, derandomize=True)
settings.load_profile("moodtheme")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests out of the user's cache, and the user's models out of the tests."""
    before = os.environ.get("MOODTHEME_CACHE")
    os.environ["MOODTHEME_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("MOODTHEME_CACHE")
    if before is not None:
        os.environ["MOODTHEME_CACHE"] = before


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """The command line, to be called with arguments."""
    return Program(capsys, monkeypatch)
