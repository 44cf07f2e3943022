"""
Dividing a collection so that no artist is on both sides.

A model that has heard an artist in training recognises the artist in the test, and its figures
flatter it; hence whole artists are assigned, never single tracks. The rule is iterative
stratification (Sechidis et al., «On the stratification of multi-label data», ECML PKDD 2011)
over artists instead of tracks: the rarest tag chooses first.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from moodtheme.datasets.table import Split, TrackTable
from moodtheme.errors import DatasetError, UsageError
from moodtheme.work import some_of

# Close to the official MTG-Jamendo division 0, which has 55 %, 21 % and 24 %, but with more left
# to learn from, since other collections are smaller.
FRACTIONS: Mapping[Split, float] = MappingProxyType(
    {Split.TRAIN: 0.6, Split.VALIDATION: 0.2, Split.TEST: 0.2}
)


def split_by_artist(
    table: TrackTable, *, fractions: Mapping[Split, float] = FRACTIONS, seed: int = 0
) -> TrackTable:
    """
    Return the table with splits in which no artist occurs twice.

    Each tag is spread over the splits in proportion and, as far as it has as many artists as
    there are splits and they do not get in each other's way, has a track in every one. Where the
    artist is unknown the album is kept together, and where that is unknown too, the track alone.

    Parameters
    ----------
    table
        The tracks; their present splits do not matter.
    fractions
        The wanted share of the tracks, by split; the shares are divided by their sum.
    seed
        Decides between artists that are otherwise equal. The same table and seed always give the
        same splits.
    """
    parts = list(fractions)
    assigned = assign_groups(
        table.labels, groups_of(table), [fractions[part] for part in parts], seed=seed
    )
    return table.with_splits([parts[number] for number in assigned])


def group_folds(table: TrackTable, *, folds: int = 5, seed: int = 0) -> NDArray[np.intp]:
    """Return each track's fold, 0 to ``folds`` − 1, for cross-validation without shared artists."""
    return assign_groups(table.labels, groups_of(table), [1.0] * folds, seed=seed)


def groups_of(table: TrackTable) -> NDArray[np.intp]:
    """Return the number of each track's group: its artist, else its album, else itself."""
    keys = [
        ("artist", artist) if artist else ("album", album) if album else ("track", track)
        for track, artist, album in zip(table.tracks, table.artists, table.albums, strict=True)
    ]
    numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
    return np.array([numbers[key] for key in keys], dtype=np.intp)


def assign_groups(
    labels: NDArray[np.bool_],
    groups: NDArray[np.intp],
    shares: Sequence[float],
    *,
    seed: int,
) -> NDArray[np.intp]:
    """
    Assign whole groups of tracks to parts, keeping each tag's share in each part.

    Parameters
    ----------
    labels
        Truth, (tracks, tags).
    groups
        The group of each track, counted from 0, (tracks,).
    shares
        The wanted relative size of each part; positive.
    seed
        Decides between equals.

    Returns
    -------
    NDArray
        The part of each track, counted from 0, (tracks,).
    """
    if len(shares) < 2 or not all(share > 0 and np.isfinite(share) for share in shares):
        raise UsageError(
            f"the shares {', '.join(f'{share:g}' for share in shares)} cannot be used; give two "
            "or more, each above 0"
        )
    wanted = np.asarray(shares, dtype=np.float64) / sum(shares)
    group_count = int(groups.max()) + 1 if len(groups) else 0
    if group_count < len(shares):
        raise DatasetError(
            f"{group_count} artists cannot be divided into {len(shares)} parts; add tracks by "
            "other artists, or give the splits in the table"
        )
    sizes = np.bincount(groups, minlength=group_count)
    positives = np.zeros((group_count, labels.shape[1]), dtype=np.int64)
    np.add.at(positives, groups, labels)
    # Equal groups are told apart by their place in a shuffled row.
    shuffled = np.random.default_rng(seed).permutation(group_count)

    size_to_go = wanted * len(groups)
    tags_to_go = np.outer(wanted, positives.sum(axis=0))
    holders = (positives > 0).sum(axis=0)  # groups with the tag that are still to be assigned
    part_of = np.full(group_count, -1, dtype=np.intp)
    reached = np.zeros(tags_to_go.shape, dtype=np.bool_)
    vacant = np.ones(len(wanted), dtype=np.bool_)
    while (part_of < 0).any():
        waiting = np.flatnonzero(part_of < 0)
        if holders.any():
            tag = int(np.argmin(np.where(holders > 0, holders, np.iinfo(np.int64).max)))
            candidates = waiting[positives[waiting, tag] > 0]
            weight, to_go = positives[candidates, tag], tags_to_go[:, tag]
            empty = ~reached[:, tag]
            # The last groups with a tag go to the parts that have none of it yet.
            open_to = empty if holders[tag] <= empty.sum() else np.ones_like(empty)
        else:
            candidates = waiting
            weight, to_go = sizes[candidates], size_to_go
            open_to = np.ones_like(vacant)
        if len(waiting) <= vacant.sum():
            open_to = vacant
        # Large groups first, as long as there is room for them.
        group = candidates[np.lexsort((shuffled[candidates], -weight))[0]]
        parts = np.flatnonzero(open_to)
        part = parts[np.lexsort((-size_to_go[parts], -to_go[parts]))[0]]
        part_of[group] = part
        vacant[part] = False
        size_to_go[part] -= sizes[group]
        tags_to_go[part] -= positives[group]
        reached[part] |= positives[group] > 0
        holders -= positives[group] > 0
    return part_of[groups]


def shared_names(
    names: Sequence[str], splits: Sequence[Split | None], first: Split, second: Split
) -> list[str]:
    """Return the known names (artists, albums) with tracks in both splits, sorted."""
    in_split = {
        split: {name for name, other in zip(names, splits, strict=True) if name and other is split}
        for split in (first, second)
    }
    return sorted(in_split[first] & in_split[second])


def tags_without_positives(table: TrackTable) -> dict[Split, list[str]]:
    """Return the tags that no track of a split has, for the splits where there are such."""
    splits = np.array([str(split) for split in table.splits])
    absent = {}
    for split in Split:
        rows = splits == str(split)
        if rows.any():
            counts = table.labels[rows].sum(axis=0)
            if missing := [tag for tag, n in zip(table.tags, counts, strict=True) if n == 0]:
                absent[split] = missing
    return absent


def check_splits(table: TrackTable, *, allow_shared_artists: bool = False) -> None:
    """
    Raise an error where the splits are not fit to train and test with.

    Raises
    ------
    DatasetError
        A track is in no split, an artist is in two, or a tag has no positive track in a split:
        its figures there are undefined.
    """
    without = [track for track, split in zip(table.tracks, table.splits, strict=True) if not split]
    if without:
        raise DatasetError(
            f"in no split: {some_of(without)}; fill the split column, or have it made with "
            "`moodtheme dataset split`"
        )
    if not allow_shared_artists:
        for first, second in combinations(Split, 2):
            if shared := shared_names(table.artists, table.splits, first, second):
                raise DatasetError(
                    f"artists in both {first} and {second}: {some_of(shared)}; put each into one "
                    "split, or have the splits made with `moodtheme dataset split`"
                )
    for split, tags in tags_without_positives(table).items():
        raise DatasetError(
            f"no track of the split {str(split)!r} has the tag {some_of(tags)}; leave the tag out, "
            "add tracks, or divide otherwise with `moodtheme dataset split --seed`"
        )
