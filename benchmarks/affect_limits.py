"""How much of valence and arousal a model's embedding holds, whoever's labels are asked of it.

    python benchmarks/affect_limits.py --emotify DIR --quadrants-train DIR --quadrants-test DIR
        [--model NAME|DIR] [--cache FILE]

Ridge regressions on embeddings averaged over a track, standardised by Emotify's odd half, of three
sets of labels: Emotify's odd half alone, as the shipped model's; EMOPIA's own training clips (their
terms are disputed: measured, never shipped); both. Tested on EMOPIA's test clips and on Emotify's
even half, at three strengths. The second row is about the most that other labels could bring
without another embedding. Embeddings are kept in --cache.
"""

import argparse
import re
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from intervals import interval
from listened_music import recordings
from moodtheme import Tagger
from moodtheme.distillation.combination import composites

STRENGTHS = (300.0, 1000.0, 3000.0)


def embeddings(files: list[Path], model: str, cache: Path) -> np.ndarray:
    """Mean embeddings ``(files, size)``."""
    held = dict(np.load(cache)) if cache.exists() else {}
    missing = [file for file in files if str(file) not in held]
    tagger = Tagger.load(model)
    for file in missing:
        windows = tagger.listen(file).members[0].track
        held[str(file)] = np.mean([window.embedding for window in windows], axis=0)
    if missing:
        np.savez(cache, **held)
    return np.stack([held[str(file)] for file in files]).astype(np.float64)


def quadrants(folder: Path) -> tuple[list[Path], np.ndarray]:
    """Clips, and whether each is high in valence and in arousal."""
    files = [file for file in sorted(folder.iterdir()) if re.match(r"Q[1-4]_", file.name)]
    names = [file.name[:2] for file in files]
    return files, np.stack([np.isin(names, ["Q1", "Q4"]), np.isin(names, ["Q1", "Q2"])], axis=1)


def area(truth: np.ndarray, said: np.ndarray) -> str:
    """ROC-AUC with its interval."""
    return interval(lambda d: float(roc_auc_score(truth[d], said[d])), len(said))


def ridge(rows: np.ndarray, wanted: np.ndarray, strength: float) -> np.ndarray:
    """Weights on centred rows."""
    gram = rows @ rows.T + strength * np.eye(len(rows))
    return rows.T @ np.linalg.solve(gram, wanted)


def main() -> None:
    """Print a line for each set of labels and strength."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emotify", type=Path, required=True)
    parser.add_argument("--quadrants-train", type=Path, required=True)
    parser.add_argument("--quadrants-test", type=Path, required=True)
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--cache", type=Path, default=Path("affect-limits.npz"))
    options = parser.parse_args()

    def heard(files: list[Path]) -> np.ndarray:
        return embeddings(files, options.model, options.cache)

    odd, even = recordings(options.emotify, 1), recordings(options.emotify, 2)
    felt = {which: composites(np.stack(list(of.values()))) for which, of in enumerate((odd, even))}
    train, is_train = quadrants(options.quadrants_train)
    test, is_test = quadrants(options.quadrants_test)
    rows = heard(list(odd))
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    songs, clips, tested, kept = (
        (x - mean) / deviation for x in (rows, heard(train), heard(test), heard(list(even)))
    )

    def centred(x: np.ndarray) -> np.ndarray:
        return x - x.mean(axis=0)

    wanted = {
        "Emotify, odd": (centred(songs), centred(felt[0] / felt[0].std(axis=0))),
        "EMOPIA, train": (centred(clips), centred(is_train / is_train.std(axis=0))),
    }
    wanted["both"] = tuple(np.concatenate(parts) for parts in zip(*wanted.values(), strict=True))
    print(
        f"{len(songs)} and {len(clips)} learned from; {len(tested)} clips, {len(kept)} recordings"
    )
    for name, (x, y) in wanted.items():
        for strength in STRENGTHS:
            weights = ridge(x, y, strength)
            said, on_songs = tested @ weights, kept @ weights
            figures = []
            for column, what in ((1, "arousal"), (0, "valence")):
                auc = area(is_test[:, column], said[:, column])
                r = np.corrcoef(on_songs[:, column], felt[1][:, column])[0, 1]
                figures.append(f"{what}: EMOPIA AUC {auc}, Emotify r {r:.3f}")
            print(f"{name:14} {strength:6.0f}  " + "  ".join(figures))


if __name__ == "__main__":
    main()
