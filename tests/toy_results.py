"""A small finished reproduction, with real figures of made-up scores."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation import ScoredSet
from moodtheme.recipes import BASELINE, NINE_SYSTEMS, TABLE_1, describe, find_recipe, with_values
from moodtheme.records import write_record
from moodtheme.reproduction.results import (
    RESULTS,
    Dataset,
    ExampleTrack,
    Kind,
    Part,
    Results,
    Row,
    ScoreFile,
    Settings,
    SystemRun,
    TimelineWindow,
)
from moodtheme.reproduction.scoring import Pair, measure
from moodtheme.reproduction.stages import TIMINGS, StageTiming, Timings
from moodtheme.scores.fusion import fuse
from moodtheme.scores.matrices import ScoreMatrix
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS
from moodtheme.training.history import Epoch, write_history

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&|`\u202e{{7*7}}"
"""A name that would break out of HTML, attributes, tables and templates."""


def some_tags(number: int) -> tuple[str, ...]:
    """The official tags, and more of the kind where they do not suffice."""
    more = (f"invented {index}" for index in range(number))
    return (*MOOD_THEME_TAGS, *more)[:number]


def write_run(
    folder: Path,
    *,
    systems: Sequence[str] = NINE_SYSTEMS,
    baseline: bool = True,
    tags: Sequence[str] = some_tags(12),
    tracks: int = 60,
    epochs: int = 40,
    resamples: int = 50,
    jamendo: bool = False,
    names: str = "track",
) -> Results:
    """Write a run's folder: results, timings, truth, scores, histories."""
    rng = np.random.default_rng(len(systems) * 1000 + len(tags))
    sizes = {"train": 3 * tracks, "validation": tracks, "test": tracks}
    shares = np.geomspace(0.4, 0.06, len(tags))
    # A hidden quality that tags share in groups, so that some go together.
    truth = {}
    for split, size in sizes.items():
        groups = rng.random((size, 4))[:, np.arange(len(tags)) % 4]
        truth[split] = 0.5 * groups + 0.5 * rng.random((size, len(tags))) < shares
        truth[split][0], truth[split][1] = True, False
    trained = [*([BASELINE] if baseline else []), *systems]
    scores: dict[str, dict[str, ScoreMatrix]] = {
        split: _scores(truth[split], trained, rng) for split in ("validation", "test")
    }
    fusions = [row for row in TABLE_1[9:] if set(row.members) <= set(systems)]
    for row in fusions:
        for of in scores.values():
            of[row.name] = fuse([of[name] for name in row.members])

    def pairs(known: Mapping[str, float]) -> list[Pair]:
        found = [
            Pair(row.name, max(row.members, key=lambda name: known[name]), "what fusing brings")
            for row in fusions
        ]
        if baseline and systems:
            found.append(Pair(systems[0], BASELINE, "above the task's baseline"))
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvaluationWarning)
        measured, differences = measure(
            ScoredSet(truth["validation"], scores["validation"]),
            ScoredSet(truth["test"], scores["test"]),
            tags=tags,
            choose_pairs=pairs,
            resamples=resamples,
            seed=0,
        )
    files: dict[tuple[str, str], ScoreFile] = {}
    for split, of in scores.items():
        for name, matrix in of.items():
            files[split, name] = _save(folder, f"scores/{split}/{name}.npy", matrix)
    members = {row.name: row.members for row in fusions}
    rows = tuple(
        Row(
            name=name,
            kind=Kind.BASELINE if name == BASELINE
            else Kind.FUSION if name in members
            else Kind(name) if name == Kind.POPULARITY
            else Kind.SYSTEM,
            members=members.get(name, ()),
            validation=figures.validation,
            test=figures.test.figures,
            tags=figures.test.tags,
            validation_scores=files["validation", name],
            test_scores=files["test", name],
            bundle=None if name == Kind.POPULARITY else f"bundles/{name}",
        )
        for name, figures in measured.items()
    )  # fmt: skip
    results = Results(
        settings=Settings(
            command=f"moodtheme reproduce --dataset {names}", preset="quick", seed=7,
            weights="published", device="cpu", threads=1, systems=tuple(systems),
            values=("epochs=40",), bootstrap=resamples,
        ),
        dataset=Dataset(
            source=names if names != "track" else "demo", is_jamendo=jamendo, comparable=jamendo,
            tags=tuple(tags),
            parts=tuple(
                Part(split=split, tracks=size, hours=size / 20, artists=size // 6,
                     positives=tuple(int(n) for n in truth[split].sum(axis=0)))
                for split, size in sizes.items()
            ),
            left_out=(), shared_artists=0, sha256="ab" * 32,
            truth={s: _save(folder, f"truth/{s}.npy", matrix) for s, matrix in truth.items()},
        ),
        notes=("Trained for 40 epochs at most, not for 1000.",),
        rows=rows,
        differences=differences,
        runs=tuple(_run(folder, name, epochs, rng) for name in trained),
        sweep=(),
        examples=tuple(
            _example(f"{names} {n}", tags, scores["test"][rows[-1].name][n], truth["test"][n],
                     rows[-1])
            for n in range(3)
        ),
        versions={"python": "3.11.2", "moodtheme": "1.0", "torch": "2.9"},
    )  # fmt: skip
    write_record(folder / RESULTS, results)
    write_record(folder / TIMINGS, Timings(machine="2 cores", stages=(
        StageTiming(stage="train crnn-gru", seconds=734.2, waiting_s=3.0,
                    peak_memory_bytes=1_300_000_000, finished="2026-01-02T03:04:05Z"),
    )))  # fmt: skip
    return results


