"""What models hear, against what people said of the same music: one table, a column a model.

    python benchmarks/listening.py MODEL... [--teachers DIR] [--emotify DIR] [--quadrants DIR]
        [--music DIR|CSV] [--held-out DIR|CSV] [--sample N] [--cache DIR] [--only FIGURES…]

MODEL is a name or a bundle's folder, or the `.onnx` of vibenet (`pip download vibenet`), a peer.

--teachers DIR    a column for the teachers together, read as the student is (the weights in DIR,
                  ``NAME.pth``, or ``fetch``). They hear the middle 29 s of a piece, 2 s of a core
                  each; what they said is kept in --cache. Needs --emotify, whose odd half fits the
                  readings.
--emotify DIR     the folder with ``emotifymusic/GENRE/N.mp3`` and ``data.csv``; models hear the
                  even numbers only. Nine feelings by the mean of their tags (`FEELINGS`), valence
                  and arousal by the model's dimensions, or by a fixed combination of tags. 95 %
                  intervals over resampled recordings. With --teachers also how alike a model and
                  its teachers rank the songs (pop and rock).
--quadrants DIR   files whose names begin with Q1 to Q4 (EMOPIA's clips): ROC-AUC.
--music DIR|CSV   any music, a folder or a table with ``path``: how far file names agree with
                  arousal (the lists below were written before looking), the commonest top tag, how
                  many tags stand out somewhere, how well a piece agrees with its changed self
                  (Spearman over --sample pieces, median over tags and the least), and speed.
--held-out …      music that no model was trained on: how alike a model and its teachers rank it.
"""

import argparse
import csv
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from changed_sound import CHANGES
from listened_models import RATE, Ours, Said, TeachersTogether, Vibenet, cut_middle, middle
from moodtheme.audio import find_audio_files, open_audio, read_audio
from moodtheme.distillation.agreement import spearman_per_tag
from moodtheme.distillation.combination import FEELINGS, composites
from moodtheme.errors import AudioError

FIRST = (
    "battle boss fight fighting combat attack war",
    "town village rest sad night sleep peace",
)
WIDER = (
    FIRST[0] + " battles fights fighter warrior action chase race racing assault danger rage "
    "fury invasion siege duel arena rush storm",
    FIRST[1] + " peaceful calm quiet dream dreams lullaby sunset dawn evening garden silence "
    "ballad requiem sorrow lonely farewell",
)
LEAST_S = 30.0  # shorter files are jingles and effects, not pieces
GENRES = {"classical": 0, "rock": 100, "electronic": 200, "pop": 300}
Model = Ours | TeachersTogether | Vibenet
Figures = dict[str, str]


def recordings(folder: Path, first: int) -> dict[Path, np.ndarray]:
    """Every other recording from number `first`, and the share of listeners who felt each."""
    answers: dict[int, list[list[float]]] = {}
    with (folder / "data.csv").open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            answers.setdefault(int(row[0]), []).append([float(v) for v in row[2:11]])
    return {
        folder / "emotifymusic" / genre / f"{n}.mp3": np.mean(answers[before + n], axis=0)
        for genre, before in GENRES.items()
        for n in range(first, 101, 2)
    }


def interval(of: Callable[[np.ndarray], float], n: int) -> str:
    """A figure over n cases with its 95 % interval."""
    rng = np.random.default_rng(0)
    low, high = np.percentile([of(rng.integers(n, size=n)) for _ in range(300)], [2.5, 97.5])
    return f"{of(np.arange(n)):.3f} [{low:.3f}, {high:.3f}]"


def emotify(model: Model, folder: Path) -> Figures:
    """Correlations with listeners on the even-numbered recordings."""
    answers = recordings(folder, 2)
    said = model.hear(list(answers))
    felt = np.array([answers[file] for file in said.files])
    both = composites(felt)

    def with_(values: np.ndarray, column: int) -> str:
        return interval(lambda d: np.corrcoef(values[d], both[d, column])[0, 1], len(felt))

    found = {
        "Emotify even, recordings": str(len(felt)),
        "arousal, r": with_(said.arousal, 1),
        "valence, r": with_(said.valence, 0),
    }
    if said.logits is not None:
        z = (said.logits - said.logits.mean(axis=0)) / said.logits.std(axis=0)
        places = [[model.tags.index(tag) for tag in tags] for tags in FEELINGS.values()]
        heard = np.stack([z[:, place].mean(axis=1) for place in places], axis=1)

        def each(d: np.ndarray) -> list[float]:
            return [float(spearmanr(heard[d, i], felt[d, i])[0]) for i in range(len(FEELINGS))]

        found["nine feelings, mean ρ"] = interval(lambda d: float(np.mean(each(d))), len(felt))
        for name, value in zip(FEELINGS, each(np.arange(len(felt))), strict=True):
            found[f"  {name}"] = f"{value:.2f}"
    return found


