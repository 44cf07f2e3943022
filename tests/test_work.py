"""Work shared among threads, and told."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.work import cores, in_words, read_ahead


@given(items=st.lists(st.integers(), max_size=40), jobs=st.integers(1, 5), ahead=st.integers(1, 9))
def test_results_come_in_the_items_order(items: list[int], jobs: int, ahead: int) -> None:
    assert list(read_ahead(str, items, jobs=jobs, ahead=ahead)) == [str(item) for item in items]


def test_items_are_taken_only_a_bounded_number_ahead() -> None:
    taken = []

    def items() -> range:
        for item in range(100):
            taken.append(item)
            yield item

    results = read_ahead(lambda item: item, items(), jobs=2, ahead=3)
    assert taken == []
    assert [next(results), next(results)] == [0, 1]
    assert len(taken) == 3 + 2
    results.close()
    assert len(taken) == 3 + 2


def test_what_was_not_begun_never_is() -> None:
    begun = []
    gate = threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item:
            gate.wait(10)
        return item

    results = read_ahead(work, range(50), jobs=1, ahead=20)
    assert next(results) == 0
    results.close()
    gate.set()
    assert len(begun) <= 2


def test_an_error_ends_it() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    results = read_ahead(work, range(9), jobs=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5400, "1.5 h")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1
