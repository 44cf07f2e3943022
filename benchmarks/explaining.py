"""Whether the regions that explanations name are real, on any folder of music.

    python benchmarks/explaining.py FOLDER [--pieces 100] [--windows 1] [--kept FILE] [--chosen-on]
    python benchmarks/explaining.py FOLDER --kept FILE --level

Of each piece as many windows of the model's as asked for are taken from its middle, and every tag
that stands out is explained as `moodtheme explain` does. Then, with places drawn anew:

- deletion: by how much the tag's logit falls when the region is hidden, and when regions of the
  same size and shape at random places are;
- the same with noise in their place, as loud as what was there;
- insertion: how much of the logit is left when only the region is heard, or only a random one; and
  both as curves over the share that is hidden or left, for the strongest tag of each piece;
- on every fourth piece, how much the regions overlap that another grid finds (one with a column
  more): what they share of all that is in either.

With ``--level`` instead, for what FILE has: the same with each window's level kept by a constant
offset, which moodtheme-small does not hear but counts in the level it brings windows to. If that
level were what does it, little would be left.

Parameters were chosen on pieces of other folders than those reported: a third of the sub-folders
of FOLDER, by a digest of their names, is left out, and with ``--chosen-on`` only that third is
used. Results are kept in FILE, a line a piece, and a run goes on where it was stopped. Intervals
are 95 %, over resampled pieces.
"""

import argparse
import hashlib
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from moodtheme.audio import ExcerptPolicy, find_audio_files, read_excerpt
from moodtheme.errors import AudioError
from moodtheme.explaining.hearing import HeardPiece, hide, readings
from moodtheme.explaining.regions import Cells, Region, best_regions, elsewhere, overlap
from moodtheme.explaining.search import Search, outstanding
from moodtheme.tagging.tagger import Tagger

COLUMNS = 6  # a window, of about 5 s with moodtheme-small
CONTROLS = 3
CURVE = (1 / 32, 1 / 16, 1 / 8, 1 / 4)
Row = dict[str, Any]


def wanted(folder: Path, *, chosen_on: bool) -> list[Path]:
    """Pieces of the sub-folders that are reported, or of those parameters were chosen on."""
    files = find_audio_files([folder])[0]

    def is_third(file: Path) -> bool:
        name = file.relative_to(folder).parts[0]
        return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 3 == 0

    files = [file for file in files if is_third(file) == chosen_on]
    random.Random(0).shuffle(files)
    return files


def cut_piece(tagger: Tagger, file: Path, windows: int) -> HeardPiece | None:
    """The middle of a piece, heard; None for one that is shorter or fails."""
    member = tagger.bundle.members[0]
    rate, seconds = member.sample_rate, windows * member.excerpt_s
    try:
        audio = read_excerpt(
            file, sample_rate=rate, length_s=seconds, policy=ExcerptPolicy.CENTRE
        ).samples
        if len(audio) < seconds * rate:
            return None
        with tempfile.TemporaryDirectory() as folder:
            cut = Path(folder) / "piece.wav"
            soundfile.write(cut, audio, rate, subtype="FLOAT")
            return HeardPiece(tagger, cut)
    except AudioError:
        return None


def keep_level(tagger: Tagger, rows: list[Row]) -> None:
    """Print what hiding the regions does when each window keeps its level, beside what it did."""
    found: list[tuple[float, float]] = []
    for row in rows:
        piece = cut_piece(tagger, Path(row["file"]), row["windows"])
        if piece is None:
            continue
        whole = readings(piece.listening)
        for tag in row["tags"]:
            spans, low, high = tag["region"]
            region = Region(tuple((start, end) for start, end in spans), low, high)

            def change(audio: np.ndarray, rate: int, start_s: float, region=region) -> np.ndarray:
                hidden = hide(audio, region, rate, start_s=start_s)
                lost = max(float(np.mean(audio**2) - np.mean(hidden**2)), 0.0)
                return audio if hidden is audio else hidden + np.float32(np.sqrt(lost))

            target = tagger.tags.index(tag["tag"])
            kept = whole[target] - readings(piece.heard_through(change))[target]
            found.append((tag["effect"], float(kept)))
    before, after = np.mean(found, axis=0)
    print(f"{len(found)} tags: logit falls by {before:.2f}, with the level kept by {after:.2f}")


