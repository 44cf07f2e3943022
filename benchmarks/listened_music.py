"""Music about which people said something, and how well models agree with them."""

import argparse
import csv
import re
from pathlib import Path

import numpy as np
import soundfile
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from intervals import interval
from listened_models import Model, Said, TeachersTogether
from moodtheme.audio import find_audio_files
from moodtheme.distillation.combination import FEELINGS, composites

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
LEAST_OF_A_TAG = 5
Figures = dict[str, str]


def tracks_of(music: list[Path]) -> list[Path]:
    """Audio of folders, and what CSV files name in their column ``path``."""
    files: list[Path] = []
    for place in music:
        if place.is_dir():
            files += find_audio_files([place])[0]
        else:
            files += [place.parent / row["path"] for row in rows_of(place)]
    return files


def rows_of(table: Path) -> list[dict[str, str]]:
    """A CSV's rows."""
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def recordings(folder: Path, first: int) -> dict[Path, np.ndarray]:
    """Every other recording of Emotify from number `first`, and the share who felt each feeling."""
    answers: dict[int, list[list[float]]] = {}
    with (folder / "data.csv").open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            answers.setdefault(int(row[0]), []).append([float(v) for v in row[2:11]])
    return {
        folder / "emotifymusic" / genre / f"{n}.mp3": np.mean(answers[before + n], axis=0)
        for genre, before in GENRES.items()
        for n in range(first, 101, 2)
    }


def with_listeners(said: Said, tags: list[str], answers: dict[Path, np.ndarray]) -> Figures:
    """Correlations with what listeners felt of the same recordings."""
    felt = np.array([answers[file] for file in said.files])
    both = composites(felt)

    def with_(values: np.ndarray, column: int) -> str:
        return interval(lambda d: np.corrcoef(values[d], both[d, column])[0, 1], len(felt))

    found = {
        "recordings": str(len(felt)),
        "arousal, r": with_(said.arousal, 1),
        "valence, r": with_(said.valence, 0),
    }
    if said.logits is None:
        return found
    z = (said.logits - said.logits.mean(axis=0)) / said.logits.std(axis=0)
    places = [[tags.index(tag) for tag in named] for named in FEELINGS.values()]
    heard = np.stack([z[:, place].mean(axis=1) for place in places], axis=1)

    def each(d: np.ndarray) -> list[float]:
        return [float(spearmanr(heard[d, i], felt[d, i])[0]) for i in range(len(FEELINGS))]

    found["nine feelings, mean ρ"] = interval(lambda d: float(np.mean(each(d))), len(felt))
    for name, value in zip(FEELINGS, each(np.arange(len(felt))), strict=True):
        found[name] = f"{value:.2f}"
    return found


def emotify(model: Model, folder: Path) -> Figures:
    """Agreement with listeners on the even-numbered recordings."""
    answers = recordings(folder, 2)
    found = with_listeners(model.hear([*answers]), list(model.tags), answers)
    return {f"Emotify, {name}": value for name, value in found.items()}


def area(truth: np.ndarray, values: np.ndarray) -> str:
    """ROC-AUC with its interval."""
    return interval(lambda d: auc(truth[d], values[d]), len(truth))


def auc(truth: np.ndarray, values: np.ndarray) -> float:
    """ROC-AUC, 0.5 where all cases are of one kind."""
    return float(roc_auc_score(truth, values)) if 0 < truth.sum() < len(truth) else 0.5


def in_quadrants(said: Said) -> Figures:
    """ROC-AUC on clips whose names begin with their quadrant."""
    quadrant = np.array([file.name[:2] for file in said.files])
    return {
        "clips": str(len(quadrant)),
        "arousal AUC": area(np.isin(quadrant, ["Q1", "Q2"]), said.arousal),
        "valence AUC": area(np.isin(quadrant, ["Q1", "Q4"]), said.valence),
    }


def clips(folder: Path) -> list[Path]:
    """Files whose names begin with Q1 to Q4."""
    return [file for file in sorted(folder.iterdir()) if re.match(r"Q[1-4]_", file.name)]


