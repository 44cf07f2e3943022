"""What a result says in the fields of a file, and how it joins what a person wrote there."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from moodtheme.tagging.answers import TagScore, TrackTags
from moodtheme.tagging.in_words import findings
from moodtheme.writing.edits import SEPARATOR, Field, Values

RECORD_FORMAT = 1
_DIMENSIONS = {"valence": Field.VALENCE, "arousal": Field.AROUSAL}
# Programs join or split values at these when they change a tag's version or form.
_JOINTS = re.compile(r"\s*[;/]\s*|\0")
_LINE = re.compile(r"\s*\[MOOD: [^\]]*\]")


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the field ``MOODTHEME`` holds, as JSON: which moods are ours, and where they are from.

    Attributes
    ----------
    format
        Of this record.
    moods
        Values of the mood field that moodtheme put there, in order.
    audio
        Identity of the audio that was heard.
    model, digest
        Name of the model that heard it, and which of that name.
    version
        Of moodtheme.
    relative_to
        Music among which standings were, where it is not the model's reference.
    scores
        Score of every tag, to four decimals.
    """

    format: int = RECORD_FORMAT
    moods: tuple[str, ...] = ()
    audio: str | None = None
    model: str | None = None
    digest: str | None = None
    version: str = ""
    relative_to: str | None = None
    scores: dict[str, float] = {}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What of a result is written.

    Attributes
    ----------
    most
        Moods a file at most.
    at_least
        Standing, or where a model has no reference probability, that a mood must have; None for
        whatever stands out.
    replace
        Whether a person's own moods make room.
    comment
        Whether a line for DJ software goes into the comment.
    """

    most: int = 5
    at_least: float | None = None
    replace: bool = False
    comment: bool = False


@dataclass(frozen=True, kw_only=True)
class Said:
    """What there is to write about a file.

    Attributes
    ----------
    moods
        What stands out, strongest first; empty where nothing does.
    numbers
        Valence and arousal as text, of models that have them.
    record
        Scores, and where they are from.
    """

    moods: Values
    numbers: Mapping[Field, str]
    record: Record


def said(
    result: TrackTags, synonyms: Sequence[Sequence[str]] = (), choice: Choice | None = None
) -> Said:
    """What a result says.

    Parameters
    ----------
    result
        Of a file that could be tagged.
    synonyms
        The bundle's groups of tags that mean the same.
    choice
        What of it is wanted.
    """
    choice = choice or Choice()
    own = result.relative_to
    by_name = {tag.name: tag for tag in result.tags}
    found = findings(result.tags, synonyms, by_standing=own is not None) or ()
    names = [
        name
        for finding in found
        for name in finding.names
        if choice.at_least is None or _strength(by_name[name]) >= choice.at_least
    ]
    digest = None
    if own is not None:
        from moodtheme.tagging.own_music import reference_digest

        digest = reference_digest(own)
    moods = tuple(names[: choice.most])
    return Said(
        moods=moods,
        numbers={
            _DIMENSIONS[place.name]: f"{place.value:.3f}"
            for place in result.dimensions
            if place.name in _DIMENSIONS
        },
        record=Record(
            moods=moods,
            audio=result.audio,
            model=None if result.model is None else result.model.name,
            digest=None if result.model is None else result.model.digest,
            version=result.version,
            relative_to=digest,
            scores={name: round(tag.score, 4) for name, tag in sorted(by_name.items())},
        ),
    )


def wanted(there: Mapping[Field, Values], new: Said, choice: Choice) -> dict[Field, Values]:
    """Fields that must change, and to what.

    A person's own moods come first and stay `there` as they are; ours, known by the record, follow.
    If nothing but the version of moodtheme would differ, nothing changes.
    """
    before = record_of(there)
    present = there.get(Field.MOOD, ())
    own = () if choice.replace else persons(present, before)
    taken = {text.casefold() for text in own}
    ours = tuple(name for name in new.moods if name.casefold() not in taken)
    record = msgspec.structs.replace(new.record, moods=ours)
    fields: dict[Field, Values] = {Field.MOOD: (*own, *ours)}
    if before is None or not _same(before, record) or not set(new.numbers) <= set(there):
        # The longest not last: TagLib tells by what follows how its length is meant in some tags.
        fields[Field.RECORD] = (msgspec.json.encode(record).decode(),)
        fields |= {name: (number,) for name, number in new.numbers.items()}
    if choice.comment:
        first, *others = there.get(Field.COMMENT, ("",))
        fields[Field.COMMENT] = tuple(
            t for t in (_with_line(first, fields[Field.MOOD]), *others) if t
        )
    return {name: texts for name, texts in fields.items() if texts != there.get(name, ())}


def record_of(there: Mapping[Field, Values]) -> Record | None:
    """The record that fields hold; None where there is none of a known format."""
    for text in there.get(Field.RECORD, ()):
        try:
            record = msgspec.json.decode(text, type=Record)
        except (msgspec.DecodeError, UnicodeEncodeError):
            continue
        if record.format == RECORD_FORMAT:
            return record
    return None


def persons(present: Iterable[str], record: Record | None) -> Values:
    """Moods that a person put there: those not of the record, which others may have joined."""
    ours = set(record.moods) if record else set()
    return tuple(text for text in present if not ours or not set(_JOINTS.split(text)) <= ours)


def _strength(tag: TagScore) -> float:
    """The first that is known of its standing, probability and score."""
    return next(v for v in (tag.standing, tag.probability, tag.score) if v is not None)


def _same(before: Record, after: Record) -> bool:
    """Whether two records say the same; versions, and scores of one model of one sound, aside."""
    told = ("moods", "audio", "model", "digest", "relative_to")
    return all(getattr(before, name) == getattr(after, name) for name in told)


def _with_line(comment: str, moods: Values) -> str:
    """A comment with the line for DJ software in place of the one that is there."""
    plain = _LINE.sub("", comment).strip() if _LINE.search(comment) else comment
    line = f"[MOOD: {SEPARATOR.join(moods)}]" if moods else ""
    return " ".join(filter(None, (plain, line)))
