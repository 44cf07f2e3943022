"""What a model said of a track, as it is kept: every output, read back with suspicion."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from moodtheme import __version__
from moodtheme.arrays import FloatArray
from moodtheme.errors import BundleError, LibraryError
from moodtheme.library.database import Database
from moodtheme.tagging.bundle import Bundle, Output

if TYPE_CHECKING:  # with them comes ONNX Runtime, which reading does not need
    from moodtheme.tagging.listening import Listening

_NUMBERS = np.dtype("<f4")


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


COLUMNS = tuple(field.name for field in fields(Result))
"""Of the table of results, beside the track and the model."""


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


def _stored(value: Any) -> Any:
    """A value of a result as its column holds it."""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value, _NUMBERS).tobytes()
    return json.dumps(value) if isinstance(value, tuple) else value


def of_columns(values: Sequence[Any], model: Model, file: Path) -> Result:
    """The result that values of `COLUMNS` hold.

    Raises
    ------
    LibraryError
        They are of other lengths or kinds than the model's, or not finite.
    """
    stored = dict(zip(COLUMNS, values, strict=True))
    tags, dims = len(model.bundle.tags), len(model.bundle.dimensions)

    def given(name: str, read: Callable[[Any], Any]) -> Any:
        return None if stored[name] is None else read(stored[name])

    try:
        return Result(
            scores=numbers(stored["scores"], tags)[0],
            dimensions=given("dimensions", lambda held: numbers(held, dims)[0]),
            embedding=given("embedding", lambda held: numbers(held, model.embedding_size)[0]),
            timeline=given("timeline", lambda held: numbers(held, 2 + tags + dims, many=True)),
            duration_s=given("duration_s", float),
            windows=given("windows", int),
            notes=msgspec.json.decode(stored["notes"], type=tuple[str, ...]),
            warnings=msgspec.json.decode(stored["warnings"], type=tuple[str, ...]),
            version=str(stored["version"]),
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


def put_result(database: Database, track: int, model: int, result: Result) -> None:
    """Put a model's result in place of what there was of a track."""
    columns = {name: _stored(getattr(result, name)) for name in COLUMNS}
    database.put("results", "track", {"track": track, "model": model, **columns})


def number_of(database: Database, bundle: Bundle, *, renew: bool = True) -> int:
    """The number of a model in a library, where it is described if it was not.

    A bundle that hears as another one did, and only says other things of it (another reference,
    thresholds, words), is the same model: its results stay. What it says counts from now on where
    it is to `renew` the model, else what the library has.
    """
    said = bundle.digest, msgspec.json.encode(bundle)
    found = database.row("SELECT id FROM models WHERE digest = ?", said[:1])
    if found is not None:
        return int(found[0])
    for row in database.rows("SELECT id, digest, manifest FROM models"):
        before = read_model(database.path, *row)
        if _hears_as(bundle, before.bundle):
            if renew:
                with database.changing():
                    database.change(
                        "UPDATE models SET digest = ?, manifest = ? WHERE id = ?",
                        (*said, before.id),
                    )
            return before.id
    with database.changing():
        return database.change("INSERT INTO models (digest, manifest) VALUES (?, ?)", said)


def _hears_as(one: Bundle, other: Bundle) -> bool:
    """Whether two bundles give the same outputs and notes for any audio."""
    return all(
        getattr(one, part) == getattr(other, part)
        for part in ("tags", "dimensions", "members", "fusion", "doubts")
    )
