"""A result in words: what stands out, how strongly, how it feels, and how it changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from moodtheme.tagging.answers import TagScore
from moodtheme.tagging.bundle import Bundle, Dimension
from moodtheme.tagging.timeline import Section, Timeline
from moodtheme.work import clock

OUTSTANDING = 0.95
"""A tag stands out where its standing is at least this, if a bundle has a reference and decides
nothing itself: of 56 tags that leaves about three a piece."""
STRONG_STANDINGS = (0.97, 0.99)
"""Standings from which a tag stands out strongly and very strongly: 3 and 1 of 100 pieces have
more."""
STRONG_PROBABILITIES = (0.5, 0.75)
"""The same for bundles with probabilities and no reference: rather with the tag than without, and
three times as likely with it."""

WORD_CUTS = (0.1, 0.35, 0.7)
"""Distances from 0, on a scale from -1 to 1, from which a feeling is "rather" one, is one, and is
"very" much one; nearer to 0 it is neither. By what the words say; no labels were asked."""

_NAMED = 2  # tags that a section is called by
_TOLD = 6  # sections that a sentence has

# What 0, less and more are called; the order is that of "calm, rather negative".
_FEELINGS = {
    "arousal": ("medium energy", "calm", "lively"),
    "valence": ("neutral", "negative", "positive"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that stands out in a piece.

    Attributes
    ----------
    names
        A tag, or several that mean the same to the model.
    strength
        1 to 3; 0 where the bundle says only that it stands out.
    """

    names: tuple[str, ...]
    strength: int


def findings(
    tags: Sequence[TagScore],
    synonyms: Sequence[Sequence[str]] = (),
    *,
    by_standing: bool = False,
) -> tuple[Finding, ...] | None:
    """What stands out, strongest first; None where the bundle cannot tell.

    A tag stands out where the bundle decides so; if it decides nothing, where its standing is at
    least `OUTSTANDING`.

    Parameters
    ----------
    tags
        Of a track or a window.
    synonyms
        The bundle's groups of tags that mean the same; a group is one finding that has the names
        of those that stand out, in the group's order, and the strength of the strongest.
    by_standing
        Whether standings say what stands out whatever the bundle decides: they are among other
        music than its own reference.
    """
    if all(tag.decision is None and tag.standing is None for tag in tags):
        return None
    out = sorted(
        (tag for tag in tags if _stands_out(tag, by_standing=by_standing)), key=_order, reverse=True
    )
    group_of = {name: tuple(group) for group in synonyms for name in group}
    groups: dict[tuple[str, ...], list[TagScore]] = {}
    for tag in out:
        groups.setdefault(group_of.get(tag.name, (tag.name,)), []).append(tag)
    return tuple(
        Finding(
            tuple(sorted((tag.name for tag in members), key=group.index)),
            max(map(_strength, members)),
        )
        for group, members in groups.items()
    )


def feeling(dimension: str, value: float) -> str | None:
    """A word or two for a value of valence or arousal, by `WORD_CUTS`; None for other dimensions.

    Parameters
    ----------
    dimension
        ``valence``, from negative to positive, or ``arousal``, from calm to lively.
    value
        From -1 to 1.
    """
    if dimension not in _FEELINGS:
        return None
    neither, below, above = _FEELINGS[dimension]
    some, plain, much = WORD_CUTS
    size = abs(value)
    if size < some:
        return neither
    word = above if value > 0 else below
    return f"rather {word}" if size < plain else word if size < much else f"very {word}"


def dimension_in_words(dimension: Dimension, value: float) -> str:
    """A dimension's value for people, such as ``rather negative -0.31``.

    Valence and arousal are brought to a scale from -1 to 1; other dimensions are named, with their
    values as they are.
    """
    placed = _placed(dimension, value)
    word = feeling(dimension.name, placed)
    return (
        f"{dimension.name} {round(value, 2) + 0.0:.2f}" if word is None else f"{word} {placed:+.2f}"
    )


def in_reading_order(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Dimensions as they are read: arousal, valence, others in their order."""
    order = {name: place for place, name in enumerate(_FEELINGS)}
    return sorted(dimensions, key=lambda dimension: order.get(dimension.name, len(order)))


def changed(section: Section) -> str:
    """What a section has more and less of than the one before, such as ``more epic; less calm``."""
    parts = [("more", section.rose), ("less", section.fell)]
    return "; ".join(f"{word} {', '.join(tags)}" for word, tags in parts if tags)


def section_in_words(bundle: Bundle, section: Section, *, by_standing: bool = False) -> str:
    """What a section is: the tags that stand out most, else how it feels, else what changed.

    Parameters
    ----------
    bundle
        The model's.
    section
        A stretch of a track.
    by_standing
        As for `findings`.
    """
    found = findings(section.tags, bundle.synonyms, by_standing=by_standing)
    if found:
        return " and ".join(finding.names[0] for finding in found[:_NAMED])
    values = {place.name: place.value for place in section.dimensions}
    felt = [
        feeling(dimension.name, _placed(dimension, values[dimension.name]))
        for dimension in in_reading_order(bundle.dimensions)
        if dimension.name in values
    ]
    words = [word for word in felt if word is not None]
    if words:
        return " and ".join(words)
    return changed(section) or f"most of all {section.tags[0].name}"


def timeline_in_words(timeline: Timeline, *, by_standing: bool = False) -> str:
    """How a track goes, such as ``calm until 1:32, then epic``.

    Where neighbours have the same words, what changed is said instead. Of more than `_TOLD`
    stretches only the first and the last are told.
    """
    bundle, sections = timeline.bundle, timeline.sections
    words = [section_in_words(bundle, section, by_standing=by_standing) for section in sections]
    if timeline.is_steady:
        return f"{words[0]} throughout"
    if len(sections) > _TOLD:
        return f"{words[0]} at first, {words[-1]} after {len(sections) - 1} changes"
    said = [words[0]]
    for section, word, before in zip(sections[1:], words[1:], words, strict=False):
        said.append(changed(section) or word if word == before else word)
    parts = [f"{said[0]} until {clock(sections[0].end_s)}"]
    parts += [
        f"then {word} until {clock(section.end_s)}"
        for word, section in zip(said[1:-1], sections[1:-1], strict=True)
    ]
    return ", ".join([*parts, f"then {said[-1]}"])


def _placed(dimension: Dimension, value: float) -> float:
    """A value on a scale from -1 to 1."""
    span = dimension.highest - dimension.lowest
    # Rounded first, so that the word is that of the number beside it; + 0.0 makes -0.0 a 0.
    return round(2 * (value - dimension.lowest) / span - 1, 2) + 0.0


def _stands_out(tag: TagScore, *, by_standing: bool) -> bool:
    if tag.decision is not None and not by_standing:
        return tag.decision
    return tag.standing is not None and tag.standing >= OUTSTANDING


def _order(tag: TagScore) -> float:
    """What can be compared between tags, as far as there is such a thing."""
    if tag.standing is not None:
        return tag.standing
    return tag.score if tag.probability is None else tag.probability


def _strength(tag: TagScore) -> int:
    if tag.standing is not None:
        return 1 + sum(tag.standing >= cut for cut in STRONG_STANDINGS)
    if tag.probability is not None:
        return 1 + sum(tag.probability >= cut for cut in STRONG_PROBABILITIES)
    return 0
