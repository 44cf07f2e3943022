"""Work shared among threads, and told."""

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.work import (
    Display,
    Pace,
    clock,
    clock_ticks,
    console_for,
    cores,
    in_words,
    read_ahead,
)


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
            gate.wait(600)
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


def test_pace_leaves_out_what_was_there_at_once() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert [pace.per_second(done) for done in range(1, 17)] == [None] * 16
    now[0] = 0.9
    assert pace.per_second(20) is None
    now[0] = 10.9
    assert pace.per_second(25) == pytest.approx(0.5)
    now[0] = 20.9
    assert pace.per_second(60) == pytest.approx(2.0)


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"])
def test_a_stream_that_is_no_terminal_gets_no_codes(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, "1")
    for unit in ("files", "bytes"):
        with Display("[red]work", unit=unit, line_every_s=0) as display:
            display.show(1, 2, note="half")
            display.begin("more")
            display.show(1, None)
            display.show(2, 2)
    console_for(sys.stdout).print("[red]done[/red]", "1.5")
    out, err = capsys.readouterr()
    assert out == "done 1.5\n"
    assert err.splitlines() == [
        f"{line} {unit}{note}"
        for unit in ("files", "bytes")
        for line, note in (("1 of 2", ", half"), ("1", ""), ("2 of 2", ""))
    ]


def test_a_display_that_is_off_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Display("work", unit="files", line_every_s=0, shown=False) as display:
        display.show(2, 2)
    assert capsys.readouterr() == ("", "")


@given(duration_s=st.floats(0.0, 40 * 3_600))
def test_an_axis_of_time_has_few_round_marks_from_the_start_on(duration_s: float) -> None:
    ticks = clock_ticks(duration_s)
    assert ticks[0] == 0 and ticks[-1] <= duration_s and len(ticks) <= 11
    assert len({*map(clock, ticks)}) == len(ticks)
    assert duration_s < 2 or len(ticks) >= 3
