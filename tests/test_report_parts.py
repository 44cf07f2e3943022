"""The parts of a report: settings, the headline, drawings, numbers."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.reproduction.page.curves import timelines, training_curves
from moodtheme.reproduction.page.numbers import (
    axis_over,
    duration,
    plural,
    signed_points,
    tick_text,
)
from moodtheme.reproduction.page.rows import headline
from moodtheme.reproduction.page.together import (
    LEVELS,
    disagreements,
    jaccard,
    together_picture,
)
from moodtheme.reproduction.results import Kind, Results
from moodtheme.training.history import Epoch, read_history
from toy_results import write_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """A run of everything there is, on MTG-Jamendo's tags and test set."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, write_run(folder, jamendo=True)


def test_the_headline_is_chosen_without_the_test_set(whole: tuple[Path, Results]) -> None:
    results = whole[1]
    assert headline(results).name == "all systems"
    systems = tuple(row for row in results.rows if row.kind is Kind.SYSTEM)
    best = max(systems, key=lambda row: row.validation["roc_auc_macro"].value or 0)
    assert headline(replace(results, rows=systems)) is best


def test_jaccard_index_and_its_largest_disagreement() -> None:
    truth = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 0]], bool)
    decided = np.array([[1, 0, 1], [1, 0, 1], [1, 0, 1], [0, 0, 0]], bool)
    index = jaccard(truth)
    assert index[0, 1] == index[1, 0] == pytest.approx(2 / 3)
    assert index[0, 2] == pytest.approx(1 / 3)
    assert not np.diag(index).any()
    found = disagreements(truth, decided, "abc", limit=9)
    assert {pair.tags for pair in found} == {("a", "b"), ("a", "c")}
    by_tags = {pair.tags: pair for pair in found}
    assert (by_tags["a", "c"].decided, by_tags["a", "c"].occurring) == (1.0, pytest.approx(1 / 3))
    assert (by_tags["a", "b"].decided_tracks, by_tags["a", "b"].occurring_tracks) == (0, 2)


def test_one_track_among_few_does_not_lead_the_disagreements() -> None:
    truth, decided = np.zeros((200, 4), bool), np.zeros((200, 4), bool)
    truth[0, [0, 1]] = True  # rare: together on the only track, decided nowhere
    truth[100:140, [2, 3]] = True
    decided[100:140, 2], decided[120:160, 3] = True, True
    assert disagreements(truth, decided, "abcd", limit=1)[0].tags == ("c", "d")


def test_every_pair_that_goes_together_has_a_cell() -> None:
    rng = np.random.default_rng(1)
    truth, decided = rng.random((50, 7)) < 0.3, rng.random((50, 7)) < 0.3
    picture = together_picture(truth, decided, "abcdefg", limit=5)
    assert len(picture.tags) == 5
    drawn = ["abcdefg".index(tag) for tag in picture.tags]
    occurring, decided_together = jaccard(truth[:, drawn]), jaccard(decided[:, drawn])
    cells = [cell for half in (picture.occurring, picture.decided) for shade in half
             for cell in re.findall(r"M(\d+) (\d+)h1v1h-1z", shade.path)]  # fmt: skip
    expected = {
        (str(column), str(row))
        for row in range(5) for column in range(5)
        if (occurring if column < row else decided_together)[row, column] > 0
        and row != column
    }  # fmt: skip
    assert len(cells) == len(set(cells))
    assert set(cells) == expected
    darkest = max(shade.level for half in (picture.occurring, picture.decided) for shade in half)
    assert darkest == LEVELS


def test_curves_mark_the_best_epoch_and_new_stages(whole: tuple[Path, Results]) -> None:
    results = whole[1]
    history = [
        Epoch(epoch=n, stage=stage, learning_rate=1e-3, train_loss=loss, validation_roc_auc=value,
              seconds=1, waiting_s=0)
        for n, stage, loss, value in ((1, 1, 0.9, 0.5), (2, 1, 0.7, 0.75), (3, 2, 0.5, 0.6))
    ]  # fmt: skip
    axis, (curve,) = training_curves(results.runs[:1], {results.runs[0].name: history})
    assert (axis.low, axis.high) == (0.5, 0.8)
    assert (curve.best_x, curve.best) == (50, history[1])
    assert curve.best_y == pytest.approx(100 * (0.8 - 0.75) / 0.3, abs=0.01)
    assert curve.stages == (75.0,)
    assert curve.roc_auc.count("L") == 2
    assert training_curves(results.runs, {})[1] == ()


def test_histories_come_back_as_they_were_written(whole: tuple[Path, Results]) -> None:
    folder, results = whole
    epochs = read_history(folder / results.runs[0].history)
    assert [epoch.epoch for epoch in epochs] == list(range(1, 41))
    assert epochs[0].stage == 1 and isinstance(epochs[0].train_loss, float)


def test_strips_show_true_tags_first_and_are_solid_above_the_threshold(
    whole: tuple[Path, Results],
) -> None:
    results = whole[1]
    row = results.rows[-1]
    thresholds = {tag.tag: tag.threshold_validation for tag in row.tags}
    for timeline in timelines(results):
        truth = [strip.is_true for strip in timeline.strips]
        assert truth == sorted(truth, reverse=True)
        assert {s.tag for s in timeline.strips} >= {*timeline.track.truth, *timeline.track.decided}
        for strip in timeline.strips:
            column = results.dataset.tags.index(strip.tag)
            threshold = thresholds[strip.tag]
            assert [bar.above for bar in strip.bars] == [
                threshold is not None and window.scores[column] > threshold
                for window in timeline.track.windows
            ]
            assert strip.bars[-1].x + strip.bars[-1].width == pytest.approx(
                100 * 180 / 185, abs=0.1
            )


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=20),
    st.integers(1, 8),
)
def test_an_axis_holds_its_values_between_round_ticks(values: list[float], ticks: int) -> None:
    axis = axis_over(values, ticks=ticks)
    slack = 1e-6 * max(1.0, abs(axis.low), abs(axis.high))
    assert axis.low - slack <= min(values) and max(values) <= axis.high + slack
    assert axis.low < axis.high
    assert all(0 <= axis.place(value) <= 100 for value in values)
    places = [tick.place for tick in axis.ticks]
    assert 2 <= len(places) <= ticks + 4
    assert places == sorted(places)


def test_numbers_are_written_as_people_read_them() -> None:
    assert [signed_points(x) for x in (1.26, -0.31, 0.04, -0.04, None)] == [
        "+1.3", "−0.3", "0.0", "0.0", "–",
    ]  # fmt: skip
    assert [duration(s) for s in (0.44, 59.6, 59.4, 125, 3599.9, 7800)] == [
        "0.4 s", "1 min 0 s", "59 s", "2 min 5 s", "1 h 0 min", "2 h 10 min",
    ]  # fmt: skip
    assert (plural(1, "tag"), plural(4231, "tag")) == ("1 tag", "4,231 tags")
    assert (tick_text(72.5, 2.5, False), tick_text(-10, 10, True)) == ("72.5", "−10")
