"""What ID3v2 tags are spelled with: sizes of seven bits a byte, texts, frames of texts."""

from collections.abc import Sequence

from moodtheme.writing.edits import FormError

_HEADER = 10
_FOOTER = 0x10
LATIN, UTF16, UTF16_BE, UTF8 = range(4)
ENCODINGS = {LATIN: "latin-1", UTF16: "utf-16", UTF16_BE: "utf-16-be", UTF8: "utf-8"}


def text_frame(
    name: str, texts: Sequence[str], version: int = 4, *, lead: bytes = b"", plain: bool = False
) -> bytes:
    """A frame of texts, named as in ID3v2.4; ID3v2.2 has the first three letters.

    `lead` stands between the encoding and the texts; some ID3v2.4 tags have `plain` sizes.
    """
    encoding = UTF8
    if version < 4:
        encoding = LATIN if all(text.isascii() for text in texts) else UTF16
    if encoding == UTF16:  # each text behind the mark that says how its bytes are ordered
        said = b"\0\0".join(b"\xff\xfe" + text.encode("utf-16-le") for text in texts)
    else:
        said = b"\0".join(text.encode(ENCODINGS[encoding]) for text in texts)
    content = bytes([encoding]) + lead + said
    size = len(content)
    if version == 2:
        return name[:3].encode() + size.to_bytes(3, "big") + content
    sized = size.to_bytes(4, "big") if version == 3 or plain else seven_bits(size)
    return name.encode() + sized + b"\0\0" + content


def tag_at(head: bytes) -> int:
    """Length of the tag that ten bytes are the head of, these included; 0 if they are none."""
    if len(head) < _HEADER or head[:3] != b"ID3" or max(head[6:10]) > 0x7F:
        return 0
    footer = _HEADER if head[5] & _FOOTER and head[3] == 4 else 0
    return _HEADER + of_seven_bits(head[6:10]) + footer


def decoded(encoding: int, content: bytes) -> str | None:
    """Text; a mark of the order of bytes may stand before each part of it."""
    try:
        if encoding == UTF16:
            big = content[:2] == b"\xfe\xff"
            text = content.decode("utf-16-be" if big else "utf-16-le")
            return text.replace("\ufeff", "")
        return content.decode(ENCODINGS[encoding])
    except UnicodeDecodeError:
        return None


def seven_bits(size: int) -> bytes:
    """A size in four bytes.

    Raises
    ------
    FormError
        It finds no room there.
    """
    if size >= 1 << 28:
        raise FormError("its ID3 tag would be longer than 256 MB")
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def of_seven_bits(size: bytes) -> int:
    """The size that four bytes say."""
    return size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3]


def unsynchronised(content: bytes) -> bytes:
    """Bytes in which nothing looks like the beginning of MPEG audio."""
    out = bytearray()
    for place, byte in enumerate(content):
        out.append(byte)
        if byte == 0xFF and (place + 1 == len(content) or content[place + 1] >= 0xE0
                             or content[place + 1] == 0):  # fmt: skip
            out.append(0)
    return bytes(out)


def synchronised(content: bytes) -> bytes:
    """Bytes as they were before `unsynchronised`."""
    return content.replace(b"\xff\x00", b"\xff")
