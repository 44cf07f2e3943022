"""The work itself: files to features, some tracks at a time, the next ones decoded meanwhile."""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.audio import ExcerptPolicy, read_excerpt
from moodtheme.engines import in_processes
from moodtheme.errors import AudioError, NotAudioError
from moodtheme.feature_store.extractor import Extractor
from moodtheme.recipes import ExtractedView
from moodtheme.tagging.windows import loop_to_length
from moodtheme.work import read_ahead

MINIMUM_S = 1.0  # shorter tracks are an error, as they are for tagging

MakeExtractor = Callable[[], Extractor]
"""Makes the extractor where it is to compute; it is copied to other processes."""
Unit = tuple[Path, ...]
"""Files whose tracks go through the extractor together."""
Result = list[FloatArray | AudioError]
"""Features ``(windows, n_features)`` of a unit's files in order, or why there are none."""


def read_track(file: Path, view: ExtractedView) -> FloatArray | AudioError:
    """The start of a track, looped as in tagging where it is too short, or why it cannot be read.

    Silence is read like anything else: it has features too, and a table keeps its row.
    """
    try:
        audio = read_excerpt(
            file,
            sample_rate=view.sample_rate,
            length_s=view.samples / view.sample_rate,
            policy=ExcerptPolicy.START,
            minimum_s=MINIMUM_S,
        )
    except AudioError as error:
        return error
    if not np.isfinite(audio.samples).all():
        return NotAudioError(file, "holds samples that are not numbers; mend or leave it out")
    return loop_to_length(audio.samples, view.samples)


def compute_tracks(
    extractor: Extractor, files: Unit, audio: Sequence[FloatArray | AudioError]
) -> Result:
    """Features of tracks that were read; errors are passed on."""
    return start_tracks(extractor, files, audio)()


def start_tracks(
    extractor: Extractor, files: Unit, audio: Sequence[FloatArray | AudioError]
) -> Callable[[], Result]:
    """Begin with tracks that were read; what is returned waits for their features."""
    usable = [track for track in audio if not isinstance(track, AudioError)]
    waiting = extractor.start(np.stack(usable)) if usable else None

    def results() -> Result:
        features = iter(waiting() if waiting else ())
        found = [track if isinstance(track, AudioError) else next(features) for track in audio]
        return [
            NotAudioError(file, "gives features that are not numbers; report it")
            if not isinstance(row, AudioError) and not np.isfinite(row).all()
            else row
            for file, row in zip(files, found, strict=True)
        ]

    return results


def extract_on_device(
    extractor: Extractor, units: Sequence[Unit], *, jobs: int
) -> Iterator[Result]:
    """Results of units in order, computed by a device while its host reads and stores.

    Parameters
    ----------
    extractor
        Made for a device; it is given as many windows at once as suits it, whatever the units.
    units
        What to compute.
    jobs
        Processes that decode.
    """
    at_once = extractor.info.tracks_of(extractor.windows_at_once)
    files = chain.from_iterable(units)
    read = partial(read_track, view=extractor.info.view)
    # A batch waits for the device while the next is read, whatever batch and processes hold.
    ahead = max(4 * jobs, 2 * at_once)
    audio = in_processes(read, list(chain.from_iterable(units)), jobs, ahead=ahead)

    def computed() -> Iterator[FloatArray | AudioError]:
        under_way: deque[Callable[[], Result]] = deque()
        while batch := tuple(islice(files, at_once)):
            under_way.append(start_tracks(extractor, batch, list(islice(audio, len(batch)))))
            if len(under_way) > 1:
                yield from under_way.popleft()()
        while under_way:
            yield from under_way.popleft()()

    results = computed()
    for unit in units:
        yield list(islice(results, len(unit)))


def extract_here(extractor: Extractor, units: Sequence[Unit]) -> Iterator[Result]:
    """Results of units in order, computed in this process."""
    read = partial(read_track, view=extractor.info.view)
    # Two units are kept decoded: memory stays bounded however slow the extractor is.
    ahead = 2 * max(map(len, units), default=1)
    audio = read_ahead(read, chain.from_iterable(units), jobs=1, ahead=ahead)
    for unit in units:
        yield compute_tracks(extractor, unit, list(islice(audio, len(unit))))


def extract_unit(make: MakeExtractor, unit: Unit) -> Result:
    """Result of one unit in a worker process, which keeps its extractor for the next."""
    extractor = _loaded(make)
    return compute_tracks(extractor, unit, [read_track(file, extractor.info.view) for file in unit])


@lru_cache(maxsize=1)
def _loaded(make: MakeExtractor) -> Extractor:
    extractor = make()
    if "torch" in sys.modules:  # it starts a thread for every core otherwise
        sys.modules["torch"].set_num_threads(1)
    return extractor
