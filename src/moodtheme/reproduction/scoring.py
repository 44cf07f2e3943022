"""Rows: their scores, from predictions, popularity and the paper's fusions, and their figures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodtheme.datasets import Split
from moodtheme.errors import ReproductionError
from moodtheme.evaluation import Evaluation, Figure, ScoredSet, SystemFigures
from moodtheme.evaluation.evaluator import popularity_scores
from moodtheme.files import replacing, sha256_of
from moodtheme.recipes import BASELINE, TABLE_1
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.results import Difference, Kind
from moodtheme.scores.forms import write_matrix
from moodtheme.scores.fusion import fuse
from moodtheme.scores.matrices import load_systems
from moodtheme.training.history import BEST
from moodtheme.training.prediction import predict_table
from moodtheme.training.run_folder import read_result, stage_folder
from moodtheme.training.seen import seen_before
from moodtheme.training.trained import load_trained
from moodtheme.work import Progress, no_progress

SCORED = (Split.VALIDATION, Split.TEST)
POPULARITY = "popularity"
ALL_SYSTEMS = TABLE_1[-1].name
"""The row of all nine."""
CHOSEN = "fused"
"""Files of all systems of a reproduction together, where that is none of the paper's fusions."""
_FILES = {
    "all CRNN": "crnn",
    "all 1 s Deep Spectrum": "ds-1s",
    "all 5 s Deep Spectrum": "ds-5s",
    "all Deep Spectrum": "ds-all",
    "all systems": "all",
}


@dataclass(frozen=True)
class ScoredRow:
    """A row of the table of results: what it is called, and its scores' file name."""

    name: str
    kind: Kind
    file: str
    members: tuple[str, ...] = ()


def rows_of(job: Job) -> tuple[ScoredRow, ...]:
    """Popularity, the baseline, the systems, and their fusions: those of the paper whose members
    are all there, and that of all systems where it is another.
    """
    kinds = {BASELINE: Kind.BASELINE}
    systems = (ScoredRow(s, kinds.get(s, Kind.SYSTEM), s) for s in job.recipes)
    fusions = [
        ScoredRow(row.name, Kind.FUSION, _FILES[row.name], row.members)
        for row in TABLE_1
        if len(row.members) > 1 and all(member in job.recipes for member in row.members)
    ]
    if chosen := chosen_together(job.recipes):
        fusions.append(ScoredRow(f"all {len(chosen)} systems here", Kind.FUSION, CHOSEN, chosen))
    return (ScoredRow(POPULARITY, Kind.POPULARITY, POPULARITY), *systems, *fusions)


def chosen_together(systems: Iterable[str]) -> tuple[str, ...]:
    """The systems of a reproduction, where they are several and none of the paper's fusions."""
    chosen = tuple(system for system in systems if system != BASELINE)
    known = [set(row.members) for row in TABLE_1]
    return chosen if len(chosen) > 1 and set(chosen) not in known else ()


