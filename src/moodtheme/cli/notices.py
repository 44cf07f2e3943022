"""What commands say on standard error beside their results: warnings and progress."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moodtheme.errors import EvaluationWarning
from moodtheme.work import Progress, no_progress


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


@contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """Draw a bar on a terminal and nothing in a pipe.

    Parameters
    ----------
    what
        What is being done, as the start of a line.

    Yields
    ------
    Progress
        To be called with what is done and what there is to do.
    """
    if not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
