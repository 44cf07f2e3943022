"""How often a model's notes doubt what is no music, and how often music.

    python benchmarks/doubts.py [MODEL] [--probes FOLDER] [--speech DIR] [--count 60] [--which SET]
                                [--results tags.jsonl] [--music TABLE --sample 30] [--demo N]

--probes FOLDER    sounds that are no music, of `benchmarks/probes.py`; made there if they are not
--results FILE     what `moodtheme tag --format jsonl` wrote of music: notes that it got, and how
                   varied the tags are (top tags, tags that stand out)
--music TABLE      a CSV with ``path``: pieces that are cut short, made faint, resampled and coded
--demo N           how far from the reference's middle the demo's five pieces lie, and N pieces a
                   mood of other seeds, in parts of the distance from which a note says *unlike*

Intervals are Wilson's, 95 %.
"""

import argparse
import csv
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from changed_sound import CHANGES as LISTENED_TO
from demo_moods import FIRST_SEED
from demo_moods import RATE as DEMO_RATE
from intervals import share
from moodtheme import Tagger
from moodtheme.audio import read_audio, resample
from moodtheme.demo import Mood, compose_and_render, demo_pieces
from moodtheme.errors import AudioError
from moodtheme.tagging.notes import doubtful
from probes import write_probes

RATE = 16_000
NO_MUSIC, NARROW, FAINT, SHORT = "hardly music", "narrow band", "nearly silent", "very short"


def has(notes: Iterable[str], what: str) -> bool:
    """Whether one of the notes begins so."""
    return any(note.startswith(what) for note in notes)


def probes(tagger: Tagger, made: dict[str, list[Path]]) -> None:
    """Print how many of each kind are noted."""
    for kind, paths in made.items():
        hits = sum(has(doubtful(tagger.listen(path)), NO_MUSIC) for path in paths)
        print(f"  {kind:18} {share(hits, len(paths))}", flush=True)


def results(path: Path) -> None:
    """Print what music got."""
    with path.open(encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["error"] is None]
    for what in (NO_MUSIC, "unlike", NARROW, FAINT, SHORT):
        hits = [row for row in rows if has(row["notes"], what)]
        print(f"  {what:18} {share(len(hits), len(rows))}")
        for row in hits[:5]:
            print(f"      {Path(row['path']).name}: {'; '.join(row['notes'])}")
    top, count = Counter(row["tags"][0]["tag"] for row in rows).most_common(1)[0]
    decided = [[tag["tag"] for tag in row["tags"] if tag["decision"]] for row in rows]
    print(f"  commonest top tag  {top}: {share(count, len(rows))}")
    print(f"  tags that stand out somewhere: {len({tag for tags in decided for tag in tags})}")
    none = sum(not tags for tags in decided)
    print(f"  nothing stands out {share(none, len(rows))}")
    spread = np.percentile([len(tags) for tags in decided], [10, 50, 90])
    print(f"  tags a piece, 10th, 50th and 90th of 100: {spread}")


def down_to(rate: int) -> Callable[[np.ndarray], np.ndarray]:
    """As a recording of that rate."""
    return lambda audio: resample(resample(audio, RATE, rate), rate, RATE)


CHANGES: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "as it is": (NARROW, lambda audio: audio),
    "8 kHz": (NARROW, down_to(8000)),
    "11.025 kHz": (NARROW, down_to(11_025)),
    "MP3 64 kbit/s": (NARROW, LISTENED_TO["MP3, 64 kbit/s"]),
    "6 s of it": (SHORT, lambda audio: audio[: 6 * RATE]),
    "peak at -66 dBFS": (FAINT, lambda audio: audio * np.float32(5e-4 / np.abs(audio).max())),
    "peak at -40 dBFS": (FAINT, lambda audio: audio * np.float32(1e-2 / np.abs(audio).max())),
}


def changed(tagger: Tagger, table: Path, sample: int) -> None:
    """Print how often changed music is noted for what was done to it."""
    with table.open(newline="", encoding="utf-8") as file:
        paths = [table.parent / row["path"] for row in csv.DictReader(file)]
    random.Random(1).shuffle(paths)
    pieces: list[np.ndarray] = []
    for path in paths:
        if len(pieces) == sample:
            break
        try:
            pieces.append(read_audio(path, sample_rate=RATE, duration_s=40.0).samples)
        except AudioError as error:
            print(f"  {error}")
    for name, (what, change) in CHANGES.items():
        notes = [doubtful(tagger.listen_to(change(piece), RATE)) for piece in pieces]
        counts = [sum(has(said, about) for said in notes) for about in (what, NO_MUSIC)]
        print(f"  {name:18} {what}: {share(counts[0], len(pieces))}; {NO_MUSIC}: {counts[1]}")


def how_far(tagger: Tagger, audio: np.ndarray, rate: int) -> float:
    """Distance from the middle of the reference, in parts of that from which a note says so."""
    doubts = tagger.bundle.doubts
    assert doubts is not None
    windows = tagger.listen_to(audio, rate).members[0].track
    weights = np.array([window.weight for window in windows])
    embedding = weights @ np.stack([window.embedding for window in windows]) / weights.sum()
    away = (embedding - np.array(doubts.centre)) / np.array(doubts.spread)
    return float(np.sqrt(np.mean(away**2)) / doubts.farthest)


def demo(tagger: Tagger, count: int) -> None:
    """Print how far out music by the demo's generator lies."""
    for piece in demo_pieces():
        audio = compose_and_render(piece.mood, seed=piece.seed, duration_s=piece.duration_s)
        print(f"  {piece.mood:18} {how_far(tagger, audio, DEMO_RATE):.2f}", flush=True)
    for mood in Mood:
        seeds = range(FIRST_SEED, FIRST_SEED + count)
        pieces = [compose_and_render(mood, seed=seed, duration_s=30.0) for seed in seeds]
        far = np.array([how_far(tagger, audio, DEMO_RATE) for audio in pieces])
        print(
            f"  {mood:18} {np.median(far):.2f} in the median, at most {far.max():.2f}; "
            f"unlike: {(far > 1).sum()} of {count}",
            flush=True,
        )


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="moodtheme-small")
    parser.add_argument("--probes", type=Path)
    parser.add_argument("--which", choices=["tuning", "reporting"], default="reporting")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="number of the first probe")
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--sample", type=int, default=30)
    parser.add_argument("--demo", type=int, metavar="N")
    options = parser.parse_args()
    tagger = Tagger.load(options.model)
    print(f"{tagger.bundle.name} {tagger.bundle.digest[:8]}")
    if options.probes:
        print(f"sounds that are no music, {options.which}, from number {options.first}")
        numbers = range(options.first, options.first + options.count)
        probes(tagger, write_probes(options.which, options.probes, numbers, options.speech))
    if options.results:
        print(f"music in {options.results.name}")
        results(options.results)
    if options.music:
        print("music, changed")
        changed(tagger, options.music, options.sample)
    if options.demo:
        print("the demo's music, distance")
        demo(tagger, options.demo)


if __name__ == "__main__":
    main()
