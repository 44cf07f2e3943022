"""Tracks of a library, each with the files that hold it and what the model says of it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.errors import QueryError
from moodtheme.library.database import Database
from moodtheme.library.results import COLUMNS, Model, Result, of_columns, read_model
from moodtheme.tagging.bundle import Reference

if TYPE_CHECKING:
    from moodtheme.tagging.answers import TrackTags

_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Track:
    """A piece of music in a library, whatever its files are called.

    Attributes
    ----------
    id
        Its number in the library file.
    audio
        `moodtheme.audio_identity` of its files.
    places
        The files that hold it and are there, in the order of their names; copies have several.
    model
        Whose result it is.
    result
        All that the model said.
    """

    id: int
    audio: str
    places: tuple[Path, ...]
    model: Model = field(repr=False)
    result: Result = field(repr=False)

    @property
    def path(self) -> Path:
        """The first of its places."""
        return self.places[0]

    @property
    def embedding(self) -> FloatArray:
        """What it sounds like, of length 1.

        Raises
        ------
        QueryError
            The model has none, or the result came without.
        """
        if self.result.embedding is None:
            raise QueryError(
                f"{self.path}: nothing is known of what it sounds like, its result came without an "
                "embedding; forget it and scan it"
            )
        return self.result.embedding

    def tags(self, *, relative_to: Reference | None = None) -> "TrackTags":
        """What `moodtheme.Tagger.tag` would say of it, without listening again.

        Parameters
        ----------
        relative_to
            Among which music it stands instead of the model's reference, such as
            `Library.reference`.
        """
        from moodtheme.tagging import answers
        from moodtheme.tagging.following import HOP_S, SPAN_S, followed
        from moodtheme.tagging.timeline import Timeline
        from moodtheme.tagging.windows import Steps

        result, bundle = self.result, self.model.bundle
        reference = bundle.reference if relative_to is None else relative_to
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
            self.path,
            result.duration_s,
            answers.rank(bundle, result.scores, reference),
            dimensions=answers.place(bundle, result.dimensions, reference),
            warnings=result.warnings,
            notes=result.notes,
            audio=self.audio,
            model=answers.identify(bundle),
            version=result.version,
            timeline=timeline,
            windows=result.windows,
            relative_to=relative_to,
        )


def models_of(database: Database) -> list[tuple[Model, int]]:
    """Models and how many tracks each has results of, the one with the most first."""
    rows = database.rows(
        "SELECT id, digest, manifest, (SELECT count(*) FROM results WHERE model = models.id) "
        "FROM models ORDER BY 4 DESC, id DESC"
    )
    return [
        (read_model(database.path, id_, digest, manifest), count)
        for id_, digest, manifest, count in rows
        if count
    ]


def read_tracks(database: Database, model: Model, ids: list[int] | None = None) -> Iterator[Track]:
    """Tracks that have files and a result of the model: all by their numbers, or some as listed."""
    wanted = (
        [row[0] for row in database.rows("SELECT track FROM results WHERE model = ?", (model.id,))]
        if ids is None
        else ids
    )
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        places: dict[int, list[Path]] = {}
        for track, path in database.rows(
            f"SELECT track, path FROM places WHERE missing IS NULL AND track IN ({marks}) "
            "ORDER BY path",
            tuple(some),
        ):
            places.setdefault(track, []).append(Path(os.fsdecode(path)))
        found = {
            row[0]: row
            for row in database.rows(
                f"SELECT tracks.id, audio, {', '.join(COLUMNS)} FROM results JOIN tracks "
                f"ON tracks.id = track WHERE model = ? AND track IN ({marks})",
                (model.id, *some),
            )
        }
        for id_ in some:
            if id_ in places and id_ in found:
                yield Track(
                    id=id_,
                    audio=found[id_][1],
                    places=tuple(places[id_]),
                    model=model,
                    result=of_columns(found[id_][2:], model, database.path),
                )


def find_track(database: Database, model: Model, path: Path) -> Track:
    """The track that a file of this whole name holds, as `Library.track`."""
    found = database.row(
        "SELECT track FROM places WHERE path = ? AND track IS NOT NULL", (os.fsencode(path),)
    )
    if found is None and path.is_file():
        from moodtheme.audio import audio_identity

        found = database.row("SELECT id FROM tracks WHERE audio = ?", (audio_identity(path),))
    tracks = [] if found is None else list(read_tracks(database, model, [found[0]]))
    if not tracks:
        raise QueryError(
            f"{path} is not in {database.path}; scan it first with: moodtheme library scan {path}"
        )
    return tracks[0]
