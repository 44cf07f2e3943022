"""Damages music at random and tags it with the real program: what must hold of every file does.

Run by test_tag_fuzz.py, or by hand: ``python tests/tag_fuzz.py --cases 2000 --seed 0``. A process
of its own also keeps what the tests hold out of the program's peak memory.
"""

import argparse
import json
import math
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import av
import psutil

from audio_files import chirp, write
from audio_fuzz import damage
from moodtheme.cli.streams import printable

RATE, SECONDS = 48_000, 6.0
# Extension: the container, as FFmpeg calls it.
FORMATS = {
    ".ogg": "ogg", ".opus": "ogg", ".mp3": "mp3", ".flac": "flac", ".wav": "wav", ".m4a": "ipod",
}  # fmt: skip
KINDS = (
    *("cut", "cut", "flip", "header", "zero", "unfilled", "noise", "drop", "repeat"),
    *("splice", "rename", "metadata"),
)
NAMES = (
    *("{0}", "{0}.txt", "{0}.MP3", "{0}.wav", "{0}.ogg", "{0}.m4a", "{0}.flac", "{0}.", "-{0}.mp3"),
    *("https:{}.mp3", "🎵 {}", "a {}.wav", "{}\nline.ogg", "{}\rreturn.wav", "{}\udce9.mp3"),
)
MOST_CPU_S, MOST_WAIT_S, MOST_MEMORY = 10.0, 600.0, 10**9
BATCH = 250


@dataclass(frozen=True)
class Case:
    """A damaged file and what it was."""

    path: Path
    kind: str
    suffix: str
    lost_s: float = 0.0  # about, of what is no longer there


