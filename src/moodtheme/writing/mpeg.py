"""MP3, AAC and True Audio: an ID3v2 tag before the audio, or an APEv2 tag behind it."""

from collections.abc import Mapping

from moodtheme.writing.edits import Edit, FormError, Source
from moodtheme.writing.fields import MOST_BYTES, Field, Values
from moodtheme.writing.id3 import Id3Tag
from moodtheme.writing.id3_bytes import copied, tag_at

_OLD_TAG = 128  # bytes of ID3v1


class Id3Tags:
    """The ID3v2 tag at a file's beginning, or the place for one.

    ID3v1 and APEv2 tags behind the audio stay. Where ID3v1 is all there is, its fields are put into
    the new tag too: most programs look at one of the two alone.

    Attributes
    ----------
    is_there
        Whether it has one.

    A `FormError` where it cannot be changed safely.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        size = tag_at(source.read_at(0, 10))
        if size > MOST_BYTES:
            raise FormError("its ID3 tag is longer than 64 MB")
        tag = source.read_at(0, size)
        self.is_there = bool(tag)
        self._tag = Id3Tag(tag)
        self._old = {} if self.is_there else self._old_fields()
        self.name, self.values = self._tag.name, self._tag.values
        if comment := self._old.get("COMM"):
            self.values = {**self.values, Field.COMMENT: (comment,)}

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`."""
        return self._tag.edits(changes, copied(self._old, changes))

    def _old_fields(self) -> dict[str, str]:
        """What an ID3v1 tag says, by the names of ID3v2.4's frames."""
        old = self._source.read_at(self._source.size - _OLD_TAG, _OLD_TAG)
        if old[:3] != b"TAG":
            return {}
        places = {
            "TIT2": (3, 33), "TPE1": (33, 63), "TALB": (63, 93), "TDRC": (93, 97),
            "COMM": (97, 127),
        }  # fmt: skip
        texts = {
            name: old[start:end].partition(b"\0")[0].decode("latin-1").strip()
            for name, (start, end) in places.items()
        }
        if not old[125] and old[126]:
            texts["TRCK"] = str(old[126])
        if old[127] != 0xFF:
            texts["TCON"] = str(old[127])
        return {name: text for name, text in texts.items() if text}
