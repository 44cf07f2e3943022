"""What a library file holds, version by version.

Paths are bytes as the system has them, numbers of a model little-endian float32 behind one another,
lists of sentences JSON. Nothing in a file is ever run: no pickle, no triggers or views but those
that stand here.
"""

APPLICATION_ID = 0x6D6F6F64
"""Tells a library from other SQLite files: "mood" in ASCII."""

_FIRST = """
CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    manifest BLOB NOT NULL
);
CREATE TABLE tracks (
    id INTEGER PRIMARY KEY,
    audio TEXT NOT NULL UNIQUE,
    added INTEGER NOT NULL
);
CREATE TABLE results (
    track INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    model INTEGER NOT NULL REFERENCES models (id),
    version TEXT NOT NULL,
    duration_s REAL,
    windows INTEGER,
    scores BLOB NOT NULL,
    dimensions BLOB,
    embedding BLOB,
    timeline BLOB,
    notes TEXT NOT NULL,
    warnings TEXT NOT NULL
);
CREATE INDEX results_by_model ON results (model);
CREATE INDEX results_in_part ON results (track) WHERE windows IS NOT NULL;
CREATE INDEX results_over_time ON results (track) WHERE timeline IS NOT NULL;
CREATE TABLE places (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    device INTEGER NOT NULL,
    track INTEGER REFERENCES tracks (id),
    error TEXT,
    error_version TEXT,
    missing INTEGER
);
CREATE INDEX places_by_track ON places (track);
CREATE TABLE roots (
    path BLOB PRIMARY KEY,
    scanned INTEGER NOT NULL
);
"""
# tracks: one for each audio identity; `added` in seconds since 1970.
# results: at most one a track, by one model; `timeline` holds rows of start, end, scores and
#   dimensions; `windows` is NULL where the whole track was heard.
# places: files; `mtime_ns` is -1 where it cannot be trusted yet, `missing` the second since which
#   the file is not there any more, `error` why it has no result, by moodtheme `error_version`.

_SECOND = """
CREATE TABLE playlists (
    name TEXT PRIMARY KEY,
    query TEXT NOT NULL,
    among TEXT NOT NULL,
    most INTEGER NOT NULL,
    file BLOB,
    relative INTEGER NOT NULL
);
CREATE TABLE blocks (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    model INTEGER NOT NULL REFERENCES models (id),
    ids BLOB NOT NULL,
    numbers BLOB NOT NULL,
    scales BLOB NOT NULL,
    embeddings BLOB NOT NULL
);
CREATE TRIGGER results_inserted AFTER INSERT ON results BEGIN
    DELETE FROM blocks WHERE new.track BETWEEN first AND last;
END;
CREATE TRIGGER results_updated AFTER UPDATE ON results BEGIN
    DELETE FROM blocks WHERE new.track BETWEEN first AND last;
END;
CREATE TRIGGER results_deleted AFTER DELETE ON results BEGIN
    DELETE FROM blocks WHERE old.track BETWEEN first AND last;
END;
"""
# playlists: searches that are kept, and the files they are written to.
# blocks: what searching needs of many tracks at once, made of `results` and gone when one of them
#   changes; embeddings as int8, each row with its scale.

MIGRATIONS = (_FIRST, _SECOND)
"""Number n of them makes version n of version n - 1; an empty file is of version 0."""
VERSION = len(MIGRATIONS)
