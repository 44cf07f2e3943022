"""How much of valence and arousal can be heard, whoever's labels are asked of it.

    python benchmarks/affect_limits.py --emopia DIR --emotify DIR [--midis midis.zip]
        [--model NAME|DIR] [--against NAME|DIR] [--cache DIR]

--emopia is the folder that examples/emopia/render.py makes. First what needs no model: the arousal
that a clip's level alone gives away, and (--midis; needs `pip install mido`) that what its notes
say gives away, with and without how hard they are struck. Then ridge regressions on a model's
embeddings, averaged over a track and standardised by Emotify's odd half, learned from three sets of
labels: Emotify's odd half alone, as the shipped model's; EMOPIA's own training clips (their terms
are disputed: measured, never shipped); both. Tested on EMOPIA's validation and test clips
(intervals over songs) and Emotify's even half, at three strengths. Last the model's own dimensions,
of all clips too, for EMOPIA teaches no shipped model anything; beside those of --against. What was
heard is kept in --cache.
"""

import argparse
import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from intervals import RESAMPLES
from listened_music import recordings
from moodtheme import Tagger
from moodtheme.audio import read_audio
from moodtheme.distillation.combination import composites

STRENGTHS = (300.0, 1000.0, 3000.0)
PENALTY = 0.3  # scikit-learn's C of the regressions on levels and notes


class Clips:
    """EMOPIA: files, official parts, songs, and whether each is high in valence and in arousal."""

    def __init__(self, folder: Path) -> None:
        with (folder / "tracks.csv").open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
        self.files = [folder / row["path"] for row in rows]
        self.part = np.array([row["split"] for row in rows])
        self.song = np.array([row["artist"] for row in rows])
        quadrant = np.array([row["tags"] for row in rows])
        self.high = np.stack(
            [np.isin(quadrant, ["Q1", "Q4"]), np.isin(quadrant, ["Q1", "Q2"])], axis=1
        )

    def of(self, part: str) -> np.ndarray:
        """Places of one part, or of ``all``."""
        return np.flatnonzero((self.part == part) | (part == "all"))

    def auc(self, at: np.ndarray, said: np.ndarray, column: int) -> float:
        """ROC-AUC of some places."""
        return float(roc_auc_score(self.high[at, column], said[at]))

    def resampled(self, part: str, column: int) -> list[np.ndarray]:
        """Places of a part with its songs drawn anew, where both kinds are among them."""
        places = self.of(part)
        songs = [places[self.song[places] == song] for song in np.unique(self.song[places])]
        rng, drawn = np.random.default_rng(0), []
        for _ in range(RESAMPLES):
            at = np.concatenate([songs[n] for n in rng.integers(len(songs), size=len(songs))])
            if 0 < self.high[at, column].sum() < len(at):
                drawn.append(at)
        return drawn

    def area(self, part: str, said: np.ndarray, column: int) -> str:
        """ROC-AUC on one part, with its interval over resampled songs."""
        drawn = [self.auc(at, said, column) for at in self.resampled(part, column)]
        low, high = np.percentile(drawn, [2.5, 97.5])
        return f"{self.auc(self.of(part), said, column):.3f} [{low:.3f}, {high:.3f}]"

    def difference(
        self, part: str, one: np.ndarray, other: np.ndarray, column: int
    ) -> tuple[float, float, float]:
        """How much more the one has than the other: lower bound, figure, upper bound."""

        def by(at: np.ndarray) -> float:
            return self.auc(at, one, column) - self.auc(at, other, column)

        low, high = np.percentile([by(at) for at in self.resampled(part, column)], [2.5, 97.5])
        return float(low), by(self.of(part)), float(high)


def level(file: Path) -> float:
    """RMS of a whole clip in dBFS."""
    samples = read_audio(file, sample_rate=16_000).samples
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-18))


def notes_say(midi: bytes) -> list[float]:
    """Of a clip's notes: velocity; then a second, onsets, pitch and its spread, length, at once."""
    import mido  # here alone: nothing else needs it

    at, sounding, notes = 0.0, {}, []
    for event in mido.MidiFile(file=io.BytesIO(midi)):
        at += event.time
        if event.type == "note_on" and event.velocity:
            sounding.setdefault((event.channel, event.note), []).append((at, event.velocity))
        elif event.type in ("note_on", "note_off") and sounding.get((event.channel, event.note)):
            begun, velocity = sounding[event.channel, event.note].pop()
            notes.append((begun, at - begun, event.note, velocity))
    start, length, pitch, velocity = np.array(sorted(notes), dtype=np.float64).T
    seconds = max(start[-1] - start[0], 1.0)
    onsets = 1 + np.count_nonzero(np.diff(start) > 0.03)
    return [
        velocity.mean(), np.log(len(start) / seconds), np.log(onsets / seconds), pitch.mean(),
        pitch.std(), np.log(np.median(length) + 0.01), len(start) / onsets,
    ]  # fmt: skip