def quadrants(model: Model, folder: Path) -> Figures:
    """ROC-AUC on clips whose names begin with their quadrant."""
    said = model.hear([f for f in sorted(folder.iterdir()) if re.match(r"Q[1-4]_", f.name)])
    quadrant = np.array([file.name[:2] for file in said.files])

    def auc(values: np.ndarray, high: list[str]) -> str:
        is_high = np.isin(quadrant, high)
        return interval(lambda d: float(roc_auc_score(is_high[d], values[d])), len(quadrant))

    return {
        "quadrants, clips": str(len(quadrant)),
        "quadrants, arousal AUC": auc(said.arousal, ["Q1", "Q2"]),
        "quadrants, valence AUC": auc(said.valence, ["Q1", "Q4"]),
    }


def alike(model: Model, teachers: TeachersTogether, files: list[Path]) -> str:
    """Spearman of a model's tags with its teachers' over the middles of files, median over tags."""
    ours, theirs = [], []
    for file in files:
        try:
            window = middle(file)
        except AudioError:
            continue
        ours.append(model.score(window))
        theirs.append(teachers.score(window))
    a, b = np.array(ours), np.array(theirs)
    return interval(lambda d: float(np.nanmedian(spearman_per_tag(a[d], b[d]))), len(a))


def tracks_of(music: Path) -> list[Path]:
    """Audio of a folder, or what a CSV names in its column ``path``."""
    if music.is_dir():
        return find_audio_files([music])[0]
    with music.open(newline="", encoding="utf-8") as file:
        return [music.parent / row["path"] for row in csv.DictReader(file)]