def quadrants(model: Model, folder: Path) -> Figures:
    """Agreement with the quadrants of valence and arousal that clips are named for."""
    return {f"clips, {k}": v for k, v in in_quadrants(model.hear(clips(folder))).items()}


def labelled(model: Model, table: Path) -> Figures:
    """Agreement with a table's ``valence`` and ``arousal`` (r) and ``tags`` (ROC-AUC)."""
    rows = {table.parent / row["path"]: row for row in rows_of(table)}
    said = model.hear([*rows])
    kept = [rows[file] for file in said.files]
    found = {"labels, tracks": str(len(kept))}
    for name, values in {"arousal": said.arousal, "valence": said.valence}.items():
        if all(row.get(name) for row in kept):
            true = np.array([float(row[name]) for row in kept])
            found[f"labels, {name}, r"] = interval(
                lambda d, v=values, t=true: np.corrcoef(v[d], t[d])[0, 1], len(kept)
            )
    if said.logits is not None and all("tags" in row for row in kept):
        sets = [{t.strip() for t in re.split(r"[;|,]", row["tags"])} for row in kept]
        truth = np.array([[tag in tags for tag in model.tags] for tags in sets])
        often = truth.sum(axis=0)
        used = np.flatnonzero((often >= LEAST_OF_A_TAG) & (often <= len(kept) - LEAST_OF_A_TAG))
        if len(used):
            logits = said.logits
            found[f"labels, {len(used)} tags, mean AUC"] = interval(
                lambda d: float(np.mean([auc(truth[d, t], logits[d, t]) for t in used])), len(kept)
            )
    return found


def words(name: str) -> set[str]:
    """Words of a name: apart at signs, digits and capitals."""
    return set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))


def title(file: Path) -> str:
    """The title that the file itself bears, or nothing."""
    with soundfile.SoundFile(file) as sound:
        return str(sound.copy_metadata().get("title", ""))


def by_name(model: Model, files: list[Path]) -> Figures:
    """How far names agree with arousal, for pieces in one of two lists and not in both."""
    pieces = [file for file in files if soundfile.info(file).duration >= LEAST_S]
    named = {file: words(file.stem) for file in pieces}
    titled = {file: named[file] | words(title(file)) for file in pieces}
    kinds: list[tuple[str, dict[Path, set[str]], tuple[str, str]]] = [
        ("names, first lists", named, FIRST),
        ("names, wider lists", named, WIDER),
        ("names and titles, wider lists", titled, WIDER),
    ]
    in_one = {what: _in_one(of, loud.split(), quiet.split()) for what, of, (loud, quiet) in kinds}
    said = model.hear([file for file in pieces if any(file in one for one in in_one.values())])
    arousal = dict(zip(said.files, said.arousal, strict=True))
    found = {}
    for what, one in in_one.items():
        is_loud = np.array([one[file] for file in one if file in arousal])
        values = np.array([arousal[file] for file in one if file in arousal])
        found[what] = f"{is_loud.sum()} against {(~is_loud).sum()}"
        found[f"{what}, arousal AUC"] = area(is_loud, values)
    return found


def _in_one(named: dict[Path, set[str]], loud: list[str], quiet: list[str]) -> dict[Path, bool]:
    """Pieces with words of one list, and none of the wider other: whether it is the loud one."""
    wider = [set(part.split()) for part in WIDER]
    return {
        file: bool(found & set(loud))
        for file, found in named.items()
        if found & {*loud, *quiet} and bool(found & wider[0]) != bool(found & wider[1])
    }


def asked_teachers(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> TeachersTogether | None:
    """The teachers, where ``--teachers`` asks for them: a folder, or ``fetch``."""
    if not options.teachers:
        return None
    if not options.emotify:
        parser.error("--teachers needs --emotify, whose odd half fits their readings")
    folder = None if options.teachers == "fetch" else Path(options.teachers)
    return TeachersTogether(folder, options.cache, recordings(options.emotify, 1))
