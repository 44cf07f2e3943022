"""Extracting what a store lacks, some tracks at a time, while the next ones are decoded."""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path

import numpy as np

from moodtheme.arrays import FloatArray
from moodtheme.audio import ExcerptPolicy, read_excerpt
from moodtheme.engines import Engine, Workers, in_processes, run_units
from moodtheme.errors import AudioError, NotAudioError
from moodtheme.feature_store.appending import Made, fill
from moodtheme.feature_store.extractor import (
    Extractor,
    ExtractorInfo,
    describe_extractor,
    make_extractor,
    uses_accelerator,
)
from moodtheme.feature_store.store import FEATURES, FeatureStore
from moodtheme.recipes import ExtractedView
from moodtheme.tagging.windows import MINIMUM_S, loop_to_length
from moodtheme.work import Progress, Report, no_progress, no_report, read_ahead

MakeExtractor = Callable[[], Extractor]
"""Makes the extractor where it is to compute; it is copied to other processes."""
Unit = tuple[Path, ...]
"""Files whose tracks go through the extractor together."""
Result = list[FloatArray | AudioError]
"""Features ``(windows, n_features)`` of a unit's files in order, or why there are none."""


@dataclass(frozen=True)
class ViewExtractor:
    """Makes a view's extractor wherever it is called; see `make_extractor`."""

    view: ExtractedView
    weights: Path | None = None
    offline: bool = False
    device: str = "cpu"

    def __call__(self) -> Extractor:
        """Load it."""
        return make_extractor(
            self.view, weights=self.weights, offline=self.offline, device=self.device
        )


def build_features(
    folder: Path,
    files: Sequence[Path],
    view: ExtractedView,
    *,
    weights: Path | None = None,
    offline: bool = False,
    device: str = "cpu",
    jobs: int = 1,
    engine: Engine = Engine.LOCAL,
    address: str | None = None,
    report: Report = no_report,
    progress: Progress = no_progress,
) -> tuple[FeatureStore, list[AudioError]]:
    """Extract the features of files whose audio is not in the store yet.

    A build that was stopped, by whatever means, goes on with the first track that is missing. Two
    builds of the same features in one folder take turns.

    Parameters
    ----------
    folder
        Holds the stores of all views and weights, a folder each.
    files
        One a track; some may hold the same audio.
    view
        What the features are of.
    weights
        File of the image network's weights; None has the published ones fetched, where the view
        wants any.
    offline
        Never touch the network.
    device
        Where an image network computes, ``auto`` or in PyTorch's words.
    jobs, engine, address
        Who computes, see `Workers`; changes speed alone.
    report
        Called with lines about what is done.
    progress
        Called after each track.

    Returns
    -------
    store
        Opened for reading.
    failures
        One error a file that cannot be used.

    Raises
    ------
    DatasetError
        If there is not enough room, or the folder holds something else.
    ExtractionError
        If workers die.
    UsageError, DownloadError, HashMismatchError, WeightsError, MissingExtraError
        As `make_extractor`.
    """
    info = describe_extractor(view, weights=weights, offline=offline)
    make = ViewExtractor(info.view, weights, offline, device)
    return build_store(
        folder,
        files,
        info,
        make,
        workers=Workers(engine=engine, jobs=jobs, address=address),
        on_device=engine is Engine.LOCAL and uses_accelerator(info.view, device),
        report=report,
        progress=progress,
    )


def build_store(
    folder: Path,
    files: Sequence[Path],
    info: ExtractorInfo,
    make: MakeExtractor,
    *,
    workers: Workers,
    on_device: bool = False,
    report: Report,
    progress: Progress,
) -> tuple[FeatureStore, list[AudioError]]:
    """`build_features` with any extractor; `make` must be equal where it makes equal ones.

    With `on_device` this process drives the extractor's device, and workers decode for it.
    """
    place = folder / info.key
    failures = fill(
        place,
        FEATURES,
        info,
        files,
        jobs=workers.jobs,
        doing="extract",
        room=lambda files: len(files) * info.row_bytes,
        compute=lambda work: _extract(info, make, work, workers, on_device=on_device),
        report=report,
        progress=progress,
    )
    return FeatureStore(place), failures


def _extract(
    info: ExtractorInfo,
    make: MakeExtractor,
    work: Mapping[str, Path],
    workers: Workers,
    *,
    on_device: bool,
) -> Iterator[Mapping[str, Made | AudioError]]:
    """Features for audio, given with a file that holds it; some tracks at a time, in order."""
    audio, files = list(work), list(work.values())
    starts = range(0, len(files), info.tracks_at_once)
    units: list[Unit] = [tuple(files[start : start + info.tracks_at_once]) for start in starts]
    if on_device:
        found = extract_here(make(), units, jobs=workers.jobs, on_device=True)
    else:
        each = partial(extract_unit, make)
        found = run_units(each, units, workers, here=lambda units: extract_here(make(), units))
    for start, unit, results in zip(starts, units, found, strict=True):
        made = [found if isinstance(found, AudioError) else (found, 1.0) for found in results]
        yield dict(zip(audio[start : start + len(unit)], made, strict=True))


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


def start_tracks(
    extractor: Extractor, files: Sequence[Path], audio: Sequence[FloatArray | AudioError]
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


def extract_here(
    extractor: Extractor, units: Sequence[Unit], *, jobs: int = 1, on_device: bool = False
) -> Iterator[Result]:
    """Results of units in order, computed by this process or by a device that it drives.

    Parameters
    ----------
    extractor
        It is given as many windows at once as suits it, whatever the units.
    units
        What to compute.
    jobs
        Processes that decode for a device; on a processor one thread does.
    on_device
        Whether a batch waits for the device while this process reads the next, and stores.
    """
    at_once = extractor.info.tracks_of(extractor.windows_at_once)
    files = list(chain.from_iterable(units))
    read = partial(read_track, view=extractor.info.view)
    # So much is kept decoded: memory stays bounded however slow the extractor is.
    if on_device:
        audio = in_processes(read, files, jobs, ahead=max(4 * jobs, 2 * at_once))
    else:
        audio = read_ahead(read, files, jobs=1, ahead=2 * at_once)

    def computed() -> Iterator[FloatArray | AudioError]:
        under_way: deque[Callable[[], Result]] = deque()
        most = 1 if on_device else 0
        for first in range(0, len(files), at_once):
            batch = files[first : first + at_once]
            under_way.append(start_tracks(extractor, batch, list(islice(audio, len(batch)))))
            if len(under_way) > most:
                yield from under_way.popleft()()
        while under_way:
            yield from under_way.popleft()()

    results = computed()
    for unit in units:
        yield list(islice(results, len(unit)))


def extract_unit(make: MakeExtractor, unit: Unit) -> Result:
    """Result of one unit in a worker process, which keeps its extractor for the next."""
    extractor = _loaded(make)
    audio = [read_track(file, extractor.info.view) for file in unit]
    return start_tracks(extractor, unit, audio)()


@lru_cache(maxsize=1)
def _loaded(make: MakeExtractor) -> Extractor:
    extractor = make()
    if "torch" in sys.modules:  # it starts a thread for every core otherwise
        sys.modules["torch"].set_num_threads(1)
    return extractor
