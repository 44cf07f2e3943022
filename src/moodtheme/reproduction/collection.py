"""The collection that a reproduction works on, and what is missing of it."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from moodtheme.datasets import JAMENDO, Metadata, Split, TrackTable, load_dataset
from moodtheme.errors import DatasetError, ReproductionError
from moodtheme.files import replacing
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS
from moodtheme.work import some_of

if TYPE_CHECKING:
    from moodtheme.reproduction.job import Console, Request

DEMO = "demo"
MISSING = "missing-files.txt"
_NAMED = 20  # missing files that a message names
_PAPERS_TEST_TRACKS = 4231  # of MTG-Jamendo's division 0, on which the paper's figures are


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A table of tracks with splits, and what the report has to know of it.

    Attributes
    ----------
    source
        As it was given.
    table
        Tracks of the three splits, nothing else.
    is_jamendo, comparable
        See `moodtheme.reproduction.results.Dataset`.
    """

    source: str
    table: TrackTable
    is_jamendo: bool
    comparable: bool

    @property
    def sha256(self) -> str:
        """Of tracks, labels and splits."""
        return tracks_sha256(self.table)

    @property
    def shared_artists(self) -> int:
        """Artists with tracks in more than one split."""
        places = {*zip(self.table.artists, self.table.splits, strict=True)}
        return sum(parts > 1 for parts in Counter(a for a, _ in places if a).values())


def read_tracks(request: "Request", folder: Path, console: "Console") -> tuple[str, TrackTable]:
    """Read the tracks that were asked for; the demo corpus is composed, unless it is there.

    Parameters
    ----------
    request
        Names the source, and which of MTG-Jamendo's divisions.
    folder
        The run's; the demo corpus lies in it.
    console
        Is told of that, and shows its progress.

    Returns
    -------
    source
        What the tracks were read from, as `moodtheme.datasets.load_dataset` takes it.
    table
        All of them. Whether files are missing is looked at afterwards, to name every one.

    Raises
    ------
    DatasetError
        If they cannot be read.
    """
    source = request.source
    if source == DEMO:
        from moodtheme.demo import make_demo_corpus

        corpus = folder / "corpus"
        console.say(f"the demo corpus is composed to {corpus}, unless it is there")
        with console.bar("composing the demo corpus") as progress:
            source = str(make_demo_corpus(corpus, seed=request.seed, progress=progress))
    metadata = Metadata(folder=request.metadata)
    return source, load_dataset(source, metadata=metadata, split=request.split, check_files=False)


def open_collection(request: "Request", folder: Path, console: "Console") -> Collection:
    """Read a collection whose tracks have splits; see `read_tracks`.

    Raises
    ------
    DatasetError
        If it cannot be read, or a split has no tracks.
    """
    source = request.source
    _, table = read_tracks(request, folder, console)
    rows = [row for row, part in enumerate(table.splits) if part is not None]
    if not rows:
        raise DatasetError(
            f"{source}: no track has a split; add a column, or have one made with "
            "`moodtheme dataset split`"
        )
    table = table.select(rows)
    for part in Split:
        table.part(part)  # says what to do if there are none
    is_jamendo = source.partition(":")[0] == JAMENDO and table.tags == MOOD_THEME_TAGS
    whole = request.split == 0 and len(table.part(Split.TEST)) == _PAPERS_TEST_TRACKS
    return Collection(
        source=source, table=table, is_jamendo=is_jamendo, comparable=is_jamendo and whole
    )


def tracks_sha256(table: TrackTable) -> str:
    """SHA-256 of tracks, tags, labels and splits."""
    digest = hashlib.sha256()
    for names in (table.tags, table.tracks, tuple(str(part) for part in table.splits)):
        digest.update("\0".join(names).encode() + b"\0\0")
    digest.update(np.packbits(table.labels).tobytes())
    return digest.hexdigest()


def file_sizes(table: TrackTable) -> list[tuple[str, int]]:
    """Each track with its file's size: what changes when somebody changes the audio.

    Not the time of change: a copied collection is the same collection.
    """
    files = zip(table.tracks, table.files, strict=True)
    return [(track, file.stat().st_size) for track, file in files]


def require_files(collection: Collection, folder: Path | None) -> str:
    """See that every track's file is there, and say so.

    Parameters
    ----------
    collection
        Whose files.
    folder
        Gets the whole list where files are missing; None for no list.

    Raises
    ------
    ReproductionError
        If files are missing; the message names the first, and where the list is.
    """
    files = collection.table.files
    missing = [str(file) for file in files if not file.is_file()]
    if not missing:
        return f"all {len(files)} files are there"
    place = ""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / MISSING) as temporary:
            temporary.write_text("\n".join(missing) + "\n", encoding="utf-8")
        place = f" (all of them in {folder / MISSING})"
    raise ReproductionError(
        f"{collection.source}: {len(missing)} of {len(files)} files are missing: "
        f"{some_of(missing, most=_NAMED)}{place}; nothing was started: mend the paths, fetch the "
        "files, or take the rows out"
    )
