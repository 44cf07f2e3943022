"""The model bundle, as its ``bundle.json`` describes it.

The bundle is the only thing that making a model and using one have in common. A member's graph
takes float32 mono audio ``(batch, samples)`` at its own rate and returns named outputs: ``scores``
``(batch, tags)``, or ``(batch, systems, tags)`` when several systems share it, and where it has
them ``dimensions`` ``(batch, dimensions)`` and ``embedding`` ``(batch, embedding_size)``.

A manifest of this format with a field that is not described here is refused: an unknown field may
change what the scores mean, and an answer that leaves it out would look like any other. What is
only for people belongs in ``provenance``. A new field comes with a null or empty default, so that
the digests of bundles without it stay, and with a new format version once this one is released.
"""

import hashlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated, Any

import msgspec
import numpy as np

from moodtheme.scores.fusion import FusionMethod

FORMAT_VERSION = 2
MANIFEST = "bundle.json"
CONFORMANCE = "conformance.json"
"""Expected outputs for audio made by formula, beside the manifest where there are any."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
# Logits of scores are within ±13.8; a coefficient of such a size stays far from overflow, and is
# more than any fit gives.
Coefficient = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]


class ExcerptPolicy(StrEnum):
    """Which part of a track a member hears.

    ``CENTRE`` and ``START`` are one excerpt; ``COVER`` is windows over the whole track whose
    outputs are averaged.
    """

    CENTRE = "centre"
    START = "start"
    COVER = "cover"


class Output(StrEnum):
    """What a graph returns, by the output's name."""

    SCORES = "scores"
    DIMENSIONS = "dimensions"
    EMBEDDING = "embedding"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the manifest."""


class Dimension(_Part, frozen=True, kw_only=True):
    """A quantity beside the tags, such as valence, from `lowest` to `highest`."""

    name: Name
    lowest: float
    highest: float


class Member(_Part, frozen=True, kw_only=True):
    """One graph, the view of the audio it needs, and what it returns."""

    file: Name
    sha256: Sha256
    systems: tuple[Name, ...]
    sample_rate: Annotated[int, msgspec.Meta(ge=1000, le=384_000)]
    samples: Annotated[int, msgspec.Meta(ge=1, le=384_000 * 600)]
    policy: ExcerptPolicy
    outputs: tuple[Output, ...] = (Output.SCORES,)
    embedding_size: Annotated[int, msgspec.Meta(ge=1, le=65_536)] | None = None

    @property
    def excerpt_s(self) -> float:
        """Length of the excerpt in seconds."""
        return self.samples / self.sample_rate


class Fusion(_Part, frozen=True, kw_only=True):
    """Fusion of the systems, in the members' order; weights only with ``WEIGHTED``.

    ``RANK`` is refused: ranks need many tracks, and a tagger hears one.
    """

    method: FusionMethod = FusionMethod.MEAN
    weights: tuple[Annotated[float, msgspec.Meta(ge=0)], ...] | None = None


class Thresholds(_Part, frozen=True, kw_only=True):
    """Per-tag thresholds: a tag is decided present when its score is strictly greater."""

    values: tuple[float, ...]
    method: str
    chosen_on: str


class Calibration(_Part, frozen=True, kw_only=True, tag="logistic", tag_field="method"):
    """Per-tag logistic calibration: ``probability = sigmoid(slope · logit(score) + intercept)``."""

    slopes: tuple[Coefficient, ...]
    intercepts: tuple[Coefficient, ...]
    fitted_on: str


class Reference(_Part, frozen=True, kw_only=True):
    """How scores and dimensions are distributed over other music, to say where a track stands.

    Attributes
    ----------
    levels
        Shares of the reference tracks, rising.
    tags
        For each tag the quantiles of its scores at the levels.
    dimensions
        The same for each dimension.
    music
        Which music it is.
    tracks
        How many tracks.
    """

    levels: tuple[Share, ...]
    tags: tuple[tuple[Share, ...], ...]
    dimensions: tuple[tuple[float, ...], ...] = ()
    music: str
    tracks: Annotated[int, msgspec.Meta(ge=1)]


class Doubts(_Part, frozen=True, kw_only=True):
    """When an answer is to be doubted, as a track's mean embedding of the only member shows.

    Attributes
    ----------
    no_music
        Weights on the embedding; where their sum and `no_music_bias` come above 0, the sound is
        like noise, tones, clicks, applause or speech rather than music.
    centre, spread, farthest
        Of the reference's embeddings; a track is unlike them where the root mean square of its
        differences, in units of spread, is above `farthest`.
    measured_on
        What the limits were set by.
    """

    no_music: tuple[Coefficient, ...]
    no_music_bias: Coefficient
    centre: tuple[Coefficient, ...]
    spread: tuple[Annotated[float, msgspec.Meta(gt=0, le=1e9)], ...]
    farthest: Annotated[float, msgspec.Meta(gt=0, le=1e9)]
    measured_on: str


class Measurement(_Part, frozen=True, kw_only=True):
    """A figure of quality, and the data and labels it was measured on."""

    measure: str
    value: float
    data: str
    interval: tuple[float, float] | None = None


class Bundle(_Part, frozen=True, kw_only=True):
    """Everything ``bundle.json`` says.

    Attributes
    ----------
    synonyms
        Groups of tags that mean the same to the model.
    """

    format_version: Annotated[int, msgspec.Meta(ge=1)]
    name: Name
    description: str
    tags: tuple[Tag, ...]
    synonyms: tuple[tuple[Tag, ...], ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    members: tuple[Member, ...]
    fusion: Fusion
    licence: str
    origin: str
    training_data: str
    thresholds: Thresholds | None = None
    calibration: Calibration | None = None
    reference: Reference | None = None
    doubts: Doubts | None = None
    quality: tuple[Measurement, ...] = ()
    provenance: Mapping[str, str] = {}

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of all systems, in the members' order."""
        return tuple(system for member in self.members for system in member.systems)

    @property
    def digest(self) -> str:
        """`bundle_digest` of it."""
        return bundle_digest(self)


def bundle_digest(bundle: Bundle) -> str:
    """SHA-256, as hexadecimal digits, of all that a bundle says, its graphs' hashes included.

    The manifest's order of fields, its white space, and fields that are null, empty or left out
    make no difference.
    """
    said = _said(msgspec.to_builtins(bundle))
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def _said(value: Any) -> Any:
    """A value without the fields that say nothing, at any depth."""
    if isinstance(value, Mapping):
        parts = {key: _said(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part not in (None, [], (), {})}
    return [_said(part) for part in value] if isinstance(value, list | tuple) else value


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