def words(file: Path) -> set[str]:
    """Words of a file's name: apart at signs, digits and capitals."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", file.stem)
    return set(re.findall(r"[a-z]+", apart.lower()))


def names(model: Model, folder: Path) -> Figures:
    """How far file names agree with arousal, for pieces in one of two lists and not in both."""
    loud, quiet = (set(part.split()) for part in WIDER)
    files = [f for f in tracks_of(folder) if bool(words(f) & loud) != bool(words(f) & quiet)]
    said = model.hear([f for f in files if soundfile.info(f).duration >= LEAST_S])
    found = {}
    for title, (high, low) in {"names, first lists": FIRST, "names, wider lists": WIDER}.items():
        is_loud = np.array([bool(words(f) & set(high.split())) for f in said.files])
        either = is_loud | np.array([bool(words(f) & set(low.split())) for f in said.files])
        value, kind = said.arousal[either], is_loud[either]
        figure = interval(lambda d, v=value, k=kind: _auc(k[d], v[d]), len(kind))
        found[title] = f"{kind.sum()} against {(~kind).sum()}"
        found[f"{title}, arousal AUC"] = figure
    return found


def _auc(kind: np.ndarray, value: np.ndarray) -> float:
    return float(roc_auc_score(kind, value)) if 0 < kind.sum() < len(kind) else 0.5


def variety(model: Ours, files: list[Path]) -> Figures:
    """Speed on some pieces, and what stands out of them."""
    started = time.process_time()
    said = model.hear(files)
    spent = time.process_time() - started
    seconds = sum(soundfile.info(f).duration for f in said.files)
    started = time.process_time()
    for file in said.files:
        with open_audio(file, sample_rate=RATE) as stream:
            for _ in stream:
                pass
    decoding = time.process_time() - started
    found = {"speed, × real time a core": f"{seconds / spent:.0f}"}
    found["share of decoding's speed"] = f"{decoding / spent:.2f}"
    return found | _standing_out(model, said)


def _standing_out(model: Ours, said: Said) -> Figures:
    if said.standings is None or said.decisions is None or not said.standings.any():
        return {}
    top = Counter(said.standings.argmax(axis=1).tolist()).most_common(1)[0]
    count = np.percentile(said.decisions.sum(axis=1), [10, 50, 90])
    return {
        "commonest top tag": f"{model.tags[top[0]]} {top[1] / len(said.files):.1%}",
        "tags that stand out somewhere": str(int(said.decisions.any(axis=0).sum())),
        "a piece's, 10/50/90 %": "/".join(f"{v:.0f}" for v in count),
    }


def robustness(
    model: Model, files: list[Path], seconds: float | None, changes: list[str]
) -> Figures:
    """How well pieces agree with their changed selves: Spearman, median over tags (the least)."""
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("", *changes)}
    for file in files:
        audio = read_audio(file, sample_rate=RATE, duration_s=60.0).samples
        if len(audio) < 20 * RATE:
            continue
        if seconds is None:
            audio = cut_middle(audio)
        rows[""].append(model.score(audio))
        for name in changes:
            rows[name].append(model.score(CHANGES[name](audio)))
    before = np.array(rows[""])
    rho = {name: spearman_per_tag(before, np.array(rows[name])) for name in changes}
    heard = "29 s" if seconds is None else f"{seconds:.0f} s"
    found = {f"changed, {heard} of pieces": str(len(rows[""]))}
    return found | {f"  {name}": f"{np.median(r):.4f} ({r.min():.3f})" for name, r in rho.items()}


def figures(
    model: Model, options: argparse.Namespace, teachers: TeachersTogether | None
) -> Figures:
    """All that was asked for of one model."""
    found: Figures = {}
    wanted = set(options.only)
    if options.emotify and "answers" in wanted:
        found |= emotify(model, options.emotify)
    if options.quadrants and "answers" in wanted:
        found |= quadrants(model, options.quadrants)
    if options.music:
        if "names" in wanted:
            found |= names(model, options.music)
        files = tracks_of(options.music)
        random.Random(0).shuffle(files)
        some = files[: options.sample]
        if isinstance(model, Ours) and "variety" in wanted:
            found |= variety(model, some)
        if isinstance(model, Ours) and "changes" in wanted:
            found |= robustness(model, some, 60.0, options.changes)
        if teachers is not None and "changes" in wanted:
            found |= robustness(model, some[: options.short_sample], None, options.changes)
    if teachers is not None and isinstance(model, Ours) and "alike" in wanted:
        songs = [f for f in recordings(options.emotify, 2) if f.parent.name in ("pop", "rock")]
        found["tags as the teachers', songs, ρ"] = alike(model, teachers, songs)
        if options.held_out:
            held_out = tracks_of(options.held_out)
            found["tags as the teachers', held out, ρ"] = alike(model, teachers, held_out)
    return found


def show(columns: dict[str, Figures]) -> None:
    """Print a table: figures down, models across."""
    rows = dict.fromkeys(figure for found in columns.values() for figure in found)
    width = max(len(row) for row in rows) + 2
    print(" " * width + "".join(f"{name:26}" for name in columns))
    for row in rows:
        cells = "".join(f"{found.get(row, ''):26}" for found in columns.values())
        print(f"{row:{width}}{cells}".rstrip())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--teachers", metavar="DIR|fetch")
    parser.add_argument("--cache", type=Path, default=Path("teachers-said"))
    parser.add_argument("--emotify", type=Path)
    parser.add_argument("--quadrants", type=Path)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--sample", type=int, default=60, help="tracks of --music")
    parser.add_argument("--short-sample", type=int, default=20, help="of those, for the teachers")
    kinds = ["answers", "names", "variety", "changes", "alike"]
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds, help="some figures")
    parser.add_argument("--changes", nargs="+", choices=list(CHANGES), default=list(CHANGES))
    options = parser.parse_args()
    teachers = None
    if options.teachers:
        if not options.emotify:
            parser.error("--teachers needs --emotify, whose odd half fits their readings")
        folder = None if options.teachers == "fetch" else Path(options.teachers)
        teachers = TeachersTogether(folder, options.cache, recordings(options.emotify, 1))
    models: list[Model] = [
        Vibenet(name) if name.endswith(".onnx") else Ours(name) for name in options.models
    ]
    columns: dict[str, Figures] = {}
    for model in [*models, *([teachers] if teachers else [])]:
        print(f"{model.name} …", file=sys.stderr, flush=True)
        columns[model.name] = figures(model, options, teachers)
    show(columns)


if __name__ == "__main__":
    main()
