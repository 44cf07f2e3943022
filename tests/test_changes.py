"""Change points: the cheapest way to cut curves into stretches, each heard as its mean."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moodtheme.scores.curves import change_points


def error(curves: np.ndarray, cuts: tuple[int, ...], price: float) -> float:
    """Squared error of stretches about their means, and a price for every cut."""
    parts = [curves[a:b] for a, b in pairwise((0, *cuts, len(curves)))]
    return price * len(cuts) + sum(
        float(((part - part.mean(axis=0)) ** 2).sum()) / curves.shape[1] for part in parts
    )


def admitted(steps: int, shortest: int) -> list[tuple[int, ...]]:
    """Every way to cut so many steps."""
    places = range(1, steps)
    return [
        cuts
        for number in range(steps)
        for cuts in combinations(places, number)
        if all(b - a >= shortest for a, b in pairwise((0, *cuts, steps)))
    ]


@given(
    arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 3)),
           elements=st.integers(-8, 8).map(float)),
    st.floats(0.1, 60),
    st.integers(1, 4),
)  # fmt: skip
def test_no_other_cuts_are_cheaper(curves: np.ndarray, price: float, shortest: int) -> None:
    found = change_points(curves, price=price, shortest=shortest)
    ways = admitted(len(curves), shortest) or [()]
    assert found in ways
    least = min(error(curves, way, price) for way in ways)
    assert error(curves, found, price) == pytest.approx(least, abs=1e-6)


@given(
    st.integers(5, 60), st.integers(5, 60), st.floats(1.0, 5.0), st.integers(0, 2**32 - 1)
)  # fmt: skip
def test_a_step_is_found_where_it_is(before: int, after: int, height: float, seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-0.1, 0.1, (before + after, 3))
    noise[before:] += height
    assert change_points(noise, price=1.0, shortest=5) == (before,)


def test_what_does_not_change_is_not_cut_and_a_shift_changes_nothing() -> None:
    assert change_points(np.full((50, 4), 1e6), price=0.1) == ()
    assert change_points(np.empty((0, 4)), price=0.1) == ()
    curves = np.random.default_rng(0).standard_normal((80, 4)).cumsum(axis=0)
    assert change_points(curves, price=5.0) == change_points(curves + 1e4, price=5.0) != ()


def test_long_tracks_are_cut_as_their_parts_would_be() -> None:
    """What is left out of the search early is never needed later."""
    curves = np.repeat(np.random.default_rng(1).standard_normal((60, 5)), 9, axis=0)
    assert change_points(curves, price=0.5, shortest=4) == tuple(range(9, 540, 9))


def test_a_price_and_a_length_that_cannot_be_are_refused() -> None:
    for wrong in ({"price": 0.0}, {"price": 1.0, "shortest": 0}):
        with pytest.raises(ValueError, match="price"):
            change_points(np.zeros((9, 1)), **wrong)  # type: ignore[arg-type]
