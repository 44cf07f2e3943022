"""What models hear, against what people said of the same music: one table, a column a model.

    python benchmarks/listening.py MODEL... [--teachers DIR] [--emotify DIR] [--quadrants DIR]
        [--labels CSV] [--music DIR|CSV...] [--held-out DIR|CSV...] [--sample N] [--cache DIR]
        [--only FIGURES...]

MODEL is a name or a bundle's folder, or the `.onnx` of vibenet (`pip download vibenet`), a peer.

--labels CSV      your own music: ``path`` (as seen from the table) and any of ``valence`` and
                  ``arousal`` (numbers: Pearson's r) and ``tags`` (`;` between them: ROC-AUC, the
                  mean over tags of the model that at least five tracks carry and five do not).
--emotify DIR     the folder with ``emotifymusic/GENRE/N.mp3`` and ``data.csv``; models hear the
                  even numbers only. Nine feelings by the mean of their tags (`FEELINGS`), valence
                  and arousal by the model's dimensions, or by a fixed combination of tags.
--quadrants DIR   files whose names begin with Q1 to Q4 (EMOPIA's clips): ROC-AUC.
--music …         any music, folders or tables with ``path``: how fast models are, and how far names
                  agree with arousal (lists in `listened_music.py`, written before looking).
--held-out …      music that no model was trained on.
--teachers DIR    a column for the teachers together, read as the student is (the weights in DIR,
                  ``NAME.pth``, or ``fetch``). They hear the middle 29 s of a piece, 2 s of a core
                  each. Needs --emotify, whose odd half fits the readings. Adds how alike each
                  model and the teachers rank the same middles of songs (Emotify's even pop and
                  rock), clips and held-out music: Spearman, the median over tags.
--cache DIR       what models said of sounds is kept there, so that a stopped run goes on.

Robustness: Spearman between pieces and their changed selves, over --sample pieces each of --music,
--held-out and Emotify's even half, their first minute: the median over tags (vibenet: over its
seven attributes) with its interval, and the least. The teachers are asked about the middle 29 s of
that, of --short-sample pieces of --music. Intervals are 95 %, over 300 resamples of pieces.
"""

import argparse
import random
import sys
import time
from pathlib import Path

import numpy as np

from changed_sound import CHANGES, robustness
from intervals import interval
from listened_models import RATE, Model, Ours, TeachersTogether, Vibenet
from listened_music import (
    Figures,
    asked_teachers,
    by_name,
    clips,
    emotify,
    labelled,
    quadrants,
    recordings,
    tracks_of,
)
from moodtheme.audio import open_audio, probe, read_audio
from moodtheme.distillation.quality import spearman_per_tag
from moodtheme.errors import AudioError

KINDS = ["answers", "names", "alike", "changes", "speed"]
TIMED = 12


def alike(model: Model, teachers: TeachersTogether, what: str, files: list[Path]) -> Figures:
    """How alike a model and its teachers rank the middles of files."""
    ours, theirs = model.hear_middles(files), teachers.hear_middles(files)
    n = len(ours.files)
    found = {f"as the teachers, {what}, pieces": str(n)}
    if ours.logits is not None and theirs.logits is not None:
        a, b = ours.logits, theirs.logits
        found[f"as the teachers, {what}, tags, ρ"] = interval(
            lambda d: float(np.nanmedian(spearman_per_tag(a[d], b[d]))), n
        )
    for name in ("arousal", "valence"):
        one, other = (getattr(said, name)[:, None] for said in (ours, theirs))
        found[f"as the teachers, {what}, {name}, ρ"] = interval(
            lambda d, x=one, y=other: float(spearman_per_tag(x[d], y[d])[0]), n
        )
    return found


def speed(model: Model, files: list[Path]) -> Figures:
    """Seconds of music a second of a core: in memory, from files, and beside decoding alone."""
    pieces = []
    for file in files:
        try:
            if (probe(file).duration_s or 0.0) >= 60.0:
                pieces.append(file)
        except AudioError:
            continue
    spent = decoding = seconds = 0.0
    for file in pieces[:TIMED]:
        started = time.process_time()
        with open_audio(file, sample_rate=RATE) as stream:
            for _ in stream:
                pass
        decoding += time.process_time() - started
        audio = read_audio(file, sample_rate=RATE).samples
        started = time.process_time()
        model.hear_anew(audio)
        spent += time.process_time() - started
        seconds += 29.12 if isinstance(model, TeachersTogether) else len(audio) / RATE
    found = {"speed in memory, × real time": f"{seconds / spent:.0f}"}
    if not isinstance(model, TeachersTogether):
        found["speed with decoding, × real time"] = f"{seconds / (spent + decoding):.0f}"
        found["share of decoding's speed"] = f"{decoding / (spent + decoding):.2f}"
    return found


