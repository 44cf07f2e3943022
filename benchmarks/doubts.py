"""How often a model's notes doubt what is no music, and how often music.

    python benchmarks/doubts.py [MODEL] [--probes FOLDER] [--speech DIR] [--count 60] [--which SET]
                                [--results tags.jsonl] [--music TABLE --sample 30]

--probes FOLDER    sounds that are no music, of `benchmarks/probes.py`; made there if they are not
--results FILE     what `moodtheme tag --format jsonl` wrote of music: notes that it got, and how
                   varied the tags are (top tags, tags that stand out)
--music TABLE      a CSV with ``path``: pieces that are cut short, made faint, resampled and coded

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
from intervals import share
from moodtheme import Tagger
from moodtheme.audio import read_audio, resample
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


if __name__ == "__main__":
    main()
