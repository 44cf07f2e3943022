"""Short music files in every form of tags, full of what other people wrote."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import mutagen
import numpy as np
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, COMM, ID3, PRIV, TALB, TIT2, TXXX, TYER, WXXX, ParseID3v1
from mutagen.mp4 import MP4
from mutagen.ogg import OggPage
from mutagen.wave import WAVE

from audio_files import audio_frame, chirp, write_soundfile

RATE, SECONDS = 48_000, 2.5
PICTURE = b"\x89PNG" + bytes(np.random.default_rng(0).integers(0, 256, 40_000, np.uint8))
_BLOCK = 960


def encode(
    path: Path, codec: str, form: str, *, metadata: dict[str, str] | None = None, **options: str
) -> Path:
    """A file that FFmpeg writes."""
    channels, layout = 2, "stereo"
    samples = chirp(SECONDS, RATE, channels)
    with av.open(path, "w", format=form, options=options) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=RATE, layout=layout)
        sample_format = stream.codec_context.codec.audio_formats[0].name
        stream.format, stream.bit_rate = sample_format, 64_000 * channels
        for start in range(0, len(samples), _BLOCK):
            block = samples[start : start + _BLOCK]
            container.mux(stream.encode(_frame(block, RATE, sample_format, layout, start)))
        container.mux(stream.encode(None))
    return path


def _frame(block: np.ndarray, rate: int, form: str, layout: str, start: int) -> av.AudioFrame:
    if form.startswith(("s16", "flt")):
        return audio_frame(block, rate, form, layout, start)
    kinds = {"s32": (np.int32, 2**31), "s32p": (np.int32, 2**31), "u8": (np.uint8, 128)}
    kind, scale = kinds[form.removesuffix("p") if form not in kinds else form]
    values = block.T if form.endswith("p") else block.reshape(1, -1)
    whole = np.round(values.astype(np.float64) * (scale - 1)) + (scale if kind is np.uint8 else 0)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole.astype(kind)), form, layout)
    frame.sample_rate, frame.pts = rate, start
    return frame


def _sound(path: Path, subtype: str, container: str | None = None) -> Path:
    return write_soundfile(path, chirp(SECONDS, RATE), RATE, subtype=subtype, container=container)


def _mp3(path: Path) -> Path:
    encode(path, "libmp3lame", "mp3", write_xing="0", id3v2_version="0", write_id3v1="0")
    ID3().delete(path)
    return path


def id3_frames(tags: Any, *, version: int = 4) -> None:
    """What people put into an ID3 tag."""
    tags.add(TIT2(3 if version == 4 else 1, ["Übermut ÿ"]))
    tags.add(TALB(0, ["An album"]))
    tags.add(APIC(0, "image/png", 3, "front", PICTURE))
    tags.add(COMM(0, "eng", "", ["bought in Köln"]))
    tags.add(COMM(0, "eng", "iTunNORM", [" 00000001 00000002"]))
    tags.add(COMM(0, "deu", "", ["zweiter"]))
    tags.add(TXXX(0, "REPLAYGAIN_TRACK_GAIN", ["-7.03 dB"]))
    tags.add(TXXX(0, "comment", ["of FFmpeg's kind"]))
    tags.add(WXXX(0, "shop", "http://example.org/"))
    tags.add(PRIV("owner", b"\xff\xe0\xff\x00\x00private"))
    if version < 4:
        tags.add(TYER(0, ["1999"]))


def _mp3_with(version: int, *, v1: bool = False, ape: bool = False) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        _mp3(path)
        tags = ID3()
        id3_frames(tags, version=version)
        if version == 2:
            _write_version_2(path, tags)
        else:
            tags.save(path, v2_version=version, v1=2 if v1 else 0)
        if ape:
            _ape_items(APEv2()).save(path)
        return path

    return make


def _write_version_2(path: Path, tags: Any) -> None:
    frames = b""
    for name, content in (
        (b"TT2", b"\1\xff\xfe" + "Übermut".encode("utf-16-le")),
        (b"COM", b"\0eng\0old comment"),
        (b"PIC", b"\0PNG\3front\0" + PICTURE),
    ):
        frames += name + len(content).to_bytes(3, "big") + content
    size = len(frames) + 200
    head = b"ID3\2\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(head + frames + bytes(200) + path.read_bytes())


def unsynchronised(path: Path) -> Path:
    """An ID3v2.3 tag in which no byte of audio may seem to begin, as old programs write it."""
    _mp3_with(3)(path)
    data = path.read_bytes()
    size = data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]
    body, out = data[10 : 10 + size], bytearray()
    for place, byte in enumerate(body):
        out.append(byte)
        following = body[place + 1] if place + 1 < len(body) else 0
        if byte == 0xFF and (following >= 0xE0 or following == 0):
            out.append(0)
    sizes = bytes(len(out) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\3\0\x80" + sizes + bytes(out) + data[10 + size :])
    return path


def plain_sizes(path: Path) -> Path:
    """An ID3v2.4 tag whose frames' sizes are plain numbers, as old versions of iTunes wrote it."""
    _mp3(path)
    body = b""
    for name, content in (
        ("TIT2", b"\3" + b"long title " * 30),
        ("APIC", b"\0image/png\0\3\0" + PICTURE),
    ):
        body += name.encode() + len(content).to_bytes(4, "big") + b"\0\0" + content
    body += b"TALB" + (6).to_bytes(4, "big") + b"\0\0\3album" + bytes(100)
    sizes = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\4\0\0" + sizes + body + path.read_bytes())
    return path


