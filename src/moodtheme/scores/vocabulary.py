"""Tag vocabularies: the names behind the columns of a score, truth or decision matrix.

Tags are bare names everywhere in this package (``action``). Files of the MTG-Jamendo dataset
prefix each with its category (``mood/theme---action``); both forms are read.
"""

import unicodedata
from pathlib import Path

from moodtheme.errors import EvaluationError

CATEGORY_SEPARATOR = "---"
"""Stands between category and tag in MTG-Jamendo's files."""

# fmt: off
MOOD_THEME_TAGS: tuple[str, ...] = (
    "action", "adventure", "advertising", "background", "ballad", "calm", "children",
    "christmas", "commercial", "cool", "corporate", "dark", "deep", "documentary", "drama",
    "dramatic", "dream", "emotional", "energetic", "epic", "fast", "film", "fun", "funny",
    "game", "groovy", "happy", "heavy", "holiday", "hopeful", "inspiring", "love", "meditative",
    "melancholic", "melodic", "motivational", "movie", "nature", "party", "positive",
    "powerful", "relaxing", "retro", "romantic", "sad", "sexy", "slow", "soft", "soundscape",
    "space", "sport", "summer", "trailer", "travel", "upbeat", "uplifting",
)
# fmt: on
"""The 56 mood and theme tags of MTG-Jamendo's splits, in the official column order
(``data/tags/moodtheme_split.txt`` of the dataset's repository)."""


def bare_name(tag: str) -> str:
    """Strip the category from an MTG-Jamendo tag; a bare name comes back unchanged.

    Parameters
    ----------
    tag
        ``mood/theme---action`` or ``action``.
    """
    return " ".join(unicodedata.normalize("NFC", tag).split()).rpartition(CATEGORY_SEPARATOR)[2]


def tag_key(tag: str) -> str:
    """What two spellings of a tag have in common: ``Happy`` and ``happy`` are one tag.

    Category, case and spaces around do not matter, nor whether an accent is part of its letter.
    """
    return bare_name(tag).casefold()


def load_tags(path: Path) -> tuple[str, ...]:
    """Read a vocabulary: one tag a line, in column order, with or without category.

    Parameters
    ----------
    path
        UTF-8 text. Empty lines are skipped.

    Raises
    ------
    EvaluationError
        The file cannot be read, is empty, or names a tag twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"{path}: cannot be read as a list of tags ({error}); give a text file with one tag "
            "a line, in column order"
        ) from error
    tags = tuple(bare_name(line) for line in lines if line.strip())
    if not tags:
        raise EvaluationError(f"{path}: holds no tags; write one tag a line, in column order")
    keys = [tag_key(tag) for tag in tags]
    for tag, key in zip(tags, keys, strict=True):
        if not tag or keys.count(key) > 1:
            raise EvaluationError(
                f"{path}: {f'the tag {tag!r} stands twice' if tag else 'a tag has no name'}; "
                "give every column its own name"
            )
    return tags


def tags_for(columns: int, path: Path | None = None) -> tuple[str, ...]:
    """Names for the columns of a matrix.

    Parameters
    ----------
    columns
        How many columns the matrix has.
    path
        A vocabulary to read. Without one, 56 columns are taken to be the official tags and any
        other number is called ``column 0``, ``column 1`` and so on.

    Raises
    ------
    EvaluationError
        The vocabulary has another number of tags than the matrix has columns.
    """
    if path is None:
        if columns == len(MOOD_THEME_TAGS):
            return MOOD_THEME_TAGS
        return tuple(f"column {index}" for index in range(columns))
    tags = load_tags(path)
    if len(tags) != columns:
        raise EvaluationError(
            f"{path}: names {len(tags)} tags, but the matrix has {columns} columns; "
            "give the vocabulary that the matrices were written with"
        )
    return tags
