"""Intervals: what is drawn, how far they reach, what gets none, what survives correction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation_cases import case
from moodtheme.errors import EvaluationError, EvaluationWarning
from moodtheme.evaluation import Evaluation, ScoredSet, evaluate, evaluate_systems
from moodtheme.evaluation.bootstrap import units_of
from moodtheme.evaluation.intervals import (
    FEWEST,
    degrees_of_freedom,
    difference_interval,
    holm,
    quantile,
    share_interval,
    two_sided_p,
)


@given(st.floats(0.01, 50), st.floats(1, 1e5))
def test_students_t_is_scipys(t: float, df: float) -> None:
    assert two_sided_p(t, df) == pytest.approx(2 * stats.t.sf(t, df), abs=1e-9)
    assert quantile(0.95, df) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-9)


def test_units_are_artists_where_any_is_known_and_tracks_otherwise() -> None:
    known = units_of(4, ["b", "a", "", "b"])
    assert (known.name, known.of_track.tolist()) == ("3 artists", [0, 1, 2, 0])
    for artists in (None, ["", "", "", ""]):
        assert units_of(4, artists).name == "4 tracks"
    with pytest.raises(EvaluationError, match="3 artists for 4 tracks"):
        units_of(4, ["a", "b", "c"])


def repeated(times: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Every track several times, as an artist who makes the same piece again and again."""
    truth, scores = case(60, 3)
    artists = [str(row) for row in range(60) for _ in range(times)]
    return truth.repeat(times, axis=0), scores.repeat(times, axis=0), artists


def test_more_tracks_of_the_same_artists_narrow_nothing() -> None:
    widths = {}
    for times in (1, 4):
        truth, scores, artists = repeated(times)
        for over in (artists, None):
            row = evaluate(truth, scores, artists=over, resamples=400)
            low, high = row["intervals"]["roc_auc_macro"]
            widths[times, row["over"]] = high - low
    alone, together = widths[1, "60 artists"], widths[4, "60 artists"]
    assert together == pytest.approx(alone, rel=0.1)
    # Drawn by track, four copies look like four times the evidence.
    assert widths[4, "240 tracks"] < 0.6 * together


def test_intervals_stay_between_0_and_1_and_hold_the_figure() -> None:
    rng = np.random.default_rng(3)
    truth, _ = case(40, 3)
    row = evaluate(truth, 0.8 * truth + 0.1 * rng.random(truth.shape), resamples=100)
    for key, ends in row["intervals"].items():
        if None not in ends:
            assert 0 < ends[0] <= row[key] <= ends[1] < 1
    assert row["roc_auc_macro"] == 1
    assert row["intervals"]["roc_auc_macro"] == [None, None]  # nothing moves it: nothing is known


def test_a_tag_of_few_artists_has_no_interval_and_is_named() -> None:
    truth, scores = case(60, 3)
    truth[:, 1] = False
    truth[:20, 1] = True  # twenty tracks, but four artists
    artists = [f"a{row // 5}" for row in range(20)] + [f"b{row}" for row in range(40)]
    with pytest.warns(
        EvaluationWarning, match="no intervals for tag column 1: fewer than 5 artists"
    ):
        row = evaluate(truth, scores, artists=artists, resamples=50)
    rare, other = row["tags"][1], row["tags"][0]
    assert (rare["positives"], rare["carriers"]) == (20, 4)
    assert rare["intervals"]["roc_auc"] == [None, None]
    assert None not in other["intervals"]["roc_auc"]
    assert None not in row["intervals"]["roc_auc_macro"]


def test_few_artists_altogether_have_no_intervals_at_all() -> None:
    truth, scores = case(60, 2)
    artists = [f"a{row % (FEWEST - 1)}" for row in range(60)]
    with pytest.warns(EvaluationWarning, match="4 artists are too few"):
        row = evaluate(truth, scores, artists=artists, resamples=50)
    assert row["intervals"]["roc_auc_macro"] == [None, None]


def test_one_large_artist_costs_degrees_of_freedom() -> None:
    alike = 0.5 + 0.001 * np.random.default_rng(0).normal(size=200)
    assert 100 < degrees_of_freedom(0.5, alike) <= 199
    one = np.r_[0.51, np.full(199, 0.5)]
    assert degrees_of_freedom(0.5, one) == 1
    drawn = np.random.default_rng(1).normal(0.5, 0.2, 500)
    narrow, wide = (share_interval(0.5, drawn, left) for left in (alike, one))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_a_biased_resample_moves_the_interval_back() -> None:
    left = 0.3 + 0.001 * np.random.default_rng(0).normal(size=100)
    drawn = np.random.default_rng(1).normal(0.33, 0.01, 2000)  # resampling raises it by 0.03
    found = share_interval(0.3, drawn, left)
    assert (found.low + found.high) / 2 == pytest.approx(0.27, abs=0.005)


def test_p_values_and_intervals_of_differences_agree() -> None:
    rng = np.random.default_rng(2)
    left = 0.001 * rng.normal(size=100)
    for gap in (0.01, 0.019, 0.021, 0.04):
        found = difference_interval(gap, gap + rng.normal(0, 0.01, 4000), gap + left)
        assert (found.p < 0.05) == (found.low > 0)
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        difference_interval(0.1, left, left, level=95)


def test_holm_multiplies_by_what_is_left_and_never_falls() -> None:
    corrected = holm(np.array([0.01, 0.04, 0.03, 0.005, np.nan]))
    np.testing.assert_allclose(corrected[:4], [0.04, 0.09, 0.09, 0.025])
    assert np.isnan(corrected[4])


def test_equal_systems_are_seldom_called_different_among_many() -> None:
    rng, called, raw = np.random.default_rng(0), 0, 0
    for trial in range(40):
        truth = rng.random((150, 2)) < 0.3
        truth[:6] = [[True, False]] * 3 + [[False, True]] * 3
        systems = {str(i): (rng.random(truth.shape) + 0.3 * truth) / 2 for i in range(6)}
        found = evaluate_systems(truth, systems, resamples=60, seed=trial, against="0")
        gaps = [row.difference["roc_auc_macro"] for row in found[1:]]
        assert all(row.comparisons == 5 for row in found[1:])
        called += any(gap.beyond_chance for gap in gaps)
        raw += any(gap.p < 0.05 for gap in gaps)
    assert called < raw
    assert called <= 6  # two are expected of forty; 0.4 % of the time there are more than six


def test_pairs_of_an_evaluation_are_corrected_together() -> None:
    truth, scores = case(80, 3)
    systems = {"a": scores, "b": case(80, 3, seed=4)[1], "c": case(80, 3, seed=5)[1]}
    evaluation = Evaluation(ScoredSet(truth, systems), resamples=50)
    pairs = evaluation.differences([("a", "b"), ("a", "c"), ("b", "c")])
    single = evaluation.difference("a", "b")["roc_auc_macro"]
    assert single.p_holm is None
    assert single.p == pairs[0]["roc_auc_macro"].p <= pairs[0]["roc_auc_macro"].p_holm
