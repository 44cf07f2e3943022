"""Extracting what a store lacks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from moodtheme.engines import Engine, Workers, run_units
from moodtheme.errors import AudioError
from moodtheme.feature_store.appending import Made, fill
from moodtheme.feature_store.extraction import (
    MakeExtractor,
    Unit,
    extract_here,
    extract_on_device,
    extract_unit,
)
from moodtheme.feature_store.extractor import (
    Extractor,
    ExtractorInfo,
    describe_extractor,
    make_extractor,
    uses_accelerator,
)
from moodtheme.feature_store.store import FEATURES, FeatureStore
from moodtheme.recipes import ExtractedView
from moodtheme.work import Progress, Report, no_progress, no_report


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
        found = extract_on_device(make(), units, jobs=workers.jobs)
    else:
        each = partial(extract_unit, make)
        found = run_units(each, units, workers, here=lambda units: extract_here(make(), units))
    for start, unit, results in zip(starts, units, found, strict=True):
        made = [found if isinstance(found, AudioError) else (found, 1.0) for found in results]
        yield dict(zip(audio[start : start + len(unit)], made, strict=True))
