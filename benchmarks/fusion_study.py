"""What fusing published systems gives on MTG-Jamendo's test set; writes docs/fusion-study.md.

    python benchmarks/fusion_study.py --shared ../shared --output docs/fusion-study.md

Reads the public submissions of the reference material; every number of the page is computed here.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from moodtheme.cli.tables import with_interval
from moodtheme.datasets import load_dataset
from moodtheme.evaluation import ScoredSet, evaluate_systems
from moodtheme.evaluation.bootstrap import units_of
from moodtheme.evaluation.fusion_weights import LearnedWeights, learn_weights
from moodtheme.evaluation.metrics import macro, weigh_rankings
from moodtheme.evaluation.ranking import rank_tags
from moodtheme.evaluation.results import SIGNIFICANT
from moodtheme.scores.fusion import FusionMethod, fuse
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix, load_systems, load_truth

RECORD = 0.781
"""Macro ROC-AUC of Music2Emo (2025), the highest published for a single system."""

RESAMPLES = 1000
HALVINGS = 200

AUGLI, BASELINE = "AugLi, mean of nine", "baseline"
AMLAG, CPJKU, LILEONARDO = "AMLAG", "CP-JKU", "lileonardo, mean of eight"
SHORT = {AUGLI: "AugLi", LILEONARDO: "lileonardo"}

Systems = dict[str, ScoreMatrix]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Material:
    """The submissions: one matrix a team, and the eight systems that have validation scores."""

    truth: BoolMatrix
    artists: Sequence[str]
    teams: Systems
    eight: Systems
    eight_on_validation: Systems
    validation_truth: BoolMatrix


def load(shared: Path) -> Material:
    published = shared / "published"
    nine = load_systems(sorted((published / "augli2019").glob("*.npy")))
    eight = load_systems([published / "lileonardo2021" / "test.npz"])
    known = load_systems([published / "lileonardo2021" / "validation.npz"])
    baseline, amlag, cpjku = load_systems(
        [
            published / "teams2019" / f"{name}.npy"
            for name in ("baseline-vggish", "amlag-submission2", "cp-jku-avg-ensemble")
        ]
    )
    return Material(
        truth=load_truth(shared / "jamendo" / "groundtruth-test.npy"),
        artists=load_dataset(
            str(shared / "jamendo" / "split-0" / "autotagging_moodtheme-test.tsv"),
            check_files=False,
        ).artists,
        teams={
            AUGLI: fuse([system.values for system in nine]),
            BASELINE: baseline.values,
            AMLAG: amlag.values,
            CPJKU: cpjku.values,
            LILEONARDO: fuse([system.values for system in eight]),
        },
        eight={system.name: system.values for system in eight},
        eight_on_validation={system.name: system.values for system in known},
        validation_truth=load_truth(published / "lileonardo2021" / "validation-targets.npy"),
    )


def rows_of(material: "Material", systems: Systems, **options: Any) -> list[dict[str, Any]]:
    found = evaluate_systems(
        material.truth, systems, artists=material.artists, resamples=RESAMPLES, **options
    )
    return [system.as_json() for system in found]


def percent(row: Row, key: str) -> str:
    return with_interval(row[key], row.get("intervals", {}).get(key), decimals=1, scale=100)


def difference(row: Row, key: str) -> str:
    if "difference" not in row:
        return ""
    figure = row["difference"][key]
    text = with_interval(figure["value"], figure["interval"], decimals=2, scale=100)
    star = " *" if figure["p_holm"] is not None and figure["p_holm"] < SIGNIFICANT else ""
    return f"{'' if text.startswith('-') else '+'}{text}{star}"


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *lines))


def plain(row: Row, keys: Sequence[str]) -> list[str]:
    return [row["name"], *(percent(row, key) for key in keys)]


AREAS = ("roc_auc_macro", "pr_auc_macro", "f1_macro_oracle")
AREA_HEADS = ("ROC-AUC", "PR-AUC", "F1 (oracle thresholds)")


def teams_section(material: Material) -> str:
    rows = rows_of(material, material.teams)
    return table(("submission", *AREA_HEADS), [plain(row, AREAS) for row in rows])


def steps_section(material: Material) -> tuple[str, Row]:
    order = [AUGLI, BASELINE, CPJKU, LILEONARDO, AMLAG]
    lines: list[list[str]] = []
    last: Row = {}
    for method in (FusionMethod.MEAN, FusionMethod.RANK, FusionMethod.LOGIT):
        fusions: Systems = {}
        for count in range(1, len(order) + 1):
            name = f"{'+ ' if count > 1 else ''}{SHORT.get(order[count - 1], order[count - 1])}"
            members = [material.teams[team] for team in order[:count]]
            fusions[name] = fuse(members, method=method)
        first = next(iter(fusions))
        rows = rows_of(material, fusions, against=first)
        lines += [
            [
                f"{method}: {row['name']}",
                percent(row, "roc_auc_macro"),
                difference(row, "roc_auc_macro"),
                percent(row, "pr_auc_macro"),
                difference(row, "pr_auc_macro"),
            ]
            for row in rows
        ]
        if method is FusionMethod.MEAN:
            last = rows[-1]
    heads = ("fusion", "ROC-AUC", "gain over AugLi", "PR-AUC", "gain over AugLi")
    return table(heads, lines), last


def learned_section(material: Material) -> tuple[str, LearnedWeights, list[dict[str, Any]]]:
    learned = learn_weights(material.validation_truth, list(material.eight_on_validation.values()))

    def fusions(systems: Systems) -> Systems:
        members = list(systems.values())
        return {
            "mean": fuse(members),
            "learned weights": fuse(
                members, method=FusionMethod.WEIGHTED, weights=learned.weights.tolist()
            ),
            "rank mean": fuse(members, method=FusionMethod.RANK),
            "logit mean": fuse(members, method=FusionMethod.LOGIT),
        }

    rows = rows_of(
        material,
        fusions(material.eight),
        validation=ScoredSet(material.validation_truth, fusions(material.eight_on_validation)),
        against="mean",
    )
    heads = (
        "fusion of the eight", "ROC-AUC", "minus mean", "PR-AUC", "minus mean",
        "F1 (oracle thresholds)", "F1 (validation thresholds)", "F1 (0.5)",
    )  # fmt: skip
    lines = [
        [row["name"], percent(row, "roc_auc_macro"), difference(row, "roc_auc_macro"),
         percent(row, "pr_auc_macro"), difference(row, "pr_auc_macro"),
         percent(row, "f1_macro_oracle"), percent(row, "f1_macro_validation"),
         percent(row, "f1_macro_fixed")]
        for row in rows
    ]  # fmt: skip
    return table(heads, lines), learned, rows


def all_subsets(material: Material) -> Systems:
    teams = material.teams
    return {
        f"{method} of " + ", ".join(SHORT.get(name, name) for name in chosen): fuse(
            [teams[name] for name in chosen], method=method
        )
        for method in (FusionMethod.MEAN, FusionMethod.RANK, FusionMethod.LOGIT)
        for size in range(1, len(teams) + 1)
        for chosen in combinations(teams, size)
        if size > 1 or method is FusionMethod.MEAN  # alone, a team is the same by every method
    }


def oracle_section(material: Material) -> tuple[str, Row, Mapping[str, float]]:
    candidates = all_subsets(material)
    rankings = {name: rank_tags(material.truth, scores) for name, scores in candidates.items()}

    def macro_roc_auc(weights: np.ndarray) -> np.ndarray:
        return np.stack([macro(weigh_rankings(r, weights)[0]) for r in rankings.values()])

    names = list(candidates)
    on_all = macro_roc_auc(np.ones((len(material.truth), 1), np.int32))[:, 0]
    best = names[int(on_all.argmax())]
    default = names.index("mean of " + ", ".join(SHORT.get(n, n) for n in material.teams))
    rng = np.random.default_rng(0)
    units = units_of(len(material.truth), material.artists)
    halves = np.stack(
        [(rng.permutation(units.count) % 2)[units.of_track] for _ in range(HALVINGS)], axis=1
    ).astype(np.int32)
    chosen_on, scored_on = macro_roc_auc(halves), macro_roc_auc(1 - halves)
    picked = chosen_on.argmax(axis=0)
    columns = np.arange(HALVINGS)
    summary = {
        "candidates": float(len(names)),
        "where_chosen": float(chosen_on[picked, columns].mean()),
        "elsewhere": float(scored_on[picked, columns].mean()),
        "default": float(scored_on[default].mean()),
    }
    (row,) = rows_of(material, {best: candidates[best]})
    return table(("fusion", *AREA_HEADS), [plain(row, AREAS)]), row, summary


def relation(row: Row) -> str:
    low, high = row["intervals"]["roc_auc_macro"]
    value = row["roc_auc_macro"]
    inside = "contains" if low <= RECORD <= high else "does not contain"
    points = f"{100 * (value - RECORD):+.1f}"
    apart = "equal to the printed decimal" if points in ("+0.0", "-0.0") else f"{points} points"
    return f"{apart}, and the interval {inside} {100 * RECORD:.1f}"


def page(material: Material) -> str:
    steps, last = steps_section(material)
    learned_table, learned, learned_rows = learned_section(material)
    oracle, best, halves = oracle_section(material)
    gain = learned_rows[1]["difference"]["roc_auc_macro"]
    low, high = gain["interval"]
    verdict = (
        "the interval of the difference contains zero: the test set cannot tell them apart"
        if low <= 0 <= high
        else "the interval of the difference excludes zero"
    )
    weights = ", ".join(
        f"`{name}` {weight:.2f}"
        for name, weight in zip(material.eight, learned.weights, strict=True)
        if weight > 0
    )
    tracks, tags = material.truth.shape
    artists = units_of(tracks, material.artists).count
    return f"""# What fusing published systems gives

