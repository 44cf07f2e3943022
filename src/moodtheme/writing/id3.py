"""ID3v2 tags as frames: those of others stay byte for byte, in the version that is there.

ID3v2.4 holds several moods in one ``TMOO``. ID3v2.3 has no such frame and no frame with several
texts: moods are joined there, in ``TMOO``, which players read nevertheless, and in ``TXXX:MOOD``.
ID3v2.2 has ``TXX`` alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from moodtheme.writing.edits import (
    SEPARATOR,
    Edit,
    Field,
    FormError,
    Values,
    by_name,
    differing,
    padding,
)
from moodtheme.writing.id3_bytes import (
    ENCODINGS,
    decoded,
    of_seven_bits,
    seven_bits,
    synchronised,
    text_frame,
    unsynchronised,
)

NEW_PADDING = 1024
"""Bytes left free in a new tag, so that other programs can change it in place."""
_HEADER = 10
_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
# Flags of an ID3v2.4 frame's form; whatever else is set hides its content from us.
_LENGTH_SAID, _FRAME_UNSYNCHRONISED, _GROUPED = 0x01, 0x02, 0x40


@dataclass(frozen=True, slots=True)
class _Frame:
    name: str
    start: int  # in the tag's body, header included
    end: int
    flags: bytes
    content: bytes


class Id3Tag:
    """A tag of any version.

    Parameters
    ----------
    tag
        All its bytes, from ``ID3`` to the end of its padding; empty for one to be made.
    told
        What a tag of another kind says, by the names of ID3v2.4's frames: goes into one to be made.

    Attributes
    ----------
    is_there, version
        Whether there is one, and which: 2, 3 or 4.
    name, values
        As of a `TagForm`.

    Raises
    ------
    FormError
        It is of a kind that cannot be changed safely.
    """

    def __init__(self, tag: bytes, told: Mapping[str, str]) -> None:
        self._tag, self._told = tag, {} if tag else told
        self.is_there = bool(tag)
        self.version = tag[3] if tag else 4
        self.name = f"ID3v2.{self.version}"
        if self.version not in {2, 3, 4}:
            raise FormError(f"its ID3 tag is of the unknown version 2.{self.version}")
        flags = tag[5] if tag else 0
        if flags & _FOOTER and self.version == 4:
            raise FormError("its ID3 tag has a footer")
        if flags & _EXTENDED:
            kind = "compressed" if self.version == 2 else "extended by a header of its own"
            raise FormError(f"its ID3 tag is {kind}")
        stored = tag[_HEADER:]
        # In ID3v2.4 frames are, each by itself.
        self._is_unsynchronised = bool(flags & _UNSYNCHRONISED) and self.version < 4
        self._body = synchronised(stored) if self._is_unsynchronised else stored
        if self._is_unsynchronised and unsynchronised(self._body) != stored:
            raise FormError("its ID3 tag is unsynchronised in a way that cannot be restored")
        self._plain_sizes = self.version == 4 and _has_plain_sizes(self._body)
        self._frames = list(_frames(self._body, self.version, plain=self._plain_sizes))
        self._own_comment = next((f for f in self._frames if self._comment(f) is not None), None)
        self._end = self._frames[-1].end if self._frames else 0
        self.values = self._values()

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`, in places counted from the tag's beginning."""
        edits, new = [], dict(changes)
        for frame in self._frames:
            # In the place of the first that there was: the order of all others stays.
            if (name := self._field(frame)) in changes:
                made = self._made(name, new.pop(name)) if name in new else b""
                edits.append(Edit(frame.start, frame.end, made))
        added = b"".join(self._made(name, values) for name, values in new.items())
        if not self.is_there:
            added = self._copied(changes) + added
            size = len(added) + NEW_PADDING
            return [Edit(0, 0, b"ID3\4\0\0" + seven_bits(size) + added + bytes(NEW_PADDING))]
        edits.append(Edit(self._end, self._end, added))
        growth = sum(edit.growth for edit in edits)
        is_padding = not any(self._body[self._end :])
        if is_padding and growth <= len(self._body) - self._end:
            # Padding takes it up, or takes over what got free: the tag keeps its length.
            edits.append(padding(len(self._body), growth))
            growth = 0
        if self._is_unsynchronised:
            return self._unsynchronised_edits(edits)
        moved = [Edit(e.start + _HEADER, e.end + _HEADER, e.content) for e in edits]
        if growth:
            moved.insert(0, Edit(6, 10, seven_bits(len(self._body) + growth)))
        return moved

    def _unsynchronised_edits(self, edits: Sequence[Edit]) -> list[Edit]:
        body, at = bytearray(), 0
        for edit in sorted(edits, key=lambda e: (e.start, e.end)):
            body += self._body[at : edit.start] + edit.content
            at = edit.end
        stored = unsynchronised(bytes(body) + self._body[at:])
        before = self._tag[_HEADER:]
        size = differing(self._tag[6:10], seven_bits(len(stored)), 6)
        return [*size, *differing(before, stored, _HEADER)]

    def _copied(self, changes: Mapping[Field, Values]) -> bytes:
        """Frames that say what the other tag does, but for a comment that is to change."""
        frames = []
        for name, text in self._told.items():
            if name != "COMM":
                frames.append(text_frame(name, [text]))
            elif Field.COMMENT not in changes:
                frames.append(text_frame(name, ["", text], lead=b"eng"))
        return b"".join(frames)

    def _field(self, frame: _Frame) -> Field | None:
        """Which field a frame is of."""
        match frame.name:
            case "TMOO":
                return Field.MOOD
            case "COMM" | "COM":
                return Field.COMMENT if frame is self._own_comment else None
            case "TXXX" | "TXX":
                texts = self._texts(frame, 0)
                name = by_name(texts[0]) if texts else None
                if name is Field.MOOD and self.version == 4 and not self._repeats(texts[1:]):
                    return None
                return None if name is Field.COMMENT else name
        return None

    def _repeats(self, texts: Sequence[str]) -> bool:
        """Whether moods are those of ``TMOO``: where a tag of an older version was made ID3v2.4.

        Otherwise they are somebody's: the version has a frame of its own for moods.
        """
        there = next((f for f in self._frames if f.name == "TMOO"), None)
        return there is not None and SEPARATOR.join(texts) == SEPARATOR.join(self._texts(there, 0))

    def _values(self) -> dict[Field, Values]:
        found: dict[Field, list[str]] = {}
        for frame in self._frames:
            name = self._field(frame)
            if name is None:
                continue
            if name is Field.COMMENT:
                texts = [self._comment(frame) or ""]
            else:
                texts = self._texts(frame, 0)[1 if frame.name.startswith("TXX") else 0 :]
            if name is Field.MOOD and self.version < 4:
                texts = [part for text in texts for part in text.split(SEPARATOR)]
            elif name is Field.MOOD and frame.name != "TMOO":
                continue
            there = found.setdefault(name, [])
            there += [text for text in texts if text and text not in there]
        if comment := self._told.get("COMM"):
            found[Field.COMMENT] = [comment]
        return {name: tuple(texts) for name, texts in found.items() if texts}

    def _content(self, frame: _Frame) -> bytes:
        """A frame's content, without what its flags put around it."""
        content, form = frame.content, frame.flags[1] if frame.flags else 0
        if self.version < 4:
            known = not form
        else:
            known = not form & ~(_LENGTH_SAID | _FRAME_UNSYNCHRONISED | _GROUPED)
            content = content[bool(form & _GROUPED) + 4 * bool(form & _LENGTH_SAID) :]
            if form & _FRAME_UNSYNCHRONISED:
                content = synchronised(content)
        if not known:
            raise FormError(f"its frame {frame.name} is compressed or encrypted")
        return content

    def _texts(self, frame: _Frame, skipped: int) -> list[str]:
        """The texts of a frame behind its encoding and so many bytes; none if it is damaged."""
        content = self._content(frame)
        if not content or content[0] not in ENCODINGS:
            return []
        text = decoded(content[0], content[1 + skipped :])
        return [] if text is None else text.rstrip("\0").split("\0")

    def _comment(self, frame: _Frame) -> str | None:
        """The text of a comment without description; None for all else."""
        if frame.name not in {"COMM", "COM"}:
            return None
        texts = self._texts(frame, 3)
        return texts[1] if len(texts) == 2 and texts[0].strip("\ufeff") == "" else None

    def _made(self, name: Field, values: Values) -> bytes:
        if not values:
            return b""
        if name is Field.COMMENT:
            there = self._own_comment
            language = b"eng" if there is None else self._content(there)[1:4]
            return self._frame("COMM", ["", *values[:1]], lead=language)
        if name is not Field.MOOD:
            return self._frame("TXXX", [name, *values])
        if self.version == 4:
            return self._frame("TMOO", values)
        joined = SEPARATOR.join(values)
        own = self._frame("TMOO", [joined]) if self.version == 3 else b""
        return own + self._frame("TXXX", [name, joined])

    def _frame(self, name: str, texts: Sequence[str], *, lead: bytes = b"") -> bytes:
        return text_frame(name, texts, self.version, lead=lead, plain=self._plain_sizes)


