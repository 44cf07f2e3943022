"""Vorbis comments: a list of ``NAME=value``; the lines of others stay byte for byte, in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from moodtheme.writing.edits import FormError
from moodtheme.writing.fields import Field, Values, by_name, grouped


@dataclass(frozen=True)
class VorbisComments:
    """A list of comments.

    Attributes
    ----------
    vendor
        Who encoded, as it is stored.
    lines
        The comments, as they are stored.
    rest
        What stands behind them.
    """

    vendor: bytes
    lines: tuple[bytes, ...]
    rest: bytes

    @classmethod
    def of(cls, block: bytes) -> Self:
        """Read a block.

        Raises
        ------
        FormError
            It ends before its end.
        """
        vendor, at = _sized(block, 0)
        count, lines = int.from_bytes(block[at : at + 4], "little"), []
        at += 4
        for _ in range(count):
            line, at = _sized(block, at)
            lines.append(line)
        if at > len(block):
            raise FormError("its comments are cut short")
        return cls(vendor, tuple(lines), block[at:])

    @property
    def values(self) -> dict[Field, Values]:
        """What the fields hold."""
        return grouped(
            (_field(line), line.partition(b"=")[2].decode("utf-8", "replace"))
            for line in self.lines
        )

    def block(self, changes: Mapping[Field, Values]) -> bytes:
        """The block with other values in these fields; they go to its end."""
        lines = [line for line in self.lines if _field(line) not in changes]
        lines += [f"{name}={text}".encode() for name, texts in changes.items() for text in texts]
        parts = [_size(self.vendor), self.vendor, len(lines).to_bytes(4, "little")]
        for line in lines:
            parts += [_size(line), line]
        return b"".join([*parts, self.rest])


def _field(line: bytes) -> Field | None:
    name, equals, _ = line.partition(b"=")
    return by_name(name.decode("ascii", "replace")) if equals else None


def _size(text: bytes) -> bytes:
    return len(text).to_bytes(4, "little")


def _sized(block: bytes, at: int) -> tuple[bytes, int]:
    """A text behind its length, and where it ends."""
    start = at + 4
    end = start + int.from_bytes(block[at:start], "little")
    if end > len(block):
        raise FormError("its comments are cut short")
    return block[start:end], end
