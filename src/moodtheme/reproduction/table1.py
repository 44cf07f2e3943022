"""The paper's Table 1 beside the same figures computed from score files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from moodtheme.errors import EvaluationError
from moodtheme.evaluation import Figure, ScoredSet, evaluate_systems
from moodtheme.recipes import TABLE_1, PaperRow
from moodtheme.scores.fusion import fuse
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix
from moodtheme.work import Progress, no_progress


@dataclass(frozen=True)
class Table1Row:
    """A line of the paper beside what was measured; fractions, not percent.

    Attributes
    ----------
    paper
        The line as printed.
    missing
        Members whose scores were not given; then nothing was measured.
    test, validation
        Macro ROC-AUC, None if not measured.
    interval
        95 % bootstrap interval of `test`, None without resamples.
    seen
        Whether a member was trained on tracks that it was measured on.
    """

    paper: PaperRow
    missing: tuple[str, ...] = ()
    test: float | None = None
    validation: float | None = None
    interval: tuple[float, float] | None = None
    seen: bool = False


def compare_with_paper(
    truth: BoolMatrix,
    systems: Mapping[str, ScoreMatrix],
    *,
    validation: ScoredSet | None = None,
    seen: Collection[str] = (),
    artists: Sequence[str] | None = None,
    resamples: int = 0,
    seed: int = 0,
    progress: Progress = no_progress,
) -> list[Table1Row]:
    """Compute every line of Table 1 that the given systems allow.

    Parameters
    ----------
    truth
        bool (tracks, tags): the labels of the test set.
    systems
        Scores by system name; those the table does not know are left out.
    validation
        Validation truth and scores, for the table's other column; systems may be missing.
    seen
        Systems that were trained on what they are measured on; their rows are marked.
    artists, resamples, seed, progress
        As for `moodtheme.evaluation.evaluate_systems`.

    Raises
    ------
    EvaluationError
        None of the nine systems is there, or truth and scores cannot be compared.
    """
    tested = _fused(systems)
    if not tested:
        raise EvaluationError(
            "none of the nine systems is there; name the score files "
            + ", ".join(f"{row.name}.npy" for row in TABLE_1[:9])
        )
    found = evaluate_systems(
        truth, tested, artists=artists, resamples=resamples, seed=seed, progress=progress
    )
    measured = {system.name: system.figures["roc_auc_macro"] for system in found}
    validated = {}
    if validation is not None:
        known = evaluate_systems(validation.truth, _fused(validation.scores))
        validated = {system.name: system.figures["roc_auc_macro"].value for system in known}
    rows = []
    for paper in TABLE_1:
        missing = tuple(name for name in paper.members if name not in systems)
        test = measured.get(paper.name, Figure(value=None))
        rows.append(
            Table1Row(
                paper,
                missing=missing,
                test=test.value,
                validation=validated.get(paper.name),
                interval=None if test.low is None or test.high is None else (test.low, test.high),
                seen=not missing and any(name in seen for name in paper.members),
            )
        )
    return rows


def _fused(systems: Mapping[str, ScoreMatrix]) -> dict[str, ScoreMatrix]:
    return {
        row.name: fuse([systems[name] for name in row.members])
        if len(row.members) > 1
        else systems[row.name]
        for row in TABLE_1
        if all(name in systems for name in row.members)
    }
