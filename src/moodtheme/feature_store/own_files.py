"""Files of features that others made: a ``.npy`` or ``.npz`` a track. They are never trusted."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.errors import FeatureFileError

SUFFIXES = (".npy", ".npz")
_MOST_BYTES = 2**30  # of a track's numbers: an hour of 1,024 float32 features at 70 frames a second
# What zipfile and NumPy raise for files that are not theirs; RuntimeError where one is encrypted.
_UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
_REMEDY = "write it with numpy.save, frames first, without pickled objects"


def find_frames(folder: Path, file: Path) -> Path | None:
    """File of a track's features: called as the track, in a folder of the same name or in none."""
    for place in (folder / file.parent.name / file.stem, folder / file.stem):
        for suffix in SUFFIXES:
            # Not `with_suffix`, which would take "3" for the ending of "mix.3".
            path = place.with_name(place.name + suffix)
            if path.is_file():
                return path
    return None


def frames_of(
    folder: Path, file: Path, array: str | None, *, width: int | None = None
) -> FloatArray:
    """Features of a track.

    Parameters
    ----------
    folder
        Of the features.
    file
        The track's audio file, which need not exist.
    array
        See `read_frames`.
    width
        What a frame must have; None takes any.

    Returns
    -------
    ndarray, shape (frames, n_features), float32

    Raises
    ------
    FeatureFileError
        If there are none, or they cannot be used; it names the track.
    """
    path = find_frames(folder, file)
    if path is None:
        raise FeatureFileError(
            file, f"has no features: no {file.stem}.npy or .npz in {folder}; add it"
        )
    try:
        track = read_frames(path, array)
    except FeatureFileError as error:
        raise FeatureFileError(file, f"its features cannot be used: {error}") from error
    if width is not None and track.shape[1] != width:
        raise FeatureFileError(
            file,
            f"its features in {path} have {track.shape[1]} numbers a frame, not {width} as the "
            "others or those of the training; make all in one way",
        )
    return track


def read_frames(path: Path, array: str | None = None) -> FloatArray:
    """Read a file of features, of which no more than its header claims is held in memory.

    Parameters
    ----------
    path
        ``.npy``, or ``.npz`` with several arrays; nothing in it is unpickled.
    array
        Name of the array in an ``.npz``; None for the only one.

    Returns
    -------
    ndarray, shape (frames, n_features), float32
        A vector counts as one frame.

    Raises
    ------
    FeatureFileError
        If the file is none, or holds something else than finite numbers of that shape.
    """
    try:
        with _opened(path, array) as file:
            return _read_array(path, file)
    except _UNREADABLE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise FeatureFileError(path, f"cannot be read as NumPy's ({reason}); {_REMEDY}") from error


@contextmanager
def _opened(path: Path, array: str | None) -> Iterator[IO[bytes]]:
    if path.suffix == ".npy":
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        if (array is None and len(names) != 1) or (array is not None and array not in names):
            raise FeatureFileError(
                path,
                f"holds the arrays {', '.join(names) or 'none'}; say which with --set array=NAME",
            )
        with archive.open(f"{array or names[0]}.npy") as member:
            yield member


def _read_array(path: Path, file: IO[bytes]) -> FloatArray:
    """Read what the header claims, once that is known to be no more than there may be."""
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"format {version[0]}.{version[1]}")
    shape, fortran, dtype = readers[version](file)
    if dtype.kind not in "fiu" or dtype.itemsize > 8 or len(shape) not in (1, 2) or 0 in shape:
        raise FeatureFileError(
            path,
            f"holds {dtype} of shape {shape}, not numbers of shape (frames, features) or "
            f"(features,); {_REMEDY}",
        )
    size = dtype.itemsize
    for length in shape:
        size *= int(length)
    if not 0 < size <= _MOST_BYTES:
        raise FeatureFileError(path, "claims more than 1 GiB of numbers; keep fewer frames")
    content = file.read(size)
    if len(content) != size:
        raise ValueError("it is cut short")
    numbers = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
    with np.errstate(over="ignore"):  # named just below
        track = np.atleast_2d(numbers).astype(np.float32)
    if not np.isfinite(track).all():
        raise FeatureFileError(path, "holds numbers that are not finite; mend or leave it out")
    return track
