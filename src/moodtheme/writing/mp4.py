"""MP4 and M4A: iTunes' list of fields; all other atoms stay.

Where the list grows beyond the free room beside it and the audio lies behind it, the audio moves,
and the table of where its pieces lie with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from moodtheme.writing.edits import (
    MOST_BYTES,
    Edit,
    Field,
    FormError,
    Source,
    Values,
    by_name,
    grouped,
    padding,
)

_PATH = (b"moov", b"udta", b"meta", b"ilst")
_OWNER = b"com.apple.iTunes"
_FREEFORM, _COMMENT = b"----", b"\xa9cmt"
_HANDLER = b"\0\0\0\x21hdlr" + bytes(8) + b"mdirappl" + bytes(9)
_TEXT = b"\0\0\0\1\0\0\0\0"  # a value's type, UTF-8, and its place
_FRAGMENTS = {b"moof", b"mfra", b"sidx", b"styp"}
_TABLES = {b"stco": 4, b"co64": 8}
_HOLDERS = {b"trak", b"mdia", b"minf", b"stbl"}
_LEAST_FREE = 8


@dataclass(frozen=True, slots=True)
class _Atom:
    name: bytes
    start: int
    content: int  # where it begins
    end: int


class Mp4Tags:
    """The list of fields of an MP4 file.

    A `FormError` where it comes in fragments, is a QuickTime film, or is damaged.
    """

    name = "MP4 atoms"

    def __init__(self, source: Source) -> None:
        self._source = source
        if source.read_at(8, 4) == b"qt  ":
            raise FormError("QuickTime films keep their tags elsewhere")
        self._top = list(self._atoms(0, source.size))
        if any(atom.name in _FRAGMENTS for atom in self._top):
            raise FormError("it comes in fragments")
        self._way: list[_Atom] = []
        inside: Sequence[_Atom] = self._top
        for name in _PATH:
            found = next((atom for atom in inside if atom.name == name), None)
            if found is None:
                break
            self._way.append(found)
            inside = self._inside(found)
        if not self._way:
            raise FormError("it has no list of what it holds")
        self._items = list(inside) if len(self._way) == len(_PATH) else []
        self.values = self._values()

    def edits(self, changes: Mapping[Field, Values]) -> list[Edit]:
        """As `TagForm.edits`."""
        added = b"".join(_item(name, values) for name, values in changes.items() if values)
        for name in reversed(_PATH[len(self._way) :]):
            lead = bytes(4) + _HANDLER if name == b"meta" else b""
            added = _atom(name, lead + added)
        last = self._way[-1]
        there = self._inside(last)
        place = there[-1].end if there else last.content
        edits = [Edit(i.start, i.end, b"") for i in self._items if self._field(i) in changes]
        edits.append(Edit(place, place, added))
        growth = sum(edit.growth for edit in edits)
        if not growth:
            return edits
        # Free room among the fields' neighbours, or else behind them all, takes it up.
        beside = self._inside(self._way[2]) if len(self._way) == len(_PATH) else []
        behind = self._top[self._top.index(self._way[0]) + 1 :][:1]
        grown = self._way
        if absorbed := self._absorbed(beside, growth):
            grown = self._way[3:]
        else:
            absorbed = self._absorbed(behind, growth) or self._shifted(growth)
        return [*edits, *absorbed, *(self._sized(atom, growth) for atom in grown)]

    def _absorbed(self, atoms: Sequence[_Atom], growth: int) -> list[Edit]:
        """What has the first free room of some give its bytes, or take over those that got free."""
        free = next((atom for atom in atoms if atom.name == b"free"), None)
        if free is None or free.content - free.start != _LEAST_FREE:
            return []
        size = free.end - free.start - growth
        if size == 0:
            return [Edit(free.start, free.end, b"")]
        if not _LEAST_FREE <= size < 1 << 32:
            return []
        said = Edit(free.start, free.start + 4, size.to_bytes(4, "big"))
        return [said, padding(free.end, growth)]

    def _shifted(self, growth: int) -> list[Edit]:
        """The tables of where pieces of audio lie, for those behind the list of fields."""
        moov = self._way[0]
        if not any(atom.name == b"mdat" and atom.start >= moov.end for atom in self._top):
            return []
        edits = []
        for table in self._tables(moov):
            if table.name == b"saio":
                raise FormError("it is encrypted")
            width, start = _TABLES[table.name], table.content + 8
            if table.end - start > MOST_BYTES:
                raise FormError("its tables are longer than 64 MB")
            old = self._source.read_at(start, table.end - start)
            places = [int.from_bytes(old[i : i + width], "big") for i in range(0, len(old), width)]
            moved = [place + growth if place >= moov.end else place for place in places]
            if max(moved, default=0) >= 1 << 8 * width:
                raise FormError("it would be longer than 4 GB")
            new = b"".join(place.to_bytes(width, "big") for place in moved)
            edits.append(Edit(start, start + len(new), new))
        return edits

    def _tables(self, atom: _Atom) -> Iterator[_Atom]:
        for inner in self._inside(atom):
            if inner.name in _TABLES or inner.name == b"saio":
                yield inner
            elif inner.name in _HOLDERS:
                yield from self._tables(inner)

    def _sized(self, atom: _Atom, growth: int) -> Edit:
        size = atom.end - atom.start + growth
        if atom.content - atom.start >= 16:
            return Edit(atom.start + 8, atom.start + 16, size.to_bytes(8, "big"))
        if size >= 1 << 32 or self._source.read_at(atom.start, 4) == bytes(4):
            raise FormError("its list of fields has no stated size")
        return Edit(atom.start, atom.start + 4, size.to_bytes(4, "big"))

    def _inside(self, atom: _Atom) -> list[_Atom]:
        return list(self._atoms(atom.content, atom.end))

    def _atoms(self, at: int, end: int) -> Iterator[_Atom]:
        while at + 8 <= end:
            head = self._source.read_at(at, 16)
            size, name, content = int.from_bytes(head[:4], "big"), head[4:8], at + 8
            if size == 0 and name == bytes(4):
                return  # the end of a list, in films
            if size == 1:
                size, content = int.from_bytes(head[8:], "big"), at + 16
            elif size == 0:
                size = end - at
            if name == b"meta" and self._source.read_at(content + 4, 4) != b"hdlr":
                content += 4  # its version, which films leave out
            if at + size > end or at + size < content:
                raise FormError("its atoms are damaged")
            yield _Atom(name, at, content, at + size)
            at += size

    def _field(self, item: _Atom) -> Field | None:
        if item.name == _COMMENT:
            return Field.COMMENT
        if item.name != _FREEFORM:
            return None
        told = {
            atom.name: self._source.read_at(atom.content + 4, atom.end - atom.content - 4)
            for atom in self._inside(item)
            if atom.name in {b"mean", b"name"}
        }
        if told.get(b"mean", b"").lower() != _OWNER.lower():
            return None
        name = by_name(told.get(b"name", b"").decode("utf-8", "replace"))
        return None if name is Field.COMMENT else name

    def _values(self) -> dict[Field, Values]:
        texts = (
            (name, self._source.read_at(atom.content + 8, atom.end - atom.content - 8))
            for item in self._items
            if (name := self._field(item)) is not None
            for atom in self._inside(item)
            if atom.name == b"data"
        )
        return grouped((name, text.decode("utf-8", "replace")) for name, text in texts)


def _atom(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


def _item(name: Field, values: Values) -> bytes:
    data = b"".join(_atom(b"data", _TEXT + text.encode()) for text in values)
    if name is Field.COMMENT:
        return _atom(_COMMENT, data)
    mean, title = (_atom(n, bytes(4) + t) for n, t in ((b"mean", _OWNER), (b"name", name.encode())))
    return _atom(_FREEFORM, mean + title + data)