def figures(
    model: Model, options: argparse.Namespace, teachers: TeachersTogether | None
) -> Figures:
    """All that was asked for of one model but robustness."""
    found: Figures = {}
    wanted = set(options.only)
    if "answers" in wanted:
        if options.labels:
            found |= labelled(model, options.labels)
        if options.emotify:
            found |= emotify(model, options.emotify)
        if options.quadrants:
            found |= quadrants(model, options.quadrants)
    if options.music and "names" in wanted:
        found |= by_name(model, tracks_of(options.music))
    if teachers is not None and model is not teachers and "alike" in wanted:
        songs = [f for f in recordings(options.emotify, 2) if f.parent.name in ("pop", "rock")]
        found |= alike(model, teachers, "songs", songs)
        if options.quadrants:
            found |= alike(model, teachers, "clips", clips(options.quadrants))
        if options.held_out:
            found |= alike(model, teachers, "held out", tracks_of(options.held_out))
    if options.music and "speed" in wanted:
        found |= speed(model, shuffled(tracks_of(options.music)))
    return found


def shuffled(files: list[Path]) -> list[Path]:
    """The same in an order that is always the same."""
    return random.Random(0).sample(files, len(files))


def changed(
    models: list[Model], options: argparse.Namespace, teachers: TeachersTogether | None
) -> dict[str, Figures]:
    """Robustness of all models, which hear each changed piece in turn."""
    music = {
        "music": tracks_of(options.music or []),
        "held out": tracks_of(options.held_out or []),
        "songs": [*recordings(options.emotify, 2)] if options.emotify else [],
    }
    found: dict[str, Figures] = {model.name: {} for model in models}
    for what, files in music.items():
        some = shuffled(files)[: options.sample]
        asked = [(models, what, some)]
        if teachers is not None and what == "music":
            asked.append(([teachers], "music", some[: options.short_sample]))
        for who, name, pieces in asked:
            if not pieces:
                continue
            print(f"changed, {name} …", file=sys.stderr, flush=True)
            said = robustness(who, f"changed, {name}", pieces, options.changes)
            for model, its in said.items():
                found.setdefault(model, {}).update(its)
    return found


def show(columns: dict[str, Figures]) -> None:
    """Print a table in Markdown: figures down, models across."""
    rows = dict.fromkeys(figure for found in columns.values() for figure in found)
    print(f"| | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for row in rows:
        print(f"| {row} | {' | '.join(found.get(row, '') for found in columns.values())} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--teachers", metavar="DIR|fetch")
    parser.add_argument("--cache", type=Path, default=Path("models-said"))
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--emotify", type=Path)
    parser.add_argument("--quadrants", type=Path)
    parser.add_argument("--music", type=Path, nargs="+")
    parser.add_argument("--held-out", type=Path, nargs="+")
    parser.add_argument("--sample", type=int, default=150, help="pieces that are changed")
    parser.add_argument("--short-sample", type=int, default=20, help="of those, for the teachers")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, help="some figures")
    parser.add_argument("--changes", nargs="+", choices=list(CHANGES), default=list(CHANGES))
    options = parser.parse_args()
    teachers = asked_teachers(parser, options)
    kinds = [Vibenet if name.endswith(".onnx") else Ours for name in options.models]
    models: list[Model] = [
        kind(name, options.cache) for kind, name in zip(kinds, options.models, strict=True)
    ]
    columns: dict[str, Figures] = {}
    for model in [*models, *([teachers] if teachers else [])]:
        print(f"{model.name} …", file=sys.stderr, flush=True)
        columns[model.name] = figures(model, options, teachers)
    if "changes" in options.only:
        for name, found in changed(models, options, teachers).items():
            columns[name] |= found
    show(columns)


if __name__ == "__main__":
    main()
