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
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from moodtheme.audio import ExcerptPolicy
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


class Evidence(_Part, frozen=True, kw_only=True):
    """How often a tag that stands high is right, on tracks to which people gave their tags.

    Attributes
    ----------
    standing
        From which on; among those tracks.
    tracks, carry
        How many tracks stand so high, and how many of these carry the tag.
    lift, interval
        How many times more often that is than any track, and the 95 % interval.
    """

    standing: Share
    tracks: Annotated[int, msgspec.Meta(ge=0)]
    carry: Annotated[int, msgspec.Meta(ge=0)]
    lift: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    interval: tuple[float, float]


class Thresholds(_Part, frozen=True, kw_only=True):
    """Per-tag thresholds: a tag is decided present when its score is strictly greater.

    `evidence`, if any, says of each tag how often that is right, `evidence_from` on which music.

    `without` names the tags that no threshold could be chosen for, since no track there carried
    them: they are neither decided nor ruled out, whatever their value.
    """

    values: tuple[float, ...]
    method: str
    chosen_on: str
    evidence: tuple[Evidence, ...] = ()
    evidence_from: str | None = None
    without: tuple[Name, ...] = ()


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
