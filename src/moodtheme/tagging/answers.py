"""What follows from a listening: scores, dimensions, an embedding, and tags."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from moodtheme import __version__
from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.errors import SilentAudioError
from moodtheme.scores.decisions import apply_thresholds, calibrate, standing
from moodtheme.tagging.bundle import Bundle, Reference
from moodtheme.tagging.ears import HeardWindow, MemberListening
from moodtheme.tagging.listening import Listening
from moodtheme.tagging.notes import doubtful
from moodtheme.tagging.session import fuse_systems

if TYPE_CHECKING:
    from moodtheme.tagging.timeline import Timeline


@dataclass(frozen=True, slots=True)
class TagScore:
    """One tag of one track.

    Attributes
    ----------
    name
        The tag.
    score
        What the model returned, in [0, 1]; comparable within a tag, not between tags.
    standing
        Share of the reference music with a lower score, in [0, 1]; None without one.
    probability
        The calibrated score; None where the bundle has no calibration.
    decision
        Whether the tag applies; None where the bundle has no threshold for it.
    """

    name: str
    score: float
    standing: float | None
    probability: float | None
    decision: bool | None


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """One dimension of one track.

    Attributes
    ----------
    name
        Such as ``valence``.
    value
        In the range that the bundle states.
    standing
        Share of the reference music with a lower value, in [0, 1]; None without one.
    """

    name: str
    value: float
    standing: float | None


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model: its name, and the digest that tells it from others of that name."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class TrackTags:
    """What there is to say about one file.

    Attributes
    ----------
    path
        As it was given; a text where that was an address.
    duration_s
        Length of the audio; None where it is not known.
    tags
        All tags, by descending standing or, without a reference, score; empty when `error` is set.
    dimensions
        In the bundle's order; empty where it has none.
    error
        Why the file could not be tagged, or None.
    warnings
        What is wrong with the file without making the tags useless.
    notes
        How far to believe the answer.
    audio
        `moodtheme.audio.audio_identity` of the file; None where it could not be told.
    model
        Which model answered.
    version
        Of moodtheme.
    timeline
        Tags over time where they were asked for.
    windows
        How many windows were asked for in place of the whole track; None for all of it.
    relative_to
        Among which music the standings are instead of the bundle's reference, if any was named.
    """

    path: Path | str
    duration_s: float | None
    tags: tuple[TagScore, ...]
    dimensions: tuple[DimensionScore, ...] = ()
    error: str | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    audio: str | None = None
    model: ModelIdentity | None = None
    version: str = __version__
    timeline: "Timeline | None" = None
    windows: int | None = None
    relative_to: Reference | None = field(default=None, repr=False)


def identify(bundle: Bundle) -> ModelIdentity:
    """Name and digest of a bundle."""
    return ModelIdentity(bundle.name, bundle.digest)


def track_tags(listening: Listening, *, timeline: bool = False) -> TrackTags:
    """All answers about a file.

    Raises
    ------
    SilentAudioError
        If nothing was heard.
    """
    from moodtheme.tagging.following import over_time  # which is made of the answers here

    bundle = listening.bundle
    return TrackTags(
        Path(listening.source),
        listening.duration_s,
        rank(bundle, track_scores(listening), listening.reference),
        dimensions=place(bundle, track_dimensions(listening), listening.reference),
        warnings=listening.warnings,
        notes=doubtful(listening),
        audio=listening.audio,
        model=identify(bundle),
        timeline=over_time(listening) if timeline else None,
        windows=listening.windows,
        relative_to=listening.relative_to,
    )


def track_scores(listening: Listening) -> FloatArray:
    """Fused scores of a track, float32 (tags,) in [0, 1].

    Raises
    ------
    SilentAudioError
        If a member heard nothing.
    """
    systems = [_mean(listening, member, lambda w: w.scores) for member in listening.members]
    return fuse_systems(listening.bundle, np.concatenate(systems))


def track_dimensions(listening: Listening) -> FloatArray | None:
    """Dimensions of a track, float32 (dimensions,): the mean of the members that have them."""
    heard = [m for m in listening.members if any(w.dimensions is not None for w in m.track)]
    if not heard:
        return None
    return mean_of([_mean(listening, m, lambda w: w.dimensions) for m in heard])


def track_embedding(listening: Listening) -> FloatArray | None:
    """Embedding of a track, float32, of length 1; None where no member has one.

    The members' embeddings, each the mean over its windows brought to one length, side by side: the
    cosine of two tracks is the mean of the members' cosines.
    """
    parts = []
    for member in listening.members:
        if any(window.embedding is not None for window in member.track):
            part = _mean(listening, member, lambda w: w.embedding)
            parts.append(part / max(float(np.linalg.norm(part)), 1e-12))
    if not parts:
        return None
    return np.asarray(np.concatenate(parts) / np.sqrt(len(parts)), np.float32)


def rank(bundle: Bundle, scores: FloatArray, reference: Reference | None) -> tuple[TagScore, ...]:
    """Scores ``(tags,)`` as tags with what is known of them, by descending standing, then score."""
    calibration, thresholds = bundle.calibration, bundle.thresholds
    standings = probabilities = decisions = None
    undecided = set(thresholds.without) if thresholds is not None else set()
    if reference is not None:
        standings = standing(scores, reference.levels, reference.tags)
    if calibration is not None:
        probabilities = calibrate(scores, calibration.slopes, calibration.intercepts)
    if thresholds is not None:
        decisions = apply_thresholds(scores[None], np.array(thresholds.values))[0]
    order = np.lexsort((-scores,) if standings is None else (-scores, -standings))
    return tuple(
        TagScore(
            bundle.tags[index],
            float(scores[index]),
            None if standings is None else float(standings[index]),
            None if probabilities is None else float(probabilities[index]),
            None
            if decisions is None or bundle.tags[index] in undecided
            else bool(decisions[index]),
        )
        for index in order
    )


def place(
    bundle: Bundle, values: FloatArray | None, reference: Reference | None
) -> tuple[DimensionScore, ...]:
    """Values ``(dimensions,)`` with their names and standings; nothing for None."""
    if values is None:
        return ()
    standings = None
    if reference is not None:
        standings = standing(values, reference.levels, reference.dimensions)
    return tuple(
        DimensionScore(
            dimension.name,
            float(values[index]),
            None if standings is None else float(standings[index]),
        )
        for index, dimension in enumerate(bundle.dimensions)
    )


def silent(listening: Listening) -> SilentAudioError:
    """What to raise, with what may be why."""
    why = "".join(f" ({warning})" for warning in listening.warnings)
    return SilentAudioError(
        listening.source,
        f"silent: no peak above -80 dBFS where the model listens{why}; check the file",
    )


def _mean(
    listening: Listening,
    heard: MemberListening,
    output: Callable[[HeardWindow], FloatArray | None],
) -> FloatArray:
    """Weighted mean of an output over the windows of a track."""
    total: Float64Array | float = 0.0
    weight = 0.0
    for window in heard.track:
        value = output(window)
        assert value is not None
        total = total + window.weight * value.astype(np.float64)
        weight += window.weight
    if weight == 0.0:
        raise silent(listening)
    return np.asarray(total / weight, dtype=np.float32)


def mean_of(values: Iterable[FloatArray]) -> FloatArray:
    """Mean of members' values."""
    return np.asarray(np.mean(list(values), axis=0, dtype=np.float64), np.float32)
