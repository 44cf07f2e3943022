"""Extracting what a store lacks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from moodtheme.audio import KnownFiles
from moodtheme.errors import AudioError, DatasetError
from moodtheme.feature_store.engines import Engine, Workers, run_units
from moodtheme.feature_store.extraction import MakeExtractor, Unit
from moodtheme.feature_store.extractor import (
    Extractor,
    ExtractorInfo,
    describe_extractor,
    make_extractor,
)
from moodtheme.feature_store.store import FeatureStore
from moodtheme.feature_store.writer import StoreWriter, open_writer
from moodtheme.files import free_room, make_folder
from moodtheme.recipes import ExtractedView
from moodtheme.tagging.windows import FloatArray
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
    workers = Workers(engine=engine, jobs=jobs, address=address)
    return build_store(folder, files, info, make, workers=workers, report=report, progress=progress)


def build_store(
    folder: Path,
    files: Sequence[Path],
    info: ExtractorInfo,
    make: MakeExtractor,
    *,
    workers: Workers,
    report: Report,
    progress: Progress,
) -> tuple[FeatureStore, list[AudioError]]:
    """`build_features` with any extractor; `make` must be equal where it makes equal ones."""
    make_folder(folder)
    known_files = KnownFiles(folder)
    identities = known_files.find_all(files, jobs=workers.jobs, report=report)
    files_of: dict[str, list[Path]] = {}
    failures: dict[Path, AudioError] = {}
    for file, found in zip(files, identities, strict=True):
        if isinstance(found, AudioError):
            failures[file] = found
        else:
            files_of.setdefault(found, []).append(file)
    place = folder / info.key
    with open_writer(place, info) as writer:
        missing = [audio for audio in files_of if audio not in writer.audio]
        if missing:
            _require_room(place, info, missing=len(missing), wanted=len(files_of), report=report)
        work = {audio: files_of[audio][0] for audio in missing}
        results = _extract(info, make, work, workers) if work else ()
        for done, (audio, error) in enumerate(_store(writer, known_files, work, results), 1):
            if error is not None:
                for file in files_of[audio]:
                    failures[file] = type(error)(file, error.reason)
            progress(done, len(missing))
    return FeatureStore(place), [
        failures[file] for file in dict.fromkeys(files) if file in failures
    ]


def _extract(
    info: ExtractorInfo, make: MakeExtractor, work: Mapping[str, Path], workers: Workers
) -> Iterator[Mapping[str, FloatArray | AudioError]]:
    """Results for audio, given with a file that holds it; some tracks at a time, in order."""
    audio, files = list(work), list(work.values())
    starts = range(0, len(files), info.tracks_at_once)
    units: list[Unit] = [tuple(files[start : start + info.tracks_at_once]) for start in starts]
    for start, unit, results in zip(starts, units, run_units(make, units, workers), strict=True):
        yield dict(zip(audio[start : start + len(unit)], results, strict=True))


def _store(
    writer: StoreWriter,
    known_files: KnownFiles,
    work: Mapping[str, Path],
    extracted: Iterable[Mapping[str, FloatArray | AudioError]],
) -> Iterator[tuple[str, AudioError | None]]:
    """Store what was extracted; say of each audio what went wrong, if anything did."""
    for results in extracted:
        errors: dict[str, AudioError] = {}
        rows: list[tuple[str, FloatArray]] = []
        for audio, found in results.items():
            if isinstance(found, AudioError):
                errors[audio] = found
            elif known_files.known(work[audio]) != audio:
                reason = "changed while it was read; run the same command again"
                errors[audio] = AudioError(work[audio], reason)
            else:
                rows.append((audio, found))
        writer.append(rows)
        for audio in results:
            yield audio, errors.get(audio)


def _require_room(
    place: Path, info: ExtractorInfo, *, missing: int, wanted: int, report: Report
) -> None:
    needed, free = missing * info.row_bytes, free_room(place)
    report(
        f"{missing} of {wanted} tracks to extract to {place}: {decimal(needed)} "
        f"({decimal(info.row_bytes)} a track), {decimal(free)} are free"
    )
    if needed > free:
        raise DatasetError(
            f"{place}: the features of {missing} tracks take {decimal(needed)} and "
            f"{decimal(free)} are free; make room or choose another folder"
        )
