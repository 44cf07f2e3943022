"""How fast tagging is, beside decoding alone, on any folder of music.

    python benchmarks/tagging.py FOLDER [--model NAME|DIR] [--files N] [--rounds N]
    python benchmarks/tagging.py FOLDER --passes [--files N] [--rounds N]
    python benchmarks/tagging.py FOLDER --windows N [N …] [--files N] [--minimum-s S] [--rounds N]

With ``--passes``: five members with timelines in one pass over each file, beside a pass for each
member and another for its timeline, with the same graphs. With ``--windows``: a few windows of
each file beside all of it, how much sooner they are heard, and how alike the tags rank the files
(Spearman's correlation of a tag's scores over the files).

Each figure is seconds of music per second on one core (× real time), the best of some rounds that
take the ways in turn, so that a machine whose speed drifts treats them alike. Compare ratios
within one run; absolute speeds of two runs say little.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from moodtheme.audio import ExcerptPolicy, find_audio_files, open_audio, probe
from moodtheme.errors import AudioError
from moodtheme.tagging.answers import track_scores
from moodtheme.tagging.batch import tag_files
from moodtheme.tagging.bundle_files import read_manifest, write_bundle
from moodtheme.tagging.models import embedded_folder
from moodtheme.tagging.tagger import Tagger


def decode(files: list[Path], sample_rate: int | None) -> None:
    for file in files:
        with open_audio(file, sample_rate=sample_rate) as stream:
            for _ in stream:
                pass


def usable(files: list[Path], wanted: int, minimum_s: float) -> tuple[list[Path], float]:
    """Up to `wanted` whole pieces spread over the list, and their seconds of music."""
    pieces = []
    for file in files:
        try:
            duration_s = probe(file).duration_s
        except AudioError:
            continue
        if duration_s is not None and duration_s >= minimum_s:
            pieces.append((file, duration_s))
    step = max(1, len(pieces) // wanted)
    chosen = pieces[::step][:wanted]
    return [file for file, _ in chosen], sum(duration_s for _, duration_s in chosen)


def best_times(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return {name: min(measured) for name, measured in times.items()}


def shell_seconds(model: str) -> float:
    """One three-minute file from the shell, interpreter start included."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "three-minutes.ogg"
        with soundfile.SoundFile(path, "w", 44_100, 2, format="OGG", subtype="VORBIS") as out:
            for _ in range(180):
                out.write(0.1 * rng.standard_normal((44_100, 2)))
        command = [sys.executable, "-m", "moodtheme", "tag", str(path), "--model", model]
        times = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
    return min(times)


def five_members(folder: Path) -> tuple[Tagger, list[Tagger]]:
    """A bundle of the embedded graph and four more copies of it, and each copy on its own."""
    small = embedded_folder() / "moodtheme-small"
    bundle = read_manifest(small)
    (member,) = bundle.members
    copies, graphs = [], []
    for number, policy in enumerate(("cover", "centre", "start", "cover", "centre")):
        graph = folder / f"copy-{number}.onnx"
        shutil.copyfile(small / member.file, graph)
        systems, rate = (graph.stem,), 16_000 if number < 3 else 22_050
        changes = {"file": graph.name, "systems": systems, "policy": ExcerptPolicy(policy)}
        copies.append(msgspec.structs.replace(member, sample_rate=rate, **changes))
        graphs.append(graph)
    taggers = []
    for number, members in enumerate([copies, *([copy] for copy in copies)]):
        used = [graph for graph in graphs if graph.name in {m.file for m in members}]
        made = msgspec.structs.replace(bundle, name=f"copies-{number}", members=tuple(members))
        write_bundle(folder / made.name, made, used)
        taggers.append(Tagger.load(folder / made.name))
    return taggers[0], taggers[1:]


