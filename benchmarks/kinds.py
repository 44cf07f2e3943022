"""Where a model fails, by kind of music: games' by their packages, songs by genre, piano.

    moodtheme tag MUSIC EMOTIFY CLIPS --format jsonl --output tags.jsonl
    python benchmarks/kinds.py tags.jsonl [--model NAME|DIR] [--emotify DIR] [--held-out DIR|CSV...]
                               [--teachers DIR --cache DIR] [--asked 30]

The kinds of game music are the games' (`GAMES`, by package, written before looking at any figure);
Emotify's even half is divided by its genres, of which pop and rock have voices, electronic some and
classical few; files named Q1 to Q4 are EMOPIA's piano clips. Printed of each kind, of pieces heard
whole: how often nothing stands out, how many groups of tags do, the commonest top tag, how often a
note doubts it, and with --teachers how alike the model and its teachers rank the middles of at most
--asked pieces (Spearman within the kind, the median over tags), of --held-out first. With
--emotify, how far the model agrees with listeners within a genre. Intervals are 95 %.
"""

import argparse
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np

from intervals import share, wilson
from listened_models import Ours, Said
from listened_music import (
    LEAST_S,
    Figures,
    asked_teachers,
    in_quadrants,
    recordings,
    tracks_of,
    with_listeners,
)
from listening import alike
from moodtheme.audio import probe
from moodtheme.scores.decisions import logit
from moodtheme.tagging.answers import TagScore
from moodtheme.tagging.in_words import findings

GAMES = {
    "history, fantasy: orchestra, folk": "0ad-data megaglest-data unknown-horizons widelands-data",
    "space, war: electronic, ambient": (
        "asc-music colobot-common-sounds freeorion-data naev-data singularity-music ufoai-music "
        "warzone2100-music"
    ),
    "shooters: electronic, few voices": (
        "gunroar-data mu-cade-data noiz2sa-data parsec47-data rrootage-data starfighter-data "
        "titanion-data torus-trooper-data tumiki-fighters-data"
    ),
    "arenas, guitar games: rock, metal": (
        "cube2-data fretsonfire-songs-muldjord fretsonfire-songs-sectoid nexuiz-music "
        "openarena-088-data redeclipse-data"
    ),
    "races, jumps, puzzles: cheerful": (
        "berusky2-data extremetuxracer-data fillets-ng-data frozen-bubble-data hedgewars-data "
        "planetblupi-music-ogg plee-the-bear-data pushover-data supertux-data supertuxkart-data "
        "tuxfootball warmux-data xmoto-data zaz-data"
    ),
    "adventures, role play": (
        "ardentryst drascula-music freedink-data freedroidrpg-data lugaru-data openclonk-data"
    ),
}
OTHER, PIANO = "other games", "piano clips"
GENRES = ("classical", "electronic", "pop", "rock")
SHORT_S, NARROW_HZ = 60.0, 22_050
DOUBTS = ("hardly music", "unlike", "narrow band", "nearly silent", "very short")


def kind_of(path: Path) -> str | None:
    """The kind of a piece, by where it lies; None for Emotify's odd half, learned from."""
    parts = set(path.parts)
    if "emotifymusic" in parts:
        return f"songs, {path.parent.name}" if int(path.stem) % 2 == 0 else None
    if path.name[:3] in {"Q1_", "Q2_", "Q3_", "Q4_"}:
        return PIANO
    return next((kind for kind, packages in GAMES.items() if parts & set(packages.split())), OTHER)


def divided(rows: list[dict], held_out: set[Path]) -> dict[str, list[dict]]:
    """Results by kind, and then by other differences among the games' music."""
    kinds: dict[str, list[dict]] = {}
    games: list[dict] = []
    for row in rows:
        kind = kind_of(Path(row["path"]))
        if kind is not None:
            kinds.setdefault(kind, []).append(row)
            if kind in GAMES or kind == OTHER:
                games.append(row)
    order = [*GAMES, OTHER, *(f"songs, {genre}" for genre in GENRES), PIANO]
    found = {kind: kinds[kind] for kind in order if kind in kinds}
    if not games:
        return found
    found["all games"] = games
    found["games never trained on"] = [r for r in games if Path(r["path"]) in held_out]
    found[f"games, under {SHORT_S:.0f} s"] = [r for r in games if r["duration_s"] < SHORT_S]
    found[f"games, under {LEAST_S:.0f} s"] = [r for r in games if r["duration_s"] < LEAST_S]
    infos = [probe(row["path"]) for row in games]
    found["games, mono"] = [r for r, i in zip(games, infos, strict=True) if i.channels == 1]
    found["games, at 22 kHz or less"] = [
        row for row, info in zip(games, infos, strict=True) if info.sample_rate <= NARROW_HZ
    ]
    return {kind: of for kind, of in found.items() if of}


