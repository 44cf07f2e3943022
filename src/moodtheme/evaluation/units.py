"""What a test set is drawn of: whole artists where they are known, single tracks otherwise.

Tracks by one artist share a sound, a studio and the habits of whoever tagged them. Another test set
would have other artists, not other tracks of the same ones; so resampling draws artists, each with
all its tracks. Drawn track by track, intervals come out as if the test set held far more than it
does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from moodtheme.errors import EvaluationError


class Group(StrEnum):
    """What stays together in a resample."""

    ARTIST = "artist"
    TRACK = "track"


@dataclass(frozen=True)
class Units:
    """The things a test set is drawn of.

    Attributes
    ----------
    group
        What they are.
    of_track
        Number of each track's unit, counted from 0, (tracks,).
    count
        How many units there are.
    """

    group: Group
    of_track: npt.NDArray[np.intp]
    count: int

    @property
    def name(self) -> str:
        """In words: ``327 artists``."""
        return all_together([self])


def all_together(sets: Sequence[Units]) -> str:
    """What several test sets are drawn of, in words: ``385 artists`` of all folds."""
    counts: dict[Group, int] = {}
    for units in sets:
        counts[units.group] = counts.get(units.group, 0) + units.count
    return " and ".join(
        f"{count} {group}{'' if count == 1 else 's'}" for group, count in counts.items()
    )


def units_of(n_tracks: int, artists: Sequence[str] | None) -> Units:
    """Whole artists, or single tracks where no artist is known.

    Parameters
    ----------
    n_tracks
        In the set.
    artists
        One a track, ``""`` where unknown: such a track stands for itself. None, or no known artist
        at all: every track does.

    Raises
    ------
    EvaluationError
        Another number of artists than tracks.
    """
    if artists is not None and len(artists) != n_tracks:
        raise EvaluationError(
            f"{len(artists)} artists for {n_tracks} tracks; give one a track, in the same order"
        )
    if artists is None or not any(artists):
        return Units(Group.TRACK, np.arange(n_tracks), n_tracks)
    keys = [artist or row for row, artist in enumerate(artists)]
    number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return Units(Group.ARTIST, np.array([number[key] for key in keys], np.intp), len(number))
