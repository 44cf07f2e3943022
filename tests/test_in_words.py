"""Results in words: what stands out and how strongly, and words for valence and arousal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.tagging.answers import TagScore
from moodtheme.tagging.bundle import Dimension
from moodtheme.tagging.in_words import (
    OUTSTANDING,
    STRONG_PROBABILITIES,
    STRONG_STANDINGS,
    WORD_CUTS,
    Finding,
    dimension_in_words,
    feeling,
    findings,
    in_reading_order,
)

VALENCE = [
    "very negative", "negative", "rather negative", "neutral",
    "rather positive", "positive", "very positive",
]  # fmt: skip
AROUSAL = [
    "very calm", "calm", "rather calm", "medium energy", "rather lively", "lively", "very lively",
]  # fmt: skip
SCALES = {"valence": VALENCE, "arousal": AROUSAL}

values = st.floats(-1, 1)
names = st.sampled_from(sorted(SCALES))


def dimension(name: str = "valence", lowest: float = -1.0, highest: float = 1.0) -> Dimension:
    return Dimension(name=name, lowest=lowest, highest=highest)


def tag(
    name: str,
    *,
    score: float = 0.2,
    standing: float | None = None,
    probability: float | None = None,
    decision: bool | None = None,
) -> TagScore:
    return TagScore(name, score, standing, probability, decision)


@given(names, values, values)
def test_a_higher_value_never_gets_a_lower_word(name: str, one: float, other: float) -> None:
    scale = SCALES[name]
    low, high = (scale.index(feeling(name, value) or "") for value in sorted((one, other)))
    assert low <= high


@given(names, values)
def test_opposite_values_get_opposite_words(name: str, value: float) -> None:
    scale = SCALES[name]
    places = [scale.index(feeling(name, sign * value) or "") for sign in (1, -1)]
    assert sum(places) == len(scale) - 1


@pytest.mark.parametrize("name", SCALES)
def test_a_word_begins_at_its_cut_point(name: str) -> None:
    scale = SCALES[name]
    for place, cut in enumerate(WORD_CUTS, start=len(scale) // 2 + 1):
        assert feeling(name, cut) == scale[place]
        assert feeling(name, cut - 1e-9) == scale[place - 1]
    assert [feeling(name, end) for end in (-1, 0, 1)] == [scale[0], scale[3], scale[-1]]


def test_other_dimensions_have_no_words() -> None:
    assert feeling("danceability", 0.5) is None
    assert dimension_in_words(dimension("danceability", 0, 100), 71.3) == "danceability 71.30"


@given(names, values)
def test_the_word_is_that_of_the_number_beside_it(name: str, value: float) -> None:
    word, _, number = dimension_in_words(dimension(name), value).rpartition(" ")
    assert word == feeling(name, float(number))
    assert float(number) == pytest.approx(value, abs=0.00501)
    assert number != "-0.00"


@given(st.floats(1, 9))
def test_a_scale_of_another_range_is_brought_to_the_same_words(value: float) -> None:
    shown = dimension_in_words(dimension("arousal", 1, 9), value)
    assert shown == dimension_in_words(dimension("arousal"), 2 * (value - 1) / 8 - 1)


def test_arousal_is_read_before_valence_and_both_before_others() -> None:
    given_order = [dimension(name) for name in ("danceability", "valence", "arousal")]
    read = [d.name for d in in_reading_order(given_order)]
    assert read == ["arousal", "valence", "danceability"]


def test_what_the_bundle_decides_stands_out_strongest_first() -> None:
    tags = [
        tag("film", score=0.9, standing=0.2, decision=False),
        tag("sad", score=0.3, standing=STRONG_STANDINGS[0], decision=True),
        tag("calm", score=0.2, standing=0.9, decision=True),
        tag("dark", score=0.1, standing=STRONG_STANDINGS[1], decision=True),
    ]
    assert findings(tags) == (Finding(("dark",), 3), Finding(("sad",), 2), Finding(("calm",), 1))


def test_without_decisions_a_high_standing_stands_out() -> None:
    tags = [tag("film", standing=OUTSTANDING), tag("sad", standing=OUTSTANDING - 0.001)]
    assert findings(tags) == (Finding(("film",), 1),)


def test_without_a_reference_probabilities_say_how_strongly() -> None:
    tags = [
        tag("film", score=0.9, probability=STRONG_PROBABILITIES[0], decision=True),
        tag("sad", score=0.3, probability=STRONG_PROBABILITIES[1], decision=True),
        tag("calm", score=0.3, probability=0.1, decision=True),
    ]
    assert findings(tags) == (Finding(("sad",), 3), Finding(("film",), 2), Finding(("calm",), 1))


def test_decisions_alone_have_no_strength() -> None:
    tags = [tag("film", score=0.9, decision=True), tag("sad", decision=False)]
    assert findings(tags) == (Finding(("film",), 0),)


def test_where_nothing_stands_out_there_are_no_findings_and_no_guess_where_it_is_unknown() -> None:
    assert findings([tag("film", score=0.9, decision=False)]) == ()
    assert findings([tag("film", score=0.9, probability=0.9)]) is None


def test_tags_that_mean_the_same_are_one_finding() -> None:
    tags = [
        tag("corporate", standing=0.999, decision=True),
        tag("sad", standing=0.98, decision=True),
        tag("advertising", standing=0.96, decision=True),
        tag("commercial", standing=0.5, decision=False),
    ]
    groups = [("advertising", "commercial", "corporate")]
    assert findings(tags, groups) == (
        Finding(("advertising", "corporate"), 3), Finding(("sad",), 2),
    )  # fmt: skip


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=9), st.data())
def test_every_decided_tag_is_in_one_finding(
    placed: list[tuple[float, bool]], data: st.DataObject
) -> None:
    tags = [
        tag(str(number), standing=standing, decision=decision)
        for number, (standing, decision) in enumerate(placed)
    ]
    split = data.draw(st.integers(0, len(tags)))
    groups = [group for group in ([t.name for t in tags[:split]],) if len(group) > 1]
    found = findings(tags, groups)
    assert found is not None
    said = [name for finding in found for name in finding.names]
    assert sorted(said) == [t.name for t in tags if t.decision]
    strengths = [finding.strength for finding in found]
    assert strengths == sorted(strengths, reverse=True)
