"""What a scan writes down: models, tracks, results and the files they were found in."""

import os
import time

from moodtheme import __version__
from moodtheme.files import FileState
from moodtheme.library.database import Database, now
from moodtheme.library.places import IN_DOUBT, Place
from moodtheme.library.results import COLUMNS, Result, read_model, to_columns
from moodtheme.library.scanned import ScannedFile
from moodtheme.tagging.bundle import Bundle

_COMMIT_EVERY_S = 1.0  # of changes that cost next to nothing to make again


class Keeper:
    """Puts results of one model into a library, each on the disk before its successor.

    Parameters
    ----------
    database
        Opened for writing.
    bundle
        The model's.

    Attributes
    ----------
    audio
        Identities of tracks by their numbers.
    found
        Tracks that were given new places.
    """

    def __init__(self, database: Database, bundle: Bundle) -> None:
        self._database = database
        self.model = number_of(database, bundle)
        self.audio: dict[int, str] = dict(database.rows("SELECT id, audio FROM tracks"))
        self.found: set[int] = set()
        self._track = {audio: id_ for id_, audio in self.audio.items()}
        self._committed = time.monotonic()

    def keep(self, file: ScannedFile, place: Place | None) -> None:
        """Write down what came of a file.

        Parameters
        ----------
        file
            The file.
        place
            What was known of it.
        """
        track = None
        if file.error is None and file.audio is not None:
            track = self.track_of(file.audio)
            if file.result is not None:
                self.keep_result(track, file.result)
        elif file.is_unread and place is not None:
            track = place.track  # the drive may have failed; what was heard is as good as before
        state = file.state or FileState(0, IN_DOUBT, 0)
        if track is not None and (place is None or place.track != track or place.missing):
            self.found.add(track)
        self._database.put(
            "places",
            "path",
            {
                "path": os.fsencode(file.path),
                "size": state.size,
                "mtime_ns": IN_DOUBT if file.is_unread else state.mtime_ns,
                "device": state.device,
                "track": track,
                "error": file.reason,
                "error_version": None if file.error is None else __version__,
                "missing": None,
            },
        )
        if file.result is not None or time.monotonic() - self._committed > _COMMIT_EVERY_S:
            self._database.commit()
            self._committed = time.monotonic()

    def track_of(self, audio: str) -> int:
        """The number of a track, which is new where nobody knew it."""
        if audio not in self._track:
            self._track[audio] = self._database.change(
                "INSERT INTO tracks (audio, added) VALUES (?, ?)", (audio, now())
            )
        return self._track[audio]

    def keep_result(self, track: int, result: Result) -> None:
        """Put a result in place of what there was of a track."""
        put_result(self._database, track, self.model, result)


def put_result(database: Database, track: int, model: int, result: Result) -> None:
    """Put a model's result in place of what there was of a track."""
    columns = zip(COLUMNS, to_columns(result), strict=True)
    database.put("results", "track", {"track": track, "model": model, **dict(columns)})


def number_of(database: Database, bundle: Bundle, *, renew: bool = True) -> int:
    """The number of a model in a library, where it is described if it was not.

    A bundle that hears as another one did, and only says other things of it (another reference,
    thresholds, words), is the same model: its results stay.

    Parameters
    ----------
    database
        Opened for writing.
    bundle
        The model's.
    renew
        Whether what it says counts from now on; else what the library has.
    """
    import msgspec

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
