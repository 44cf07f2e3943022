"""Whether the moods that the demo's generator writes are heard.

    python benchmarks/demo_moods.py [--seeds 20] [--teachers DIR --music TABLE]

For each mood, over pieces of seeds that nothing was set by: how often the model says that the mood
(or a tag that means the same to it) stands out, and its mean standing, valence and arousal. With
--teachers, a folder of `moodtheme distil`'s teachers, it is also asked of them, who never heard
the generator while it was made: the mood's place among the 56 tags as they hear the demo's own five
pieces, each tag in units of its spread over 24 pieces of --music, a CSV with ``path``.
"""

import argparse
import csv
import random
import time
from pathlib import Path

import numpy as np

from intervals import wilson
from moodtheme import Tagger
from moodtheme.audio import resample
from moodtheme.demo import Mood, compose_and_render, demo_pieces
from moodtheme.tagging.answers import place, rank, track_dimensions, track_scores
from moodtheme.tagging.bundle import Bundle
from moodtheme.tagging.in_words import findings

FIRST_SEED, SECONDS, RATE = 300, 30.0, 44_100


def same_mood(bundle: Bundle, mood: Mood) -> set[str]:
    """The mood's tag and those that mean the same to the model."""
    return next((set(group) for group in bundle.synonyms if mood in group), {str(mood)})


def student(tagger: Tagger, seeds: int) -> None:
    """Print what the model hears of each mood."""
    bundle = tagger.bundle
    print(f"{bundle.name} {bundle.digest[:8]}, {seeds} pieces a mood, seeds from {FIRST_SEED}")
    print("| mood | stands out | mean standing | valence | arousal | × real time |")
    print("|---|---|---|---|---|---|")
    for mood in Mood:
        hits, rows = 0, []
        started = time.process_time()
        pieces = [
            compose_and_render(mood, seed=FIRST_SEED + number, duration_s=SECONDS)
            for number in range(seeds)
        ]
        pace = seeds * SECONDS / (time.process_time() - started)
        for piece in pieces:
            listening = tagger.listen_to(piece, RATE)
            tags = rank(bundle, track_scores(listening), bundle.reference)
            found = findings(tags, bundle.synonyms) or ()
            hits += any(same_mood(bundle, mood) & set(finding.names) for finding in found)
            standing = next(tag.standing for tag in tags if tag.name == mood)
            values = place(bundle, track_dimensions(listening), bundle.reference)
            rows.append((standing or 0.0, *(value.value for value in values)))
        low, high = wilson(hits, seeds)
        standing, valence, arousal = np.mean(rows, axis=0)
        print(
            f"| {mood} | {hits / seeds:.0%} [{low:.0%}, {high:.0%}] | {standing:.2f} | "
            f"{valence:+.2f} | {arousal:+.2f} | {pace:.0f} |",
            flush=True,
        )


def teachers(folder: Path, table: Path, count: int = 24) -> None:
    """Print what the teachers hear of the demo's own pieces."""
    import torch

    from moodtheme.audio import open_audio
    from moodtheme.distillation.combination import label_readings
    from moodtheme.distillation.run import teacher_files
    from moodtheme.distillation.teachers import EXCERPT_SAMPLES, SAMPLE_RATE, Teachers
    from moodtheme.scores.vocabulary import MOOD_THEME_TAGS

    torch.set_flush_denormal(True)
    asked = Teachers(teacher_files(folder))
    n = asked.columns.n_logits

    def hear(samples: np.ndarray) -> np.ndarray:
        window = np.resize(samples, EXCERPT_SAMPLES).astype(np.float32)
        return asked(torch.from_numpy(window)[None])[0, :n].double().numpy()

    with table.open(newline="", encoding="utf-8") as file:
        paths = [table.parent / row["path"] for row in csv.DictReader(file)]
    random.Random(3).shuffle(paths)
    rows: list[np.ndarray] = []
    for path in paths:
        if len(rows) == count:
            break
        with open_audio(path, sample_rate=SAMPLE_RATE, duration_s=60.0) as stream:
            samples = np.concatenate([*stream])
        if len(samples) >= EXCERPT_SAMPLES:
            rows.append(hear(samples[-EXCERPT_SAMPLES:]))
    music = np.stack(rows)
    pieces = demo_pieces()
    audio = [
        compose_and_render(p.mood, seed=p.seed, duration_s=p.duration_s).mean(axis=1)
        for p in pieces
    ]
    heard = np.stack([hear(resample(mono, RATE, SAMPLE_RATE)) for mono in audio])
    spread = music.std(axis=0) + 1e-6
    readings = label_readings(asked.columns)
    among, tags = ((x - music.mean(axis=0)) / spread @ readings.T for x in (music, heard))
    tags = (tags - among.mean(axis=0)) / among.std(axis=0)
    print(f"\nThe {1 + len(asked.names)} teachers, in spreads over {count} pieces of music:")
    for piece, row in zip(pieces, tags, strict=True):
        own = row[MOOD_THEME_TAGS.index(piece.mood)]
        first = ", ".join(MOOD_THEME_TAGS[tag] for tag in np.argsort(-row)[:5])
        print(
            f"  {piece.mood:11} {own:+.2f}, place {1 + (row > own).sum()} of {len(row)} ({first})",
            flush=True,
        )


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--teachers", type=Path)
    parser.add_argument("--music", type=Path)
    options = parser.parse_args()
    if options.seeds:
        student(Tagger.load(options.model), options.seeds)
    if options.teachers and options.music:
        teachers(options.teachers, options.music)


if __name__ == "__main__":
    main()