def rewrite(folder: Path, results: Results, **changes: object) -> None:
    """Write the results again with some of them changed."""
    write_record(folder / RESULTS, replace(results, **changes))  # type: ignore[arg-type]


def _scores(
    truth: np.ndarray, systems: Sequence[str], rng: np.random.Generator
) -> dict[str, ScoreMatrix]:
    popular = np.zeros(truth.shape, np.float32)
    popular[:, 0] = 1
    found: dict[str, ScoreMatrix] = {str(Kind.POPULARITY): popular}
    for name in systems:
        noise = rng.random(truth.shape)
        found[name] = (0.8 * noise + 0.2 * truth * rng.random(truth.shape[1])).astype(np.float32)
    return found


def _save(folder: Path, path: str, matrix: np.ndarray) -> ScoreFile:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    np.save(folder / path, matrix)
    return ScoreFile(path=path, sha256="cd" * 32)


def _run(folder: Path, name: str, epochs: int, rng: np.random.Generator) -> SystemRun:
    recipe = with_values(find_recipe(name), {"schedule.epochs": str(epochs)})
    turn = max(1, epochs // 3)
    history = [
        Epoch(
            epoch=n, stage=1 if n <= turn else 2, learning_rate=1e-3,
            train_loss=float(0.7 / n**0.3 + 0.02 * rng.random()),
            validation_roc_auc=float(0.75 - 0.2 / n**0.5 + 0.02 * rng.random()),
            seconds=10.0, waiting_s=0.1,
        )
        for n in range(1, epochs + 1)
    ]  # fmt: skip
    best = max(history, key=lambda epoch: epoch.validation_roc_auc)
    path = folder / "systems" / name / "history.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_history(path, history)
    return SystemRun(
        name=name, folder=f"systems/{name}", history=f"systems/{name}/history.csv",
        settings=tuple(describe(recipe)), changed=("schedule.epochs",), parameters=5_812_536,
        weights=f"vggish.pt {'ef' * 32}" if name.startswith("crnn") else None,
        best_epoch=best.epoch, best_stage=best.stage, epochs=epochs,
        selection_roc_auc=best.validation_roc_auc, moodtheme_version="1.0",
    )  # fmt: skip


def _example(
    track: str, tags: Sequence[str], scores: np.ndarray, truth: np.ndarray, row: Row
) -> ExampleTrack:
    rng = np.random.default_rng(len(track))
    moving = np.clip(scores + 0.2 * rng.standard_normal((9, len(tags))).cumsum(axis=0), 0.01, 1)
    at = [
        np.inf if tag.threshold_validation is None else tag.threshold_validation for tag in row.tags
    ]
    return ExampleTrack(
        track=track, artist=f"by {track}", duration_s=185.0,
        truth=tuple(tag for tag, has in zip(tags, truth, strict=True) if has)[:4],
        model=row.bundle or "", scores=tuple(float(score) for score in scores),
        decided=tuple(tag for tag, on in zip(tags, scores > at, strict=True) if on)[:4],
        windows=tuple(
            TimelineWindow(start_s=20.0 * n, end_s=20.0 * n + 20,
                           scores=tuple(float(score) for score in window))
            for n, window in enumerate(moving)
        ),
    )  # fmt: skip