def measure(tagger: Tagger, file: Path, windows: int, *, thorough: bool) -> Row | None:
    """All that is measured of a piece; None for one that is shorter or fails."""
    piece = cut_piece(tagger, file, windows)
    if piece is None:
        return None
    columns = windows * COLUMNS
    started = time.process_time()
    targets = outstanding(piece.listening, most=len(tagger.tags))
    search = searching(piece, targets, columns)
    whole = readings(piece.listening)
    rng = np.random.default_rng(1)
    found = search.explanations()
    tags = []
    for number, (explanation, target) in enumerate(zip(found, targets, strict=True)):
        reason = explanation.raises
        if reason is None:
            continue
        places = [elsewhere(reason.region, search.cells, rng) for _ in range(CONTROLS)]
        tag: Row = {
            "tag": explanation.of.name,
            "region": [
                reason.region.spans_s,
                reason.region.low_hz,
                min(reason.region.high_hz, 1e9),
            ],
            "share": search.cells.share(reason.region),
            "effect": reason.effect,
            "elsewhere": [search.effect(region, target) for region in places],
            "is_real": reason.is_real,
            "noise": [reason.noise, search.noise_effect(places[0], target)],
        }
        if number == 0:
            tag["curve"] = curve(piece, search, explanation.effects, target, rng)
            tag["logit"] = whole[target]
        tags.append(tag)
    row = {"file": str(file), "tags": tags, "windows": piece.windows}
    if thorough and targets:
        again = searching(piece, targets, columns + 1).explanations()
        row["overlap"] = [
            overlap(one.raises.region, two.raises.region, search.cells)
            for one, two in zip(found, again, strict=True)
            if one.raises is not None and two.raises is not None
        ]
        row["overlap_real"] = [
            one.raises.is_real and two.raises.is_real
            for one, two in zip(found, again, strict=True)
            if one.raises is not None and two.raises is not None
        ]
    row["heard"] = piece.windows_heard
    row["seconds"] = time.process_time() - started
    return row


def searching(piece: HeardPiece, targets: list[int], columns: int) -> Search:
    """A search whose grid has so many columns, for what raises tags alone."""
    search = Search(piece, targets, budget=1_000_000, seed=columns)
    search.cells = Cells.of(piece.duration_s, piece.top_hz, columns=columns)
    search.signs = (1,)
    return search


def curve(
    piece: HeardPiece,
    search: Search,
    effects: np.ndarray,
    target: int,
    rng: np.random.Generator,
) -> dict[str, list[float]]:
    """Logits with growing regions hidden, and with only those left: the map's best, and random."""
    found: dict[str, list[float]] = {
        name: [] for name in ("without", "without_random", "only", "only_random")
    }
    for share in CURVE:
        region = best_regions(effects, search.cells, share=share)[0]
        other = elsewhere(region, search.cells, rng)
        for name, where in (("", region), ("_random", other)):
            found[f"without{name}"].append(float(readings(piece.without(where))[target]))
            found[f"only{name}"].append(float(readings(piece.only(where))[target]))
    return found


