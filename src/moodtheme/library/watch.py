"""Waiting for files to change: the system's events where they can be had, and a look at all.

Events alone strand files: network drives send none, queues overflow, laptops sleep. So everything
is looked at again from time to time, which costs little where nothing changed.
"""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

_GATHER_MS = 2_000  # events that come closer together are of one change, such as a copied album
_QUIET_MS = 500
_LONGEST_NAP_S = 1.0


def can_watch() -> bool:
    """Whether the system's events can be had: the extra `watch` is installed."""
    return find_spec("watchfiles") is not None


def changes(
    folders: Iterable[Path], *, every_s: float, stop: threading.Event | None = None
) -> Iterator[list[Path] | None]:
    """Wait, and say what to look at, for ever, or until `stop` is set.

    Everything is looked at as soon as events are waited for, and each `every_s` seconds.

    Yields
    ------
    list of Path, or None
        Folders in which something changed; None for all, when it is time.
    """
    stop = stop or threading.Event()
    # Folders that are not there now are looked for when it is time.
    roots = [folder for folder in folders if folder.is_dir()]
    due = time.monotonic()  # what changed before events were waited for told nobody
    for touched in _events(roots, stop):
        if stop.is_set():
            return
        if time.monotonic() >= due:
            due = time.monotonic() + every_s
            yield None
        elif touched:
            yield touched


def _events(roots: list[Path], stop: threading.Event) -> Iterator[list[Path]]:
    """Folders with changes as they come, an empty list when there were none for a while."""
    if not roots or not can_watch():
        while not stop.wait(_LONGEST_NAP_S):
            yield []
        return
    import watchfiles

    for found in watchfiles.watch(
        *roots,
        watch_filter=None,
        debounce=_GATHER_MS,
        step=_QUIET_MS,
        stop_event=stop,
        rust_timeout=round(1000 * _LONGEST_NAP_S),
        yield_on_timeout=True,
        raise_interrupt=True,
        ignore_permission_denied=True,
    ):
        yield highest({_folder(Path(path), roots) for _, path in found})


def _folder(path: Path, roots: list[Path]) -> Path:
    """The nearest folder above a path that is there, no higher than what is watched."""
    folder = path.parent
    while not folder.is_dir() and any(root in folder.parents for root in roots):
        folder = folder.parent
    inside = any(folder == root or root in folder.parents for root in roots)
    return folder if inside else path


def highest(folders: Iterable[Path]) -> list[Path]:
    """Folders without those that lie in others of them."""
    found: list[Path] = []
    for folder in sorted(folders, key=lambda folder: len(folder.parts)):
        if not any(above == folder or above in folder.parents for above in found):
            found.append(folder)
    return sorted(found, key=os.fspath)