Written by `benchmarks/fusion_study.py`; every number was computed from public submissions to the
MediaEval task on moods and themes, on the official test set of MTG-Jamendo's split 0 ({tracks:,}
tracks, {tags} tags). Figures are macro averages in percent; brackets are 95 % intervals from
{RESAMPLES:,} bootstrap resamples of the test's {artists} artists, the same for all systems, so
differences are paired. A star marks differences that are beyond chance when all of a table's
comparisons are corrected for (Holm; figure by figure, and in the second table method by method).
[Evaluation](evaluation.md) says what the intervals cover and what they do not.

## The submissions alone

{teams_section(material)}

## One team after another

Each step adds one team's scores, all teams counting the same. The last step of each method fuses
everything at hand, so it involves no choice of systems.

{steps}

The highest published figure of a single system is {100 * RECORD:.1f} (Music2Emo, 2025; published
without an interval). The plain mean of all five submissions reaches
{percent(last, "roc_auc_macro")}: {relation(last)}. That is a fusion of twenty networks or more
from five teams, not a single system, and says nothing about what one network can do.

## Weights learned on validation

Only lileonardo published validation scores, so only there can weights and thresholds be chosen
honestly. Weights were learned on validation alone: {weights}. Macro ROC-AUC on validation is
{100 * learned.fitted:.2f} where they were fitted, {100 * learned.cross_validated:.2f}
cross-validated, and {100 * learned.plain_mean:.2f} for the plain mean.

