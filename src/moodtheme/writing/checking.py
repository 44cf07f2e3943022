"""A written file looked at again, by a library that had no part in writing it (mutagen)."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import mutagen
from mutagen.aiff import AIFF
from mutagen.apev2 import APENoHeaderError, APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3, ID3NoHeaderError
from mutagen.wave import WAVE

from moodtheme.errors import TagFileError
from moodtheme.writing.edits import SEPARATOR, Field, Values, by_name

Tags = dict[str, Any]


def tags_of(path: Path, form: str) -> Tags:
    """All tags of a form as mutagen reads them, by its own names; empty where there are none.

    Raises
    ------
    TagFileError
        mutagen does not read the file.
    """
    try:
        with suppress(APENoHeaderError, ID3NoHeaderError):
            return _all_of(_opened(path, form))
        return {}
    except mutagen.MutagenError as error:
        raise TagFileError(
            path, f"mutagen does not read its tags ({error}); leave it out"
        ) from error


def _opened(path: Path, form: str) -> Any:
    """A file, or its tags alone, as mutagen knows them."""
    if form.endswith("in a chunk"):
        with path.open("rb") as file:
            kind = WAVE if file.read(4) == b"RIFF" else AIFF
        return kind(path)
    if form.startswith("ID3"):
        # Frames as they are stored, not as ID3v2.4 would have them.
        return ID3(path, translate=False)  # type: ignore[no-untyped-call]
    if form == "APEv2":
        return APEv2(path)  # type: ignore[no-untyped-call]
    if form == "Vorbis comments":  # an ID3 tag before it misleads
        return FLAC(path)  # type: ignore[no-untyped-call]
    if (found := mutagen.File(path)) is None:
        raise TagFileError(path, "mutagen does not know its form; leave it out")
    return found


def _all_of(file: Any) -> Tags:
    tags = getattr(file, "tags", file)
    all_tags: Tags = {}
    if tags is not None:
        all_tags = dict(tags.as_dict() if hasattr(tags, "as_dict") else tags.items())
    for more in ("pictures", "cuesheet", "seektable"):
        if found := getattr(file, more, None):
            all_tags[f" {more}"] = repr(found)
    return all_tags


def told_apart(tags: Tags, form: str) -> tuple[dict[Field, Values], Tags]:
    """What mutagen found in our fields, and all that is in others, in a form to compare."""
    found: dict[Field, Values] = {}
    others: Tags = {}
    for key, value in tags.items():
        name = _field(key, form)
        if name is None and key.upper() == "TXXX:MOOD":
            continue  # in ID3v2.4; it goes where it says what our field does
        # Of several comments the first is the one that is written.
        if name is None or (name is Field.COMMENT and name in found):
            others[key] = repr(getattr(value, "text", value))
            continue
        texts = _strings(value)
        if name is Field.MOOD and form.startswith(("ID3v2.3", "ID3v2.2")):
            texts = tuple(part for text in texts for part in text.split(SEPARATOR))
        found[name] = texts
    return found, others


def _field(key: str, form: str) -> Field | None:
    """Which of our fields a name of mutagen's is."""
    if form.startswith("ID3"):
        if key.startswith("COMM::"):
            return Field.COMMENT
        found = by_name(key.removeprefix("TXXX:")) if key.startswith("TXXX:") else None
        # ID3v2.4 has a frame of its own for moods; the other is somebody's.
        foreign = {Field.COMMENT, *((Field.MOOD,) if form.startswith("ID3v2.4") else ())}
        return Field.MOOD if key == "TMOO" else None if found in foreign else found
    if form == "MP4 atoms":
        special, foreign = {"\xa9cmt": Field.COMMENT}, {Field.COMMENT}
        key = key.removeprefix("----:com.apple.iTunes:")
    elif form == "ASF attributes":
        special = {"WM/Mood": Field.MOOD, "Description": Field.COMMENT}
        foreign = {Field.MOOD, Field.COMMENT}
    else:
        special, foreign = {}, set()
    found = special.get(key) or by_name(key)
    return None if found in foreign and key not in special else found


def _strings(value: Any) -> Values:
    """A value of any of mutagen's kinds as texts."""
    parts = value.text if hasattr(value, "text") else value
    if isinstance(parts, str) or not hasattr(parts, "__iter__"):
        parts = [parts]
    texts = [p.decode() if isinstance(p, bytes) else str(getattr(p, "value", p)) for p in parts]
    return tuple(texts)
