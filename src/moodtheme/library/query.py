"""What is searched for: words, with or without a minus, and conditions.

    sad -heavy valence<-0.2 longer>3:00 path:live

A word is a tag, a dimension or one of `moodtheme.library.words`. A condition on a tag is one on
its standing (0 to 1), on a dimension one on its value, on ``longer``, ``shorter`` and ``length``
one on the duration; ``path:`` wants its text in the file's path.
"""

import difflib
import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from moodtheme.errors import QueryError
from moodtheme.library.words import words
from moodtheme.tagging.bundle import Bundle

LENGTH = "length"
_LENGTHS = {"longer", "shorter", LENGTH}
_CONDITION = re.compile(r"(?P<name>[^<>=]+)(?P<sign><=|>=|<|>)(?P<value>.+)")
_PATH = "path:"


@dataclass(frozen=True, slots=True)
class Aim:
    """A tag or dimension that a track is to have much of, or little if `less`."""

    name: str
    is_tag: bool
    less: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a query.

    Attributes
    ----------
    word
        As it was given, without its minus.
    aims
        What it is taken for.
    less
        Whether it had a minus.
    """

    word: str
    aims: tuple[Aim, ...]
    less: bool = False

    @property
    def taken_for(self) -> str | None:
        """What a word that is no tag is taken for, in words; None for one that says so itself."""
        names = ["less " * aim.less + aim.name for aim in self.aims]
        return None if names == [self.word] else ", ".join(names)


@dataclass(frozen=True, slots=True)
class Condition:
    """A bound that a track must keep.

    Attributes
    ----------
    name
        A tag, a dimension or `LENGTH`, which is in seconds.
    is_tag
        Whether it is a tag, of which the standing counts.
    sign, value
        One of ``<``, ``<=``, ``>``, ``>=``, and what it is compared with.
    """

    name: str
    is_tag: bool
    sign: str
    value: float


@dataclass(frozen=True, slots=True)
class Query:
    """A search that was understood."""

    text: str
    terms: tuple[Term, ...] = ()
    conditions: tuple[Condition, ...] = ()
    paths: tuple[str, ...] = ()

    def explained(self) -> Iterator[str]:
        """What words that are no tags were taken for, a clause each."""
        for term in self.terms:
            if (taken := term.taken_for) is not None:
                yield f"{term.word} is taken for {taken}"


def parse_query(text: str, bundle: Bundle) -> Query:
    """Understand a search.

    Parameters
    ----------
    text
        Words and conditions, separated by spaces; names with spaces stand in double quotes.
    bundle
        Of the model whose tags and dimensions it is about.

    Raises
    ------
    QueryError
        A word is unknown, a condition is none, or there is nothing to search for.
    """
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
        lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escape = True, "", '"', ""
        tokens = list(lexer)
    except ValueError:
        raise QueryError(f"{text!r}: a quotation mark is missing; add it") from None
    terms, conditions, paths = [], [], []
    for token in tokens:
        if token.startswith(_PATH) and len(token) > len(_PATH):
            paths.append(token[len(_PATH) :])
        elif found := _CONDITION.fullmatch(token):
            conditions.append(_condition(token, found, bundle))
        else:
            terms.append(_term(token, bundle))
    if not terms and not conditions and not paths:
        raise QueryError('nothing to search for; give words such as "sad -heavy longer>3:00"')
    return Query(text, tuple(terms), tuple(conditions), tuple(paths))


def seconds_of(text: str) -> float | None:
    """A duration such as ``210``, ``3:30`` or ``1:00:00``; None for anything else."""
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text):
        return None
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _term(token: str, bundle: Bundle) -> Term:
    less = token.startswith("-") and len(token) > 1
    word = token[1:] if less else token
    aims = _aims(word.casefold(), bundle)
    if not aims:
        dimensions = [dimension.name for dimension in bundle.dimensions]
        known = [*bundle.tags, *dimensions, *(w for w in words() if _aims(w, bundle))]
        near = difflib.get_close_matches(word.casefold(), known, n=3)
        advice = f"perhaps {' or '.join(near)}" if near else "moodtheme library words lists all"
        raise QueryError(f"{word!r} is no tag, and no word that stands for one; {advice}")
    return Term(word, aims, less)


def _aims(word: str, bundle: Bundle) -> tuple[Aim, ...]:
    dimensions = {dimension.name.casefold(): dimension.name for dimension in bundle.dimensions}
    tags = {tag.casefold(): tag for tag in bundle.tags}
    if word in tags:
        return (Aim(tags[word], is_tag=True),)
    if word in dimensions:
        return (Aim(dimensions[word], is_tag=False),)
    aims = []
    for name in words().get(word, ()):
        bare = name.rstrip("+-")
        if bare in tags:
            aims.append(Aim(tags[bare], is_tag=True))
        elif bare in dimensions:
            aims.append(Aim(dimensions[bare], is_tag=False, less=name.endswith("-")))
    return tuple(aims)


def _condition(token: str, found: re.Match[str], bundle: Bundle) -> Condition:
    name, sign, value = found["name"].casefold(), found["sign"], found["value"]
    if name in _LENGTHS:
        number = seconds_of(value)
        if number is None:
            raise QueryError(f"{token}: {value!r} is no duration; write 210 or 3:30")
        return Condition(LENGTH, False, sign, number)
    for aim in _aims(name, bundle)[:1]:
        if aim.name.casefold() != name:
            break
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise QueryError(f"{token}: {value!r} is no number; write one such as 0.5")
        return Condition(aim.name, aim.is_tag, sign, number)
    raise QueryError(
        f"{token}: there is no tag or dimension {found['name']!r}; use one of the model's, or "
        "longer, shorter, length"
    )
