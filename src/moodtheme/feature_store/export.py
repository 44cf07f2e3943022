"""Stored features for other programs: CSV, Parquet and NumPy's archive, a track at a time."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec
import numpy as np

from moodtheme.errors import needing_extra
from moodtheme.feature_store.append_store import Record
from moodtheme.feature_store.store import FeatureStore
from moodtheme.files import csv_line, replacing

_TRACKS_AT_ONCE = 64  # in a row group of a Parquet file


def export_features(
    store: FeatureStore,
    tracks: Sequence[str],
    files: Sequence[Path],
    path: Path,
    *,
    kind: str,
) -> None:
    """Write features of tracks in their order, exactly; the file is whole or not there.

    CSV has a row a window with the columns ``track``, ``window`` (from 0) and one a feature,
    each number in the fewest digits that give the same float32. Parquet has the same rows with
    the columns ``track``, ``window`` and ``features``, a list of fixed length; what the features
    are is in its metadata. NPZ has the arrays ``tracks``, ``names`` (of the features) and
    ``features``, float32 ``(tracks, windows, n_features)``.

    Parameters
    ----------
    store
        Has every file.
    tracks
        A name for each.
    files
        One a track.
    path
        The file to write.
    kind
        Its format, ``csv``, ``parquet`` or ``npz``.

    Raises
    ------
    DatasetError
        If the store lacks a file's audio.
    MissingExtraError
        If a Parquet file is wanted and pyarrow is not installed.
    UsageError
        If the file cannot be written.
    """
    records = [store.record(file) for file in files]
    write = {"csv": _write_csv, "parquet": _write_parquet, "npz": _write_npz}[kind]
    with replacing(path) as temporary:
        write(store, tracks, records, temporary)


def _write_csv(
    store: FeatureStore, tracks: Sequence[str], records: Sequence[Record], path: Path
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_line(["track", "window", *store.info.feature_names]))
        for track, record in zip(tracks, records, strict=True):
            for window, features in enumerate(store.read_record(record)):
                file.write(csv_line([track, window, *features.astype(str)]))


def _write_npz(
    store: FeatureStore, tracks: Sequence[str], records: Sequence[Record], path: Path
) -> None:
    shape = (len(records), store.info.windows, store.info.n_features)
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    # Not np.savez, which wants all of an array in memory.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, words in (("tracks", tracks), ("names", store.info.feature_names)):
            with _member(archive, name) as member:
                np.lib.format.write_array(member, np.array(words, dtype=np.str_))
        with _member(archive, "features") as member:
            np.lib.format.write_array_header_1_0(member, header)
            for record in records:
                member.write(store.read_record(record).tobytes())


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    return archive.open(f"{name}.npy", "w", force_zip64=True)


def _write_parquet(
    store: FeatureStore, tracks: Sequence[str], records: Sequence[Record], path: Path
) -> None:
    with needing_extra("writing Parquet files", "parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    schema = pa.schema(
        [
            ("track", pa.string()),
            ("window", pa.int32()),
            ("features", pa.list_(pa.float32(), store.info.n_features)),
        ],
        metadata={
            "moodtheme.extractor": msgspec.json.encode(store.info),
            "moodtheme.feature_names": msgspec.json.encode(store.info.feature_names),
        },
    )
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, len(records), _TRACKS_AT_ONCE):
            some = slice(start, start + _TRACKS_AT_ONCE)
            values = np.concatenate(
                [store.read_record(record).reshape(-1) for record in records[some]]
            )
            features = pa.FixedSizeListArray.from_arrays(pa.array(values), store.info.n_features)
            names = np.repeat(np.array(tracks[some], dtype=object), store.info.windows)
            windows = np.tile(np.arange(store.info.windows, dtype=np.int32), len(records[some]))
            columns = [pa.array(names, pa.string()), pa.array(windows), features]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