def _frames(body: bytes, version: int, *, plain: bool) -> Iterator[_Frame]:
    at = 0
    while frame := _frame_at(body, at, version, plain=plain):
        yield frame
        at = frame.end


def _frame_at(body: bytes, at: int, version: int, *, plain: bool) -> _Frame | None:
    letters, digits, flags = (3, 3, 0) if version == 2 else (4, 4, 2)
    head = letters + digits + flags
    name = body[at : at + letters]
    size = body[at + letters : at + letters + digits]
    if at + head > len(body) or not name.isalnum() or not name.isupper():
        return None
    sized = version == 4 and not plain
    if sized and max(size) > 0x7F:
        return None
    length = of_seven_bits(size) if sized else int.from_bytes(size, "big")
    start, end = at + head, at + head + length
    if end > len(body):
        return None
    marks = body[start - flags : start]
    return _Frame(name.decode("ascii"), at, end, marks, body[start:end])


def _has_plain_sizes(body: bytes) -> bool:
    """Whether the sizes of an ID3v2.4 tag are plain numbers: a mistake of some programs.

    Read in the other way, the tag does not end in padding, or where it ends.
    """
    clean = []
    for plain in (False, True):
        end = max((frame.end for frame in _frames(body, 4, plain=plain)), default=0)
        clean.append(not any(body[end:]))
    return clean == [False, True]
