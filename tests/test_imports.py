"""The tagging path stays light: importing and asking for help must not pull in heavy packages."""

import subprocess
import sys

HEAVY = ("torch", "pandas", "sklearn", "scipy", "matplotlib", "lightning", "tensorflow")


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_and_the_program_loads_nothing_heavy() -> None:
    assert loaded_after("import moodtheme, moodtheme.cli.app") == set()
