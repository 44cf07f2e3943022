"""Unpacking an archive that nobody vouches for: only what was expected, where it was expected."""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from moodtheme.errors import DatasetError, HashMismatchError
from moodtheme.fetched.downloads import PARTIAL_SUFFIX

_BLOCK_BYTES = 1 << 20


def unpack(archive: Path, folder: Path, expected: Mapping[str, str]) -> Iterator[str]:
    """
    Unpack the expected files that are not in a folder yet.

    Every file is written under a temporary name, verified, and then renamed, so that a file
    under its own name is whole and right however the process ends.

    Parameters
    ----------
    archive
        An uncompressed tar file.
    folder
        Where the files go, under their names in the archive.
    expected
        The SHA-256 of each file, by its name. The archive must hold all of these and nothing
        else but the folders they are in: other names, links, devices and sparse files are
        refused wherever they point to.

    Yields
    ------
    str
        The name of each expected file as soon as it is in its place.

    Raises
    ------
    DatasetError
        The archive is damaged, or holds something else than expected.
    HashMismatchError
        A file is not the one it should be.
    """
    folders = {str(parent) for name in expected for parent in PurePosixPath(name).parents}
    advice = "delete the archive and fetch it and the lists of tracks again"
    seen = set()
    try:
        # ``r:`` reads plain tar alone: nothing is decompressed, so nothing can grow.
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if member.isdir() and name.rstrip("/") in folders:
                    continue
                if name not in expected:
                    raise DatasetError(
                        f"{archive}: holds {member.name!r}, which is not among its tracks; {advice}"
                    )
                if not member.isreg() or member.issparse():
                    raise DatasetError(
                        f"{archive}: {member.name!r} is not an ordinary file; {advice}"
                    )
                target = folder / name
                if not target.is_file():
                    source = tar.extractfile(member)
                    if source is None:  # cannot be: it is an ordinary file
                        raise DatasetError(f"{archive}: {member.name!r} has no content; {advice}")
                    _write(source, target, expected[name], archive)
                seen.add(name)
                yield name
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise DatasetError(f"{archive}: is damaged ({error}); {advice}") from error
    if missing := sorted(expected.keys() - seen):
        raise DatasetError(
            f"{archive}: lacks {len(missing)} of its {len(expected)} tracks, such as "
            f"{missing[0]}; {advice}"
        )


def _write(source: IO[bytes], target: Path, sha256: str, archive: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + PARTIAL_SUFFIX)
    digest = hashlib.sha256()
    try:
        with unfinished.open("wb") as file:
            while block := source.read(_BLOCK_BYTES):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != sha256.lower():
            raise HashMismatchError(
                f"{archive}: the track {target.name} in it has SHA-256 {digest.hexdigest()} "
                f"instead of {sha256.lower()}; delete the archive and run the same command again"
            )
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
