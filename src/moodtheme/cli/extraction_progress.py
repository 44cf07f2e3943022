"""Progress of extracting features: a bar on a terminal, a line now and then in a pipe."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from moodtheme.work import Progress

_LINE_EVERY_S = 15.0


@contextmanager
def extraction_progress(track_s: float) -> Iterator[Progress]:
    """Say how far it is, how fast it goes and how long it will take.

    Parameters
    ----------
    track_s
        Seconds of music that are looked at in a track.

    Yields
    ------
    callable
        To be called with tracks done and tracks to do.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    with ExitStack() as stack:
        bar = Progress(
            TextColumn("extracting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        started: list[float] = []  # when the first track was done, and where the time is measured
        said = time.monotonic()

        def tell(done: int, of: int | None) -> None:
            nonlocal said
            of = done if of is None else of
            now = time.monotonic()
            if not started:
                # From here on: what came before was loading too.
                started.append(now)
                stack.enter_context(bar)
                bar.add_task("extracting", total=of, pace="")
            pace = _pace(done, of, now - started[0], track_s)
            bar.update(bar.task_ids[0], completed=done, pace=pace)
            if bar.disable and pace and (now - said >= _LINE_EVERY_S or done == of):
                said = now
                print(f"{done} of {of} tracks, {pace}", file=sys.stderr, flush=True)

        yield tell


def _pace(done: int, of: int, elapsed_s: float, track_s: float) -> str:
    if done < 2 or elapsed_s <= 0:
        return ""
    speed = (done - 1) / elapsed_s
    left = "" if done == of else f", about {_duration((of - done) / speed)} left"
    return f"{speed * track_s:.1f}× real time{left}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
