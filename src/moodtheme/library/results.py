"""What a model said of a track, as it is kept: every output, read back with suspicion."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from moodtheme import __version__
from moodtheme.arrays import FloatArray
from moodtheme.errors import BundleError, LibraryError
from moodtheme.tagging.bundle import Bundle, Output, Reference

if TYPE_CHECKING:  # with them comes ONNX Runtime, which reading does not need
    from moodtheme.tagging.answers import TrackTags
    from moodtheme.tagging.listening import Listening

_NUMBERS = np.dtype("<f4")
COLUMNS = (
    "version", "duration_s", "windows", "scores", "dimensions", "embedding", "timeline", "notes",
    "warnings",
)  # fmt: skip
"""Of the table of results, beside the track and the model."""


@dataclass(frozen=True)
class Model:
    """A model whose results a library holds.

    Attributes
    ----------
    id
        Its number in the file.
    bundle
        All that its manifest said; its graphs are not kept.
    """

    id: int
    bundle: Bundle

    @property
    def embedding_size(self) -> int:
        """Numbers of a track's embedding; 0 where it has none."""
        return sum(
            member.embedding_size or 0
            for member in self.bundle.members
            if Output.EMBEDDING in member.outputs
        )

    @cached_property
    def name(self) -> str:
        """Its name and the beginning of its digest."""
        return f"{self.bundle.name} {self.bundle.digest[:8]}"


@dataclass(frozen=True, kw_only=True)
class Result:
    """All that a model said of a track.

    Attributes
    ----------
    scores
        Float32 (tags,) in [0, 1].
    dimensions, embedding
        Float32 (dimensions,) and, of length 1, (embedding size,); None where the model has none.
    timeline
        Float32 (windows, 2 + tags + dimensions): start and end in seconds, scores, dimensions;
        None where it was not asked for.
    duration_s, windows, notes, warnings, version
        As in `moodtheme.TrackTags`.
    """

    scores: FloatArray
    dimensions: FloatArray | None = None
    embedding: FloatArray | None = None
    timeline: FloatArray | None = None
    duration_s: float | None = None
    windows: int | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    version: str = __version__


def result_of(listening: "Listening", *, timeline: bool = False) -> Result:
    """What is kept of a listening.

    Raises
    ------
    SilentAudioError
        If nothing was heard.
    """
    from moodtheme.tagging.answers import track_dimensions, track_embedding, track_scores
    from moodtheme.tagging.following import over_time
    from moodtheme.tagging.notes import doubtful

    rows = None
    if timeline:
        curves = over_time(listening)
        dimensions = () if curves.dimensions is None else (curves.dimensions,)
        spans = np.stack([curves.starts_s, curves.ends_s], axis=1)
        rows = np.concatenate([spans, curves.scores, *dimensions], axis=1, dtype=np.float32)
    return Result(
        scores=track_scores(listening),
        dimensions=track_dimensions(listening),
        embedding=track_embedding(listening),
        timeline=rows,
        duration_s=listening.duration_s,
        windows=listening.windows,
        notes=doubtful(listening),
        warnings=listening.warnings,
    )


def to_columns(result: Result) -> tuple[Any, ...]:
    """A result as values of `COLUMNS`."""

    def blob(values: FloatArray | None) -> bytes | None:
        return None if values is None else np.ascontiguousarray(values, _NUMBERS).tobytes()

    return (
        result.version,
        result.duration_s,
        result.windows,
        blob(result.scores),
        blob(result.dimensions),
        blob(result.embedding),
        blob(result.timeline),
        json.dumps(result.notes),
        json.dumps(result.warnings),
    )


