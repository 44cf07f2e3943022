"""Where a score stands among a reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.scores.decisions import standing

LEVELS = np.linspace(0, 1, 101)
shares = st.floats(0, 1, width=32)


@given(reference=st.lists(shares, min_size=2, max_size=60), values=st.lists(shares, min_size=2))
def test_it_rises_with_the_value_and_is_near_the_share_below(
    reference: list[float], values: list[float]
) -> None:
    quantiles = np.quantile(reference, LEVELS)[None]
    ordered = np.sort(np.array(values, np.float32))[:, None]
    found = standing(ordered, LEVELS, quantiles)[:, 0]
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= -1e-12).all()
    # Interpolation between n tracks cannot tell more than a track or two apart, nor a level.
    slack = 2 / len(reference) + 0.011
    for value, place in zip(ordered[:, 0], found, strict=True):
        below = np.mean(np.array(reference) < value)
        up_to = np.mean(np.array(reference) <= value + 1e-6)
        assert below - slack <= place <= up_to + slack


def test_ties_share_the_middle_of_their_levels_and_beyond_the_reference_are_its_ends() -> None:
    levels = (0.0, 0.25, 0.5, 0.75, 1.0)
    quantiles = ((0.2, 0.4, 0.4, 0.4, 0.8), (0.1, 0.2, 0.3, 0.4, 0.5))
    values = np.float64([[0.4, 0.25], [0.3, 0.0], [0.9, 0.5], [0.6, 0.1]])
    expected = [[0.5, 0.375], [0.125, 0.0], [1.0, 1.0], [0.875, 0.0]]
    assert standing(values, levels, quantiles) == pytest.approx(np.array(expected))
    assert standing(values[0], levels, quantiles) == pytest.approx(np.array(expected[0]))