def write_truth(job: Job) -> None:
    """Write the labels of each split, and the tags' names, beside the scores."""
    for split in Split:
        path = job.truth_file(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        job.table.part(split).write_truth(path)
    with replacing(job.folder / "tags.txt") as temporary:
        temporary.write_text("\n".join(job.table.tags) + "\n", encoding="utf-8")
    for split in SCORED:
        job.scores_file(split, "").parent.mkdir(parents=True, exist_ok=True)


def best_weights(job: Job, system: str) -> Path:
    """File with the weights of a trained system's best epoch."""
    folder = job.system_folder(system)
    return stage_folder(folder, read_result(folder).best_stage) / BEST


def predict(job: Job, system: str) -> None:
    """Score validation and test tracks, both in the way `moodtheme predict` does.

    Raises
    ------
    ReproductionError
        If a track cannot be read any more.
    """
    stage = f"predict {system}"

    def work() -> None:
        trained = load_trained(job.system_folder(system))
        for split in SCORED:
            part = job.table.part(split)
            seen = seen_before(
                job.system_folder(system), part, jobs=job.request.jobs, report=job.console.say
            )
            with job.console.bar(f"{stage}, {split}") as progress:
                predicted = predict_table(
                    trained,
                    part,
                    seen,
                    device=job.device,
                    jobs=job.request.jobs,
                    features=job.features,
                    offline=job.request.offline,
                    progress=progress,
                )
            for failure in predicted.failures:
                job.console.say(str(failure))
            if predicted.failures:
                raise ReproductionError(
                    f"{len(predicted.failures)} of {len(part)} {split} tracks cannot be scored, "
                    "they are named above; mend them or take them out of the table, then run the "
                    "same command again"
                )
            write_matrix(
                job.scores_file(split, system),
                predicted.scores,
                predicted.names,
                ratings=predicted.ratings,
            )

    job.stages.do(
        stage,
        work,
        inputs={**job.inputs_of(*SCORED), "weights": sha256_of(best_weights(job, system))},
        outputs=[job.scores_file(split, system) for split in SCORED],
    )


def fuse_rows(job: Job) -> None:
    """Write the scores of popularity and of the fusions, by plain mean as in the paper."""
    rows = rows_of(job)

    def work() -> None:
        training = job.table.part(Split.TRAIN).labels
        for split in SCORED:
            part = job.table.part(split)
            write_matrix(
                job.scores_file(split, POPULARITY),
                popularity_scores(training, len(part)),
                part.names,
            )
            for row in rows:
                if row.kind is Kind.FUSION:
                    files = [job.scores_file(split, member) for member in row.members]
                    members = load_systems(files)
                    fused = fuse([member.values for member in members])
                    write_matrix(job.scores_file(split, row.file), fused, members[0].names)

    job.stages.do(
        "fuse",
        work,
        inputs={"tracks": job.collection.sha256, "scores": digests(job, job.recipes)},
        outputs=[job.scores_file(split, row.file) for split in SCORED for row in rows],
    )


def digests(job: Job, files: Iterable[str]) -> dict[str, str]:
    """SHA-256 of score files, by split and name."""
    return {
        f"{split}/{file}": sha256_of(job.scores_file(split, file))
        for file in files
        for split in SCORED
    }


def load_scores(path: Path) -> NDArray[np.float32]:
    """Read a file of scores, float32 (tracks, tags)."""
    (system,) = load_systems([path])
    return np.asarray(system.values, dtype=np.float32)


@dataclass(frozen=True)
class Pair:
    """Two rows to compare, and why."""

    name: str
    against: str
    why: str


@dataclass(frozen=True)
class Measured:
    """A row's figures on validation and on test."""

    validation: Mapping[str, Figure]
    test: SystemFigures


def measure(
    validation: ScoredSet,
    test: ScoredSet,
    *,
    tags: Sequence[str],
    choose_pairs: Callable[[Mapping[str, float | None]], Sequence[Pair]],
    resamples: int,
    seed: int,
    progress: Progress = no_progress,
) -> tuple[dict[str, Measured], tuple[Difference, ...]]:
    """Compute every figure of every row.

    Parameters
    ----------
    validation, test
        The same rows on both.
    tags
        Names of the columns.
    choose_pairs
        Given each row's macro ROC-AUC on validation (None where undefined), the pairs to compare
        on test.
    resamples, seed
        Of the bootstrap; 0 resamples for no intervals.
    progress
        Called with resamples done and resamples to do, on both.

    Warns
    -----
    EvaluationWarning
        Where a tag's figures are undefined.
    """

    def evaluation(
        scored: ScoredSet, part: str, *, before: int = 0, known: Evaluation | None = None
    ) -> Evaluation:
        return Evaluation(
            scored,
            tags=tags,
            part=part,
            validation=known,
            resamples=resamples,
            seed=seed,
            progress=lambda done, of: progress(before + done, 2 * resamples),
        )

    known = evaluation(validation, "validation")
    found = evaluation(test, "test", before=resamples, known=known)
    rows = {
        name: Measured(known.figures(name).figures, found.figures(name)) for name in test.scores
    }
    pairs = choose_pairs(
        {name: row.validation["roc_auc_macro"].value for name, row in rows.items()}
    )
    apart = found.differences([(pair.name, pair.against) for pair in pairs])
    differences = tuple(
        Difference(name=pair.name, against=pair.against, why=pair.why, figures=figures)
        for pair, figures in zip(pairs, apart, strict=True)
    )
    return rows, differences


def choose_pairs(
    rows: Sequence[ScoredRow], on_validation: Mapping[str, float | None]
) -> list[Pair]:
    """Pairs worth comparing, chosen without a look at the test set.

    Parameters
    ----------
    rows
        All there are.
    on_validation
        Macro ROC-AUC of each; None, where it is undefined, counts as lowest.
    """

    def best(names: Sequence[str]) -> str:
        return max(names, key=lambda name: -1.0 if (at := on_validation[name]) is None else at)

    fusions = [row for row in rows if row.kind is Kind.FUSION]
    systems = [row.name for row in rows if row.kind is Kind.SYSTEM]
    pairs = [
        Pair(row.name, best(row.members), "a fusion and its best member on validation")
        for row in fusions
    ]
    whole = [row.name for row in fusions if row.name == ALL_SYSTEMS]
    pairs += [
        Pair(ALL_SYSTEMS, row.name, "all systems and a part of them")
        for row in fusions
        if whole and row.name != ALL_SYSTEMS
    ]
    if systems and any(row.kind is Kind.BASELINE for row in rows):
        pairs += [
            Pair(name, BASELINE, "above the MediaEval baseline, trained on the same tracks?")
            for name in [*whole, best(systems)]
        ]
    return pairs
