"""Whose tracks a truth file holds: what intervals are drawn of."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moodtheme.cli.streams import say
from moodtheme.errors import UsageError
from moodtheme.work import some_of

if TYPE_CHECKING:
    from moodtheme.scores.matrices import Truth


Group = Literal["artist", "track"]
Artists = Annotated[
    str | None,
    typer.Option(
        "--artists",
        metavar="TABLE",
        help="Where the artists of the tracks stand, if not in the truth file: the dataset's table "
        "(CSV, TSV, jamendo:FOLDER), or a .txt with one a line, rows as in the truth.",
    ),
]

GroupBy = Annotated[
    Group | None,
    typer.Option(
        "--group", help="What resamples draw whole: artist, wherever artists are known, or track."
    ),
]


def artists_of(
    truth: "Truth", *, table: str | None, group: Group | None, resamples: int
) -> tuple[str, ...] | None:
    """One artist a track of a truth file; None where tracks are drawn alone.

    Table and group are those of ``--artists`` and ``--group``. Without resamples nothing is read,
    and nothing said.

    Raises
    ------
    UsageError
        Artists are wanted and none is known, or the table lacks tracks.
    """
    if not resamples:
        return None
    if group == "track":
        if table is not None:
            raise UsageError("--group track draws tracks alone; leave --artists out")
        return None
    artists = truth.names.artists if table is None else _from_table(table, truth)
    if any(artists):
        return artists
    if group == "artist":
        raise UsageError(
            f"--group artist: {table or truth.source} names no artists; give the dataset's table "
            "with --artists TABLE"
        )
    say(
        f"intervals are over {len(truth.values)} tracks, as no artists are known: too narrow where "
        "an artist has several; give the dataset's table with --artists TABLE"
    )
    return None


def _from_table(source: str, truth: "Truth") -> tuple[str, ...]:
    path = Path(source)
    if path.suffix.lower() == ".txt":
        try:
            found = tuple(line.strip() for line in path.read_text("utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--artists {source}: cannot be read ({error})") from error
        tracks: tuple[str, ...] = ()
    else:
        from moodtheme.datasets import load_dataset

        table = load_dataset(source, check_files=False)
        found, tracks = table.artists, table.tracks
    wanted = truth.names.ids
    if wanted and tracks:
        artist_of = dict(zip(tracks, found, strict=True))
        if lacking := [track for track in wanted if track not in artist_of]:
            raise UsageError(
                f"--artists {source}: lacks {len(lacking)} of the {len(wanted)} tracks of "
                f"{truth.source}: {some_of(lacking)}; name the table that they come from"
            )
        return tuple(artist_of[track] for track in wanted)
    if len(found) != len(truth.values):
        raise UsageError(
            f"--artists {source}: has {len(found)} tracks, {truth.source} {len(truth.values)} "
            "without names; give a table of exactly these, in the same order"
        )
    return found
