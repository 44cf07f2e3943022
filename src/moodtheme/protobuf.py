"""Protocol Buffers' encoding, read field by field: no schema, no code that is generated.

Enough for the few parts of an ONNX graph and of a TensorFlow checkpoint that have to be looked at
before, or without, their own runtimes. Content may be anybody's: whatever is no message is told by
one error, and nothing is read beyond it.
"""

from collections.abc import Iterator

_LONGEST = 70  # bits, seven a byte: no number is longer


class NoMessageError(ValueError):
    """The bytes are not a message."""

    def __init__(self) -> None:
        super().__init__("it is no Protocol Buffers message")


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Numbers and values of a message's fields: integers, or the bytes of all else.

    Raises
    ------
    NoMessageError
        At the first field that is none.
    """
    at = 0
    while at < len(message):
        key, at = number_at(message, at)
        kind = key & 7
        if kind == 0:
            value, at = number_at(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = number_at(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise NoMessageError
        if at + size > len(message):
            raise NoMessageError
        yield key >> 3, message[at : at + size]
        at += size


def number_at(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at a place, and the place behind it.

    Raises
    ------
    NoMessageError
        If it does not end.
    """
    value = shift = 0
    while at < len(message) and shift < _LONGEST:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise NoMessageError


def content(value: int | memoryview) -> memoryview:
    """A field's bytes.

    Raises
    ------
    NoMessageError
        If it is an integer.
    """
    if isinstance(value, int):
        raise NoMessageError
    return value
