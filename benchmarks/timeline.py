"""How near a found change lies to where two pieces were spliced, and how often none is found false.

    python benchmarks/timeline.py FOLDER [--choose] [--splices N] [--results FILE] …

FOLDER holds music in folders, such as one for each album or package. A folder's music is either
for choosing (`--choose`) or for reporting, never for both: with the music that moodtheme-small
was made with, what it learned from is for choosing; otherwise half of the folders, by a hash of
their names.

Splices: a stretch of 30 to 60 s of one piece and one of another folder's, brought to one level
about the seam and joined within 50 ms. The pieces contrast: by what the model says of each alone,
they lie at least `--contrast` apart in the plane of valence and arousal (each from -1 to 1). The
error is the distance of the nearest change to the seam; a splice without a change is infinitely
far off.

Steady pieces: whole pieces whose *sound* stays alike, whatever the model says: at no multiple of
10 s do the mean spectra (32 mel bands, dB) of the 20 s before and after differ by more than 6.5
dB, root mean square over the bands. A third of 58 pieces of the music for choosing are so steady:
the limit was set by that share, before any music for reporting was heard. Every change in such a
piece counts as false.

``further`` is the number of changes beside the nearest, a splice; ``apart`` how far the means of
the curves lie from what the model says of the same music in whole windows: root mean square over
tags and items, in units of a tag's spread among the model's reference.

Results of each item go to `--results` as they come, and a second run goes on from there.
"""

import argparse
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from moodtheme import Tagger, find_audio_files, over_time, track_scores
from moodtheme.audio import probe, read_audio
from moodtheme.errors import AudioError
from moodtheme.features.overview import overview
from moodtheme.scores import logit
from moodtheme.tagging.following import HOP_S, PRICE_S, SPAN_S, change_steps, spreads

RATE = 16_000
STEADY_DB = 6.5
LEAST_S, MOST_S = 60.0, 600.0
EDGE_S = 2.0  # left out of pieces that are spliced: the first sound and the last
LEARNED_FROM = {
    "0ad-data", "asc-music", "berusky2-data", "colobot-common-sounds", "extremetuxracer-data",
    "fillets-ng-data", "fretsonfire-songs-muldjord", "gunroar-data", "hedgewars-data", "krank",
    "lincity-ng-data", "mu-cade-data", "naev-data", "nexuiz-music", "noiz2sa-data",
    "openarena-088-data", "planetblupi-music-ogg", "plee-the-bear-data", "pushover-data",
    "redeclipse-data", "singularity-music", "supertux-data", "supertuxkart-data", "titanion-data",
    "tumiki-fighters-data", "ufoai-music", "unknown-horizons", "warmux-data", "warzone2100-music",
    "xmoto-data",
}  # fmt: skip
"""The folders whose music is in moodtheme-small, as its model card says."""


