"""What scanning into a library costs beside `moodtheme tag`, and what kills do to it.

    python benchmarks/library_scan.py FOLDER [--parts N] [--jobs N]
    python benchmarks/library_scan.py FOLDER --moves [--library FILE] [--windows N] [--jobs N]
    python benchmarks/library_scan.py FOLDER --kills N [--keep FILE] [--windows N] [--jobs N]

Without options: the folder's files are cut into parts; each is tagged to JSON Lines and scanned
into a library, in turns, each time by a new process; the ratio of both times stands at the end,
and the quartiles of the parts' ratios.

With ``--moves``: of copies of the files half is moved, the other half is written anew with other
tags by FFmpeg, and how many are heard again is said.

With ``--kills``: a scan is killed that many times at random moments, each time gone on with, until
it is done; what is in the library at the end is compared with that of a scan left alone.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from moodtheme.audio import find_audio_files
from moodtheme.library import Library

PROGRAM = [sys.executable, "-m", "moodtheme"]


def run(*words: object) -> tuple[float, float]:
    """Seconds by the clock and of processor that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, used


def measure(files: Sequence[Path], parts: int, jobs: int, scratch: Path) -> None:
    library = scratch / "library.db"
    sums = np.zeros((2, 2))
    ratios = []
    for part in range(parts):
        some = files[part::parts]
        ways = {
            "tag": ("tag", *some, "-o", scratch / f"{part}.jsonl", "--jobs", jobs, "-q"),
            "scan": ("library", "scan", *some, "--library", library, "--threads", jobs, "-q"),
        }
        spent = {}
        for name in sorted(ways, reverse=bool(part % 2)):
            spent[name] = run(*ways[name])
        sums += [spent["tag"], spent["scan"]]
        ratios.append(spent["scan"][1] / spent["tag"][1])
        print(f"part {part + 1} of {parts}, {len(some)} files: tag {spent['tag'][1]:.1f} s of "
              f"processor, scan {spent['scan'][1]:.1f} s", flush=True)  # fmt: skip
    for name, (clock, used) in zip(("tag", "scan"), sums, strict=True):
        print(f"{name}: {clock:.0f} s by the clock, {used:.0f} s of processor")
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    print(f"scan takes {sums[1, 1] / sums[0, 1]:.3f} of tag's time on the processor, "
          f"{sums[1, 0] / sums[0, 0]:.3f} by the clock; parts {middle:.3f} "
          f"({low:.3f} to {high:.3f})")  # fmt: skip
    with Library(library) as opened:
        print(f"the library holds {len(opened)} tracks", flush=True)


def measure_moves(
    folder: Path, options: Sequence[object], scratch: Path, filled: Path | None
) -> None:
    """Move half of copies of the files and retag the others."""
    music, library = scratch / "music", scratch / "moved.db"
    if filled is not None:
        shutil.copyfile(filled, library)
    shutil.copytree(folder, music, symlinks=True, copy_function=_link_or_copy)
    scan = ("library", "scan", music, "--library", library, *options)
    run(*scan)
    if filled is not None:  # the copies alone are to be its files
        run("library", "forget", folder, "--library", library)
    with Library(library) as opened:
        before = {track.audio: track.result.scores.tobytes() for track in opened.tracks()}
    files, _ = find_audio_files([music])
    retagged = 0
    (scratch / "music" / "moved").mkdir()
    for number, file in enumerate(files):
        if number % 2:
            file.rename(music / "moved" / f"{number}{file.suffix}")
            continue
        again = file.with_name(f"again-{number}{file.suffix}")
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", file, "-map", "0:a", "-c", "copy",
             "-metadata", f"title=Piece {number}", again],
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            again.replace(file)
            retagged += 1
        else:
            again.unlink(missing_ok=True)
    done = subprocess.run([*PROGRAM, *map(str, scan)], capture_output=True, text=True, check=False)
    with Library(library) as opened:
        after = {track.audio: track.result.scores.tobytes() for track in opened.tracks()}
    print(f"{len(files) // 2} files moved, {retagged} of {len(files) - len(files) // 2} retagged; "
          f"the same results: {before == after}")  # fmt: skip
    print(done.stderr.strip().splitlines()[-1] if done.stderr else "")


def _link_or_copy(source: str, place: str) -> None:
    """A second name is enough: what is retagged is written anew beside it."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)


def content(library: Path) -> list[tuple[object, ...]]:
    """All that a library says, without the numbers and times of its rows."""
    with Library(library) as opened:
        database = opened._database
        rows = database.rows(
            "SELECT audio, digest, version, duration_s, windows, scores, dimensions, embedding, "
            "notes, warnings FROM results JOIN tracks ON tracks.id = track "
            "JOIN models ON models.id = model"
        )
        places = database.rows(
            "SELECT path, size, mtime_ns, error, audio FROM places LEFT JOIN tracks "
            "ON tracks.id = track"
        )
    return sorted(map(repr, [*rows, *places]))  # type: ignore[arg-type]


def measure_kills(
    folder: Path, kills: int, seed: int, options: Sequence[object], scratch: Path, keep: Path | None
) -> None:
    draw = random.Random(seed)
    whole, killed = scratch / "whole.db", scratch / "killed.db"
    scan = ("library", "scan", folder, *options, "--library")
    clock, _ = run(*scan, whole)
    expected = content(whole)
    print(f"left alone: {clock:.0f} s, {len(expected)} rows", flush=True)
    done = 0
    while done < kills:
        wait_s = draw.uniform(0.2, 2 * clock / kills)
        command = [*PROGRAM, *map(str, (*scan, killed))]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=wait_s)
            killed.unlink()  # it came to its end: from the start again
            print("  done before the kill; from the start again", flush=True)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
            there = killed.exists()
            count = 0
            if there:
                try:
                    with Library(killed) as opened:
                        count = len(opened)
                except Exception as error:
                    count = -1
                    print(f"  {error}")
            print(f"  kill {done} after {wait_s:.1f} s: {count} tracks there", flush=True)
    run(*scan, killed)
    print(f"after {kills} kills the content is the same: {content(killed) == expected}")
    if keep is not None:
        shutil.copyfile(killed, keep)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parts", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--moves", action="store_true", help="only the moving and retagging")
    parser.add_argument("--library", type=Path, help="for moves: one that knows the files")
    parser.add_argument("--keep", type=Path, help="for kills: where to leave the library")
    parser.add_argument("--model", default="moodtheme-small", help="for kills and moves")
    parser.add_argument("--windows", type=int, help="for kills and moves: as for the scan")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder, jobs = arguments.folder, arguments.jobs
    options = ["--threads", jobs, "--model", arguments.model]
    options += ["--windows", arguments.windows] if arguments.windows else []
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        if arguments.kills:
            kills, seed = arguments.kills, arguments.seed
            measure_kills(folder, kills, seed, options, scratch, arguments.keep)
        elif arguments.moves:
            measure_moves(folder, options, scratch, arguments.library)
        else:
            files, _ = find_audio_files([folder])
            measure(files, arguments.parts, jobs, scratch)


if __name__ == "__main__":
    main()
