"""Tagging many files: several at once, results in order, one bad file never stops the others."""

import hashlib
import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from moodtheme.errors import AudioError, BundleError, MoodthemeError
from moodtheme.tagging.answers import TrackTags, identify
from moodtheme.tagging.bundle import Reference
from moodtheme.tagging.tagger import Tagger
from moodtheme.work import read_ahead


def tag_files(
    tagger: Tagger,
    paths: Iterable[Path | AudioError],
    *,
    jobs: int = 1,
    timeline: bool = False,
    windows: int | None = None,
) -> Generator[TrackTags]:
    """Tag files, `jobs` at a time; decoders and networks run outside Python's lock.

    Parameters
    ----------
    tagger
        The model.
    paths
        Files, consumed as results are; also what is wrong with some, as `iter_audio_files` gives.
    jobs
        Files at work at once.
    timeline
        Add tags over time.
    windows
        As for `Tagger.listen`.

    Yields
    ------
    TrackTags
        One for each path, in the paths' order. A file that cannot be used has its reason in
        ``error``.
    """
    # A few files ahead of the one awaited keep all threads busy behind a long file.
    return read_ahead(
        lambda path: tag_file(tagger, path, timeline=timeline, windows=windows),
        paths,
        jobs=jobs,
        ahead=4 * jobs,
    )


def tag_file(
    tagger: Tagger,
    path: Path | AudioError,
    *,
    timeline: bool = False,
    windows: int | None = None,
) -> TrackTags:
    """Tag one file; what is wrong with it becomes the result's ``error``."""
    try:
        if isinstance(path, AudioError):
            raise path
        return tagger.tag(path, timeline=timeline, windows=windows)
    except MoodthemeError as error:
        reason = error.reason if isinstance(error, AudioError) else str(error)
        return TrackTags(name_of(path), None, (), error=reason, model=identify(tagger.bundle))


def name_of(path: Path | AudioError) -> Path | str:
    """What a file is called, or one that cannot be found."""
    return path.path if isinstance(path, AudioError) else path


def in_shard(path: Path | str, number: int, of: int) -> bool:
    """Whether a file belongs to a part of so many, numbered from 1.

    Its name decides, as it was given, whatever other files there are.
    """
    digest = hashlib.sha256(os.fsencode(path)).digest()
    return int.from_bytes(digest[:8], "big") % of == number - 1


@dataclass(frozen=True, kw_only=True)
class RemoteTagger:
    """Tags files in another process, or on another machine, which opens the model itself.

    Attributes
    ----------
    model
        Its name, or the bundle's folder, which must be there under this path.
    digest
        Which bundle that must be.
    relative_to, timeline, windows
        As for `Tagger.load` and `tag_files`.
    """

    model: str
    digest: str
    relative_to: Reference | None = None
    timeline: bool = False
    windows: int | None = None

    def __call__(self, files: tuple[Path | AudioError, ...]) -> list[TrackTags]:
        """Tag some files.

        Raises
        ------
        BundleError
            Another model is there under that name.
        """
        tagger = _opened(self)
        return [
            tag_file(tagger, file, timeline=self.timeline, windows=self.windows) for file in files
        ]


@lru_cache(maxsize=1)
def _opened(of: RemoteTagger) -> Tagger:
    tagger = Tagger.load(of.model, relative_to=of.relative_to)
    if tagger.bundle.digest != of.digest:
        raise BundleError(
            f"a worker has another model called {of.model}; install the same moodtheme and the "
            "same model on all machines"
        )
    return tagger
