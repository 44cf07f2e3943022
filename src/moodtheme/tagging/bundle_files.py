"""A bundle's folder: its manifest and graphs, read with suspicion and written whole."""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from moodtheme.errors import BundleError, MoodthemeError
from moodtheme.files import locked
from moodtheme.tagging.bundle import FORMAT_VERSION, MANIFEST, Bundle, Member
from moodtheme.tagging.contradictions import contradictions
from moodtheme.tagging.model_card import CARD, model_card

_MANIFEST_LIMIT = 32 * 2**20  # bytes; 10,000 tags with 101 reference quantiles each stay below
_GRAPH_LIMIT = 2**31  # bytes; what a protobuf, and so an ONNX file, can be


@dataclass(frozen=True)
class _VersionOnly:
    format_version: int


def read_manifest(folder: Path) -> Bundle:
    """Read and check ``bundle.json``; the graphs are not touched.

    A bundle of format 1 is read as what it would be in format 2; its ``format_version`` stays 1.

    Raises
    ------
    BundleError
        If it is absent, of another format version, not JSON of the known form, or contradicts
        itself. The version is looked at before anything else.
    """
    path = folder / MANIFEST
    recover(folder)
    try:
        content = read_inside(folder, MANIFEST, limit=_MANIFEST_LIMIT)
    except OSError as error:
        raise BundleError(
            f"{folder} is not a model bundle: {MANIFEST} cannot be read ({error.strerror}); "
            "name a folder that `moodtheme export` or `moodtheme models get` wrote"
        ) from error
    return bundle_of(content, path)


def bundle_of(content: bytes, path: Path) -> Bundle:
    """The manifest that bytes hold, checked as by `read_manifest`; `path` is what errors name.

    Raises
    ------
    BundleError
        As `read_manifest`.
    """
    try:
        version = msgspec.json.decode(content, type=_VersionOnly).format_version
        if version > FORMAT_VERSION:
            raise BundleError(
                f"{path} has format version {version}, and this moodtheme reads up to "
                f"{FORMAT_VERSION}; install a newer one: pip install -U moodtheme"
            )
        if version == 1:
            bundle = msgspec.convert(_upgraded(msgspec.json.decode(content)), Bundle)
        else:
            bundle = msgspec.json.decode(content, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{path} is damaged: {error}; get or export the model again") from error
    _check(bundle, path)
    return bundle


def _upgraded(manifest: Any) -> Any:
    """A manifest of format 1 without fields it did not know, which it was free to have."""
    known = {field.name for field in msgspec.structs.fields(Bundle)}
    later = {"synonyms", "dimensions", "reference", "doubts"}
    return {key: value for key, value in manifest.items() if key in known - later}


def read_graph(folder: Path, member: Member) -> bytes:
    """Content of a member's graph, verified against its SHA-256.

    Raises
    ------
    BundleError
        If the file is absent, unreadable or not the one the manifest names.
    """
    path = folder / member.file
    try:
        content = read_inside(folder, member.file, limit=_GRAPH_LIMIT)
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read ({error.strerror}); get or export the model again"
        ) from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != member.sha256:
        raise BundleError(
            f"{path} has SHA-256 {actual[:16]}…, its bundle says {member.sha256[:16]}…; "
            "get or export the model again"
        )
    return content


def read_inside(folder: Path, name: str, *, limit: int) -> bytes:
    """Content of a regular file in a bundle's folder.

    Parameters
    ----------
    folder, name
        Where it is. Links are followed as long as they stay in the folder.
    limit
        Most bytes it may have.

    Raises
    ------
    BundleError
        If it is a device, a pipe or a link out of the folder, or larger.
    OSError
        If the system does not open it.
    """
    path = folder / name
    status = path.stat()
    if path.resolve().parent != folder.resolve():
        raise BundleError(f"{path} leads out of its bundle; copy the file into the folder")
    if stat.S_ISREG(status.st_mode):
        # Whatever takes its place before it is open must not make us wait.
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, os.O_RDONLY | flags), "rb") as file:
            status = os.fstat(file.fileno())
            fits = stat.S_ISREG(status.st_mode) and status.st_size <= limit
            content = file.read(limit + 1) if fits else b""
    if not stat.S_ISREG(status.st_mode):
        raise BundleError(f"{path} is a device, pipe or folder; get or export the model again")
    if max(status.st_size, len(content)) > limit:
        raise BundleError(f"{path} is larger than {limit} bytes; export the model again")
    return content


def write_bundle(folder: Path, bundle: Bundle, graphs: Iterable[Path]) -> None:
    """Write a bundle so that it is there completely or not at all, whenever that is broken off.

    A bundle that is replaced is called ``.NAME.old`` for a moment; `recover` brings it back where
    the moment was the last.

    Parameters
    ----------
    folder
        Where the bundle will be; replaced if it is a bundle already.
    bundle
        Its manifest; each member's ``file`` must be the name of one of `graphs`.
    graphs
        Files to copy in; a model card is written beside them.

    Raises
    ------
    BundleError
        If the manifest contradicts itself or the graphs, or `folder` holds something else.
    """
    bundle = msgspec.structs.replace(bundle, format_version=FORMAT_VERSION)
    _check(bundle, folder / MANIFEST)
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder} exists and is not a model bundle; name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        staged = Path(scratch) / "new"
        staged.mkdir()
        for graph in graphs:
            shutil.copyfile(graph, staged / graph.name)
        for member in bundle.members:
            read_graph(staged, member)
        (staged / MANIFEST).write_bytes(manifest_text(bundle))
        (staged / CARD).write_text(model_card(bundle), encoding="utf-8", newline="\n")
        old = _old(folder)
        with locked(folder):
            if old.exists():  # another writer had its bundle in place, and ended
                shutil.rmtree(old)
            if folder.exists():
                folder.replace(old)
            try:
                staged.replace(folder)
            except BaseException:
                if old.exists() and not folder.exists():
                    old.replace(folder)
                raise
            shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Bring back a bundle whose replacement was broken off before the new one was in place."""
    old = _old(folder)
    if folder.exists() or not old.is_dir():
        return
    # Whoever is replacing it now has the lock. Where it cannot be had, nothing can be renamed.
    with contextlib.suppress(MoodthemeError, OSError), locked(folder):
        if not folder.exists() and old.is_dir():
            old.replace(folder)


def _old(folder: Path) -> Path:
    whole = folder.absolute()
    return whole.with_name(f".{whole.name}.old")


def manifest_text(bundle: Bundle) -> bytes:
    """``bundle.json`` of a bundle."""
    return msgspec.json.format(msgspec.json.encode(bundle), indent=2) + b"\n"


def _check(bundle: Bundle, path: Path) -> None:
    for reason in contradictions(bundle):
        raise BundleError(f"{path} contradicts itself: {reason}; get or export the model again")