def compare_passes(files: list[Path], rounds: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        together, apart = five_members(Path(scratch))

        def by_passes() -> None:
            for file in files:
                for tagger in apart:
                    tagger.tag(file)
                    tagger.timeline(file)

        ways: dict[str, Callable[[], object]] = {
            "one pass": lambda: list(tag_files(together, files, timeline=True)),
            "a pass a member, and one a timeline": by_passes,
        }
        times = best_times(ways, rounds)
    for name, spent in times.items():
        print(f"  {name:<45} {spent:7.1f} s")
    one, many = times.values()
    print(f"one pass takes {one / many:.2f} of the time")


def ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks down each column, ties apart: scores of different files hardly ever tie."""
    return np.argsort(np.argsort(scores, axis=0), axis=0).astype(float)


def compare_windows(tagger: Tagger, files: list[Path], wanted: list[int], rounds: int) -> None:
    ways: list[int | None] = [None, *wanted]
    spent = np.full((len(files), len(ways)), np.inf)
    scores = np.empty((len(files), len(ways), len(tagger.tags)))
    remarks = 0
    for row, file in enumerate(files):
        for _ in range(rounds):
            for way, windows in enumerate(ways):
                start = time.perf_counter()
                heard = tagger.listen(file, windows=windows)
                scores[row, way] = track_scores(heard)
                spent[row, way] = min(spent[row, way], time.perf_counter() - start)
        remarks += any("all of it was heard" in warning for warning in heard.warnings)
    print(f"all of them: {spent[:, 0].sum():.1f} s; {remarks} files cannot be heard in part")
    codecs = np.array([probe(file).codec for file in files])
    whole = ranks(scores[:, 0])
    for way, windows in enumerate(wanted, start=1):
        heard = ranks(scores[:, way])
        alike = np.array(
            [np.corrcoef(whole[:, t], heard[:, t])[0, 1] for t in range(whole.shape[1])]
        )
        worst = tagger.tags[int(alike.argmin())]
        faster = spent[:, 0].sum() / spent[:, way].sum()
        print(
            f"  {windows} windows: {faster:.2f} × faster, Spearman {np.median(alike):.3f} in "
            f"the median tag, mean {alike.mean():.3f}, lowest {alike.min():.3f} ({worst}); "
            f"{np.mean(alike >= 0.97):.0%} of tags from 0.97"
        )
        for codec in sorted(set(codecs)):
            its = codecs == codec
            faster = spent[its, 0].sum() / spent[its, way].sum()
            print(f"    {codec}: {its.sum()} files, {faster:.2f} × faster")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--minimum-s", type=float, default=20.0, help="leave out shorter files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", action="store_true", help="compare one pass with many")
    parser.add_argument(
        "--windows", type=int, nargs="+", metavar="N", help="compare with all of it"
    )
    arguments = parser.parse_args()

    found, _ = find_audio_files([arguments.folder])
    files, seconds = usable(found, arguments.files, arguments.minimum_s)
    if not files:
        parser.error(
            f"nothing to measure: {arguments.folder} holds no audio of a stated length of "
            f"{arguments.minimum_s:g} s or more; name another folder or a lower --minimum-s"
        )
    if arguments.passes:
        print(f"{len(files)} files, {seconds / 60:.1f} min of music, five members with timelines")
        compare_passes(files, arguments.rounds)
        return
    tagger = Tagger.load(arguments.model)
    if arguments.windows:
        print(f"{len(files)} files, {seconds / 60:.1f} min of music, model {tagger.bundle.name}")
        compare_windows(tagger, files, arguments.windows, arguments.rounds)
        return
    batched = Tagger.load(arguments.model, batch_size=8)
    rate = max(member.sample_rate for member in tagger.bundle.members)
    print(f"{len(files)} files, {seconds / 60:.1f} min of music, model {tagger.bundle.name}")

    ways: dict[str, Callable[[], object]] = {
        "decode only": lambda: decode(files, None),
        f"decode and resample to {rate} Hz": lambda: decode(files, rate),
        "full tagging, one job": lambda: list(tag_files(tagger, files, jobs=1)),
        "full tagging, one job, batches of 8 windows": lambda: list(
            tag_files(batched, files, jobs=1)
        ),
        # All files twice: what the last file leaves idle weighs little in a long list.
        "full tagging, two jobs": lambda: list(tag_files(tagger, files * 2, jobs=2)),
    }
    times = best_times(ways, arguments.rounds)
    times["full tagging, two jobs"] /= 2
    for name, spent in times.items():
        print(f"  {name:<45} {seconds / spent:7.0f} × real time")
    one = times["full tagging, one job"]
    print(f"full tagging at {times['decode only'] / one:.2f} of decode-only speed")
    print(f"two jobs {one / times['full tagging, two jobs']:.2f} × one job")
    batches = times["full tagging, one job, batches of 8 windows"]
    print(f"batches of 8 windows {one / batches:.2f} × single windows")
    print(f"one three-minute file from the shell: {shell_seconds(arguments.model):.2f} s")


if __name__ == "__main__":
    main()
