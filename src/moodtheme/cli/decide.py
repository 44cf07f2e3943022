"""``moodtheme decide``: scores into the official decision matrix."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import Tags, ThresholdsFrom
from moodtheme.cli.streams import warnings_as_lines
from moodtheme.errors import UsageError

if TYPE_CHECKING:
    from moodtheme.arrays import Float64Array
    from moodtheme.scores.matrices import SystemScores

CHOSEN = ("oracle", "best", "validation", "youden")
"""The rules that choose a threshold a tag, whatever the scores' scale."""

RULES = "oracle, best, validation, youden, a number such as 0.5, or top-K such as top-3"
"""The rules, for messages."""


def decide(
    scores: Annotated[
        str, typer.Argument(metavar="SCORES", help="The score file, or FILE.npz:MEMBER.")
    ],
    *,
    thresholds: Annotated[
        str,
        typer.Option(
            "--thresholds",
            metavar="RULE",
            help="oracle: per tag, best F1 on --truth of these very scores (the official rule); "
            "best: the highest F1 that thresholds reach there; "
            "validation: best F1 on --thresholds-from; youden: best recall minus false-positive "
            "rate on --thresholds-from, or on --truth (then an oracle too); a number: the same "
            "for every tag; top-K: each track's K highest scores.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.npy",
            help="Where to write the booleans (tracks, tags): .npy is the official form; .npz, "
            ".csv and .parquet have names.",
        ),
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", metavar="TRUTH", help="Labels of the scored tracks, for oracle rules."
        ),
    ] = None,
    thresholds_from: ThresholdsFrom = None,
    tags: Tags = None,
) -> None:
    """Turn scores into decisions, the task's official submission form.

    Prints each tag's threshold and how many tracks got the tag.
    """
    from moodtheme.cli.outputs import require_output
    from moodtheme.cli.tables import Cell, print_table
    from moodtheme.evaluation.checks import check_finite, warn_of_range
    from moodtheme.evaluation.thresholds import top_k
    from moodtheme.scores.decisions import apply_thresholds
    from moodtheme.scores.forms import MATRIX_SUFFIXES, Content, write_matrix
    from moodtheme.scores.matrices import load_systems
    from moodtheme.scores.vocabulary import load_tags, tags_for

    inputs = [scores, tags, truth, *(thresholds_from or ())]
    require_output(output, inputs=inputs, suffixes=MATRIX_SUFFIXES)
    vocabulary = load_tags(tags) if tags else None
    systems = load_systems([scores], tags=vocabulary)
    if len(systems) != 1:
        raise UsageError(
            f"{scores}: holds {len(systems)} systems; pick one as "
            f"{scores}:{systems[0].name}, or fuse them first"
        )
    system = systems[0]
    names = system.names.tags or tags_for(system.values.shape[1])
    with warnings_as_lines():
        check_finite(system.values, names, name=system.source)
        if thresholds not in CHOSEN:
            warn_of_range(system.values, names, name=system.source)
        if top := re.fullmatch(r"top-(\d+)", thresholds):
            decisions = top_k(system.values, int(top[1]))
            label = f"the {top[1]} highest scores of each track"
            cells: list[float] = [math.nan] * len(names)
        else:
            chosen, label = _thresholds(
                thresholds, system, vocabulary, names, truth, thresholds_from
            )
            decisions = apply_thresholds(system.values, chosen)
            cells = chosen.tolist()
    write_matrix(output, decisions, system.names, content=Content.DECISIONS)
    rows: list[list[Cell]] = [
        # repr keeps every digit: these thresholds can be compared with published ones exactly.
        [tag, None if math.isnan(cell) else repr(cell), int(count)]
        for tag, cell, count in zip(names, cells, decisions.sum(axis=0), strict=True)
    ]
    print_table(["tag", "threshold", "tracks"], rows, title=f"Thresholds: {label}")
    typer.echo(f"{output}: decisions by {label}", err=True)


def _thresholds(
    rule: str,
    system: "SystemScores",
    vocabulary: Sequence[str] | None,
    tags: Sequence[str],
    truth: Path | None,
    validation: tuple[Path, Path] | None,
) -> "tuple[Float64Array, str]":
    """Choose the thresholds, and say in words how."""
    import numpy as np

    from moodtheme.cli.systems import on_validation
    from moodtheme.evaluation.checks import checked
    from moodtheme.evaluation.thresholds import best_f1, best_youden, choose, reachable_f1
    from moodtheme.scores.matrices import put_like, read_truth

    if rule not in CHOSEN:
        return np.full(len(tags), _number(rule)), f"fixed at {rule}"
    elsewhere = rule == "validation" or (rule == "youden" and validation is not None)
    if elsewhere:
        if validation is None:
            raise UsageError(f"--thresholds {rule} needs --thresholds-from: a set to choose on")
        labels, (matched,) = on_validation([system], validation, vocabulary, system)
        values = matched.values
    else:
        if truth is None:
            more = " or --thresholds-from" if rule == "youden" else ""
            raise UsageError(f"--thresholds {rule} needs --truth{more}: labels to choose on")
        labels, values = put_like(read_truth(truth, tags=vocabulary), system), system.values
    chosen_on = "validation" if elsewhere else "the scored set itself: an oracle"
    best = {"youden": best_youden, "best": reachable_f1}.get(rule, best_f1)
    chosen = choose(labels.values, checked(labels.values, values, tags), best)
    what = "Youden's J" if rule == "youden" else "F1"
    return chosen, f"best {what} on {chosen_on}"


def _number(rule: str) -> float:
    try:
        number = float(rule)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"--thresholds {rule}: no such rule; choose from {RULES}")
    return number
