"""Tagging many files: several at once, results in order, one bad file never stops the others."""

from collections.abc import Generator, Iterable
from pathlib import Path

from moodtheme.errors import AudioError, MoodthemeError
from moodtheme.tagging.answers import TrackTags, identify
from moodtheme.tagging.tagger import Tagger
from moodtheme.work import read_ahead


def tag_files(
    tagger: Tagger,
    paths: Iterable[Path],
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
        Files, consumed as results are.
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
    tagger: Tagger, path: Path, *, timeline: bool = False, windows: int | None = None
) -> TrackTags:
    """Tag one file; what is wrong with it becomes the result's ``error``."""
    try:
        return tagger.tag(path, timeline=timeline, windows=windows)
    except MoodthemeError as error:
        return failed(tagger, path, error)


def failed(tagger: Tagger, path: Path | str, error: MoodthemeError) -> TrackTags:
    """The result of a file that could not be tagged."""
    reason = error.reason if isinstance(error, AudioError) else str(error)
    return TrackTags(path, None, (), error=reason, model=identify(tagger.bundle))
