"""A graph from a stranger hears its first window in a process of its own, which can be ended.

What a graph computes cannot be bounded by looking at it. So each graph of a bundle that does not
come with moodtheme is loaded, and given one window of noise, on one thread of another process,
before it is in this one. There, time and memory are watched from outside: the process is killed as
soon as it takes too much of either. What passed is written down by the bundle's digest, which its
graphs' hashes are part of, so that it costs once.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from moodtheme.errors import BundleError, MoodthemeError
from moodtheme.fetched import cache_dir
from moodtheme.files import make_folder
from moodtheme.records import write_record
from moodtheme.tagging.bundle import Bundle, Member
from moodtheme.tagging.bundle_files import read_graph
from moodtheme.tagging.graph_check import objection

MOST_SECONDS = 300.0
"""To load a graph and hear a window. VGG16 on 29 pictures, the largest here, takes 50 or less."""
MOST_BYTES = 8 * 2**30
"""Of memory meanwhile, Python's and the graph's own included. The same one takes 4.1 GB."""

_LOOK_S = 0.02  # between looks; a processor fills about 0.1 GB meanwhile
_CODE = "import sys; sys.path[:] = {path!r}; from moodtheme.tagging import trial; trial.hear()"

_passed: set[str] = set()


class Cost(msgspec.Struct, frozen=True):
    """What a graph took for one window: seconds, and bytes of memory with all that it needs."""

    seconds: float
    bytes: int


def require_bounded(folder: Path, bundle: Bundle) -> None:
    """See that every graph of a bundle hears a window within the limits, or did so before.

    The system's own means count memory: Linux exactly, other POSIX systems by samples, Windows not
    at all. A program that was frozen into one file has no Python to start, and tries nothing.

    Raises
    ------
    BundleError
        If one takes more, fails, is not the file that its hash says, or ends its process.
    """
    from moodtheme.tagging.models import embedded_folder

    digest = bundle.digest
    embedded = folder.resolve().parent == embedded_folder().resolve()
    if embedded or digest in _passed or getattr(sys, "frozen", False):
        return
    record = cache_dir() / "trials" / f"{digest}.json"
    if not _is_within(record, bundle):
        for member in bundle.members:
            if reason := objection(read_graph(folder, member)):
                raise _refusal(member, reason)
        costs = {member.file: _try(folder, member) for member in bundle.members}
        with contextlib.suppress(MoodthemeError):  # then it costs again
            make_folder(record.parent)
            write_record(record, costs)
    _passed.add(digest)


def _is_within(record: Path, bundle: Bundle) -> bool:
    """Whether what was written down of a bundle is within the limits of now."""
    try:
        costs = msgspec.json.decode(record.read_bytes(), type=dict[str, Cost])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return costs.keys() == {member.file for member in bundle.members} and all(
        cost.seconds <= MOST_SECONDS and cost.bytes <= MOST_BYTES for cost in costs.values()
    )


def _try(folder: Path, member: Member) -> Cost:
    """Have another process hear a window; end it where that takes too much."""
    code = _CODE.format(path=sys.path)
    command = [sys.executable, "-c", code, str(folder.absolute()), member.file]
    began, most = time.monotonic(), 0
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while process.poll() is None:
                most = max(most, _peak_bytes(process.pid))
                if most > MOST_BYTES:
                    raise _refusal(
                        member, f"it takes more than {MOST_BYTES / 2**30:g} GB of memory a window"
                    )
                if time.monotonic() - began > MOST_SECONDS:
                    raise _refusal(member, f"it computes longer than {MOST_SECONDS:g} s a window")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_S)
        finally:
            process.kill()
        said = process.stdout.read() if process.stdout is not None else b""
    try:
        answer = json.loads(said)
    except ValueError:
        answer = {"refused": f"graph {member.file}: running it ended the process that tried it "
                  f"(status {process.returncode}); get or export the model again"}  # fmt: skip
    if "refused" in answer:
        raise BundleError(answer["refused"])
    return Cost(seconds=time.monotonic() - began, bytes=max(most, answer["bytes"]))


def _refusal(member: Member, reason: str) -> BundleError:
    return BundleError(f"graph {member.file}: {reason}; get the model from a source you trust")


def _peak_bytes(process: int) -> int:
    """The most memory that a process had so far, or has now where only that is told."""
    if sys.platform == "win32":
        return 0
    if sys.platform == "linux":
        try:
            status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return 0
        sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    else:
        asked = ["ps", "-o", "rss=", "-p", str(process)]
        sizes = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return int(sizes[0]) * 1024 if sizes else 0


def hear() -> None:
    """In the other process: hear a window of noise, and say on standard output how it went."""
    import numpy as np

    from moodtheme.tagging.bundle_files import read_manifest
    from moodtheme.tagging.session import MemberSession

    if sys.platform != "win32":
        import signal

        # Where whoever watches is killed, the system ends this process.
        signal.alarm(int(MOST_SECONDS) + 5)
    folder, file = Path(sys.argv[1]), sys.argv[2]
    try:
        bundle = read_manifest(folder)
        (member,) = (member for member in bundle.members if member.file == file)
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, member.samples))
        MemberSession(folder, bundle, member).hear(noise.astype(np.float32))
        answer: dict[str, object] = {"bytes": _peak_bytes(os.getpid())}
    except BundleError as error:
        answer = {"refused": str(error)}
    print(json.dumps(answer), flush=True)
