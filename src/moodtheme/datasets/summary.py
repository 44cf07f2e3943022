"""What a collection holds, how its tags are spread, and what leaks between its splits."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.datasets.splits import shared_names, tags_without_positives
from moodtheme.datasets.table import Split, TrackTable


@dataclass(frozen=True, kw_only=True)
class PartSummary:
    """Tracks of one split, or of none."""

    split: str | None
    tracks: int
    hours: float | None
    """None where no duration is known."""
    artists: int
    """Known ones."""


@dataclass(frozen=True, kw_only=True)
class TagCount:
    """Tracks that have a tag."""

    tag: str
    tracks: int
    by_split: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Artists or albums with tracks in two splits."""

    first: str
    second: str
    artists: list[str]
    albums: list[str]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """
    Everything `moodtheme dataset info` says; all counts are of tracks unless they say else.

    Hours cover the tracks whose duration is known, `tracks_without_duration` counts the others.
    """

    tracks: int
    hours: float | None
    tracks_without_duration: int
    tracks_without_tags: int
    tags_per_track: float
    artists: int
    tracks_without_artist: int
    albums: int
    parts: list[PartSummary]
    tags: list[TagCount]
    overlaps: list[Overlap]
    """One for each pair of splits there are, whether or not anything is shared."""
    tags_without_positives: dict[str, list[str]]
    """By split."""


def summarise(table: TrackTable) -> Summary:
    """Count what is in a table."""
    names: list[Split | None] = [split for split in Split if split in table.splits]
    if None in table.splits:
        names.append(None)
    rows = {name: np.array([split is name for split in table.splits]) for name in names}
    known = [name for name in names if name is not None]
    counts = {name: table.labels[rows[name]].sum(axis=0) for name in known}
    return Summary(
        tracks=len(table),
        hours=_hours(table.durations),
        tracks_without_duration=int(np.isnan(table.durations).sum()),
        tracks_without_tags=int((~table.labels.any(axis=1)).sum()),
        tags_per_track=float(table.labels.sum() / len(table)) if len(table) else 0.0,
        artists=len(set(table.artists) - {""}),
        tracks_without_artist=table.artists.count(""),
        albums=len(set(table.albums) - {""}),
        parts=[
            PartSummary(
                split=name,
                tracks=int(rows[name].sum()),
                hours=_hours(table.durations[rows[name]]),
                artists=len(set(np.array(table.artists)[rows[name]]) - {""}),
            )
            for name in names
        ],
        tags=[
            TagCount(
                tag=tag,
                tracks=int(table.labels[:, column].sum()),
                by_split={str(name): int(counts[name][column]) for name in known},
            )
            for column, tag in enumerate(table.tags)
        ],
        overlaps=[
            Overlap(
                first=first,
                second=second,
                artists=shared_names(table.artists, table.splits, first, second),
                albums=shared_names(table.albums, table.splits, first, second),
            )
            for first, second in combinations(known, 2)
        ],
        tags_without_positives={
            str(split): tags for split, tags in tags_without_positives(table).items()
        },
    )


def as_text(summary: Summary, *, files_present: int | None = None) -> str:
    """A summary in lines for people.

    Parameters
    ----------
    summary
        From `summarise`.
    files_present
        How many files are there; None where they have no place.
    """

    def hours(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.1f}"

    lines = [
        f"{summary.tracks} tracks, {len(summary.tags)} tags",
        f"hours: {hours(summary.hours)}",
        f"artists: {summary.artists or 'unknown'}, albums: {summary.albums or 'unknown'}",
        f"tags a track: {summary.tags_per_track:.2f} ({summary.tracks_without_tags} without)",
    ]
    if files_present is not None:
        lines.append(f"files here: {files_present} of {summary.tracks}")
    lines += ["", "split       tracks      hours    artists"]
    for part in summary.parts:
        artists = part.artists or "unknown"
        lines.append(
            f"{part.split or 'none':<11}{part.tracks:>7}{hours(part.hours):>11}{artists:>11}"
        )
    if summary.overlaps:
        lines += ["", *_overlap_lines(summary)]
    splits = list(summary.tags[0].by_split) if summary.tags else []
    width = max((len(tag.tag) for tag in summary.tags), default=3) + 1
    lines += ["", f"{'tag':<{width}}{'tracks':>7}" + "".join(f"{name:>11}" for name in splits)]
    for tag in summary.tags:
        counts = "".join(f"{tag.by_split[name]:>11}" for name in splits)
        lines.append(f"{tag.tag:<{width}}{tag.tracks:>7}{counts}")
    for name, tags in summary.tags_without_positives.items():
        lines.append(f"no track of {name} has the tag {', '.join(tags)}")
    return "\n".join(lines)


def _overlap_lines(summary: Summary) -> list[str]:
    lines = []
    if unknown := summary.tracks_without_artist:
        lines.append(f"artists: not known of {unknown} tracks, so not checked there")
    for overlap in summary.overlaps:
        for what, known, names in (
            ("artists", summary.artists, overlap.artists),
            ("albums", summary.albums, overlap.albums),
        ):
            if known:
                there = f"{what} in both {overlap.first} and {overlap.second}: {len(names)}"
                some = f": {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" if names else ""
                lines.append(there + some)
    return lines


def _hours(durations: Float64Array) -> float | None:
    known = durations[~np.isnan(durations)]
    return float(known.sum() / 3600) if len(known) else None
