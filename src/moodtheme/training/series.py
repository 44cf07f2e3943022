"""Several trainings of one system: with other seeds, on other folds of a collection.

A series is a folder with a run for each training, ``fold-2/seed-1`` and the like, the tables of the
folds, ``fold-2.csv``, and ``series.json``, which says what belongs together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from moodtheme.datasets import Split, TrackTable, group_folds
from moodtheme.datasets.readers import write_table
from moodtheme.errors import TrainingError
from moodtheme.records import Records, read_record, write_record

SERIES = "series.json"
DIVISION_SEED = 0
"""Of the division into folds: not that of the trainings, which share the folds."""
_RECORDS = Records(
    error=TrainingError,
    missing="name the folder of a training with --seeds or --folds",
    again="train again in another folder",
)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One training of a series.

    Attributes
    ----------
    folder
        Of its run, relative to the series', with ``/``.
    dataset
        The table it is trained on; a fold's is relative to the series'.
    fold
        Counted from 1; 0 where there are no folds.
    seed
        Of its random choices.
    """

    folder: str
    dataset: str
    fold: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Series:
    """What belongs together: the collection, the folds (0 for none), the seeds, and the runs."""

    source: str
    folds: int
    seeds: tuple[int, ...]
    members: tuple[Member, ...]


def plan_series(
    folder: Path, source: str, table: TrackTable, *, folds: int, seeds: Sequence[int]
) -> Series:
    """Write down a series and the tables of its folds; the same plan again changes nothing.

    Each fold is the test part once, the next one validation, the others are trained on; no artist
    is in two.

    Parameters
    ----------
    folder
        Of the series, made if it is missing.
    source
        What the table was read from.
    table
        The tracks.
    folds
        How many, 3 or more; 0 keeps the table's own splits.
    seeds
        One a training on each fold.

    Raises
    ------
    TrainingError
        The folder holds another series, or there are one or two folds.
    DatasetError
        There are fewer artists than folds.
    """
    if folds in (1, 2) or folds < 0:
        raise TrainingError(
            f"{folds} folds leave nothing to train on beside test and validation; take 3 or more"
        )
    members = tuple(
        Member(
            folder=_place(fold, seed if len(seeds) > 1 else None),
            dataset=f"fold-{fold}.csv" if fold else source,
            fold=fold,
            seed=seed,
        )
        for fold in (range(1, folds + 1) if folds else [0])
        for seed in seeds
    )
    series = Series(source=source, folds=folds, seeds=tuple(seeds), members=members)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / SERIES).exists() and (there := read_series(folder)) != series:
        raise TrainingError(
            f"{folder} holds a series of {there.source} with {there.folds} folds and the seeds "
            f"{', '.join(map(str, there.seeds))}; name another folder"
        )
    if folds:
        fold_of = group_folds(table, folds=folds, seed=DIVISION_SEED)
        for fold in range(folds):
            roles = {fold: Split.TEST, (fold + 1) % folds: Split.VALIDATION}
            splits = [roles.get(int(of), Split.TRAIN) for of in fold_of]
            write_table(table.with_splits(splits), folder / f"fold-{fold + 1}.csv")
    write_record(folder / SERIES, series)
    return series


def read_series(folder: Path) -> Series:
    """Read what `plan_series` wrote; errors as of `moodtheme.records.read_record`."""
    return read_record(folder / SERIES, Series, _RECORDS)


def places(folder: Path, series: Series) -> Iterator[tuple[Member, Path, str]]:
    """Each training with its run's folder and its table."""
    for member in series.members:
        dataset = str(folder / member.dataset) if member.fold else member.dataset
        yield member, folder / member.folder, dataset


def is_series(folder: Path) -> bool:
    """Whether a folder holds a series."""
    return (folder / SERIES).is_file()


def _place(fold: int, seed: int | None) -> str:
    parts = [f"fold-{fold}"] * bool(fold) + [f"seed-{seed}"] * (seed is not None)
    return "/".join(parts)
