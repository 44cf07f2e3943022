"""What in a bundle's manifest cannot be true, however well its form fits."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import numpy as np

from moodtheme.scores.fusion import FusionMethod
from moodtheme.tagging.bundle import CONFORMANCE, MANIFEST, Bundle, Output, Reference


def contradictions(bundle: Bundle) -> Iterator[str]:
    """What in a manifest cannot be true, each as a clause that says it."""
    if not bundle.tags or not bundle.members or not all(m.systems for m in bundle.members):
        yield "it needs at least one tag, one member and one system a member"
    for what, names in (
        ("tag", bundle.tags),
        ("dimension", tuple(dimension.name for dimension in bundle.dimensions)),
        ("system", bundle.systems),
        ("member's file", tuple(member.file for member in bundle.members)),
        ("tag of a group of synonyms", tuple(tag for group in bundle.synonyms for tag in group)),
    ):
        if len(set(names)) != len(names):
            yield f"a {what} is named twice"
    for group in bundle.synonyms:
        if len(group) < 2 or not set(group) <= set(bundle.tags):
            yield f"{', '.join(group)!r} is not a group of several of its tags"
    for dimension in bundle.dimensions:
        if not dimension.lowest < dimension.highest:
            yield f"{dimension.name} goes from {dimension.lowest:g} to {dimension.highest:g}"
    yield from _member_contradictions(bundle)
    yield from _fusion_contradictions(bundle)
    yield from _length_contradictions(bundle)
    if bundle.reference is not None:
        yield from _reference_contradictions(bundle, bundle.reference)


def _member_contradictions(bundle: Bundle) -> Iterator[str]:
    for member in bundle.members:
        if PurePath(member.file).name != member.file or member.file in (MANIFEST, CONFORMANCE):
            yield f"{member.file!r} is not the name of a graph beside it"
        if Output.SCORES not in member.outputs or len(set(member.outputs)) < len(member.outputs):
            yield f"the outputs of {member.file} are {', '.join(member.outputs) or 'none'}"
        if Output.DIMENSIONS in member.outputs and not bundle.dimensions:
            yield f"{member.file} returns dimensions that have no names"
        if (Output.EMBEDDING in member.outputs) != (member.embedding_size is not None):
            yield f"the embedding of {member.file} and its size go together"
    if bundle.dimensions and not any(Output.DIMENSIONS in m.outputs for m in bundle.members):
        yield "it has dimensions that no member returns"


def _fusion_contradictions(bundle: Bundle) -> Iterator[str]:
    method, weights = bundle.fusion.method, bundle.fusion.weights
    if method is FusionMethod.RANK:
        yield "fusion by rank cannot be done for one track"
    if (method is FusionMethod.WEIGHTED) != (weights is not None):
        yield "fusion weights go with the weighted method and with no other"
    if weights is not None and (len(weights) != len(bundle.systems) or not 0 < sum(weights) < 1e9):
        yield f"{len(weights)} fusion weights for {len(bundle.systems)} systems, or all zero"


def _length_contradictions(bundle: Bundle) -> Iterator[str]:
    per_tag: dict[str, tuple[Any, ...]] = {}
    if bundle.thresholds is not None:
        per_tag["thresholds"] = bundle.thresholds.values
        if bundle.thresholds.evidence:
            per_tag["rows of evidence"] = bundle.thresholds.evidence
        if strangers := sorted(set(bundle.thresholds.without) - set(bundle.tags)):
            yield f"no threshold for {', '.join(strangers)}, which is none of its tags"
    if bundle.calibration is not None:
        per_tag["calibration slopes"] = bundle.calibration.slopes
        per_tag["calibration intercepts"] = bundle.calibration.intercepts
    if bundle.reference is not None:
        per_tag["rows of reference quantiles"] = bundle.reference.tags
    if bundle.doubts is not None:
        sizes = {
            len(v) for v in (bundle.doubts.no_music, bundle.doubts.centre, bundle.doubts.spread)
        }
        if len(bundle.members) != 1 or sizes != {bundle.members[0].embedding_size}:
            yield "its doubts are not about the embedding of its only member"
    for what, values in per_tag.items():
        if len(values) != len(bundle.tags):
            yield f"{len(values)} {what} for {len(bundle.tags)} tags"


def _reference_contradictions(bundle: Bundle, reference: Reference) -> Iterator[str]:
    if len(reference.levels) < 2 or np.any(np.diff(reference.levels) <= 0):
        yield "the levels of its reference do not rise"
    if len(reference.dimensions) != len(bundle.dimensions):
        rows, wanted = len(reference.dimensions), len(bundle.dimensions)
        yield f"{rows} rows of reference quantiles for {wanted} dimensions"
    for row in (*reference.tags, *reference.dimensions):
        if len(row) != len(reference.levels) or np.any(np.diff(row) < 0):
            yield "a row of its reference does not rise with the levels"
            return