def _mp3_old_tag(path: Path) -> Path:
    _mp3(path)
    tags = ID3()
    tags.add(TIT2(3, ["Old title"]))
    tags.add(TALB(3, ["Old album"]))
    tags.add(COMM(3, "eng", "ID3v1 Comment", ["Old comment"]))
    tags.save(path, v1=2)
    data = path.read_bytes()
    assert ParseID3v1(data[-128:])
    size = data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]
    path.write_bytes(data[10 + size :])
    return path


def _ape_items(tags: Any) -> Any:
    tags["Title"] = "Übermut"
    tags["Artist"] = ["One", "Two"]
    tags["Comment"] = "bought"
    tags["Cover Art (Front)"] = mutagen.apev2.APEValue(
        b"front.png\0" + PICTURE, mutagen.apev2.BINARY
    )
    return tags


def _comments(tags: Any) -> None:
    tags["TITLE"] = "Übermut"
    tags["ARTIST"] = ["One", "Two"]
    tags["COMMENT"] = "bought"
    tags["REPLAYGAIN_TRACK_GAIN"] = "-7.03 dB"


def _tagged(path: Path, *, picture: bool = False) -> Path:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    _comments(file.tags)
    if picture:
        import base64

        front = Picture()
        front.type, front.mime, front.data = 3, "image/png", PICTURE * 4
        file["METADATA_BLOCK_PICTURE"] = [base64.b64encode(front.write()).decode()]
    file.save()
    return path


def _flac(path: Path) -> Path:
    _sound(path, "PCM_16", "FLAC")
    file = FLAC(path)
    _comments(file)
    front = Picture()
    front.type, front.mime, front.data = 3, "image/png", PICTURE
    file.add_picture(front)
    file.save(padding=lambda info: 3000)
    return path


def _flac_behind_id3(path: Path) -> Path:
    _flac(path)
    tags = ID3()
    id3_frames(tags)
    tag = path.with_suffix(".id3")
    tags.save(tag)
    path.write_bytes(tag.read_bytes() + path.read_bytes())
    tag.unlink()
    return path


def _flac_bare(path: Path) -> Path:
    """A stream description and nothing else before the audio."""
    _sound(path, "PCM_16", "FLAC")
    data = path.read_bytes()
    at, last = 4, False
    while not last:
        last = bool(data[at] & 0x80)
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
    path.write_bytes(b"fLaC\x80" + data[5:42] + data[at:])
    return path


def _speex(path: Path) -> Path:
    """Headers and packets as Speex has them; what is in the packets is noise."""
    head = b"Speex   " + b"1.2.1".ljust(20, b"\0")
    head += struct.pack("<13i", 1, 80, 16_000, 1, 4, 1, -1, 320, 0, 1, 0, 0, 0)
    comments = b"\5\0\0\0Speex" + struct.pack("<I", 0)
    noise = np.random.default_rng(0).integers(0, 256, (300, 40), np.uint8)
    pages = [OggPage.from_packets([head])[0], *OggPage.from_packets([comments], 1)]
    for start in range(0, len(noise), 50):
        page = OggPage.from_packets([bytes(p) for p in noise[start : start + 50]], len(pages))[0]
        page.position = 320 * (start + 50)
        pages.append(page)
    for page in pages[:2]:
        page.position = 0
    for page in pages:
        page.serial, page.first, page.last = 77, page is pages[0], page is pages[-1]
    path.write_bytes(b"".join(page.write() for page in pages))
    return _tagged(path)


