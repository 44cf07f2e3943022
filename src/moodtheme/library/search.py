"""Ranking tracks by words: how much each stands out in what is asked for."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from moodtheme.arrays import Float64Array
from moodtheme.errors import QueryError
from moodtheme.library.numbers import Numbers
from moodtheme.library.query import LENGTH, Condition, Query, Term
from moodtheme.library.tracks import Track
from moodtheme.tagging.bundle import Reference

_COMPARED = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
_BATCH = 64  # tracks read at once until enough of them have files


class Among(StrEnum):
    """Which music a track is ranked among."""

    REFERENCE = "reference"
    LIBRARY = "library"


@dataclass(frozen=True)
class Match:
    """A track that a search found.

    Attributes
    ----------
    track
        The track.
    score
        How well it fits the words, in [0, 1]: the geometric mean of its standings; None where a
        search has no words.
    standings
        For each word that was searched for, how much of it the track has: the share of the music
        with less of it, or with a minus with more.
    """

    track: Track
    score: float | None
    standings: tuple[float, ...]


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    query
        As it was understood.
    among
        Which music tracks were ranked among.
    tracks
        How many tracks that music has.
    matches
        Best first.
    found
        How many tracks keep the conditions.
    """

    query: Query
    among: Among
    tracks: int
    matches: tuple[Match, ...]
    found: int


def search(
    numbers: Numbers, query: Query, *, among: Among | None = None, most: int = 25
) -> SearchResult:
    """Rank the tracks of a library, as `moodtheme.Library.search`, for a query understood."""
    model = numbers.model
    reference = model.bundle.reference
    if among is Among.REFERENCE and reference is None:
        raise QueryError(f"{model.name} knows no other music; search with --relative-to library")
    if among is None:
        among = Among.LIBRARY if reference is None else Among.REFERENCE
    chosen = reference if among is Among.REFERENCE else None
    standings = [_standing_of(term, numbers, chosen) for term in query.terms]
    fits = _kept(numbers, query, chosen)
    places = np.flatnonzero(fits)
    if standings:
        tiny = 1e-6  # a standing of 0 is one of none among so many, not one that spoils all others
        logs = np.log(np.maximum([column[places] for column in standings], tiny))
        scores = np.exp(logs.mean(axis=0))
        order = np.argsort(-scores, kind="stable")
    else:
        scores = None
        order = _order_without_words(numbers, query, places)
    matches: list[Match] = []
    for start in range(0, len(order), _BATCH):
        if len(matches) >= most:
            break
        some = order[start : start + _BATCH]
        rows = {int(numbers.ids[places[row]]): int(row) for row in some}
        for track in numbers.tracks(list(rows)):
            row = rows[track.id]
            score = None if scores is None else float(scores[row])
            each = tuple(float(column[places[row]]) for column in standings)
            matches.append(Match(track, score, each))
    return SearchResult(
        query,
        among,
        len(numbers) if chosen is None else chosen.tracks,
        tuple(matches[:most]),
        len(places),
    )


def _standing_of(term: Term, numbers: Numbers, reference: Reference | None) -> Float64Array:
    """How much tracks have of a word: the mean over what it is taken for."""
    total = np.zeros(len(numbers))
    for aim in term.aims:
        found = numbers.standings(aim.name, is_tag=aim.is_tag, reference=reference)
        total += 1 - found if aim.less else found
    mean = total / len(term.aims)
    return 1 - mean if term.less else mean


def _kept(numbers: Numbers, query: Query, reference: Reference | None) -> npt.NDArray[np.bool_]:
    """Which tracks keep all conditions."""
    fits = np.ones(len(numbers), bool)
    for condition in query.conditions:
        fits &= _keeps(condition, numbers, reference)
    for text in query.paths:
        rows = numbers.database.rows(
            "SELECT track FROM places WHERE track IS NOT NULL AND missing IS NULL "
            "AND instr(lower(CAST(path AS TEXT)), lower(?))",
            (text,),
        )
        fits &= np.isin(numbers.ids, np.array([row[0] for row in rows], np.int64))
    return fits


def _keeps(
    condition: Condition, numbers: Numbers, reference: Reference | None
) -> npt.NDArray[np.bool_]:
    if condition.name == LENGTH and not condition.is_tag:
        column: Float64Array = numbers.durations.astype(np.float64)
    elif condition.is_tag:
        column = numbers.standings(condition.name, is_tag=True, reference=reference)
    else:
        column = numbers.values(condition.name, is_tag=False).astype(np.float64)
    found = _COMPARED[condition.sign](column, condition.value)
    return found & (column >= 0) if condition.name == LENGTH else found


def _order_without_words(
    numbers: Numbers, query: Query, places: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """By the first condition, furthest on its side first; as they came where there is none."""
    for condition in query.conditions:
        if condition.name == LENGTH:
            column = numbers.durations
        else:
            column = numbers.values(condition.name, is_tag=condition.is_tag)
        sign = -1 if ">" in condition.sign else 1
        return np.argsort(sign * column[places], kind="stable")
    return np.arange(len(places))