@dataclass
class Account:
    """What came out, and what must not have."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    most_cpu_s: float = 0.0
    most_memory: int = 0


@cache
def original(suffix: str, folder: Path) -> Path:
    return write(folder / f"whole{suffix}", chirp(SECONDS, RATE), RATE)


@cache
def with_metadata(suffix: str, folder: Path, size: int) -> bytes:
    """The same packets behind a comment of `size` bytes."""
    target = folder / f"tagged-{size}{suffix}"
    options = {"movflags": "faststart"} if suffix == ".m4a" else {}
    with (
        av.open(original(suffix, folder)) as source,
        av.open(target, "w", format=FORMATS[suffix], options=options) as container,
    ):
        stream = container.add_stream_from_template(source.streams.audio[0])
        holder = stream if FORMATS[suffix] == "ogg" else container
        holder.metadata["comment"] = "x" * size
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    return target.read_bytes()


def make_case(number: int, seed: int, originals: Path, folder: Path) -> Case:
    draw = random.Random(f"{seed}/{number}")
    suffix = draw.choice(tuple(FORMATS))
    kind = draw.choice(KINDS)
    name, lost_s = f"{number:05}-{kind}{suffix}", 0.0
    # MP4 with its index in front too: cut behind it, it can still be read.
    front = suffix == ".m4a" and draw.random() < 0.5
    whole = (
        with_metadata(suffix, originals, 10) if front else original(suffix, originals).read_bytes()
    )
    if kind == "rename":
        name, content = draw.choice(NAMES).format(f"{number:05}"), whole
    elif kind == "metadata":
        content = with_metadata(suffix, originals, draw.choice((10_000, 1_000_000, 8_000_000)))
    elif kind == "splice":
        other = original(draw.choice((suffix, *FORMATS)), originals).read_bytes()
        content = whole[: draw.randrange(len(whole))] + other[draw.randrange(len(other)) :]
    elif kind == "unfilled":  # a download that never came to its end
        start = draw.randrange(len(whole))
        content = whole[:start] + bytes(len(whole) - start)
        lost_s = SECONDS * (len(whole) - start) / len(whole)
    else:
        content = damage(whole, draw, kind)
    path = folder / name
    path.write_bytes(content)
    return Case(path, kind, suffix, lost_s)


def tag(paths: list[Path], account: Account) -> tuple[list[dict[str, Any]], str, int]:
    """Rows, standard error and exit status; what each file cost goes to the account."""
    lines: queue.Queue[str] = queue.Queue()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors, subprocess.Popen(
        [sys.executable, "-m", "moodtheme", "tag", "--files-from", "-", "--format", "jsonl",
         "--jobs", "1", "--quiet"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\0".join(map(os.fsencode, paths)) + b"\0")
        process.stdin.close()
        read = threading.Thread(target=_pass_on, args=(process.stdout, lines.put))
        read.start()
        watched, spent, rows = psutil.Process(process.pid), math.inf, []
        try:
            while line := lines.get(timeout=MOST_WAIT_S):
                rows.append(json.loads(line))
                try:
                    before, spent = spent, sum(watched.cpu_times()[:2])
                except psutil.NoSuchProcess:
                    break
                # The first row comes with what starting takes.
                account.most_cpu_s = max(account.most_cpu_s, spent - before)
                if spent - before > MOST_CPU_S:
                    account.problems.append(f"{rows[-1]['path']!r} took {spent - before:.1f} s")
        except queue.Empty:
            account.problems.append(f"{paths[len(rows)]} hangs")
            process.kill()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        read.join()
        while not lines.empty():
            if line := lines.get():
                rows.append(json.loads(line))
        scale = 1 if sys.platform == "darwin" else 1024
        account.most_memory = max(account.most_memory, usage.ru_maxrss * scale)
        errors.seek(0)
        return rows, errors.read(), process.returncode


def _pass_on(stream: Any, put: Callable[[str], None]) -> None:
    for line in stream:
        put(line.decode())
    put("")


def wrong(case: Case, row: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    """What must not be said of a damaged file, given what is said of the whole one."""
    if (row["error"] is None) == (row["tags"] == []):
        yield "has neither tags nor an error, or both"
    if not all(math.isfinite(tag["score"]) and 0 <= tag["score"] <= 1 for tag in row["tags"]):
        yield "has scores that are none"
    if case.kind in {"rename", "metadata"}:
        same = ("audio", "tags", "error", "warnings", "duration_s")
        if different := [key for key in same if row[key] != whole[key]]:
            yield f"has another {', '.join(different)} than the same audio elsewhere"
    # Zeros are samples in a WAV file.
    lost_s = 0.0 if case.suffix == ".wav" else case.lost_s
    if case.kind == "cut" and row["error"] is None:
        lost_s = whole["duration_s"] - row["duration_s"]
    if lost_s > 1.0 and row["error"] is None and not row["warnings"]:
        yield f"lacks {lost_s:.2f} s, and nothing is said"


def check(cases: list[Case], wholes: dict[str, dict[str, Any]], account: Account) -> None:
    """Tag a batch."""
    rows, errors, status = tag([case.path for case in cases], account)
    if [row["path"] for row in rows] != [str(case.path) for case in cases]:
        account.problems.append(f"{len(rows)} rows for {len(cases)} files, or in another order")
    failed = [row for row in rows if row["error"]]
    named = [f"moodtheme: {printable(row['path'])}: {printable(row['error'])}" for row in failed]
    if errors.splitlines() != named:
        account.problems.append(f"said of {len(failed)} failures:\n{errors}")
    if status != bool(failed):
        account.problems.append(f"exit status {status} with {len(failed)} failures")
    for case, row in zip(cases, rows, strict=False):
        outcome = "failed" if row["error"] else "warned" if row["warnings"] else "read"
        account.outcomes[case.kind, outcome] += 1
        for problem in wrong(case, row, wholes[case.suffix]):
            account.problems.append(f"{case.path.name!r} ({case.suffix}) {problem}")


def run(cases: int, seed: int, scratch: Path, *, keep: Path | None) -> Account:
    account = Account()
    originals = scratch / "originals"
    originals.mkdir()
    whole_rows, errors, _ = tag([original(suffix, originals) for suffix in FORMATS], account)
    assert errors == "", errors
    wholes = dict(zip(FORMATS, whole_rows, strict=True))
    for start in range(0, cases, BATCH):
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            folder = Path(name) if keep is None else keep
            numbers = range(start, min(start + BATCH, cases))
            check([make_case(n, seed, originals, folder) for n in numbers], wholes, account)
    if account.most_memory > MOST_MEMORY:
        account.problems.append(f"{account.most_memory / 1e6:.0f} MB of memory")
    return account


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="write the damaged files here, and leave them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        account = run(arguments.cases, arguments.seed, Path(name), keep=arguments.keep)
    for kind in dict.fromkeys(KINDS):
        counts = (f"{what} {account.outcomes[kind, what]}" for what in ("read", "warned", "failed"))
        print(kind, *counts, sep="\t")
    print(
        f"{account.outcomes.total()} files; at most {account.most_cpu_s:.2f} s of processor time "
        f"for one, {account.most_memory / 1e6:.0f} MB of memory"
    )
    for problem in account.problems:
        print(problem, file=sys.stderr)
    sys.exit(bool(account.problems))


if __name__ == "__main__":
    main()
