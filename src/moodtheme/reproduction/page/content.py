"""What stands on the page: sections in their order, and everything their templates name."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from moodtheme import __version__
from moodtheme.datasets import Split
from moodtheme.evaluation import Figure, TagFigures
from moodtheme.reproduction.page.curves import timelines, training_curves
from moodtheme.reproduction.page.inputs import Inputs, notes
from moodtheme.reproduction.page.numbers import (
    Axis,
    axis_over,
    count,
    decimal,
    interval,
    percent,
    plural,
)
from moodtheme.reproduction.page.rows import (
    DECIDED,
    MACRO,
    Family,
    Line,
    fusion_gains,
    label,
    shared_settings,
)
from moodtheme.reproduction.page.together import SHOWN, disagreements, together_picture
from moodtheme.reproduction.results import Kind, Results, Row
from moodtheme.scores.decisions import apply_thresholds

OTHER_FIGURES = ("pr_auc_macro", "pr_auc_micro", "roc_auc_micro", *DECIDED)
"""The second table, in its order."""

TAGS_AT_ONCE = 60
"""Tags drawn in one table; of more, the best and the worst half of this, the rest folded away."""

PAIRS = 10
"""Disagreements named."""

_WORDS = (
    "No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten",
    "Eleven", "Twelve",
)  # fmt: skip


def page_content(inputs: Inputs, lines: Sequence[Line]) -> dict[str, Any]:
    """Gather what the templates name, by those names."""
    results = inputs.results
    families = {line.row.name: line.family for line in lines}
    content: dict[str, Any] = {
        "inputs": inputs,
        "results": results,
        "version": __version__,
        "lines": lines,
        "groups": [(name, list(group)) for name, group in groupby(lines, lambda x: x.family)],
        "families": families,
        "headline": inputs.headline,
        "headline_family": families[inputs.headline.name],
        "best": inputs.headline.test[MACRO],
        "systems_phrase": _systems_phrase(results),
        "facts": _facts(inputs, lines),
        "test_tracks": results.dataset.tracks_in("test"),
        "with_intervals": results.settings.bootstrap > 0,
        "with_paper": any(line.paper for line in lines),
        "macro_axis": _axis([line.row.test[MACRO] for line in lines]),
        "other_figures": OTHER_FIGURES,
        "notes": notes(inputs),
    }
    content |= _differences(results)
    content |= _fusion(results, tuple(lines))
    content |= _tags(inputs.headline, results)
    content |= _together(inputs)
    content |= _training(inputs)
    content["timelines"] = timelines(results)
    settings = shared_settings(results.runs)
    content["settings"] = settings
    content["changed_settings"] = [setting for setting in settings if setting.changed]
    content["contents"] = _sections(content, results)
    return content


def _sections(content: Mapping[str, Any], results: Results) -> list[tuple[str, str]]:
    """Names of the sections' templates with their titles; those without content are left out."""
    return [
        (name, title)
        for name, title, there in (
            ("table-1", "Table 1 of this run", True),
            ("notes", "What to keep in mind", True),
            ("differences", "Differences that matter", results.differences),
            ("fusion", "What fusing gains", content["gains"]),
            ("tags", "Tag by tag", True),
            ("together", "Tags that go together", content["picture"]),
            ("training", "Training", content["curves"] or results.sweep),
            ("examples", "Tracks over time", content["timelines"]),
            ("data", "Data", True),
            ("settings", "Settings", True),
            ("provenance", "Where everything comes from", True),
        )
        if there
    ]


def _systems_phrase(results: Results) -> str:
    parts: list[str] = []
    for kind, noun in ((Kind.SYSTEM, "system"), (Kind.FUSION, "fusion")):
        number = sum(row.kind is kind for row in results.rows)
        if number:
            word = _WORDS[number] if number < len(_WORDS) else count(number)
            parts.append(f"{word if not parts else word.lower()} {noun}{'s' * (number != 1)}")
    return " and ".join(parts) or "Baselines"