def interval(rows: list[Row], figure: Callable[[list[Row]], float], *, draws: int = 500) -> str:
    """A figure over pieces, with its interval over resampled pieces."""
    rng = np.random.default_rng(0)
    drawn = [
        figure([rows[i] for i in rng.integers(len(rows), size=len(rows))]) for _ in range(draws)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return f"{figure(rows):.2f} [{low:.2f}, {high:.2f}]"


def report(rows: list[Row]) -> None:
    """Print all figures."""

    def tags(some: list[Row], *, real: bool = False) -> list[Row]:
        return [tag for row in some for tag in row["tags"] if tag["is_real"] or not real]

    def effect(some: list[Row], *, real: bool) -> float:
        return float(np.mean([tag["effect"] for tag in tags(some, real=real)]))

    def other(some: list[Row], *, real: bool) -> float:
        return float(np.mean([np.mean(tag["elsewhere"]) for tag in tags(some, real=real)]))

    total = len(tags(rows))
    print(f"pieces {len(rows)}, tags that stand out {total}, windows heard a piece "
          f"{np.mean([row['heard'] for row in rows]):.0f}, seconds of a core a piece "
          f"{np.mean([row['seconds'] for row in rows]):.1f}")  # fmt: skip
    for real, name in ((False, "all tags"), (True, "regions named as reasons")):
        print(f"{name}: {len(tags(rows, real=real))}")
        print(f"  logit falls by             {interval(rows, lambda s, r=real: effect(s, real=r))}")
        print(f"  by regions elsewhere       {interval(rows, lambda s, r=real: other(s, real=r))}")
        part = interval(rows, lambda s, r=real: other(s, real=r) / effect(s, real=r))
        times = effect(rows, real=real) / other(rows, real=real)
        print(f"  as a part of that          {part}: {times:.1f} times less")
        three = interval(rows, lambda s, r=real: float(np.mean(
            [t["effect"] >= 3 * max(np.mean(t["elsewhere"]), 0) for t in tags(s, real=r)]
        )))  # fmt: skip
        print(f"  share with at least 3 ×    {three}")
        noisy = [row for row in rows if any("noise" in t for t in tags([row], real=real))]
        if noisy:

            def noise(some: list[Row], place: int, *, real: bool = real) -> float:
                return float(np.mean([t["noise"][place] for t in tags(some, real=real)]))

            part = interval(noisy, lambda s: noise(s, 1) / noise(s, 0))
            print(f"  with noise in its place    {noise(noisy, 0):.2f}; elsewhere {part} of that")
    others = [tag["effect"] for tag in tags(rows) if not tag["is_real"]]
    low = np.mean([tag["region"][2] <= 600 for tag in tags(rows)])
    print(f"without a reason: {len(others)}, logit falls by {np.mean(others):.2f}")
    print(f"regions that end at 600 Hz or below: {low:.2f}")
    curves = [tag for tag in tags(rows) if "curve" in tag]
    print(f"curves, strongest tag of {len(curves)} pieces; change of the logit by share")
    print("  share             " + "  ".join(f"{share:6.3f}" for share in CURVE))
    for name in ("without", "without_random", "only", "only_random"):
        changes = np.mean([np.array(t["curve"][name]) - t["logit"] for t in curves], axis=0)
        print(f"  {name:17} " + "  ".join(f"{change:+6.2f}" for change in changes))
    by_tag: dict[str, list[bool]] = {}
    for tag in tags(rows):
        by_tag.setdefault(tag["tag"], []).append(tag["is_real"])
    often = {name: found for name, found in by_tag.items() if len(found) >= 5}
    print("share named, by tag, of those that stand out in at least 5 pieces")
    for name, found in sorted(often.items(), key=lambda pair: float(np.mean(pair[1]))):
        print(f"  {name:17} {np.mean(found):.2f} of {len(found)}")
    with_overlap = [row for row in rows if row.get("overlap")]
    if with_overlap:

        def same(some: list[Row], *, real: bool) -> float:
            pairs = [p for r in some for p in zip(r["overlap"], r["overlap_real"], strict=True)]
            return float(np.mean([value for value, is_real in pairs if is_real or not real]))

        both = interval(with_overlap, lambda s: same(s, real=True))
        print(f"another grid, {len(with_overlap)} pieces: overlap "
              f"{interval(with_overlap, lambda s: same(s, real=False))}, "
              f"of regions that are reasons in both {both}")  # fmt: skip


def main() -> None:
    """Measure what is not kept yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pieces", type=int, default=100)
    parser.add_argument("--windows", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=Path("explaining.jsonl"))
    parser.add_argument("--chosen-on", action="store_true")
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--level", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []
    seen: set[str] = set()
    if options.kept.exists():
        for line in options.kept.read_text("utf-8").splitlines():
            row = json.loads(line)
            seen.add(row["file"])
            if row.get("tags"):
                rows.append(row)
    tagger = Tagger.load(options.model)
    if options.level:
        keep_level(tagger, rows)
        return
    with options.kept.open("a", encoding="utf-8") as kept:
        for file in wanted(options.folder, chosen_on=options.chosen_on):
            if len(rows) >= options.pieces:
                break
            if str(file) in seen:
                continue
            row = measure(tagger, file, options.windows, thorough=len(rows) % 4 == 0)
            kept.write(json.dumps(row or {"file": str(file)}) + "\n")
            kept.flush()
            if row and row["tags"]:
                rows.append(row)
                print(f"{len(rows)} {file.name}", flush=True)
    report(rows)


if __name__ == "__main__":
    main()
