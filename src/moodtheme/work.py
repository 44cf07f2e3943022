"""Work that takes long: how it is told, shared among threads, and put in words."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TextIO, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

_Item = TypeVar("_Item")
_Ticket = TypeVar("_Ticket")
_Result = TypeVar("_Result")

Report = Callable[[str], None]
"""Called with lines about what is done."""
Progress = Callable[[int, int | None], None]
"""Called with how much is done and how much there is in all (None: not known yet)."""


def no_report(line: str) -> None:
    """Say nothing: a `Report`."""


def no_progress(done: int, of: int | None) -> None:
    """Show nothing: a `Progress`."""


def read_ahead(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    jobs: int,
    ahead: int | None = None,
) -> Generator[_Result]:
    """Results of a function over items, in the items' order, computed by threads.

    Parameters
    ----------
    function
        Must not raise what only one item deserves: that ends all; let it return such errors.
    items
        Consumed as results are.
    jobs
        Threads.
    ahead
        Items at work or done that nobody has asked for yet; one more than threads by default. What
        they hold stays in memory.

    Yields
    ------
    object
        One for each item. Where the caller stops, items not begun never are, and those at work are
        not waited for.
    """
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="ahead")
    try:
        yield from in_order(
            lambda item: pool.submit(function, item),
            items,
            ahead=jobs + 1 if ahead is None else ahead,
            take=Future.result,
        )
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def in_order(
    submit: Callable[[_Item], _Ticket],
    items: Iterable[_Item],
    *,
    ahead: int,
    take: Callable[[_Ticket], _Result],
) -> Generator[_Result]:
    """Results in the items' order from whoever computes them, a bounded number at a time.

    Parameters
    ----------
    submit
        Gives an item away and returns at once.
    items
        Consumed as results are.
    ahead
        Items given away and not yet taken back.
    take
        Waits for what `submit` returned.
    """
    items = iter(items)
    waiting = deque(submit(item) for item in islice(items, ahead))
    while waiting:
        result = take(waiting.popleft())
        waiting.extend(submit(item) for item in islice(items, 1))
        yield result


def lock_through_forks() -> "threading.RLock":
    """A lock that is free in a process forked while other threads work: the fork waits for it."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock


def cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_numpy_threads() -> None:
    """Have NumPy compute on one core, if it is not loaded yet and nobody said otherwise.

    Its products here are of whole blocks beside other work, or done before threads have begun.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def some_of(names: Sequence[str], *, most: int = 5) -> str:
    """Name up to ``most`` things and count the rest."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def twice(keys: Iterable[Hashable]) -> tuple[int, int] | None:
    """Places of the first thing that is there again; None where each is there once."""
    first: dict[Hashable, int] = {}
    for place, key in enumerate(keys):
        if (other := first.setdefault(key, place)) != place:
            return other, place
    return None


def counted(number: int, what: str) -> str:
    """A number of things, such as ``1 file`` and ``2 files``; `what` is the plural with an s."""
    return f"{number} {what if number != 1 else what.removesuffix('s')}"


def in_words(seconds: float) -> str:
    """Seconds, minutes or hours, such as ``12 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def clock(seconds: float | None) -> str:
    """Such as ``1:32`` or ``1:02:05``; a question mark for None."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600)


def clock_ticks(duration_s: float, *, most: int = 10) -> list[float]:
    """Seconds to mark with `clock` on an axis of time: round ones, about `most` at the most."""
    step_s = next((step for step in _STEPS_S if duration_s / step <= most), 4 * 3_600)
    return [float(tick) for tick in range(0, int(duration_s) + 1, step_s)]


# --- shown to people ---------------------------------------------------------------------------


def console_for(stream: TextIO, **options: Any) -> "Console":
    """A console that takes a stream for a terminal if the stream says so.

    Rich would also believe variables such as ``FORCE_COLOR``, and put its codes into logs.
    """
    from rich.console import Console

    return Console(file=stream, force_terminal=stream.isatty(), **options)


class Display:
    """How far a piece of work is, on standard error: a bar on a terminal, lines in a pipe.

    Its `show` is a `Progress`.

    Parameters
    ----------
    what
        What is done, as the start of a line.
    unit
        What is counted, in the plural; ``bytes`` are shown as sizes.
    line_every_s
        Seconds between lines in a pipe; None for no lines, 0 for one at every call.
    shown
        Off for no bar and no line at all.
    """

    def __init__(
        self, what: str, *, unit: str = "", line_every_s: float | None = None, shown: bool = True
    ) -> None:
        from rich import progress

        sizes = (progress.DownloadColumn(), progress.TransferSpeedColumn())
        self.is_drawn = shown and sys.stderr.isatty()
        self._unit, self._line_every_s = unit, line_every_s if shown else None
        self._said = time.monotonic()
        self._bar = progress.Progress(
            # Not as markup: names may hold brackets.
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            *(sizes if unit == "bytes" else (progress.MofNCompleteColumn(),)),
            progress.TextColumn("{task.fields[note]}", markup=False),
            console=console_for(sys.stderr),
            transient=True,
            disable=not self.is_drawn,
            # Results on the same terminal go through the bar's console, so they do not mix.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._bar.add_task(what, total=None, note="")

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__(None, None, None)

    def begin(self, what: str) -> None:
        """Go on with another piece, from its start."""
        self._bar.reset(self._task, total=None, description=what)

    def show(self, done: int, of: int | None, *, note: str = "") -> None:
        """Say how far it is.

        Parameters
        ----------
        done, of
            As for any `Progress`.
        note
            What else there is to say, such as how long the rest takes.
        """
        self._bar.update(self._task, completed=done, total=of, note=note)
        now = time.monotonic()
        if self.is_drawn or self._line_every_s is None:
            return
        if now - self._said >= self._line_every_s or done == of:
            self._said = now
            so_far = f"{done} of {of} {self._unit}" if of is not None else f"{done} {self._unit}"
            print(", ".join(filter(None, (so_far, note))), file=sys.stderr, flush=True)


_SETTLED_S = 1.0  # what came in the first second was there, or was being prepared, before


class Pace:
    """How fast something comes, measured from when it began to come steadily."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None
        self._from = (0.0, 0.0)

    def per_second(self, done: float) -> float | None:
        """Rate, given how much there is by now; None while it is too early to tell."""
        now = self._clock()
        if self._first is None:
            self._first = now
        if now - self._first < _SETTLED_S:
            self._from = (now, done)
        since, before = self._from
        if now - since < _SETTLED_S or done <= before:
            return None
        return (done - before) / (now - since)
