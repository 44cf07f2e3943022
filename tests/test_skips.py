"""The tests' own rules: a clean environment, and no skip without a known reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from environment import is_unwanted
from skips import is_allowed

CONFTEST = """
from skips import SkipReport
def pytest_configure(config):
    config.pluginmanager.register(SkipReport(config))
"""


def run_tests(folder: Path, reason: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_one.py").write_text(
        f"import pytest\ndef test_one():\n    pytest.skip({reason!r})\n", encoding="utf-8"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTHONPATH": str(Path(__file__).parent), **variables}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "ci", "status"),
    [("it is Monday", "true", 1), ("it is Monday", "", 0), ("no browser: none", "true", 0)],
)
def test_what_was_skipped_is_counted_and_must_be_expected_where_ci_is_set(
    tmp_path: Path, reason: str, ci: str, status: int
) -> None:
    done = run_tests(tmp_path, reason, CI=ci)
    assert done.returncode == status, done.stdout + done.stderr
    assert f"1  {reason}" in done.stdout


def test_a_missing_extra_is_no_reason() -> None:
    assert not is_allowed("pip install 'moodtheme[opensmile]'")


def test_the_environment_is_clean() -> None:
    ours = {"LC_ALL", "MOODTHEME_CACHE"}
    assert {name for name in os.environ if is_unwanted(name)} <= ours
