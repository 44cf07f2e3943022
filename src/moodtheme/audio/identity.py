"""Which audio a file holds, whatever the file is called and however it is tagged.

The identity is a SHA-256 of the coded audio alone. Of WAV, AIFF, FLAC, MP3 and Ogg the place of
the coded audio is found here, which costs little more than reading the file; of other formats
FFmpeg takes the packets out of the container.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from moodtheme.audio.chunks import find_samples
from moodtheme.audio.mp3 import first_frames
from moodtheme.audio.ogg import FIRST_PAGE, is_ogg, pages
from moodtheme.audio.opened import OpenFile, audio_end, audio_start, unreadable
from moodtheme.audio.sources import FFMPEG

AUDIO_PREFIX = "a1:"
BYTES_PREFIX = "b1:"
BEGINNING_PREFIX = "beginning of "
_BEGINNING = 1 << 18


def audio_identity(path: str | os.PathLike[str]) -> str:
    """Tell which audio a file holds.

    It stays the same when the file is moved, renamed or tagged anew, and differs where another
    sample would be heard. The same recording in another format, bit rate or encoding is other
    audio.

    Parameters
    ----------
    path
        A regular file.

    Returns
    -------
    str
        ``a1:`` and 64 hexadecimal digits: the SHA-256 of the codec's parameters and coded audio,
        without tags, comments and pictures. ``b1:`` and the SHA-256 of all bytes where no audio
        can be told from the rest.

    Raises
    ------
    AudioError
        If the file is missing, empty, no regular file, or cannot be read.
    """
    with OpenFile(Path(path)) as file:
        return identity_of(file)


def audio_beginning(path: str | os.PathLike[str]) -> str:
    """`audio_identity` of the first 256 kB of coded audio, for telling most files apart quickly.

    Files with the same audio have the same beginning; those with the same beginning may differ.

    Raises
    ------
    AudioError
        As `audio_identity`.
    """
    with OpenFile(Path(path)) as file:
        return BEGINNING_PREFIX + identity_of(file, most=_BEGINNING)


def identity_of(file: OpenFile, *, most: int | None = None) -> str:
    """`audio_identity` of a file that is open already, or of so many bytes of its audio.

    Raises
    ------
    MissingAudioError
        If it cannot be read.
    """
    try:
        for layout in (_chunked, _flac, _mpeg, _ogg, _packets):
            with suppress(_OtherLayoutError):
                return AUDIO_PREFIX + _digest(layout(file), most)
        return BYTES_PREFIX + _digest(file.pieces(0, file.size), most)
    except OSError as error:
        raise unreadable(file.path, error) from error


def _digest(pieces: Iterator[bytes], most: int | None) -> str:
    digest = hashlib.sha256()
    left = most
    for piece in pieces:
        if left is not None and len(piece) >= left:
            digest.update(memoryview(piece)[:left])
            break
        digest.update(piece)
        left = left if left is None else left - len(piece)
    return digest.hexdigest()


class _OtherLayoutError(Exception):
    """The file is laid out in another way."""


def _chunked(file: OpenFile) -> Iterator[bytes]:
    samples = find_samples(file, audio_start(file))
    if samples is None or samples.start >= samples.end:
        raise _OtherLayoutError
    yield f"{samples.kind} {samples.sample_rate} {samples.channels}\n".encode()
    yield from file.pieces(samples.start, samples.end)


def _flac(file: OpenFile) -> Iterator[bytes]:
    at = audio_start(file)
    if file.read_at(at, 4) != b"fLaC":
        raise _OtherLayoutError
    at += 4
    last = False
    while not last:
        head = file.read_at(at, 4)
        if len(head) < 4 or head[0] == 0xFF:
            raise _OtherLayoutError
        last = bool(head[0] & 0x80)
        at += 4 + int.from_bytes(head[1:], "big")
    yield b"flac\n"  # every frame says its rate, channels and depth
    yield from file.pieces(at, audio_end(file))


def _mpeg(file: OpenFile) -> Iterator[bytes]:
    found = first_frames(file)
    if found is None:
        raise _OtherLayoutError
    yield b"mp3\n"
    yield from file.pieces(found.audio, audio_end(file))


def _ogg(file: OpenFile) -> Iterator[bytes]:
    start = audio_start(file)
    if not is_ogg(file, start):
        raise _OtherLayoutError
    headers: _OggHeaders | None = None
    serial = -1
    for page in pages(file, start):
        if page.flags & FIRST_PAGE:
            if headers is not None and not headers.complete:
                raise _OtherLayoutError  # several streams side by side
            headers, serial = _OggHeaders(), page.serial
        if headers is None or page.serial != serial:
            raise _OtherLayoutError
        if headers.complete:
            yield page.payload
            continue
        for piece, ends in page.pieces():
            yield from headers.take(piece, ends=ends)
    if headers is None or not headers.complete:
        raise _OtherLayoutError


class _OggHeaders:
    """The packets before the audio: gives those that matter for decoding, not the comments."""

    def __init__(self) -> None:
        self.complete = False
        self._codec = b""
        self._number = 0
        self._packet = bytearray()

    def take(self, piece: bytes, *, ends: bool) -> Iterator[bytes]:
        """A piece of a packet; what of it counts comes back, at the latest at the packet's end."""
        if self.complete:
            yield piece
            return
        self._packet += piece
        if not ends:
            return
        packet, self._packet = bytes(self._packet), bytearray()
        self._number += 1
        if self._number == 1:
            self._codec = self._name(packet)
            if self._codec != b"flac":
                yield self._codec + b"\n" + packet
            else:
                yield b"flac\n"
        elif self._codec == b"vorbis":
            if self._number == 3:
                self.complete = True
                yield packet
        elif self._codec == b"flac":
            if packet[:1] == b"\xff":  # the first frame: there is no fixed number of headers
                self.complete = True
                yield packet
        else:
            self.complete = True  # the comments were the second and last header

    @staticmethod
    def _name(packet: bytes) -> bytes:
        for magic, name in (
            (b"\x01vorbis", b"vorbis"),
            (b"OpusHead", b"opus"),
            (b"\x7fFLAC", b"flac"),
            (b"Speex   ", b"speex"),
        ):
            if packet.startswith(magic):
                return name
        raise _OtherLayoutError


def _packets(file: OpenFile) -> Iterator[bytes]:
    try:
        with FFMPEG:
            from moodtheme.audio.pyav_container import coded_audio
    except ImportError:
        raise _OtherLayoutError from None
    empty = True
    for number, piece in enumerate(coded_audio(file)):
        empty = empty and number == 0
        yield piece
    if empty:
        raise _OtherLayoutError
