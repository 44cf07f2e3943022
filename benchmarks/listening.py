"""What models hear, against what people said of the same music: one row a model.

    python benchmarks/listening.py MODEL... [--emotify DIR] [--quadrants DIR] [--music DIR|CSV]

MODEL is a name or a bundle's folder, or the `.onnx` of vibenet (`pip download vibenet`), a peer.

--emotify DIR     the folder with ``emotifymusic/GENRE/N.mp3`` and ``data.csv``; only even-numbered
                  files are heard. Nine feelings by the mean of their tags (see
                  `moodtheme.distillation.combination.FEELINGS`), valence and arousal by the model's
                  dimensions, or by a fixed combination of tags where it has none. 95 % intervals
                  over resampled recordings.
--quadrants DIR   files whose names begin with Q1 to Q4 (EMOPIA's clips): ROC-AUC.
--music DIR|CSV   any music, a folder or a table with ``path``: how far file names agree with
                  arousal (whole words; the lists below were written before looking), the
                  commonest top tag, how many tags stand out somewhere, how
                  well a piece agrees with its changed self, and speed.
"""

import argparse
import csv
import io
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from moodtheme import Tagger
from moodtheme.audio import find_audio_files, open_audio, read_audio
from moodtheme.distillation.agreement import spearman_per_tag
from moodtheme.distillation.combination import FEELINGS, composites
from moodtheme.errors import AudioError
from moodtheme.scores.decisions import logit

LOUD_NAMES = r"(?<![a-z])(battle|boss|fight|fighting|combat|attack|war)(?![a-z])"
QUIET_NAMES = r"(?<![a-z])(town|village|rest|sad|night|sleep|peace)(?![a-z])"
AROUSAL = {"energetic": 1, "fast": 1, "action": 1, "calm": -1, "soft": -1, "relaxing": -1}
VALENCE = {"happy": 1, "fun": 1, "positive": 1, "dark": -1, "sad": -1}
GENRES = {"classical": 0, "rock": 100, "electronic": 200, "pop": 300}
RATE = 16_000


@dataclass(frozen=True)
class Said:
    """What a model said of tracks: logits of tags (None for a peer without), valence, arousal."""

    files: list[Path]
    logits: np.ndarray | None
    valence: np.ndarray
    arousal: np.ndarray
    decisions: np.ndarray | None = None
    standings: np.ndarray | None = None


class Ours:
    """A bundle."""

    def __init__(self, name: str) -> None:
        self.tagger = Tagger.load(name)
        self.name = f"{self.tagger.bundle.name} {self.tagger.bundle.digest[:8]}"

    def hear(self, files: list[Path]) -> Said:
        """What it says of files; those that cannot be used are left out."""
        kept, rows, dimensions, decisions, standings = [], [], [], [], []
        for file in files:
            try:
                heard = self.tagger.tag(file)
            except AudioError:
                continue
            by_name = {tag.name: tag for tag in heard.tags}
            tags = [by_name[name] for name in self.tagger.tags]
            kept.append(file)
            rows.append([tag.score for tag in tags])
            decisions.append([bool(tag.decision) for tag in tags])
            standings.append([tag.standing or 0.0 for tag in tags])
            dimensions.append({d.name: d.value for d in heard.dimensions})
        logits = logit(np.array(rows))
        z = (logits - logits.mean(axis=0)) / logits.std(axis=0)

        def dimension(name: str, tags: dict[str, int]) -> np.ndarray:
            if all(name in row for row in dimensions):
                return np.array([row[name] for row in dimensions])
            return sum(sign * z[:, self.tagger.tags.index(tag)] for tag, sign in tags.items())

        return Said(
            kept, logits, dimension("valence", VALENCE), dimension("arousal", AROUSAL),
            np.array(decisions), np.array(standings),
        )  # fmt: skip


