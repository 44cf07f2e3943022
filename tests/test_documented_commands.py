"""The commands of the documentation print what the documentation says."""

import os
from pathlib import Path

import pytest

from console_blocks import examples, run
from evaluation_cases import SHARED, needs_shared

DOCS = Path(__file__).parents[1] / "docs"


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="only on POSIX: no terminal"),
    *needs_shared,
]


@pytest.mark.parametrize("page", ["evaluation.md", "reproduce.md"])
def test_commands_print_what_the_page_says(page: str, tmp_path: Path) -> None:
    # As from the repository's root, with the reference material beside it.
    (tmp_path / "shared").symlink_to(SHARED)
    folder = tmp_path / "moodtheme"
    folder.mkdir()
    found = list(examples((DOCS / page).read_text(encoding="utf-8")))
    assert len(found) > 5
    for example in found:
        assert run(example.command, folder) == example.printed.strip("\n"), example.command
