"""The numbers of all tracks side by side, for questions about all of them at once.

They lie in the library file in blocks of a thousand tracks, made of the results and gone when one
of those changes, so that 100,000 tracks are read in a fraction of a second. Results without a
block are read one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.library.database import Database
from moodtheme.library.results import Model, damaged, numbers
from moodtheme.library.tracks import Track, read_tracks
from moodtheme.scores.decisions import standing
from moodtheme.tagging.bundle import Reference

_TRACKS = 1024  # a block: half a megabyte of embeddings, which a change makes anew
_FEWEST = 256  # tracks that are worth a block
_STEPS = 127  # of int8

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Block:
    """Some tracks: their numbers (1 + tags + dimensions, tracks), durations first, -1 if unknown.

    `embeddings` are int8 (tracks, size), to be multiplied by the scales (tracks,).
    """

    ids: Ids
    numbers: FloatArray
    scales: FloatArray | None = None
    embeddings: npt.NDArray[np.int8] | None = None


class Numbers:
    """Durations, scores and dimensions of all tracks of a model.

    Attributes
    ----------
    database, model
        The library, and whose they are.
    ids
        Numbers of the tracks, rising.
    """

    def __init__(self, database: Database, model: Model, blocks: list[_Block]) -> None:
        self.database, self.model = database, model
        self._blocks = blocks  # in the order of their tracks' numbers
        self._tags, dimensions = model.bundle.tags, model.bundle.dimensions
        self._row = {("tag", tag): 1 + place for place, tag in enumerate(self._tags)}
        for place, dimension in enumerate(dimensions):
            self._row["dimension", dimension.name] = 1 + len(self._tags) + place
        self._standings: dict[tuple[int, bool], Float64Array] = {}
        self.ids: Ids = _joined([block.ids for block in blocks], np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def tracks(self, ids: list[int]) -> Iterator[Track]:
        """The tracks of these numbers that have files."""
        return read_tracks(self.database, self.model, ids)

    @cached_property
    def durations(self) -> FloatArray:
        """In seconds; -1 where one is not known."""
        return self._column(0)

    def values(self, name: str, *, is_tag: bool) -> FloatArray:
        """A tag's scores, or a dimension's values."""
        return self._column(self._row["tag" if is_tag else "dimension", name])

    def standings(self, name: str, *, is_tag: bool, reference: Reference | None) -> Float64Array:
        """Where tracks stand in a tag or dimension, float64 (tracks,) in [0, 1].

        The share that has less: of the model's reference, or for None of the tracks themselves.
        """
        row = self._row["tag" if is_tag else "dimension", name]
        key = row, reference is None
        if key not in self._standings:
            column = self._column(row)
            if reference is None:
                order = np.argsort(column, kind="stable")
                found = np.empty(len(column))
                found[order] = np.arange(len(column)) / max(len(column), 1)
            else:
                place = row - 1 - (0 if is_tag else len(self._tags))
                quantiles = (reference.tags if is_tag else reference.dimensions)[place]
                found = standing(column[:, None], reference.levels, [quantiles])[:, 0]
            self._standings[key] = found
        return self._standings[key]

    @cached_property
    def _vectors(self) -> list[tuple[FloatArray, FloatArray]]:
        """Of each block the embeddings as floats, and their scales."""
        return [
            (block.embeddings.astype(np.float32), block.scales)
            for block in self._blocks
            if block.embeddings is not None and block.scales is not None
        ]

    def likeness(self, embeddings: FloatArray) -> FloatArray:
        """Cosines of all tracks' embeddings with one, or with several (n, size), to a thousandth.

        The result is float32 (tracks,) or (tracks, n).
        """
        parts = [((vectors @ embeddings.T).T * scales).T for vectors, scales in self._vectors]
        return _joined(parts, np.float32)

    def vectors(self, places: Ids) -> FloatArray:
        """Embeddings of tracks by their places in `ids`, to a thousandth."""
        starts = np.cumsum([0, *(len(block.ids) for block in self._blocks)])
        which = np.searchsorted(starts, places, side="right") - 1
        found = np.empty((len(places), self._vectors[0][0].shape[1]), np.float32)
        for block in np.unique(which):
            rows = places[which == block] - starts[block]
            vectors, scales = self._vectors[block]
            found[which == block] = vectors[rows] * scales[rows, None]
        return found

    def _column(self, row: int) -> FloatArray:
        return _joined([block.numbers[row] for block in self._blocks], np.float32)


def read_numbers(database: Database, model: Model, *, embeddings: bool) -> Numbers:
    """All tracks of a model, with their embeddings or without.

    Raises
    ------
    LibraryError
        A block is damaged.
    """
    columns = "ids, numbers" + ", scales, embeddings" * embeddings
    with database.reading():
        stored = database.rows(
            f"SELECT first, last, {columns} FROM blocks WHERE model = ? ORDER BY first",
            (model.id,),
        )
        blocks: list[_Block] = []
        behind = 0
        for first, last, *values in stored:
            blocks += _loose(database, model, behind, first)
            blocks.append(_read(database.path, model, first, last, values))
            behind = last + 1
        blocks += _loose(database, model, behind, None)
    return Numbers(database, model, blocks)


def make_blocks(database: Database, model: Model) -> None:
    """Put what lies loose into blocks, where that is enough to be worth it."""
    stored = database.rows("SELECT first, last FROM blocks WHERE model = ? ORDER BY 1", (model.id,))
    edges = [0, *(edge for first, last in stored for edge in (first, last + 1)), None]
    for behind, before in zip(edges[::2], edges[1::2], strict=True):
        for block in _loose(database, model, behind, before):
            if len(block.ids) < _FEWEST:
                continue
            database.change(
                "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    int(block.ids[0]),
                    int(block.ids[-1]),
                    model.id,
                    block.ids.astype("<i8").tobytes(),
                    np.ascontiguousarray(block.numbers, "<f4").tobytes(),
                    b"" if block.scales is None else block.scales.astype("<f4").tobytes(),
                    b"" if block.embeddings is None else block.embeddings.tobytes(),
                ),
            )
    database.commit()


def _read(file: Path, model: Model, first: int, last: int, values: list[Any]) -> _Block:
    """A block as it is stored, with every length checked."""
    bundle = model.bundle
    try:
        ids = np.frombuffer(values[0], "<i8").astype(np.int64, copy=False)
        rising = bool((np.diff(ids) > 0).all())
        if not len(ids) or not rising or (ids[0], ids[-1]) != (first, last):
            raise ValueError("its tracks are not those it names")
        rows = numbers(values[1], len(ids), many=True)
        if len(rows) != 1 + len(bundle.tags) + len(bundle.dimensions):
            raise ValueError(f"{len(rows)} numbers a track")
        if len(values) == 2 or not model.embedding_size:
            return _Block(ids, rows)
        vectors = np.frombuffer(values[3], np.int8).reshape(len(ids), model.embedding_size)
        return _Block(ids, rows, numbers(values[2], len(ids))[0], vectors)
    except (ValueError, TypeError) as error:
        raise damaged(file, f"a block of results is none ({error})") from None


def _loose(database: Database, model: Model, behind: int, before: int | None) -> Iterator[_Block]:
    """Blocks of the results from one number to before another, which are in none."""
    width = model.embedding_size
    while True:
        rows = database.rows(
            "SELECT track, duration_s, scores, dimensions, embedding FROM results "
            f"WHERE model = ? AND track >= ? AND track < ? ORDER BY track LIMIT {_TRACKS}",
            (model.id, behind, 2**62 if before is None else before),
        )
        if not rows:
            return
        bundle = model.bundle
        columns = np.empty((len(rows), 1 + len(bundle.tags) + len(bundle.dimensions)), np.float32)
        vectors = np.zeros((len(rows), width), np.float32)
        tags = len(bundle.tags)
        for place, (track, duration_s, scores, dimensions, embedding) in enumerate(rows):
            try:
                columns[place, 0] = -1 if duration_s is None else float(duration_s)
                columns[place, 1 : 1 + tags] = numbers(scores, tags)[0]
                if bundle.dimensions:
                    columns[place, 1 + tags :] = numbers(dimensions, len(bundle.dimensions))[0]
                if width and embedding is not None:  # else it is like nothing
                    vectors[place] = numbers(embedding, width)[0]
            except (ValueError, TypeError) as error:
                raise damaged(database.path, f"the result of track {track} ({error})") from None
        ids = np.array([row[0] for row in rows], np.int64)
        scales = np.abs(vectors).max(axis=1, initial=1e-12).astype(np.float32) / np.float32(_STEPS)
        small = np.round(vectors / scales[:, None]).astype(np.int8)
        yield _Block(ids, np.ascontiguousarray(columns.T), scales, small)
        behind = int(ids[-1]) + 1


def _joined(parts: list[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