def of_columns(values: Sequence[Any], model: Model, file: Path) -> Result:
    """The result that values of `COLUMNS` hold.

    Raises
    ------
    LibraryError
        They are of other lengths or kinds than the model's, or not finite.
    """
    version, duration_s, windows, scores, dimensions, embedding, timeline, notes, warnings = values
    tags, dims = len(model.bundle.tags), len(model.bundle.dimensions)
    try:
        return Result(
            scores=numbers(scores, tags)[0],
            dimensions=None if dimensions is None else numbers(dimensions, dims)[0],
            embedding=None if embedding is None else numbers(embedding, model.embedding_size)[0],
            timeline=None if timeline is None else numbers(timeline, 2 + tags + dims, many=True),
            duration_s=None if duration_s is None else float(duration_s),
            windows=None if windows is None else int(windows),
            notes=msgspec.json.decode(notes, type=tuple[str, ...]),
            warnings=msgspec.json.decode(warnings, type=tuple[str, ...]),
            version=str(version),
        )
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        raise damaged(file, f"a result of {model.name} is none ({error})") from None


def numbers(content: object, width: int, *, many: bool = False) -> FloatArray:
    """Rows of so many float32 numbers that bytes hold; one row, unless `many`.

    Raises
    ------
    ValueError
        The bytes are fewer or more, or not finite numbers.
    """
    if not isinstance(content, bytes) or not width or len(content) % (width * 4):
        raise ValueError(f"not rows of {width} numbers")
    rows = np.frombuffer(content, _NUMBERS).reshape(-1, width)
    if not many and len(rows) != 1:
        raise ValueError(f"{len(rows)} rows in place of one")
    if not np.isfinite(rows).all():
        raise ValueError("numbers that are not finite")
    return rows.astype(np.float32, copy=False)


def damaged(file: Path, what: str) -> LibraryError:
    """What to raise where the content of a library file cannot be."""
    return LibraryError(f"{file} is damaged: {what}; move it away and scan again")


def read_model(file: Path, id_: int, digest: str, manifest: object) -> Model:
    """A model as a library file describes it.

    Raises
    ------
    LibraryError
        The description is damaged, or not that of the digest.
    """
    from moodtheme.tagging.bundle_files import bundle_of

    try:
        if not isinstance(manifest, bytes):
            raise damaged(file, "a model has no description")
        model = Model(id_, bundle_of(manifest, file))
    except BundleError as error:
        raise damaged(file, str(error)) from error
    if model.bundle.digest != digest:
        raise damaged(file, f"its model {digest[:8]} describes itself as {model.bundle.digest[:8]}")
    return model


def track_tags(
    result: Result, bundle: Bundle, path: Path, audio: str, relative_to: Reference | None = None
) -> "TrackTags":
    """A result as `moodtheme.Tagger.tag` gives it.

    Parameters
    ----------
    result, bundle
        What was said, and by which model.
    path, audio
        A file that holds the track, and the audio's identity.
    relative_to
        Among which music it is to stand instead of the bundle's reference.
    """
    from moodtheme.tagging import answers
    from moodtheme.tagging.following import HOP_S, SPAN_S, followed
    from moodtheme.tagging.timeline import Timeline
    from moodtheme.tagging.windows import Steps

    reference = bundle.reference if relative_to is None else relative_to
    whole: Callable[[FloatArray], Any] = lambda scores: answers.rank(bundle, scores, reference)  # noqa: E731
    timeline = None
    if (rows := result.timeline) is not None:
        behind = 2 + len(bundle.tags)
        starts, ends = rows[:, :2].T.astype(np.float64)
        dimensions = rows[:, behind:] if bundle.dimensions else None
        steps = Steps(HOP_S, SPAN_S)
        timeline = followed(
            Timeline(bundle, reference, steps, starts, ends, rows[:, 2:behind], dimensions)
        )
    return answers.TrackTags(
        path,
        result.duration_s,
        whole(result.scores),
        dimensions=answers.place(bundle, result.dimensions, reference),
        warnings=result.warnings,
        notes=result.notes,
        audio=audio,
        model=answers.identify(bundle),
        version=result.version,
        timeline=timeline,
        windows=result.windows,
        relative_to=relative_to,
    )