def _mp4(codec: str = "aac", **options: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        encode(path, codec, "ipod", **options)
        file = MP4(path)
        file["\xa9nam"] = "Übermut"
        file["\xa9cmt"] = "bought"
        file["trkn"] = [(3, 9)]
        file["----:com.apple.iTunes:LABEL"] = [b"One", b"Two"]
        file["----:com.apple.iTunes:comment"] = [b"of another kind"]
        file["covr"] = [mutagen.mp4.MP4Cover(PICTURE, mutagen.mp4.MP4Cover.FORMAT_PNG)]
        file.save(padding=lambda info: 300)
        return path

    return make


def _mp4_bare(path: Path) -> Path:
    """No list of fields, and the audio behind what tells of it."""
    encode(path, "aac", "mp4", movflags="faststart", fflags="bitexact")
    MP4(path).delete()
    data = path.read_bytes()
    at = data.find(b"udta")
    if at >= 0:  # called otherwise, so that there is none
        path.write_bytes(data[:at] + b"free" + data[at + 4 :])
    return path


def _wma(path: Path) -> Path:
    encode(path, "wmav2", "asf")
    file = ASF(path)
    file["Title"] = "Übermut"
    file["Description"] = "bought"
    file["WM/Genre"] = ["One", "Two"]
    file["comment"] = "of FFmpeg's kind"
    file["WM/TrackNumber"] = mutagen.asf.ASFDWordAttribute(7)
    file["WM/Picture"] = mutagen.asf.ASFByteArrayAttribute(PICTURE)
    file.save()
    return path


def _wav(path: Path, *, tagged: bool = True) -> Path:
    _sound(path, "PCM_16")
    info = b"INFO" + b"INAM" + struct.pack("<I", 8) + b"A title\0"
    info += b"ICMT" + struct.pack("<I", 10) + b"A comment\0"
    data = path.read_bytes() + b"LIST" + struct.pack("<I", len(info)) + info
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    if tagged:
        file = WAVE(path)
        file.add_tags()
        id3_frames(file.tags)
        file.save()
    return path


def _aiff(path: Path) -> Path:
    _sound(path, "PCM_16")
    file = AIFF(path)
    file.add_tags()
    id3_frames(file.tags)
    file.save()
    return path


def _wavpack(path: Path) -> Path:
    encode(path, "wavpack", "wv")
    tags = _ape_items(APEv2())
    tags.save(path)
    return path


def _tta(path: Path) -> Path:
    encode(path, "tta", "tta")
    tags = ID3()
    id3_frames(tags)
    tags.save(path, v1=0)
    return path


def _fake(start: bytes) -> Callable[[Path], Path]:
    """What begins like a format that no encoder here writes, with a tag behind it."""

    def make(path: Path) -> Path:
        path.write_bytes(start + bytes(range(256)) * 40)
        _ape_items(APEv2()).save(path)
        return path

    return make


FORMS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "MP3, ID3v2.4": (".mp3", _mp3_with(4)),
    "MP3, ID3v2.3": (".mp3", _mp3_with(3)),
    "MP3, ID3v2.2": (".mp3", _mp3_with(2)),
    "MP3, ID3v2.4 with ID3v1 and APEv2": (".mp3", _mp3_with(4, v1=True, ape=True)),
    "MP3, ID3v2.3 with ID3v1": (".mp3", _mp3_with(3, v1=True)),
    "MP3, ID3v2.3 unsynchronised": (".mp3", unsynchronised),
    "MP3, ID3v2.4 with plain sizes": (".mp3", plain_sizes),
    "MP3, ID3v1 alone": (".mp3", _mp3_old_tag),
    "MP3, APEv2 alone": (".mp3", lambda path: (_ape_items(APEv2()).save(_mp3(path)), path)[1]),
    "MP3, no tag": (".mp3", _mp3),
    "AAC stream": (".aac", lambda path: encode(path, "aac", "adts")),
    "FLAC": (".flac", _flac),
    "FLAC behind ID3": (".flac", _flac_behind_id3),
    "FLAC, no comments": (".flac", _flac_bare),
    "Ogg Vorbis": (".ogg", lambda path: _tagged(_sound(path, "VORBIS"))),
    "Ogg Vorbis with a picture": (
        ".ogg", lambda path: _tagged(_sound(path, "VORBIS"), picture=True),
    ),
    "Ogg Opus": (".opus", lambda path: _tagged(_sound(path, "OPUS", "OGG"))),
    "Ogg Opus with a picture": (
        ".opus", lambda path: _tagged(_sound(path, "OPUS", "OGG"), picture=True),
    ),
    "Ogg Speex": (".spx", _speex),
    "Ogg FLAC": (".oga", lambda path: _tagged(encode(path, "flac", "ogg"))),
    "M4A, AAC": (".m4a", _mp4()),
    "M4A, AAC, audio last": (".m4a", _mp4(movflags="faststart")),
    "M4A, ALAC": (".m4a", _mp4("alac")),
    "MP4, no fields, audio last": (".mp4", _mp4_bare),
    "WMA": (".wma", _wma),
    "WMA of FFmpeg": (
        ".wma", lambda path: encode(path, "wmav2", "asf", metadata={"comment": "bought"}),
    ),
    "WAV with INFO": (".wav", lambda path: _wav(path, tagged=False)),
    "WAV with INFO and ID3": (".wav", _wav),
    "AIFF": (".aiff", _aiff),
    "AIFF, no tag": (".aiff", lambda path: _sound(path, "PCM_16")),
    "WavPack": (".wv", _wavpack),
    "WavPack, no tag": (".wv", lambda path: encode(path, "wavpack", "wv")),
    "True Audio": (".tta", _tta),
    "Monkey's Audio (its tag)": (".ape", _fake(b"MAC \x96\x0f\0\0")),
    "Musepack (its tag)": (".mpc", _fake(b"MPCK")),
}  # fmt: skip
"""Each form: the end of its files' names, and what makes one."""


def make(form: str, folder: Path) -> Path:
    """A file of a form."""
    suffix, maker = FORMS[form]
    return maker(folder / f"music{suffix}")
