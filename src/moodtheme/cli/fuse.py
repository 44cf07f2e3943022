"""``moodtheme fuse``: several systems' scores into one."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import ScoreFiles, Seed, Tags
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.streams import warnings_as_lines
from moodtheme.errors import EvaluationError, UsageError

if TYPE_CHECKING:
    from moodtheme.evaluation.fusion_weights import LearnedWeights
    from moodtheme.scores.matrices import SystemScores


class Method(StrEnum):
    """`moodtheme.scores.fusion.FusionMethod`, and weights learned on a validation set."""

    MEAN = "mean"
    WEIGHTED = "weighted"
    RANK = "rank"
    LOGIT = "logit"
    LEARNED = "learned"


def fuse(
    scores: ScoreFiles,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FUSED.npy", help="Where to write.", show_default=False
        ),
    ],
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            help="mean: arithmetic mean, the paper's; weighted: with --weights; rank: mean of "
            "per-tag ranks; logit: mean of logits; learned: weights fitted on --weights-from.",
        ),
    ] = Method.MEAN,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="W,W,...",
            help="For weighted: one number a system, in order, not negative. Only ratios matter.",
            show_default=False,
        ),
    ] = None,
    weights_from: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--weights-from",
            metavar="VALIDATION_TRUTH.npy VALIDATION_SCORES",
            help="For learned: the validation set to fit on, as --thresholds-from of evaluate. "
            "Never the set that will be reported.",
            show_default=False,
        ),
    ] = None,
    tags: Tags = None,
    seed: Seed = 0,
) -> None:
    """Fuse score files into one; all must hold the same tracks and tags in the same order."""
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.tables import print_table
    from moodtheme.evaluation.checks import check_finite
    from moodtheme.scores.fusion import FusionMethod
    from moodtheme.scores.fusion import fuse as fuse_arrays
    from moodtheme.scores.matrices import load_systems, save_matrix
    from moodtheme.scores.vocabulary import load_tags, tags_for

    inputs = [*scores, tags, *(weights_from or ())]
    require_output(output, inputs=inputs, suffixes=[".npy"])
    if (weights is not None) != (method is Method.WEIGHTED):
        raise UsageError("--weights goes with --method weighted, which needs it")
    if (weights_from is not None) != (method is Method.LEARNED):
        raise UsageError("--weights-from goes with --method learned, which needs it")
    vocabulary = load_tags(tags) if tags else None
    systems = load_systems(scores, tags=vocabulary)
    matrices = [system.values for system in systems]
    names = tags_for(matrices[0].shape[1], tags)
    for system in systems:
        if system.values.shape != matrices[0].shape:
            raise EvaluationError(
                f"{system.source}: scores of shape {system.values.shape}, but "
                f"{systems[0].source} has {matrices[0].shape}; all must hold the same tracks and "
                "tags"
            )
        check_finite(system.values, names, name=system.source)
    if weights_from is not None:
        learned = _learn(systems, weights_from, vocabulary, names, seed)
        shares: list[float] | None = learned.weights.tolist()
        print_table(
            ["system", "weight"],
            [[s.name, w] for s, w in zip(systems, learned.weights.tolist(), strict=True)],
            decimals=4,
        )
        print()
        print_table(
            ["macro ROC-AUC on validation", "value"],
            [
                ["learned weights, where they were fitted", learned.fitted],
                ["learned weights, cross-validated", learned.cross_validated],
                ["plain mean", learned.plain_mean],
            ],
        )
    else:
        shares = None if weights is None else _numbers(weights)
    kind = FusionMethod.WEIGHTED if shares is not None else FusionMethod(method.value)
    save_matrix(output, fuse_arrays(matrices, method=kind, weights=shares))
    typer.echo(f"{output}: {len(systems)} systems fused, method {method}")


def _learn(
    systems: "list[SystemScores]",
    weights_from: tuple[Path, Path],
    vocabulary: Sequence[str] | None,
    tags: Sequence[str],
    seed: int,
) -> "LearnedWeights":
    from moodtheme.evaluation.fusion_weights import learn_weights
    from moodtheme.scores.matrices import load_truth, match_systems

    truth = load_truth(weights_from[0], tags=vocabulary)
    matched = match_systems(systems, weights_from[1], tags=vocabulary)
    with warnings_as_lines(), progress_bar("Learning weights") as progress:
        return learn_weights(
            truth,
            [system.values for system in matched],
            tags=tags,
            seed=seed,
            progress=progress,
        )


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--weights {text}: not numbers separated by commas; write, for example, 1,1,0.5"
        ) from None
