"""How fast a library is searched, and scanned again, on rows that were generated.

    python benchmarks/library.py [--tracks N] [--rounds N]
    python benchmarks/library.py --unchanged N
    python benchmarks/library.py --exact N [N ...]

Without options: a library of 100,000 tracks with random scores and embeddings; searches, similar
tracks and a path, each the median of some rounds, warm and in processes of their own, on one core.
``--unchanged``: that many small files with rows of their own are scanned again. ``--exact``: what
finding the nearest by looking at all takes with so many tracks, in processor time, beside a
USearch index where that is installed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402 - after its threads are limited

from moodtheme.files import FileState  # noqa: E402
from moodtheme.library import Library  # noqa: E402
from moodtheme.library.keeping import (  # noqa: E402
    Keeper,
    ScannedFile,
    Why,
)
from moodtheme.library.numbers import make_blocks  # noqa: E402
from moodtheme.library.results import Result, put_result  # noqa: E402
from moodtheme.tagging.bundle_files import read_manifest  # noqa: E402
from moodtheme.tagging.models import embedded_folder  # noqa: E402

QUERY = "sad -heavy valence<-0.2 longer>3:00"
COLD = """
import sys, time
start = time.perf_counter(), time.process_time()
from moodtheme.library import Library
imported = time.perf_counter(), time.process_time()
with Library(sys.argv[1]) as library:
    {what}
print(time.perf_counter() - imported[0], time.process_time() - imported[1], time.process_time())
"""


def fill(file: Path, tracks: int, paths: list[Path] | None = None) -> list[np.ndarray]:
    """A library of random tracks; some of their embeddings come back."""
    bundle = read_manifest(embedded_folder() / "moodtheme-small")
    rng = np.random.default_rng(0)
    some = []
    with Library(file, write=True) as library:
        keeper = Keeper(library._database, bundle)
        for number in range(tracks):
            embedding = rng.standard_normal(512).astype(np.float32)
            embedding /= np.linalg.norm(embedding)
            some += [embedding] if number < 10 else []
            result = Result(
                scores=rng.random(len(bundle.tags), np.float32) ** 4,
                dimensions=rng.uniform(-1, 1, 2).astype(np.float32),
                embedding=embedding,
                duration_s=float(rng.uniform(60, 600)),
            )
            path = Path(f"/music/{number // 100:05}/{number:06}.flac")
            state = FileState(1, 1, 1)
            if paths is not None:
                path = paths[number]
                state = FileState.of(path)
            scanned = ScannedFile(path, Why.NEW, f"a1:{number:064x}", result, state=state)
            # As a scan keeps it, but for the commit after each.
            track = keeper.track_of(scanned.audio or "")
            put_result(library._database, track, keeper.model, result)
            keeper.keep(ScannedFile(path, Why.NEW, scanned.audio, state=state), None)
        library._database.commit()
        make_blocks(library._database, library.model)
    return some


def medians_ms(way: Callable[[], object], rounds: int) -> str:
    """By the clock, and on the processor: they differ where others use the machine too."""
    times, used = [], []
    for _ in range(rounds):
        start = time.perf_counter(), time.process_time()
        way()
        times.append(time.perf_counter() - start[0])
        used.append(time.process_time() - start[1])
    return in_ms(times, used)


def in_ms(times: Sequence[float], used: Sequence[float]) -> str:
    clock, processor = 1000 * statistics.median(times), 1000 * statistics.median(used)
    return f"{processor:7.1f} ms of processor, {clock:7.1f} by the clock"


def measure_searches(tracks: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "library.db"
        start = time.perf_counter()
        some = fill(file, tracks)
        print(f"{tracks} tracks, {file.stat().st_size / 1e6:.0f} MB, made in "
              f"{time.perf_counter() - start:.0f} s; medians of {rounds}")  # fmt: skip
        np.save(Path(folder) / "some.npy", np.array(some))
        with Library(file) as library:
            last = next(iter(library.tracks())).path
            ends = last, last.with_name("000099.flac")
            ways: dict[str, Callable[[], object]] = {
                "search": lambda: library.search(QUERY),
                "search among the library": lambda: library.search(QUERY, among="library"),
                "similar": lambda: library.similar(some[0]),
                "path of 12": lambda: library.path_between(*ends),
            }
            for name, way in ways.items():
                way()
                print(f"  {name:<40} {medians_ms(way, rounds)}")
        load = f"import numpy; library.similar(numpy.load({str(Path(folder) / 'some.npy')!r})[0])"
        for name, what in (("search", f"library.search({QUERY!r})"), ("similar", load)):
            command = [sys.executable, "-c", COLD.format(what=what), str(file)]
            parts = []
            for _ in range(rounds):
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                parts.append(tuple(map(float, done.stdout.split())))
            times, used, whole = zip(*parts, strict=True)
            print(f"  {name + ', cold, from opening on':<40} {in_ms(times, used)}; the whole "
                  f"process {1000 * statistics.median(whole):.0f} of processor")  # fmt: skip


def measure_unchanged(tracks: int) -> None:
    from moodtheme import Tagger

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number in range(tracks):
            path = Path(folder) / "music" / f"{number // 100:04}" / f"{number:06}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"fLaC")
            os.utime(path, (10**9, 10**9))
            paths.append(path)
        file = Path(folder) / "library.db"
        fill(file, tracks, paths)
        tagger = Tagger.load()
        with Library(file, write=True) as library:
            for _ in range(3):
                start = time.perf_counter(), time.process_time()
                report = library.scan([Path(folder) / "music"], tagger)
                used = time.process_time() - start[1]
                assert report.unchanged == tracks
                print(f"{tracks} unchanged files scanned again in {used:.2f} s of processor, "
                      f"{time.perf_counter() - start[0]:.2f} by the clock")  # fmt: skip


def measure_exact(sizes: Sequence[int]) -> None:
    try:
        from usearch.index import Index
    except ImportError:
        Index = None  # noqa: N806 - a class
        print("usearch is not installed; looking at all alone")
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((2000, 512)).astype(np.float32)
    for tracks in sizes:
        vectors = centres[rng.integers(0, len(centres), tracks)]
        vectors += 0.7 * rng.standard_normal(vectors.shape, np.float32)
        vectors /= np.linalg.norm(vectors, axis=1)[:, None]
        queries = vectors[:20]
        start = time.process_time()
        exact = [np.argsort(-(vectors @ query))[:25] for query in queries]
        all_ms = 1000 * (time.process_time() - start) / len(queries)
        line = f"{tracks:>9} tracks: looking at all {all_ms:7.1f} ms"
        if Index is not None:
            start = time.process_time()
            index = Index(ndim=512, metric="cos", dtype="i8")
            index.add(np.arange(tracks), vectors, threads=1)
            made = time.process_time() - start
            start = time.process_time()
            found = [index.search(query, 25, threads=1).keys for query in queries]
            spent = 1000 * (time.process_time() - start) / len(queries)
            recall = np.mean([len(set(f) & set(e)) / 25 for f, e in zip(found, exact, strict=True)])
            line += f", USearch {spent:6.2f} ms, made in {made:.0f} s, finds {recall:.0%}"
        print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--unchanged", type=int, metavar="N")
    parser.add_argument("--exact", type=int, nargs="+", metavar="N")
    arguments = parser.parse_args()
    if arguments.unchanged:
        measure_unchanged(arguments.unchanged)
    elif arguments.exact:
        measure_exact(arguments.exact)
    else:
        measure_searches(arguments.tracks, arguments.rounds)


if __name__ == "__main__":
    main()
