"""What a distillation learns from: tracks, their split by group, windows a track."""

import csv
import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from moodtheme.errors import DatasetError

NO_MUSIC = "no music"


class Part(StrEnum):
    """Part of the collection; whole groups of tracks go to one part."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True)
class MusicTrack:
    """A track without labels; tracks of one group (artist, package, album) belong together.

    Attributes
    ----------
    part
        Where it belongs if that is not to be drawn.
    weight
        How many times more windows than others it gives in training.
    reference
        What it stands for among the music that standings refer to; empty if it is not among it;
        `NO_MUSIC` for sounds that answers about should be doubted.
    """

    path: Path
    group: str
    duration_s: float
    part: Part | None = None
    weight: float = 1.0
    reference: str = ""


@dataclass(frozen=True)
class PlannedTrack:
    """A track, its part, and the rows ``[first_row, first_row + rows)`` it fills in that part."""

    track: MusicTrack
    part: Part
    first_row: int
    rows: int


@dataclass(frozen=True)
class Plan:
    """All tracks in a fixed order."""

    tracks: tuple[PlannedTrack, ...]

    def of(self, part: Part) -> tuple[PlannedTrack, ...]:
        """Tracks of one part."""
        return tuple(planned for planned in self.tracks if planned.part is part)

    def rows(self, part: Part) -> int:
        """Number of windows of one part."""
        return sum(planned.rows for planned in self.of(part))


def read_music_table(table: Path, *, group_column: str) -> tuple[MusicTrack, ...]:
    """Tracks of a CSV with the columns ``path``, ``duration_s`` and a group.

    Optional columns: ``part`` (train, validation, test; drawn where empty), ``weight`` and
    ``reference`` (see `MusicTrack`).

    Parameters
    ----------
    table
        The file; paths are relative to its folder unless absolute.
    group_column
        Name of the column whose equal values keep tracks together.

    Raises
    ------
    DatasetError
        If a column or a file is missing, or a duration is not a positive number.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{table} cannot be read ({error}); give a CSV in UTF-8") from error
    wanted = {"path", "duration_s", group_column}
    if not rows or not wanted <= set(rows[0]):
        raise DatasetError(f"{table} needs at least one row and the columns {sorted(wanted)}")
    tracks = []
    for row in rows:
        path = table.parent / row["path"]
        try:
            duration = float(row["duration_s"])
        except ValueError:
            duration = math.nan
        if not duration > 0 or math.isinf(duration):
            raise DatasetError(f"{table}: duration_s of {path} is not a number of seconds; mend it")
        try:
            part = Part(row["part"]) if row.get("part") else None
            weight = float(row.get("weight") or 1.0)
        except ValueError as error:
            raise DatasetError(f"{table}: {path}: {error}; mend its part or weight") from error
        reference = row.get("reference") or ""
        tracks.append(MusicTrack(path, row[group_column], duration, part, weight, reference))
    if missing := [str(track.path) for track in tracks if not track.path.is_file()]:
        raise DatasetError(
            f"{table} names {len(missing)} files that are not there, first {missing[0]}; "
            "mend the paths or remove the rows"
        )
    return tuple(tracks)


def make_plan(
    tracks: Sequence[MusicTrack],
    *,
    window_s: float,
    windows_per_excerpt: float,
    test_share: float = 0.15,
    validation_share: float = 0.08,
    seed: int = 0,
) -> Plan:
    """Split tracks by group, where their part is not given, and give each its windows.

    Groups are taken in an order drawn with `seed`; a group goes to the test part while that keeps
    the part within its share of the tracks, then to validation, else to training. A group may fill
    a third of a part at most, so that no part is one group's taste. Training tracks get
    `windows_per_excerpt` random windows for every `window_s` of music; the others are covered once.

    Raises
    ------
    DatasetError
        If a part stays empty.
    """
    groups = defaultdict(list)
    drawn = [track for track in tracks if track.part is None]
    for track in drawn:
        groups[track.group].append(track)
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    quota = {Part.TEST: test_share * len(drawn), Part.VALIDATION: validation_share * len(drawn)}
    largest = {part: size / 3 for part, size in quota.items()}
    part_of = {}
    for name in names:
        for part in (Part.TEST, Part.VALIDATION):
            if len(groups[name]) <= min(quota[part], largest[part]):
                quota[part] -= len(groups[name])
                part_of[name] = part
                break
        else:
            part_of[name] = Part.TRAIN
    next_row = dict.fromkeys(Part, 0)
    planned = []
    for track in tracks:
        part = track.part or part_of[track.group]
        density = windows_per_excerpt * track.weight if part is Part.TRAIN else 1.0
        rows = max(1, round(density * track.duration_s / window_s))
        planned.append(PlannedTrack(track, part, next_row[part], rows))
        next_row[part] += rows
    if empty := [part.value for part in Part if next_row[part] == 0]:
        raise DatasetError(
            f"no group of tracks is small enough for {', '.join(empty)}; use finer groups or "
            "more tracks"
        )
    return Plan(tuple(planned))
