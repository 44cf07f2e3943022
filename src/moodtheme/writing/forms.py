"""Which form the tags of a file have, by what it begins with, never by its name."""

from collections.abc import Callable

from moodtheme.writing.ape import ApeTags
from moodtheme.writing.asf import HEADER, AsfTags
from moodtheme.writing.edits import FormError, Source, TagForm
from moodtheme.writing.id3_bytes import tag_at
from moodtheme.writing.id3_files import ChunkedTags, tag_before_audio
from moodtheme.writing.mp4 import Mp4Tags
from moodtheme.writing.ogg import OggTags
from moodtheme.writing.vorbis import FlacTags

# Monkey's Audio, Musepack, WavPack, OptimFROG, TAK.
_APE = (b"MAC ", b"MP+", b"MPCK", b"wvpk", b"OFR ", b"tBaK")
_CHUNKED = {(b"RIFF", b"WAVE"), (b"FORM", b"AIFF"), (b"FORM", b"AIFC")}
_WITHOUT = {
    b"\x1a\x45\xdf\xa3": "Matroska and WebM",
    b"RF64": "WAV of 64 bits",
    b"BW64": "WAV of 64 bits",
    b"riff": "Wave64",
    b"caff": "CAF",
    b"DSD ": "DSF",
    b"FRM8": "DFF",
    b".snd": "AU",
    b"FLV\x01": "Flash video",
    b".RMF": "RealMedia",
    b"#!AM": "AMR",
}
_FILLED = 1 << 12  # zeros that may stand between a tag and MPEG audio


def find_form(source: Source) -> TagForm:
    """The tags of an open file.

    Raises
    ------
    FormError
        No form is known for it, or its tags cannot be changed safely.
    """
    audio = 0
    while size := tag_at(source.read_at(audio, 10)):
        audio += size
    start = source.read_at(audio, 16)
    if start[:4] == b"fLaC":
        return FlacTags(source, audio)
    if start.startswith(_APE):
        return ApeTags(source)
    if _is_mpeg(source, audio) or start[:4] == b"TTA1":
        tags, behind = tag_before_audio(source), ApeTags(source)
        return behind if behind.is_there and not tags.is_there else tags
    form: Callable[[Source], TagForm] | None = None
    if start[:4] == b"OggS":
        form = OggTags
    elif start[4:8] == b"ftyp":
        form = Mp4Tags
    elif start == HEADER:
        form = AsfTags
    elif (start[:4], start[8:12]) in _CHUNKED:
        form = ChunkedTags
    if form is not None and audio == 0:  # none has an ID3 tag before it
        return form(source)
    known = next((name for magic, name in _WITHOUT.items() if start.startswith(magic)), None)
    raise FormError(
        f"{known} has no form of tags that moodtheme writes"
        if known
        else "its form of tags is not known"
    )


def _is_mpeg(source: Source, at: int) -> bool:
    """Whether MPEG audio, or AAC in its stream form, begins there."""
    start = source.read_at(at, _FILLED).lstrip(b"\0")
    return len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0
