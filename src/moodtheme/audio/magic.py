"""Whether a file whose name does not say so is audio, by its first bytes."""

from pathlib import Path

from moodtheme.audio.mp3 import first_frames
from moodtheme.audio.opened import OpenFile

_HEAD = 64
# Bytes at a place, and those at another that must follow.
_MARKS: tuple[tuple[bytes, int, tuple[bytes, ...]], ...] = (
    (b"RIFF", 8, (b"WAVE", b"AVI ", b"RMP3")),
    (b"RIFX", 8, (b"WAVE",)),
    (b"RF64", 8, (b"WAVE",)),
    (b"BW64", 8, (b"WAVE",)),
    (b"riff", 24, (b"wave",)),  # W64 writes GUIDs
    (b"FORM", 8, (b"AIFF", b"AIFC", b"8SVX", b"16SV")),
    (b"FRM8", 12, (b"DSD ",)),
    (b"OggS", 4, (b"\0",)),
    (b"ID3", 3, (b"\2", b"\3", b"\4")),
    (b"caff", 4, (b"\0\1",)),
    (b".snd", 4, (b"\0\0",)),
    (b"\x1aE\xdf\xa3", 0, (b"\x1a",)),  # Matroska and WebM
    (b"0&\xb2u\x8ef\xcf\x11", 0, (b"0",)),  # ASF: WMA, WMV
    *(
        (mark, 0, (mark[:1],))
        for mark in (
            *(b"fLaC", b"wvpk", b"MAC ", b"TTA1", b"tBaK", b"DSD ", b"MPCK", b"MP+", b"ajkg"),
            *(b"#!AMR", b"Creative Voice File", b"ADIF", b"\x0bw", b"\x7f\xfe\x80\x01"),
            *(b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8", b"DTSHDHDR"),
        )
    ),
)
# MP4's relatives that are pictures.
_PICTURES = frozenset(
    {b"heic", b"heix", b"hevc", b"heif", b"mif1", b"msf1", b"avif", b"avis", b"crx "}
)


def looks_like_audio(path: Path) -> bool:
    """Whether the first bytes are those of a format with sound; a few kB are read.

    Raises
    ------
    AudioError
        If the file is empty, no regular file, or cannot be read.
    """
    with OpenFile(path) as file:
        head = file.read_at(0, _HEAD)
        if head[4:8] == b"ftyp":
            return head[8:12] not in _PICTURES
        for mark, at, values in _MARKS:
            if head.startswith(mark):
                return head[at:].startswith(values)
        if head[:1] == b"G":  # MPEG transport streams are packets of 188 bytes
            return all(file.read_at(188 * packet, 1) == b"G" for packet in range(1, 4))
        if head[:1] != b"\xff":
            return False
        is_adts = head[1:2] in (b"\xf1", b"\xf9") and (head[2] >> 2 & 15) < 13
        return is_adts or first_frames(file) is not None