def line(model: Ours, rows: list[dict]) -> list[str]:
    """What results say of a kind."""
    n = len(rows)
    groups = []
    for row in rows:
        tags = tuple(
            TagScore(t["tag"], t["score"], t["standing"], t["probability"], t["decision"])
            for t in row["tags"]
        )
        groups.append(len(findings(tags, model.tagger.bundle.synonyms) or ()))
    none = sum(not count for count in groups)
    low, high = wilson(none, n)
    top, times = Counter(row["tags"][0]["tag"] for row in rows).most_common(1)[0]
    noted = sum(any(note.startswith(DOUBTS) for note in row["notes"]) for row in rows)
    return [
        str(n),
        f"{none / n:.0%} [{low:.0%}, {high:.0%}]",
        f"{np.median(groups):.0f}",
        f"{top} {times / n:.0%}",
        share(noted, n) if noted else f"0 [0 %, {wilson(0, n)[1]:.1%}]",
    ]


def chosen(rows: list[dict], held_out: set[Path], most: int) -> tuple[list[Path], int]:
    """Pieces of a kind to ask the teachers about, and how many of them were never trained on."""
    files = [Path(row["path"]) for row in rows]
    drawn = random.Random(0).sample(files, len(files))
    drawn.sort(key=lambda file: kind_of(file) in {*GAMES, OTHER} and file not in held_out)
    some = drawn[:most]
    return some, sum(f in held_out or kind_of(f) not in {*GAMES, OTHER} for f in some)


def said_in(model: Ours, rows: list[dict]) -> Said:
    """What results say, as figures."""
    scores = [{tag["tag"]: tag["score"] for tag in row["tags"]} for row in rows]
    values = [[row["dimensions"][name]["value"] for row in rows] for name in ("valence", "arousal")]
    return Said(
        [Path(row["path"]) for row in rows],
        logit(np.array([[of[tag] for tag in model.tags] for of in scores])),
        *map(np.array, values),
    )


def table(head: list[str], lines: list[list[str]]) -> None:
    """Print a table in Markdown."""
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for cells in lines:
        print(f"| {' | '.join(cells)} |")
    print(flush=True)


def listeners(model: Ours, kinds: dict[str, list[dict]], emotify: Path) -> list[list[str]]:
    """Agreement with people, by genre, and of piano."""
    answers = recordings(emotify, 2)
    lines = []
    for kind, rows in kinds.items():
        said = said_in(model, rows)
        if kind.startswith("songs"):
            found: Figures = with_listeners(said, list(model.tags), answers)
            lines.append([kind, *list(found.values())[:4]])
    return lines


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--emotify", type=Path)
    parser.add_argument("--held-out", type=Path, nargs="+")
    parser.add_argument("--teachers", metavar="DIR|fetch")
    parser.add_argument("--cache", type=Path, default=Path("models-said"))
    parser.add_argument("--asked", type=int, default=30)
    options = parser.parse_args()
    model = Ours(options.model, options.cache)
    with options.results.open(encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["error"] is None]
    held_out = set(tracks_of(options.held_out or []))
    kinds = divided(rows, held_out)
    teachers = asked_teachers(parser, options)
    head = ["kind", "pieces", "nothing stands out", "groups", "commonest top tag", "noted"]
    lines = [[kind, *line(model, of)] for kind, of in kinds.items()]
    if teachers is not None:
        head.append("as the teachers, ρ")
        for cells in lines:
            files, unseen = chosen(kinds[cells[0]], held_out, options.asked)
            found = alike(model, teachers, "", files)
            cells.append(f"{found['as the teachers, , tags, ρ']} ({len(files)}, {unseen} unseen)")
    print(f"{model.name}, {len(rows)} pieces")
    table(head, lines)
    if options.emotify:
        columns = ["kind", "recordings", "arousal, r", "valence, r", "nine feelings, mean ρ"]
        table(columns, listeners(model, kinds, options.emotify))
    if PIANO in kinds:
        found = in_quadrants(said_in(model, kinds[PIANO]))
        table(["piano", *found], [["", *found.values()]])


if __name__ == "__main__":
    main()