class Vibenet:
    """The peer: 16 kHz, 128 Slaney mel bands of power in dB, valence and energy among seven."""

    def __init__(self, file: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file, options)
        self.name = "vibenet"

    def hear(self, files: list[Path]) -> Said:
        """What it says of files; those that cannot be used are left out."""
        from moodtheme.features.mel import mel_filters

        filters = mel_filters(sample_rate=RATE, n_fft=1024, n_mels=128, f_min=0.0, f_max=8000.0)
        window = np.hanning(641)[:-1]
        kept, rows = [], []
        for file in files:
            try:
                audio = read_audio(file, sample_rate=RATE, minimum_s=1.0).samples
            except AudioError:
                continue
            frames = np.lib.stride_tricks.sliding_window_view(audio, 640)[::320] * window
            power = np.abs(np.fft.rfft(frames, 1024, axis=1)) ** 2 @ filters.T
            db = 10 * np.log10(np.maximum(power, 1e-10)).T
            db = np.maximum(db, db.max() - 80.0).astype(np.float32)
            found = self.session.run(None, {self.session.get_inputs()[0].name: db[None]})
            kept.append(file)
            rows.append(np.ravel(found[0]))
        said = np.array(rows)
        return Said(kept, None, valence=said[:, 6], arousal=said[:, 2])  # valence, energy


def emotify(model: Ours | Vibenet, folder: Path) -> dict[str, str]:
    """Correlations with listeners on the even-numbered recordings."""
    answers: dict[int, list[list[float]]] = {}
    with (folder / "data.csv").open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            answers.setdefault(int(row[0]), []).append([float(v) for v in row[2:11]])
    numbered = {
        folder / "emotifymusic" / genre / f"{n}.mp3": first + n
        for genre, first in GENRES.items()
        for n in range(2, 101, 2)
    }
    said = model.hear(list(numbered))
    felt = np.array([np.mean(answers[numbered[file]], axis=0) for file in said.files])
    both = composites(felt)

    def figure(of: Callable[[np.ndarray], float]) -> str:
        rng = np.random.default_rng(0)
        draws = [of(rng.integers(len(felt), size=len(felt))) for _ in range(300)]
        low, high = np.percentile(draws, [2.5, 97.5])
        return f"{of(np.arange(len(felt))):.3f} [{low:.3f}, {high:.3f}]"

    found = {
        "Emotify even, tracks": str(len(felt)),
        "arousal r": figure(lambda d: np.corrcoef(said.arousal[d], both[d, 1])[0, 1]),
        "valence r": figure(lambda d: np.corrcoef(said.valence[d], both[d, 0])[0, 1]),
    }
    if said.logits is not None and isinstance(model, Ours):
        z = (said.logits - said.logits.mean(axis=0)) / said.logits.std(axis=0)
        places = [[model.tagger.tags.index(tag) for tag in tags] for tags in FEELINGS.values()]
        heard = np.stack([z[:, place].mean(axis=1) for place in places], axis=1)

        def mean(d: np.ndarray) -> float:
            return float(np.mean([spearmanr(heard[d, i], felt[d, i])[0] for i in range(9)]))

        found["nine feelings, mean Spearman"] = figure(mean)
        found["nine feelings, each"] = " ".join(
            f"{name} {spearmanr(heard[:, i], felt[:, i])[0]:.2f}" for i, name in enumerate(FEELINGS)
        )
    return found


def quadrants(model: Ours | Vibenet, folder: Path) -> dict[str, str]:
    """ROC-AUC on clips whose names begin with their quadrant."""
    files = [f for f in sorted(folder.iterdir()) if re.match(r"Q[1-4]_", f.name)]
    said = model.hear(files)
    quadrant = [file.name[:2] for file in said.files]
    arousal, valence = np.isin(quadrant, ["Q1", "Q2"]), np.isin(quadrant, ["Q1", "Q4"])
    return {
        "quadrants, clips": str(len(quadrant)),
        "arousal AUC": f"{roc_auc_score(arousal, said.arousal):.3f}",
        "valence AUC": f"{roc_auc_score(valence, said.valence):.3f}",
    }


def tracks_of(music: Path) -> list[Path]:
    """Audio of a folder, or what a CSV names in its column ``path``."""
    if music.is_dir():
        return find_audio_files([music])[0]
    with music.open(newline="", encoding="utf-8") as file:
        return [music.parent / row["path"] for row in csv.DictReader(file)]


