"""Commands shown in the documentation, and what they print when they are run.

A fenced ``console`` block holds commands, each on a line that begins with ``$ ``, continued where
a line ends in a backslash, and below each what it prints on a terminal 130 columns wide.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A command and what the page says it prints."""

    command: str
    printed: str


def examples(page: str) -> Iterator[Example]:
    """Find every command of a page, in order."""
    for block in BLOCK.findall(page):
        lines = iter(block.splitlines())
        command: list[str] = []
        printed: list[str] = []
        for line in lines:
            if line.startswith("$ "):
                if command:
                    yield Example("\n".join(command), "\n".join(printed))
                command, printed = [line[2:]], []
                while command[-1].endswith("\\"):
                    command.append(next(lines))
            else:
                printed.append(line)
        yield Example("\n".join(command), "\n".join(printed))


def run(command: str, folder: Path) -> str:
    """Run a command in bash with a terminal as its standard output; return what it printed."""
    import pty  # only on POSIX

    # The program of the environment that runs the tests, activated or not.
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder, stdout=inside, stderr=subprocess.PIPE, encoding="utf-8",
        env={**os.environ, "PATH": search, "COLUMNS": "130", "TERM": "xterm"},
    )  # fmt: skip
    os.close(inside)
    content = b""
    try:
        while block := os.read(terminal, 65536):
            content += block
    except OSError:
        pass  # Linux reports the closed terminal as an error
    os.close(terminal)
    _, errors = process.communicate()
    assert process.returncode == 0, f"{command}\n{errors}"
    lines = [line.rstrip() for line in content.decode().splitlines()]
    return "\n".join(lines).strip("\n")
