"""Tagging many files: several at once, results in order, one bad file never stops the others."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from moodtheme.errors import AudioError, MoodthemeError
from moodtheme.tagging.tagger import Tagger, TrackTags


def tag_files(
    tagger: Tagger, paths: Iterable[Path], *, jobs: int = 1, timeline: bool = False
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

    Yields
    ------
    TrackTags
        One for each path, in the paths' order. A file that cannot be used has its reason in
        ``error``.
    """
    paths = iter(paths)
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="tag")
    # A few files ahead of the one awaited keep all threads busy behind a long file.
    pending: deque[Future[TrackTags]] = deque(
        pool.submit(tag_file, tagger, path, timeline=timeline) for path in islice(paths, 4 * jobs)
    )
    try:
        while pending:
            result = pending.popleft().result()
            pending.extend(
                pool.submit(tag_file, tagger, path, timeline=timeline) for path in islice(paths, 1)
            )
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def tag_file(tagger: Tagger, path: Path, *, timeline: bool = False) -> TrackTags:
    """Tag one file; what is wrong with it becomes the result's ``error``."""
    try:
        result = tagger.tag(path)
        return replace(result, timeline=tagger.timeline(path)) if timeline else result
    except AudioError as error:
        return TrackTags(path, None, (), error=error.reason)
    except MoodthemeError as error:
        return TrackTags(path, None, (), error=str(error))
