"""A container as FFmpeg opens it: the stream that is heard, and its coded audio undecoded."""

from collections.abc import Iterator
from typing import Any

import av
from av.stream import Discard

from moodtheme.audio.opened import OpenFile, Reader
from moodtheme.audio.sources import FFMPEG, EncryptedError, UnsupportedError

# Some formats are lists of other files and addresses to play, which FFmpeg would open unasked.
_NO_OTHER_FILES = {"protocol_whitelist": "none"}
# What stands for the codec in MP4 where the packets are encrypted.
_ENCRYPTED = frozenset({"enca", "drms", "drmi", "encs"})
# Their frames say all there is to know; what stands before them varies with who wrote it.
_NO_PARAMETERS = frozenset({"flac", "mp3", "mp3float"})
_NAMES = {"mp3float": "mp3", "libopus": "opus", "libvorbis": "vorbis"}


def open_container(file: OpenFile) -> Any:
    """FFmpeg's view of a file, which is given without a name that it could take as a hint."""
    return av.open(Reader(file), metadata_errors="ignore", options=_NO_OTHER_FILES)


def choose_stream(container: Any) -> Any:
    """The first audio stream that has a decoder; the others are passed over.

    Raises
    ------
    UnsupportedError
        If there is none.
    """
    streams = container.streams
    usable = [stream for stream in streams.audio if stream.codec_context is not None]
    if not usable:
        raise UnsupportedError(
            "no decoder for its audio codec" if streams.audio else "no audio stream"
        )
    if usable[0].codec_context.codec_tag in _ENCRYPTED:
        raise EncryptedError(
            "encrypted, for players of its seller only; get a copy without protection"
        )
    for stream in streams:
        if stream is not usable[0]:
            stream.discard = Discard.all
    return usable[0]


def coded_audio(file: OpenFile) -> Iterator[bytes]:
    """Parameters, then the packets of the stream that a decoder would hear; nothing if none."""
    pieces = _pieces(file)
    while True:
        with FFMPEG:
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _pieces(file: OpenFile) -> Iterator[bytes]:
    try:
        container: Any = open_container(file)
    except (av.FFmpegError, ValueError):
        return
    try:
        stream = choose_stream(container)
        yield _parameters(stream.codec_context)
        for packet in container.demux(stream):
            if packet.size:
                yield memoryview(packet)  # type: ignore[misc]
    except (av.FFmpegError, UnsupportedError, ValueError):
        return  # a damaged file is known by what comes before the damage
    finally:
        container.close()


def _parameters(codec: Any) -> bytes:
    name = _NAMES.get(codec.name, codec.name)
    extra = bytes(codec.extradata or b"")
    if name in _NO_PARAMETERS:
        return f"{name}\n".encode()
    if name == "opus":
        return b"opus\n" + extra
    if name == "vorbis":
        return b"vorbis\n" + _without_comments(extra)
    return f"{name} {codec.sample_rate} {codec.layout.nb_channels}\n".encode() + extra


def _without_comments(extra: bytes) -> bytes:
    """Vorbis's first and third header of the three that Xiph's lacing holds together."""
    if extra[:1] != b"\x02":
        return extra
    lengths = []
    at = 1
    for _ in range(2):
        length = 0
        while at < len(extra) and extra[at] == 255:
            length, at = length + 255, at + 1
        if at < len(extra):
            length, at = length + extra[at], at + 1
        lengths.append(length)
    first, comments = lengths
    return extra[at : at + first] + extra[at + first + comments :]