class Results:
    """Answers by name, on the disk as soon as they are there."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known: dict[str, Any] = {}
        if file is not None and file.exists():
            self._known = dict(json.loads(line) for line in file.read_text("utf-8").splitlines())

    def of(self, name: str, work: Callable[[], Any]) -> Any:
        """What is known by that name, or what work gives."""
        if name not in self._known:
            self._known[name] = work()
            if self._file is not None:
                with self._file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps([name, self._known[name]]) + "\n")
        return self._known[name]


def for_choosing(group: str, groups: set[str]) -> bool:
    if groups & LEARNED_FROM:
        return group in LEARNED_FROM
    return hashlib.sha256(group.encode()).digest()[0] % 2 == 0


def is_piece(file: Path) -> bool:
    """Whether a file is as long as a piece of music, as far as its header says."""
    try:
        duration_s = probe(file).duration_s
    except AudioError:
        return False
    return duration_s is None or LEAST_S <= duration_s <= MOST_S


def look_at(tagger: Tagger, file: Path) -> dict[str, Any] | None:
    """Length, mood and steadiness of a piece; None if it cannot be used."""
    try:
        samples = read_audio(file, sample_rate=RATE).samples
        if not LEAST_S <= len(samples) / RATE <= MOST_S:
            return None
        places = tagger.tag(file, windows=4).dimensions
    except AudioError:
        return None
    return {
        "seconds": len(samples) / RATE,
        "mood": [place.value for place in places],
        "drift_db": drift(samples),
    }


def drift(samples: np.ndarray) -> float:
    """Greatest difference in dB between the mean spectra of 20 s and the next; 10 s at the ends."""
    blocks = samples[: len(samples) // (10 * RATE) * 10 * RATE].reshape(-1, 10 * RATE)
    bands = np.stack(
        [overview([b], sample_rate=RATE, n_mels=32, columns=1).mel_db[:, 0] for b in blocks]
    )
    return max(
        float(np.sqrt(np.mean((bands[max(i - 2, 0) : i].mean(0) - bands[i : i + 2].mean(0)) ** 2)))
        for i in range(1, len(bands))
    )


def splice(
    files: tuple[tuple[Path, float], tuple[Path, float]], draw: random.Random
) -> tuple[np.ndarray, float]:
    """Samples of stretches of two files of known lengths, and the second at which they join."""
    parts = []
    for file, seconds in files:
        length_s = min(draw.uniform(30, 60), seconds - 2 * EDGE_S)
        start_s = draw.uniform(EDGE_S, seconds - EDGE_S - length_s)
        read = read_audio(file, sample_rate=RATE, start_s=start_s, duration_s=length_s)
        parts.append(read.samples)
    at_seam = [parts[0][-10 * RATE :], parts[1][: 10 * RATE]]
    levels = [max(float(np.sqrt(np.mean(p.astype(np.float64) ** 2))), 1e-6) for p in at_seam]
    middle = np.sqrt(levels[0] * levels[1])
    one, other = (p * (middle / level) for p, level in zip(parts, levels, strict=True))
    fade = RATE // 20
    up = np.linspace(0, 1, fade)
    seam = one[-fade:] * (1 - up) + other[:fade] * up
    joined = np.concatenate([one[:-fade], seam, other[fade:]]).astype(np.float32)
    return joined, (len(one) - fade / 2) / RATE


def changes(
    tagger: Tagger, samples: np.ndarray, prices: list[float], spans: list[float], hop_s: float
) -> dict[str, Any]:
    """Seconds of the changes found, by span and price; and how far curves are from the whole."""
    found: dict[str, Any] = {}
    for span_s in spans:
        heard = tagger.listen_to(samples, RATE, timeline=True, hop_s=hop_s, span_s=span_s)
        timeline = over_time(heard)
        whole, mean = logit(track_scores(heard)), logit(timeline.scores.mean(axis=0))
        found[f"{span_s:g} apart"] = list((mean - whole) / spreads(tagger.bundle))
        for price in prices:
            cuts = change_steps(tagger.bundle, timeline.scores, hop_s=hop_s, price_s=price)
            found[f"{span_s:g} {price:g}"] = [float(timeline.starts_s[cut]) for cut in cuts]
    return found


def pairs(
    pieces: dict[str, dict[str, Any]], contrast: float, count: int, seed: int
) -> Iterator[tuple[str, str]]:
    """Pieces of two folders that differ enough, drawn with replacement."""
    draw, names = random.Random(seed), sorted(pieces)
    for _ in range(1000 * count):
        one, other = draw.sample(names, 2)
        moods = [np.array(pieces[name]["mood"]) for name in (one, other)]
        apart = float(np.linalg.norm(moods[0] - moods[1]))
        if one.split("/")[0] != other.split("/")[0] and apart >= contrast:
            yield one, other
            count -= 1
            if not count:
                return
    raise SystemExit("too few pieces that contrast; give more music, or a smaller --contrast")


def report(
    key: str, seams: list[tuple[float, dict[str, Any]]], steady: list[tuple[float, dict[str, Any]]]
) -> str:
    """A line of figures."""
    errors = np.array([min([abs(c - at) for c in f[key]], default=np.inf) for at, f in seams])
    near = [np.mean(errors <= limit) for limit in (3, 5, 10)]
    false = sum(len(found[key]) for _, found in steady)
    minutes = sum(seconds for seconds, _ in steady) / 60
    draw = np.random.default_rng(0)
    resampled = np.median(draw.choice(errors, (1000, len(errors))), axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975], method="nearest")
    span, price = key.split()
    tags = [found[f"{span} apart"] for _, found in (*seams, *steady) if f"{span} apart" in found]
    apart = float(np.sqrt(np.mean(np.square(tags)))) if tags else float("nan")
    return (
        f"{span:>6} {price:>6} {np.median(errors):7.2f} [{low:.2f}, {high:.2f}]"
        + "".join(f" {share:7.0%}" for share in near)
        + f" {np.mean([max(len(f[key]) - 1, 0) for _, f in seams]):8.2f}"
        + (f" {false:6} {false / minutes:8.3f}" if minutes else "      -        -")
        + f" {apart:6.2f}"
    )


def by_contrast(key: str, seams: list[tuple[float, dict[str, Any]]], apart: list[float]) -> None:
    """How splices fare by how far apart their pieces are."""
    errors = np.array([min([abs(c - at) for c in f[key]], default=np.inf) for at, f in seams])
    print(f"\n  apart  splices  median error, s   <=3 s  none found   (span and price {key})")
    for low, high in pairwise((0.0, 0.3, 0.6, 0.8, 1.0, 3.0)):
        chosen = errors[(np.array(apart) >= low) & (np.array(apart) < high)]
        if len(chosen):
            print(
                f"{low:5.1f}-  {len(chosen):7} {np.median(chosen):16.2f}"
                f" {np.mean(chosen <= 3):7.0%} {np.isinf(chosen).sum():11}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--choose", action="store_true", help="the music for choosing")
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--splices", type=int, default=200)
    parser.add_argument("--steady", type=int, default=1000, help="steady pieces at most")
    parser.add_argument("--contrast", type=float, default=0.6)
    parser.add_argument("--pieces", type=int, default=1000, help="pieces looked at, at most")
    parser.add_argument("--spans", type=float, nargs="+", default=[SPAN_S])
    parser.add_argument("--prices", type=float, nargs="+", default=[PRICE_S])
    parser.add_argument("--hop", type=float, default=HOP_S)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path)
    given = parser.parse_args()
    tagger, results = Tagger.load(given.model), Results(given.results)
    by_name = {
        f.relative_to(given.folder).as_posix(): f for f in find_audio_files([given.folder])[0]
    }
    groups = {name.split("/")[0] for name in by_name}
    names = [
        name
        for name in sorted(by_name)
        if for_choosing(name.split("/")[0], groups) == given.choose and is_piece(by_name[name])
    ]
    random.Random(given.seed).shuffle(names)
    looked = {
        name: results.of(f"piece {name}", lambda name=name: look_at(tagger, by_name[name]))
        for name in names[: given.pieces]
    }
    pieces = {name: piece for name, piece in looked.items() if piece is not None}
    spans, prices, hop_s = given.spans, given.prices, given.hop
    how = f"{spans} {prices} {hop_s:g}"
    seams, steady = [], []
    apart: list[float] = []
    drawn = pairs(pieces, given.contrast, given.splices, given.seed) if given.splices else ()
    for number, (one, other) in enumerate(drawn):

        def hear_splice(one: str = one, other: str = other, number: int = number) -> Any:
            draw = random.Random(f"{given.seed} {number}")
            files = [(by_name[name], pieces[name]["seconds"]) for name in (one, other)]
            samples, at = splice((files[0], files[1]), draw)
            return at, changes(tagger, samples, prices, spans, hop_s)

        moods = [np.array(pieces[name]["mood"]) for name in (one, other)]
        apart.append(float(np.linalg.norm(moods[0] - moods[1])))
        seams.append(results.of(f"splice {given.seed} {number} {one} + {other} {how}", hear_splice))
    for name in [n for n, piece in pieces.items() if piece["drift_db"] <= STEADY_DB][
        : given.steady
    ]:

        def hear_piece(name: str = name) -> Any:
            samples = read_audio(by_name[name], sample_rate=RATE).samples
            return pieces[name]["seconds"], changes(tagger, samples, prices, spans, hop_s)

        steady.append(results.of(f"whole {name} {how}", hear_piece))
    folders = len({name.split("/")[0] for name in pieces})
    print(
        f"{'choosing' if given.choose else 'reporting'}: {len(pieces)} pieces of 1 to 10 min in "
        f"{folders} folders; {len(seams)} splices of pieces at least "
        f"{given.contrast:g} apart; {len(steady)} steady pieces, "
        f"{sum(seconds for seconds, _ in steady) / 60:.0f} min; a step every {hop_s:g} s"
    )
    print(
        "  span  price  median error, s [95 %]   <=3 s   <=5 s  <=10 s  further  false  a minute"
        "  apart"
    )
    for span_s in spans:
        for price in prices:
            print(report(f"{span_s:g} {price:g}", seams, steady))
    if seams:
        by_contrast(f"{spans[0]:g} {prices[0]:g}", seams, apart)


if __name__ == "__main__":
    main()
