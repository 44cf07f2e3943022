"""What commands say on standard error beside their results."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moodtheme.errors import EvaluationWarning


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
