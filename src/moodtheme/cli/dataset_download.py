"""``moodtheme dataset download`` and ``verify``: MTG-Jamendo from its publisher, whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.filesize import decimal

from moodtheme.cli.options import MetadataFolder
from moodtheme.cli.streams import report
from moodtheme.errors import DatasetError, UsageError
from moodtheme.work import Display

if TYPE_CHECKING:
    from moodtheme.datasets.download import Archive

Name = Annotated[Literal["jamendo"], typer.Argument(help="The dataset.")]
Kind = Literal["audio", "audio-low", "melspecs"]
KindOption = Annotated[
    Kind,
    typer.Option(
        "--type",
        help="audio: MP3 as uploaded, 152 GB; audio-low: low-quality MP3, 46 GB; melspecs: mel "
        "spectrograms, 68 GB.",
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Only the first so many of the 100 archives.")
]


def download(
    *,
    name: Name,
    folder: Annotated[Path, typer.Argument(help="Where it goes.")],
    data_type: KindOption = "audio",
    limit: Limit = None,
    metadata: MetadataFolder = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            "--mirror",
            help="Address to fetch from instead of the publisher's, up to and without "
            "/autotagging_moodtheme; may be repeated.",
        ),
    ] = None,
    keep_archives: Annotated[
        bool, typer.Option("--keep-archives", help="Keep each archive after unpacking it.")
    ] = False,
) -> None:
    """Fetch a dataset; run it again to go on after an interruption.

    Archives and tracks are verified by SHA-256. Before it starts, the room on the disk is
    checked. Each track's licence is its own; the lists are CC BY-NC-SA 4.0.
    """
    from moodtheme.datasets import download as downloads
    from moodtheme.datasets.jamendo import DataType

    kind = DataType(data_type)
    mirrors = mirror or downloads.MIRRORS
    archives = _archives(metadata, data_type, limit)
    waiting = [archive for archive in archives if archive.absent(folder)]
    if waiting:
        report(f"{len(waiting)} of {len(archives)} archives to fetch; asking for their sizes")
        space = downloads.space_for(
            waiting, folder, kind, mirrors=mirrors, keep_archives=keep_archives
        )
        needed, free = decimal(space.needed), decimal(space.free)
        if space.needed > space.free:
            raise DatasetError(
                f"{folder}: needs {needed} and has {free} free; make room, choose another folder, "
                "or fetch less with --limit or --type audio-low"
            )
        if space.unstated:
            report(
                f"the size of {space.unstated} archives is not known; by the published total "
                f"about {decimal(space.guess)} are needed, {free} are free"
            )
        else:
            report(f"needs {needed}, {free} are free")
    with Display("", unit="bytes") as display:
        failures = downloads.download(
            waiting,
            folder,
            kind,
            listener=_Transfers(len(waiting), display),
            mirrors=mirrors,
            keep_archives=keep_archives,
        )
    tracks = sum(len(archive.tracks) - len(archive.absent(folder)) for archive in archives)
    done = len(archives) - len(failures)
    print(f"{name} {data_type}: {done} of {len(archives)} archives, {tracks} tracks in {folder}")
    for archive, reason in failures:
        report(f"failed: {archive.name}: {reason}")
    if failures:
        raise typer.Exit(1)


class _Transfers:
    """Shows a download: a moving bar on a terminal, a line an event in a pipe."""

    def __init__(self, archives: int, display: Display) -> None:
        self._archives, self._display = archives, display
        self._begun = self._quarter = 0
        self._name = ""

    def _say(self, text: str) -> None:
        report(f"[{self._begun}/{self._archives}] {self._name}: {text}")

    def started(self, archive: "Archive") -> None:
        """Begin a bar, or say that the archive is under way."""
        self._begun += 1
        self._quarter = 0
        self._name = archive.name
        self._display.begin(f"{self._begun}/{self._archives} {archive.name}")
        if not self._display.is_drawn:
            self._say("fetching")

    def received(self, done: int, total: int | None) -> None:
        """Move the bar, or say each quarter."""
        self._display.show(done, total)
        if not self._display.is_drawn and total and done * 4 // total > self._quarter:
            self._quarter = done * 4 // total
            self._say(f"{self._quarter * 25} % of {decimal(total)}")

    def unpacked(self, done: int, total: int) -> None:
        """Say on the bar how far unpacking is."""
        self._display.begin(f"{self._name}: unpacking {done}/{total}")

    def finished(self, archive: "Archive") -> None:
        """Say that the archive is done."""
        self._say(f"{len(archive.tracks)} tracks verified and in place")

    def failed(self, archive: "Archive", reason: str) -> None:
        """Say that the archive is given up for now; the reasons are listed at the end."""
        self._say("failed")


def verify(
    *,
    name: Name,
    folder: Annotated[Path, typer.Argument(help="Where it is.")],
    data_type: KindOption = "audio",
    limit: Limit = None,
    metadata: MetadataFolder = None,
    remove_corrupt: Annotated[
        bool,
        typer.Option("--remove-corrupt", help="Delete corrupt tracks, so that they are fetched."),
    ] = False,
) -> None:
    """Read every track again and compare its SHA-256; list what is missing or corrupt."""
    from moodtheme.cli.progress import progress_bar
    from moodtheme.datasets.download import TrackState
    from moodtheme.datasets.download import verify as check

    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the one the dataset was downloaded to")
    archives = _archives(metadata, data_type, limit)
    found = dict.fromkeys(TrackState, 0)
    total = sum(len(archive.tracks) for archive in archives)
    with progress_bar("verifying", unit="tracks") as progress:
        for done, (track, state) in enumerate(check(archives, folder), start=1):
            found[state] += 1
            progress(done, total)
            if state is TrackState.WHOLE:
                continue
            print(f"{state}\t{track}")
            if state is TrackState.CORRUPT and remove_corrupt:
                (folder / track).unlink()
    print(f"{name} {data_type}: " + ", ".join(f"{count} {state}" for state, count in found.items()))
    if found[TrackState.MISSING] or found[TrackState.CORRUPT]:
        removal = ""
        if found[TrackState.CORRUPT] and not remove_corrupt:
            removal = "delete the corrupt ones with --remove-corrupt, then "
        report(f"{removal}run `moodtheme dataset download {name} {folder} --type {data_type}`")
        raise typer.Exit(1)


def _archives(metadata: Path | None, data_type: Kind, limit: int | None) -> "tuple[Archive, ...]":
    from moodtheme.datasets.download import published_archives
    from moodtheme.datasets.jamendo import DataType, Metadata

    return published_archives(Metadata(folder=metadata), DataType(data_type))[:limit]
