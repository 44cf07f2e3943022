"""``moodtheme fuse``: several systems' scores into one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moodtheme.cli.options import ScoreFiles, Seed, Tags
from moodtheme.cli.progress import progress_bar
from moodtheme.cli.streams import warnings_as_lines
from moodtheme.errors import EvaluationError, UsageError

if TYPE_CHECKING:
    from moodtheme.evaluation.fusion_weights import LearnedWeights
    from moodtheme.scores.matrices import SystemScores
    from moodtheme.scores.names import Names


def fuse(
    scores: ScoreFiles,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.npz",
            help="Where to write; .csv, .parquet and .npy (numbers alone) are written too.",
        ),
    ],
    method: Annotated[
        Literal["mean", "weighted", "rank", "logit", "learned"],
        typer.Option(
            "--method",
            help="mean: arithmetic mean, the paper's; weighted: with --weights; rank: mean of "
            "per-tag ranks; logit: mean of logits; learned: weights fitted on --weights-from.",
        ),
    ] = "mean",
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="W,W,...",
            help="For weighted: one number a system, in order, not negative. Only ratios matter.",
        ),
    ] = None,
    weights_from: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--weights-from",
            metavar="VALIDATION_TRUTH VALIDATION_SCORES",
            help="For learned: the validation set to fit on, as --thresholds-from of evaluate. "
            "Never the set that will be reported.",
        ),
    ] = None,
    tags: Tags = None,
    seed: Seed = 0,
) -> None:
    """Fuse score files into one; all must hold the same tracks and tags.

    Files with names are put into the order of the first; others must be in it.
    """
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.tables import print_table
    from moodtheme.evaluation.checks import check_finite
    from moodtheme.scores.forms import MATRIX_SUFFIXES, write_matrix
    from moodtheme.scores.fusion import FusionMethod
    from moodtheme.scores.fusion import fuse as fuse_arrays
    from moodtheme.scores.matrices import load_systems
    from moodtheme.scores.vocabulary import load_tags, tags_for

    inputs = [*scores, tags, *(weights_from or ())]
    require_output(output, inputs=inputs, suffixes=MATRIX_SUFFIXES)
    if (weights is not None) != (method == "weighted"):
        raise UsageError("--weights goes with --method weighted, which needs it")
    if (weights_from is not None) != (method == "learned"):
        raise UsageError("--weights-from goes with --method learned, which needs it")
    vocabulary = load_tags(tags) if tags else None
    first = load_systems(scores[:1], tags=vocabulary)[0]
    with warnings_as_lines():
        systems = load_systems(scores, tags=vocabulary, like=first)
    matrices = [system.values for system in systems]
    names = first.names.tags or tags_for(matrices[0].shape[1])
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
    kind = FusionMethod.WEIGHTED if shares is not None else FusionMethod(method)
    write_matrix(output, fuse_arrays(matrices, method=kind, weights=shares), _together(systems))
    typer.echo(f"{output}: {len(systems)} systems fused, method {method}")


def _together(systems: "list[SystemScores]") -> "Names":
    """The first system's names; what one of them was trained on, the fusion was."""
    from moodtheme.scores.names import Seen

    seen = [system.names.seen for system in systems if system.names.seen]
    marked = tuple(map(Seen.most, zip(*seen, strict=True)))
    return replace(next((s.names for s in systems if s.names.ids), systems[0].names), seen=marked)


def _learn(
    systems: "list[SystemScores]",
    weights_from: tuple[Path, Path],
    vocabulary: Sequence[str] | None,
    tags: Sequence[str],
    seed: int,
) -> "LearnedWeights":
    from moodtheme.cli.systems import on_validation
    from moodtheme.evaluation.fusion_weights import learn_weights

    with warnings_as_lines(), progress_bar("Learning weights") as progress:
        truth, matched = on_validation(systems, weights_from, vocabulary, systems[0])
        return learn_weights(
            truth.values,
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