def without_models(clips: Clips, midis: Path | None) -> None:
    """Print what level and notes say of arousal."""
    told = {"level (dBFS RMS) alone": np.array([[level(file)] for file in clips.files])}
    if midis is not None:
        with zipfile.ZipFile(midis) as archive:
            inside = {Path(name).stem: name for name in archive.namelist() if name.endswith(".mid")}
            notes = np.array([notes_say(archive.read(inside[f.stem])) for f in clips.files])
        told |= {
            "velocity alone": notes[:, :1],
            "the notes without velocity": notes[:, 1:],
            "the notes": notes,
        }
        r = np.corrcoef(told["level (dBFS RMS) alone"][:, 0], notes[:, 0])[0, 1]
        print(f"level and mean velocity: r {r:.3f} over {len(notes)} clips")
    train = clips.of("train")
    for name, raw in told.items():
        rows = (raw - raw[train].mean(axis=0)) / raw[train].std(axis=0)
        fitted = LogisticRegression(C=PENALTY).fit(rows[train], clips.high[train, 1])
        said = fitted.decision_function(rows)
        figures = (f"{part} {clips.area(part, said, 1)}" for part in ("validation", "test"))
        print(f"arousal from {name:27}  " + "  ".join(figures))


class Heard:
    """What a model hears in files: mean embeddings and dimensions, kept in a file of its digest."""

    def __init__(self, model: str, cache: Path) -> None:
        self.tagger = Tagger.load(model)
        self.file = cache / f"affect-limits-{self.tagger.bundle.digest[:8]}.npz"
        self.rows = dict(np.load(self.file)) if self.file.exists() else {}

    def _listen(self, files: list[Path]) -> np.ndarray:
        missing = [file for file in files if str(file) not in self.rows]
        for file in missing:
            windows = self.tagger.listen(file).members[0].track
            self.rows[str(file)] = np.mean(
                [np.concatenate([w.dimensions, w.embedding]) for w in windows], axis=0
            )
        if missing:
            np.savez(self.file, **self.rows)
        return np.stack([self.rows[str(file)] for file in files]).astype(np.float64)

    def dimensions(self, files: list[Path]) -> np.ndarray:
        """Valence and arousal, ``(files, 2)``."""
        return self._listen(files)[:, :2]

    def embeddings(self, files: list[Path]) -> np.ndarray:
        """``(files, size)``."""
        return self._listen(files)[:, 2:]


def ridge(rows: np.ndarray, wanted: np.ndarray, strength: float) -> np.ndarray:
    """Weights on centred rows."""
    gram = rows @ rows.T + strength * np.eye(len(rows))
    return rows.T @ np.linalg.solve(gram, wanted)


def of_embeddings(clips: Clips, emotify: Path, heard: Callable[[list[Path]], np.ndarray]) -> None:
    """Print a line for each set of labels and strength."""
    odd, even = recordings(emotify, 1), recordings(emotify, 2)
    felt = [composites(np.stack(list(of.values()))) for of in (odd, even)]
    rows = heard(list(odd))
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    songs, kept, played = (
        (x - mean) / deviation for x in (rows, heard(list(even)), heard(clips.files))
    )

    def centred(x: np.ndarray) -> np.ndarray:
        return x - x.mean(axis=0)

    train = clips.of("train")
    high = clips.high[train]
    wanted = {
        "Emotify, odd": (centred(songs), centred(felt[0] / felt[0].std(axis=0))),
        "EMOPIA, train": (centred(played[train]), centred(high / high.std(axis=0))),
    }
    wanted["both"] = tuple(np.concatenate(parts) for parts in zip(*wanted.values(), strict=True))
    print(f"{len(songs)} and {len(train)} learned from; {len(kept)} recordings kept")
    for name, (x, y) in wanted.items():
        for strength in STRENGTHS:
            weights = ridge(x, y, strength)
            said, on_songs = played @ weights, kept @ weights
            figures = []
            for column, what in ((1, "arousal"), (0, "valence")):
                areas = (
                    f"{p} {clips.area(p, said[:, column], column)}" for p in ("validation", "test")
                )
                r = np.corrcoef(on_songs[:, column], felt[1][:, column])[0, 1]
                figures.append(f"{what}: EMOPIA {', '.join(areas)}, Emotify r {r:.3f}")
            print(f"{name:14} {strength:6.0f}  " + "; ".join(figures), flush=True)


def as_shipped(clips: Clips, heard: Heard, against: Heard | None) -> None:
    """Print how well a model's own dimensions tell the clips, and another's."""
    said = heard.dimensions(clips.files)
    others = None if against is None else against.dimensions(clips.files)
    for column, what in ((1, "arousal"), (0, "valence")):
        for part in ("all", "validation", "test"):
            figures = clips.area(part, said[:, column], column)
            if others is not None:
                low, middle, high = clips.difference(
                    part, said[:, column], others[:, column], column
                )
                figures += f", against {clips.area(part, others[:, column], column)}"
                figures += f": {middle:+.3f} [{low:+.3f}, {high:+.3f}]"
            print(f"{what} as shipped, {part:10}  {figures}")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emopia", type=Path, required=True)
    parser.add_argument("--emotify", type=Path, required=True)
    parser.add_argument("--midis", type=Path)
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--against")
    parser.add_argument("--cache", type=Path, default=Path())
    options = parser.parse_args()
    clips = Clips(options.emopia)
    without_models(clips, options.midis)
    heard = Heard(options.model, options.cache)
    against = Heard(options.against, options.cache) if options.against else None
    of_embeddings(clips, options.emotify, heard.embeddings)
    as_shipped(clips, heard, against)


if __name__ == "__main__":
    main()
