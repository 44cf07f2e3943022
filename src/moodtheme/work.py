"""Work that takes long: how it is told, shared among threads, and put in words."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

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


def cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_words(seconds: float) -> str:
    """Seconds, minutes or hours, such as ``12 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
