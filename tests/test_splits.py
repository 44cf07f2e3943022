"""Splits and folds by artist: nothing leaks, rare tags are everywhere, the seed decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from moodtheme.datasets import Split, TrackTable, check_splits, group_folds, split_by_artist
from moodtheme.datasets.splits import groups_of, tags_without_positives
from moodtheme.errors import DatasetError, UsageError


def table_of(
    artists: list[str], labels: list[list[bool]], albums: list[str] | None = None
) -> TrackTable:
    size = len(artists)
    return TrackTable(
        tracks=tuple(f"t{number}" for number in range(size)),
        paths=tuple(f"{number}.mp3" for number in range(size)),
        tags=tuple(f"tag{number}" for number in range(len(labels[0]))),
        labels=np.array(labels, dtype=bool),
        artists=tuple(artists),
        albums=tuple(albums or ()),
    )


@st.composite
def tables(draw: DrawFn) -> TrackTable:
    tags = draw(st.integers(1, 4))
    artists = draw(
        st.lists(st.sampled_from("ABCDEFGH"), min_size=5, max_size=40).filter(
            lambda names: len(set(names)) >= 3
        )
    )
    row = st.lists(st.booleans(), min_size=tags, max_size=tags)
    return table_of(artists, draw(st.lists(row, min_size=len(artists), max_size=len(artists))))


@given(tables(), st.integers(0, 5))
def test_no_artist_is_in_two_splits_and_no_split_is_lost(table: TrackTable, seed: int) -> None:
    divided = split_by_artist(table, seed=seed)
    homes: dict[str, set[Split | None]] = {}
    for artist, split in zip(divided.artists, divided.splits, strict=True):
        homes.setdefault(artist, set()).add(split)
    assert all(len(splits) == 1 for splits in homes.values())
    assert None not in divided.splits
    assert set(divided.splits) == set(Split)
    assert divided.tracks == table.tracks
    assert divided.splits == split_by_artist(table, seed=seed).splits


@given(tables(), st.integers(0, 5))
def test_no_artist_is_in_two_folds_and_no_fold_is_empty(table: TrackTable, seed: int) -> None:
    folds = group_folds(table, folds=3, seed=seed)
    artists = np.array(table.artists)
    assert all(len(set(folds[artists == artist])) == 1 for artist in set(table.artists))
    assert set(folds) == {0, 1, 2}


def test_a_tag_with_three_artists_is_in_all_three_splits() -> None:
    rng = np.random.default_rng(3)
    artists = [f"artist {number // 2}" for number in range(400)]
    labels = rng.random((400, 8)) < 0.2
    labels[:, 7] = False
    labels[[10, 50, 90], 7] = True
    for seed in range(10):
        divided = split_by_artist(table_of(artists, labels.tolist()), seed=seed)
        check_splits(divided)
        assert len({divided.splits[row] for row in (10, 50, 90)}) == 3


def test_shares_are_kept_for_tracks_and_tags() -> None:
    rng = np.random.default_rng(0)
    artists = [f"artist {number}" for number in rng.integers(0, 300, 2000)]
    labels = rng.random((2000, 10)) < np.linspace(0.02, 0.5, 10)
    shares = {Split.TRAIN: 0.5, Split.VALIDATION: 0.2, Split.TEST: 0.3}
    divided = split_by_artist(table_of(artists, labels.tolist()), fractions=shares)
    for split, share in shares.items():
        part = divided.part(split)
        assert len(part) / 2000 == pytest.approx(share, abs=0.02)
        np.testing.assert_allclose(part.labels.sum(0) / labels.sum(0), share, atol=0.06)


def test_another_seed_divides_otherwise() -> None:
    table = table_of([f"a{number}" for number in range(60)], [[True]] * 60)
    assert len({split_by_artist(table, seed=seed).splits for seed in range(5)}) > 1


def test_without_an_artist_the_album_and_then_the_track_stays_together() -> None:
    table = table_of(["A", "", "", "", "A"], [[True]] * 5, ["x", "x", "x", "", "y"])
    first, second, third, fourth, fifth = groups_of(table)
    assert first == fifth
    assert second == third
    assert len({first, second, fourth}) == 3


def test_too_few_artists_and_impossible_shares_are_refused() -> None:
    table = table_of(["A", "A", "B"], [[True]] * 3)
    with pytest.raises(DatasetError, match="2 artists cannot be divided into 3"):
        split_by_artist(table)
    with pytest.raises(UsageError, match="0, 1, 1"):
        split_by_artist(table, fractions=dict(zip(Split, (0.0, 1.0, 1.0), strict=True)))
    with pytest.raises(UsageError, match="two or more"):
        group_folds(table, folds=1)


def test_splits_unfit_for_use_are_named() -> None:
    table = table_of(["A", "A", "B"], [[True, False], [True, True], [True, False]])
    with pytest.raises(DatasetError, match="in no split: t0, t1, t2"):
        check_splits(table)
    leaking = table.with_splits([Split.TRAIN, Split.TEST, Split.TRAIN])
    with pytest.raises(DatasetError, match="artists in both train and test: A"):
        check_splits(leaking)
    with pytest.raises(DatasetError, match="no track of the split 'train' has the tag tag1"):
        check_splits(leaking, allow_shared_artists=True)
    lacking = table.with_splits([Split.TRAIN, Split.TRAIN, Split.TEST])
    assert tags_without_positives(lacking) == {Split.TEST: ["tag1"]}
    with pytest.raises(DatasetError, match="no track of the split 'test' has the tag tag1"):
        check_splits(lacking)
