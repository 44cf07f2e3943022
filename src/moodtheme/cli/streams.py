"""Standard streams that may be closed, full or broken, and signals that end the program."""

import contextlib
import errno
import io
import os
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Never

from moodtheme.errors import EvaluationWarning


class Terminated(KeyboardInterrupt):
    """The program was asked to end by SIGTERM: the same as Ctrl-C, but for the exit status."""


class _Closed(io.TextIOBase):
    """Standard output that was closed before the program began: nothing can be said there."""

    def write(self, text: str) -> Never:
        """Fail as writing into a closed descriptor does."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def isatty(self) -> bool:
        """No terminal."""
        return False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of what would be written."""
        return "utf-8"


def prepare_streams() -> None:
    """Make the standard streams such that nothing written to them is lost in silence."""
    # A closed descriptor would be given to the next file that is opened, and what a library
    # prints would land in it.
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(number)
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - open until the program ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the stream's encoding lacks is shown escaped, not a reason to stop.
            stream.reconfigure(errors="backslashreplace")


def end_on_sigterm() -> None:
    """Have SIGTERM end the program as Ctrl-C does, with what was finished kept and said."""

    def end(number: int, frame: FrameType | None) -> Never:
        raise Terminated

    with contextlib.suppress(ValueError):  # not in the main thread, as in tests
        signal.signal(signal.SIGTERM, end)


def printable(text: str | Path) -> str:
    """Text without characters that would steer a terminal or break a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def say(text: str) -> None:
    """Say a line on standard error if anybody can hear it."""
    with contextlib.suppress(OSError, ValueError):
        print(f"moodtheme: {text}", file=sys.stderr, flush=True)


def say_warnings(path: str | Path, texts: Iterable[str]) -> None:
    """Say what may be wrong with a file that can be used."""
    for text in texts:
        say(f"warning: {printable(path)}: {printable(text)}")


def report(line: str) -> None:
    """Print a line on standard error: a `moodtheme.work.Report`."""
    print(line, file=sys.stderr, flush=True)


def abandon_output() -> None:
    """Leave standard output as it is: what is still to be written to it cannot be."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        # Otherwise Python tries again when it ends, and says so in its own words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def world_failed(error: OSError) -> str:
    """What to say where the operating system failed and no part of the program knew better."""
    reason = error.strerror or str(error)
    if isinstance(error, BrokenPipeError):
        return "whoever read the output closed it before its end; what was read is all there is"
    if error.filename is None:
        return (
            f"the output cannot be written ({reason}); it is cut short: make room or choose "
            "another place, and run the command again"
        )
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
    return f"{name}: {reason}; see to it and run the same command again, finished files stay"


def working_folder_is_there() -> bool:
    """Whether relative paths lead anywhere."""
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd is the same with more words
    except OSError:
        return False
    return True


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print evaluation warnings as one line each, without the place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", EvaluationWarning)
        show_others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, EvaluationWarning):
                print(f"moodtheme: warning: {message}", file=sys.stderr)
            else:
                show_others(message, category, *where, **more)

        warnings.showwarning = show
        yield