{learned_table}

On test, learned weights differ from the plain mean by {100 * gain["value"]:+.2f} points of ROC-AUC
[{100 * low:.2f}, {100 * high:.2f}]; {verdict}. The official F1 chooses its thresholds on the test
truth; with thresholds from validation the plain mean's F1 is
{100 * learned_rows[0]["f1_macro_validation"]:.1f} instead of
{100 * learned_rows[0]["f1_macro_oracle"]:.1f}, and with 0.5 for every tag it is
{100 * learned_rows[0]["f1_macro_fixed"]:.1f}.

## Choosing on test is an oracle

Of all {halves["candidates"]:.0f} fusions of the five submissions by mean, rank mean and logit mean,
this one is best **on the test set itself**. It is an oracle: nobody could have chosen it without
the test truth.

{oracle}

Against the record: {relation(best)}.

How much of that is luck? Choosing the best of the {halves["candidates"]:.0f} on a random half of
the test's artists and scoring it on the other half, {HALVINGS} times, gives on average
{100 * halves["where_chosen"]:.2f} where it was chosen and {100 * halves["elsewhere"]:.2f} on the
other half, against {100 * halves["default"]:.2f} there for the plain mean of all five, which needs
no choice.
"""


def wrapped(text: str) -> str:
    """Break paragraphs at 100 columns again, now that the numbers are in."""
    blocks = text.strip().split("\n\n")
    return (
        "\n\n".join(
            block
            if block.startswith(("|", "#"))
            else fill(" ".join(block.split()), 100, break_long_words=False, break_on_hyphens=False)
            for block in blocks
        )
        + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--output", type=Path, default=Path("docs/fusion-study.md"))
    options = parser.parse_args()
    options.output.write_text(wrapped(page(load(options.shared))), encoding="utf-8")
    print(options.output)


if __name__ == "__main__":
    main()