def _facts(inputs: Inputs, lines: Sequence[Line]) -> list[tuple[str, str, str]]:
    """The numbers at the head of the page: of what, the number, a note."""
    dataset, best = inputs.results.dataset, inputs.headline
    by_kind = {kind: [line for line in lines if line.row.kind is kind] for kind in Kind}
    facts = [_fact("Macro ROC-AUC on test", best, label(best.name))]
    paper = next((line.paper for line in lines if line.row is best), None)
    if paper is not None:
        facts.append(
            ("The paper's figure", decimal(paper.test, 1), f"{paper.name}, whole test set")
        )
    if by_kind[Kind.BASELINE]:
        facts.append(_fact("The same of the baseline", by_kind[Kind.BASELINE][0].row, "MediaEval"))
    elif len(by_kind[Kind.SYSTEM]) > 1:
        single = max(by_kind[Kind.SYSTEM], key=lambda line: line.row.validation[MACRO].value or 0)
        facts.append(_fact("Best system on validation", single.row, single.label))
    learnt, chosen, tested = (count(dataset.tracks_in(split)) for split in Split)
    per_tag = [tag.positives for tag in best.tags]
    return [
        *facts,
        ("Test tracks", tested, f"{learnt} to train, {chosen} to choose"),
        (
            "Tags",
            count(len(dataset.tags)),
            f"{count(min(per_tag))} to {plural(max(per_tag), 'test track')} each",
        ),
    ]


def _fact(what: str, row: Row, name: str) -> tuple[str, str, str]:
    figure = row.test[MACRO]
    ends = "" if figure.low is None else f", {interval(figure)}"
    return what, percent(figure.value), f"{name}{ends}"


def _axis(figures: Sequence[Figure], *, share: bool = True) -> Axis:
    """An axis over figures and their intervals; shares stay between 0 and 1."""
    values = (value for figure in figures for value in (figure.value, figure.low, figure.high))
    return axis_over(values, floor=0, ceiling=1) if share else axis_over(values)


def _differences(results: Results) -> dict[str, Any]:
    figures = [pair.figures[MACRO] for pair in results.differences]
    clear = []
    for pair, figure in zip(results.differences, figures, strict=True):
        if figure.value is not None and figure.beyond_chance:
            names = (pair.name, pair.against) if figure.value > 0 else (pair.against, pair.name)
            clear.append((*names, abs(figure.value)))
    return {
        "difference_axis": _axis([*figures, Figure(value=0.0)], share=False),
        "clear_differences": clear,
    }


def _fusion(results: Results, lines: tuple[Line, ...]) -> dict[str, Any]:
    gains = fusion_gains(results, lines)
    drawn = [line for gain in gains for line in (gain.line, *gain.members)]
    members = {line.family for gain in gains for line in gain.members}
    return {
        "gains": gains,
        "member_families": [family for family in Family if family in members],
        "fusion_axis": _axis(
            [
                line.row.test[MACRO]
                if line.family is Family.FUSION
                else Figure(value=line.row.test[MACRO].value)
                for line in drawn
            ]
        ),
    }


def _tags(row: Row, results: Results) -> dict[str, Any]:
    def value(tag: TagFigures) -> float:
        known = tag.figures["roc_auc"].value
        return -1.0 if known is None else known

    ordered = sorted(row.tags, key=lambda tag: -value(tag))
    undefined = [tag.tag for tag in ordered if tag.figures["roc_auc"].value is None]
    half = TAGS_AT_ONCE // 2
    few = len(ordered) <= TAGS_AT_ONCE
    baseline = next((other for other in results.rows if other.kind is Kind.BASELINE), None)
    return {
        "first_tags": ordered if few else [*ordered[:half], *ordered[-half:]],
        "more_tags": [] if few else ordered[half:-half],
        "undefined_tags": undefined[:half],
        "tag_axis": _axis([tag.figures["roc_auc"] for tag in row.tags]),
        "beside": {
            tag.tag: tag.figures["roc_auc"].value
            for tag in (baseline.tags if baseline is not None and baseline is not row else ())
        },
    }


def _together(inputs: Inputs) -> dict[str, Any]:
    if inputs.truth is None or inputs.scores is None or inputs.truth.shape[1] < 2:
        return {"picture": None}
    tags, rows = inputs.results.dataset.tags, inputs.headline.tags
    chosen = [tag.threshold_validation for tag in rows]
    decided_by = "thresholds from validation"
    if all(threshold is None for threshold in chosen):
        chosen = [tag.threshold_oracle for tag in rows]
        decided_by = "oracle thresholds: validation gave none"
    thresholds = np.array([np.nan if at is None else at for at in chosen])
    decisions = apply_thresholds(inputs.scores, thresholds)
    return {
        "picture": together_picture(inputs.truth, decisions, tags),
        "hidden_tags": max(0, len(tags) - SHOWN),
        "pairs": disagreements(inputs.truth, decisions, tags, limit=PAIRS),
        "decided_by": decided_by,
    }


def _training(inputs: Inputs) -> dict[str, Any]:
    axis, curves = training_curves(inputs.results.runs, inputs.histories)
    return {
        "curve_axis": axis,
        "curves": curves,
        "any_stages": any(curve.stages for curve in curves),
    }
