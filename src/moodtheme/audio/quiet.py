"""Keeps libmpg123, inside libsndfile, from writing about damaged MP3 files to the terminal."""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_users = 0


def _glibc_stderr() -> tuple[ctypes.c_void_p, int] | None:
    """The C library's ``stderr`` variable and an open null stream; None off glibc."""
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 - elsewhere the variable may be read-only
        libc.fopen.restype = ctypes.c_void_p
        null = libc.fopen(os.devnull.encode(), b"w")
        return ctypes.c_void_p.in_dll(libc, "stderr"), null
    except (AttributeError, OSError, TypeError, ValueError):
        return None


_streams = _glibc_stderr()
_original = _streams[0].value if _streams else None


def _alone() -> None:
    """Forget the threads that a forked process has no longer."""
    global _users  # noqa: PLW0603 - as below
    _users = 0
    if _streams is not None:
        _streams[0].value = _original
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_alone)


@contextmanager
def quiet_c_stderr() -> Iterator[None]:
    """Point C's ``stderr`` at the null device while at least one thread is inside.

    libmpg123 prints to it and libsndfile offers no way to stop that. Only the C library's stream
    variable changes; file descriptor 2, and with it Python's ``sys.stderr`` in every thread, is
    left alone. Off glibc nothing happens and the messages appear.
    """
    global _users  # noqa: PLW0603 - the state it guards is the process's own
    if _streams is None:
        yield
        return
    variable, null = _streams
    with _lock:
        _users += 1
        variable.value = null
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                variable.value = _original
