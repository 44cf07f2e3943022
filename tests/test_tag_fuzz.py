"""Damaged music through the real program: what tag_fuzz.py says of every file."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tag_fuzz import Case, wrong

GOOD = {
    "error": None, "tags": [{"score": 0.5}], "duration_s": 6.0, "warnings": [], "audio": "a1:0"
}  # fmt: skip


def fuzz(cases: int, seed: int) -> None:
    if os.name != "posix":
        pytest.skip("only on POSIX does the system tell a program's memory")
    script = Path(__file__).with_name("tag_fuzz.py")
    done = subprocess.run(
        [sys.executable, script, "--cases", str(cases), "--seed", str(seed)],
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{cases} files" in done.stdout


def test_damaged_files_are_told_one_by_one() -> None:
    fuzz(60, seed=2)


@pytest.mark.slow
def test_two_thousand_damaged_files_are_told_one_by_one() -> None:
    fuzz(2_000, seed=0)


@pytest.mark.parametrize(
    ("case", "said", "problem"),
    [
        (Case(Path("a"), "cut", ".ogg"), {"duration_s": 4.0}, "lacks 2.00 s"),
        (Case(Path("a"), "unfilled", ".mp3", 1.5), {}, "lacks 1.50 s"),
        (Case(Path("a"), "rename", ".mp3"), {"audio": "a1:1"}, "another audio"),
        (Case(Path("a"), "metadata", ".wav"), {"duration_s": 5.9}, "another duration_s"),
        (Case(Path("a"), "flip", ".wav"), {"tags": []}, "neither tags nor an error"),
        (Case(Path("a"), "flip", ".wav"), {"error": "no"}, "or both"),
        (Case(Path("a"), "flip", ".wav"), {"tags": [{"score": 1.5}]}, "scores that are none"),
        (Case(Path("a"), "flip", ".wav"), {"tags": [{"score": float("nan")}]}, "scores"),
    ],
)
def test_what_must_not_be_said_is_found(case: Case, said: dict[str, Any], problem: str) -> None:
    assert any(problem in found for found in wrong(case, {**GOOD, **said}, GOOD))
