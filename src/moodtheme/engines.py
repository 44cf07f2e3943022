"""Where work runs: in this process, in several on this machine, or on a Ray cluster."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from moodtheme.errors import ExtractionError, MoodthemeError, needing_extra
from moodtheme.work import in_order

_Unit = TypeVar("_Unit")
_Result = TypeVar("_Result")

_RETRIES = 3  # of a Ray task whose worker died; a unit that kills every worker must not go round
_PATIENCE_S = 10.0
# Ray gives its own start on this machine half a minute, which a busy one overruns, and that cannot
# be set; the wait for its store of addresses can.
_STARTS = 4
_START_S = 300


class Engine(StrEnum):
    """What shares out the work."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who computes; changes speed and nothing else.

    Attributes
    ----------
    engine
        What shares out the work.
    jobs
        Units, tracks or small groups of them, computed at once: 1 is this process, more are so
        many processes of one thread each. A Ray cluster that is there already uses all it has.
    address
        Of a Ray cluster; None starts one on this machine with `jobs` workers.
    """

    engine: Engine = Engine.LOCAL
    jobs: int = 1
    address: str | None = None


def run_units(
    function: Callable[[_Unit], _Result],
    units: Sequence[_Unit],
    workers: Workers,
    *,
    here: Callable[[Sequence[_Unit]], Iterator[_Result]] | None = None,
) -> Iterator[_Result]:
    """Results of units in their order.

    Parameters
    ----------
    function
        Computes one; it is copied to other processes, and keeps there what it has loaded.
    units
        What is shared out.
    workers
        Who computes.
    here
        Computes all in this process, where that is wanted; by default `function`, one by one.

    Raises
    ------
    ExtractionError
        If workers die, or no cluster can be reached.
    MissingExtraError
        If Ray is asked for and not installed.
    """
    if workers.engine is Engine.RAY:
        return _run_on_ray(function, units, workers)
    if workers.jobs == 1:
        return map(function, units) if here is None else here(units)
    return in_processes(function, units, workers.jobs, ahead=2 * workers.jobs)


def in_processes(
    function: Callable[[_Unit], _Result], units: Sequence[_Unit], jobs: int, *, ahead: int
) -> Iterator[_Result]:
    """Results of units in their order from so many processes, `ahead` of them at work or done.

    Raises
    ------
    ExtractionError
        If a process dies.
    """
    # Late: commands that name engines in their options start without them.
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
    from multiprocessing import get_context

    # Started afresh: a fork would copy the locks of PyTorch's threads as they happen to stand.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_follow_parent)
    try:
        yield from in_order(
            lambda unit: pool.submit(function, unit), units, ahead=ahead, take=Future.result
        )
    except BrokenProcessPool as error:
        raise ExtractionError(
            "a worker process died, most likely for want of memory; run the same command again "
            "with fewer --jobs, what is stored stays"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _follow_parent() -> None:
    """Have this worker end with the process that started it, however that ends, and not before."""
    from multiprocessing import parent_process

    parent = parent_process()
    assert parent is not None

    def end_with_it() -> None:
        parent.join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group
    threading.Thread(target=end_with_it, daemon=True).start()


def _run_on_ray(
    function: Callable[[_Unit], _Result], units: Sequence[_Unit], workers: Workers
) -> Iterator[_Result]:
    # Unless the user says otherwise, Ray reports its use to its makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with needing_extra("spreading work over a Ray cluster", "ray"):
        import ray

    ours = not ray.is_initialized()
    if ours:
        _start_ray(ray, workers)
    try:
        yield from _run_tasks(ray, function, units)
    finally:
        if ours:
            ray.shutdown()


def _run_tasks(
    ray: Any, function: Callable[[_Unit], _Result], units: Sequence[_Unit]
) -> Iterator[_Result]:
    # A task whose worker dies goes to another; one that ends in an error is not tried again.
    task = ray.remote(_call).options(num_cpus=1, max_retries=_RETRIES)
    shared = ray.put(function)
    under_way = 2 * int(ray.cluster_resources().get("CPU", 1))
    try:
        yield from in_order(
            lambda unit: task.remote(shared, unit), units, ahead=under_way, take=ray.get
        )
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, MoodthemeError):
            raise error.cause from error
        raise
    except ray.exceptions.RayError as error:
        raise ExtractionError(
            f"the Ray cluster failed ({str(error).splitlines()[0]}); run the same command again, "
            "what is stored stays"
        ) from error


def _call(function: Callable[[_Unit], _Result], unit: _Unit) -> _Result:
    return function(unit)


def _start_ray(ray: Any, workers: Workers) -> None:
    """Join the cluster at the address, or start one of so many workers."""
    if workers.address is None:
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", str(_START_S))
        options: dict[str, Any] = {"address": "local", "num_cpus": workers.jobs}
        options["include_dashboard"] = False
        starts = _STARTS
    else:
        options = {"address": workers.address}
        starts = 1
    for left in reversed(range(starts)):
        try:
            if workers.address is not None:
                _knock(workers.address)
            ray.init(**options, logging_level="ERROR", log_to_driver=False)
            return
        except Exception as error:  # a start that takes too long is Ray's bare Exception
            ray.shutdown()
            if not left:
                raise ExtractionError(
                    f"no Ray cluster can be had at {workers.address or 'this machine'} "
                    f"({str(error).splitlines()[0]}); start one with `ray start --head`, or leave "
                    "--address out"
                ) from error


def _knock(address: str) -> None:
    """See whether anything answers at HOST:PORT; Ray itself tries for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():  # else a word of Ray's own, such as auto
        socket.create_connection((host, int(port)), timeout=_PATIENCE_S).close()