def names(model: Ours | Vibenet, folder: Path) -> dict[str, str]:
    """How far file names agree with arousal."""
    files = tracks_of(folder)
    named = [f for f in files if re.search(f"{LOUD_NAMES}|{QUIET_NAMES}", f.stem, re.IGNORECASE)]
    said = model.hear(named)
    loud = np.array([bool(re.search(LOUD_NAMES, f.stem, re.IGNORECASE)) for f in said.files])
    return {
        "names: loud, quiet": f"{loud.sum()}, {(~loud).sum()}",
        "names, arousal AUC": f"{roc_auc_score(loud, said.arousal):.3f}",
    }


def music(model: Ours, folder: Path, sample: int) -> dict[str, str]:
    """Variety, robustness and speed on a folder of music."""
    files = tracks_of(folder)
    found: dict[str, str] = {}
    random.Random(0).shuffle(files)
    some = files[:sample]
    started = time.process_time()
    said = model.hear(some)
    spent = time.process_time() - started
    seconds = sum(soundfile.info(f).duration for f in said.files)
    found["speed, × real time a core"] = f"{seconds / spent:.0f}"
    started = time.process_time()
    for file in said.files:
        with open_audio(file, sample_rate=RATE) as stream:
            for _ in stream:
                pass
    found["share of decoding's speed"] = f"{(time.process_time() - started) / spent:.2f}"
    if said.standings is not None and said.standings.any():
        top = Counter(said.standings.argmax(axis=1).tolist()).most_common(1)[0]
        found["commonest top tag"] = (
            f"{model.tagger.tags[top[0]]} {top[1] / len(said.files):.3f} of {len(said.files)}"
        )
        found["tags that stand out"] = str(int(said.decisions.any(axis=0).sum()))
        count = said.decisions.sum(axis=1)
        found["a piece's, 10/50/90 %"] = "/".join(
            f"{v:.0f}" for v in np.percentile(count, [10, 50, 90])
        )
    for name, change in CHANGES.items():
        before, after = [], []
        for file in said.files[:60]:
            audio = read_audio(file, sample_rate=RATE, duration_s=60.0).samples
            if len(audio) < 20 * RATE:
                continue
            before.append(model.tagger.score(audio, RATE))
            after.append(model.tagger.score(change(audio), RATE))
        rho = spearman_per_tag(np.array(before), np.array(after))
        found[f"{name}, Spearman median (least)"] = f"{np.median(rho):.4f} ({rho.min():.3f})"
    return found


def _mp3(audio: np.ndarray) -> np.ndarray:
    held = io.BytesIO()
    soundfile.write(held, audio, RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=0.7)
    held.seek(0)
    return soundfile.read(held, dtype="float32")[0]


def _semitone(audio: np.ndarray) -> np.ndarray:
    import soxr

    return soxr.resample(audio, RATE * 2 ** (1 / 12), RATE)


def _narrow(audio: np.ndarray) -> np.ndarray:
    import soxr

    return soxr.resample(soxr.resample(audio, RATE, 8000), 8000, RATE)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "MP3": _mp3,
    "a semitone up": _semitone,
    "-40 dB": lambda audio: audio * np.float32(0.01),
    "8 kHz": _narrow,
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--emotify", type=Path)
    parser.add_argument("--quadrants", type=Path)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--sample", type=int, default=100, help="tracks of --music")
    options = parser.parse_args()
    for name in options.models:
        model = Vibenet(name) if name.endswith(".onnx") else Ours(name)
        print(f"\n{model.name} ({name})")
        if options.emotify:
            show(emotify(model, options.emotify))
        if options.quadrants:
            show(quadrants(model, options.quadrants))
        if options.music:
            show(names(model, options.music))
        if options.music and isinstance(model, Ours):
            show(music(model, options.music, options.sample))


def show(found: dict[str, str]) -> None:
    """Print figures, one a line."""
    for figure, value in found.items():
        print(f"  {figure:40} {value}", flush=True)


if __name__ == "__main__":
    main()
