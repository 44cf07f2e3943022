"""Windows over a track: every sample is heard, however the stream is cut into blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.audio import ExcerptPolicy
from moodtheme.tagging.windows import CentredWindows, cut_excerpt, loop_to_length, slide_windows


def blocks_of(audio: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    return np.split(audio, sorted(cut % (len(audio) + 1) for cut in cuts))


@given(
    n=st.integers(1, 400),
    samples=st.integers(1, 90),
    cuts=st.lists(st.integers(0, 1000), max_size=6),
)
def test_windows_show_the_track_in_order_whatever_the_blocks(
    n: int, samples: int, cuts: list[int]
) -> None:
    audio = np.arange(1, n + 1, dtype=np.float32)
    windows = list(slide_windows(blocks_of(audio, cuts), samples=samples))
    whole = list(slide_windows([audio], samples=samples))
    assert [(w.start, w.weight, w.length) for w in windows] == [
        (w.start, w.weight, w.length) for w in whole
    ]
    for window in windows:
        assert len(window.audio) == samples
        shown = audio[window.start : window.start + window.length]
        np.testing.assert_array_equal(window.audio, np.resize(shown, samples))
    if n >= samples:
        *full, last = windows
        assert [w.start for w in full] == [i * samples for i in range(len(full))]
        assert all(w.weight == 1.0 and w.length == samples for w in full)
        assert 0 < last.weight <= 1.0
        # What no window shows is less than a quarter of one at the end.
        assert n - (last.start + samples) < max(1, 0.25 * samples)


def test_tiles_weigh_each_second_once() -> None:
    windows = list(slide_windows([np.ones(250, np.float32)], samples=100))
    assert [(w.start, w.weight) for w in windows] == [(0, 1.0), (100, 1.0), (150, 0.5)]
    windows = list(slide_windows([np.ones(220, np.float32)], samples=100))
    assert [(w.start, w.weight) for w in windows] == [(0, 1.0), (100, 1.0)]


def test_nothing_gives_no_windows() -> None:
    assert list(slide_windows([], samples=10)) == []


def test_the_excerpt_is_where_the_policy_says() -> None:
    audio = np.arange(101, dtype=np.float32)
    centre = cut_excerpt(audio, samples=11, policy=ExcerptPolicy.CENTRE)
    np.testing.assert_array_equal(centre.audio, np.arange(45, 56))
    start = cut_excerpt(audio, samples=11, policy=ExcerptPolicy.START)
    np.testing.assert_array_equal(start.audio, np.arange(11))
    short = cut_excerpt(audio[:3], samples=7, policy=ExcerptPolicy.CENTRE)
    np.testing.assert_array_equal(short.audio, [0, 1, 2, 0, 1, 2, 0])


def test_looping_repeats_from_the_beginning() -> None:
    np.testing.assert_array_equal(loop_to_length(np.array([1, 2], np.float32), 5), [1, 2, 1, 2, 1])


@given(
    n=st.integers(0, 400),
    span=st.integers(1, 60),
    hop=st.integers(1, 90),
    cuts=st.lists(st.integers(0, 1000), max_size=6),
)
def test_every_step_gets_the_window_about_its_middle_whatever_the_blocks(
    n: int, span: int, hop: int, cuts: list[int]
) -> None:
    audio = np.arange(1, n + 1, dtype=np.float32)
    cutter = CentredWindows(samples=60, span=span, hop=hop)
    windows = [w for block in blocks_of(audio, cuts) for w in cutter.push(block)]
    windows += cutter.finish()
    assert len(windows) == (max(int(n / hop + 0.5), 1) if n else 0)
    for number, window in enumerate(windows):
        start = max(min(max(round((number + 0.5) * hop - span / 2), 0), n - span), 0)
        assert (window.start, window.length) == (start, min(span, n))
        np.testing.assert_array_equal(window.audio, np.resize(audio[start : start + span], 60))


def test_a_span_longer_than_the_model_takes_is_refused() -> None:
    for wrong in ({"span": 11, "hop": 1}, {"span": 0, "hop": 1}, {"span": 5, "hop": 0}):
        with pytest.raises(ValueError, match="span"):
            CentredWindows(samples=10, **wrong)
