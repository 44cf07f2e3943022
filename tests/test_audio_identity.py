"""The identity of audio: the same however a file is called and tagged, another for other sound."""

import os
import struct
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from audio_files import EVERY_FORMAT, VIDEO_CONTAINERS, chirp, write, write_soundfile
from moodtheme.audio import audio_identity, open_audio, read_audio
from moodtheme.audio.opened import OpenFile, audio_end, audio_start
from moodtheme.errors import AudioError, EmptyAudioError, MissingAudioError, NotAudioError

RATE = 48_000
SOUND = chirp(2.0, RATE)
COPIED = [".ogg", ".opus", ".mp3", ".flac", ".wav", ".aiff", ".m4a", ".mov", ".wma", ".mka", ".mp4"]


def retag(source: Path, target: Path, **tags: str) -> Path:
    """The same packets with other tags, by FFmpeg, as with ``-codec copy``."""
    with av.open(source) as before, av.open(target, "w") as after:
        pairs = {}
        for stream in before.streams:
            if stream.type == "audio":
                pairs[stream.index] = after.add_stream_from_template(stream)
        after.metadata.update(tags)
        for packet in before.demux():
            if packet.dts is not None and packet.stream.index in pairs:
                packet.stream = pairs[packet.stream.index]
                after.mux(packet)
    return target


@pytest.mark.parametrize("suffix", COPIED)
def test_a_copy_with_other_tags_holds_the_same_audio(tmp_path: Path, suffix: str) -> None:
    song = write(tmp_path / f"song{suffix}", SOUND, RATE)
    other = write(tmp_path / f"other{suffix}", chirp(2.0, RATE, seed=1), RATE)
    options = {"comment": "a long one " * 5_000, "title": "Another", "artist": "Somebody"}
    # FFmpeg pads Matroska's and MP4's tables; what counts is that the packets are the same.
    copy = retag(song, tmp_path / f"copy{suffix}", **options)
    assert copy.read_bytes() != song.read_bytes()
    assert audio_identity(copy) == audio_identity(song) != audio_identity(other)
    again = retag(copy, tmp_path / f"again{suffix}", title="x")
    assert audio_identity(again) == audio_identity(song)


@pytest.mark.parametrize("suffix", EVERY_FORMAT)
def test_name_and_place_do_not_matter_and_every_format_has_one(tmp_path: Path, suffix: str) -> None:
    song = write(tmp_path / f"song{suffix}", SOUND, RATE)
    before = audio_identity(song)
    assert before.startswith("a1:") and len(before) == 67
    moved = tmp_path / "elsewhere" / "no extension"
    moved.parent.mkdir()
    song.rename(moved)
    assert audio_identity(str(moved)) == before


def _synchsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def _ape(text: bytes, *, header: bool) -> bytes:
    item = struct.pack("<II", len(text), 0) + b"Comment\0" + text
    flags = 1 << 31 if header else 0
    ends = struct.pack("<IIII", 2000, len(item) + 32, 1, flags) + bytes(8)
    return (b"APETAGEX" + ends if header else b"") + item + b"APETAGEX" + ends


ID3V2 = b"ID3\4\0\0" + _synchsafe(3_000) + b"TIT2" + bytes(2_996)
ID3V1 = b"TAG" + b"A title".ljust(125, b"\0")
LYRICS = b"LYRICSBEGIN" + b"la" * 50 + f"{111:06}".encode() + b"LYRICS200"
AROUND = {
    "ID3v2": (ID3V2, b""),
    "two ID3v2": (ID3V2 + ID3V2, b""),
    "ID3v1": (b"", ID3V1),
    "APE": (b"", _ape(b"words" * 999, header=True)),
    "APE without a header": (b"", _ape(b"words", header=False)),
    "APE, Lyrics3 and ID3v1": (b"", _ape(b"words", header=True) + LYRICS + ID3V1),
    "enhanced": (b"", b"TAG+".ljust(227, b"\0") + ID3V1),
    "all": (ID3V2, _ape(b"words", header=True) + ID3V1),
}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("suffix", [".mp3", ".flac"])
def test_tags_before_and_behind_do_not_count(
    tmp_path: Path, suffix: str, around: tuple[bytes, bytes]
) -> None:
    song = write(tmp_path / f"song{suffix}", SOUND, RATE)
    before = audio_identity(song)
    front, back = around
    tagged = tmp_path / f"tagged{suffix}"
    tagged.write_bytes(front + song.read_bytes() + back)
    assert audio_identity(tagged) == before
    with OpenFile(tagged) as file:
        assert (audio_start(file), file.size - audio_end(file)) == (len(front), len(back))


@pytest.mark.parametrize("order", ["<", ">"])
def test_chunks_before_and_behind_the_samples_do_not_count(tmp_path: Path, order: str) -> None:
    name, container = ("song.wav", "WAV") if order == "<" else ("song.aiff", "AIFF")
    song = write_soundfile(tmp_path / name, SOUND, RATE, subtype="PCM_24", container=container)
    before = audio_identity(song)
    content = song.read_bytes()
    chunk = struct.pack(f"{order}4sI", b"NAME", 7) + b"a title\0"[:8]
    tagged = tmp_path / f"tagged{song.suffix}"
    tagged.write_bytes(content[:12] + chunk + content[12:] + chunk)
    np.testing.assert_array_equal(read_audio(tagged).samples, read_audio(song).samples)
    assert audio_identity(tagged) == before


def test_every_sample_rate_and_byte_order_counts(tmp_path: Path) -> None:
    made = set()
    for number, (rate, subtype, container) in enumerate(
        [
            (44_100, "PCM_16", "WAV"),
            (48_000, "PCM_16", "WAV"),
            (48_000, "PCM_24", "WAV"),
            (48_000, "PCM_16", "AIFF"),
            (48_000, "PCM_16", "FLAC"),
        ]
    ):
        path = tmp_path / f"{number}.{container.lower()}"
        write_soundfile(path, SOUND, rate, subtype=subtype, container=container)
        made.add(audio_identity(path))
    one = bytearray((tmp_path / "0.wav").read_bytes())
    one[-1] ^= 1
    (tmp_path / "bit.wav").write_bytes(one)
    assert len(made | {audio_identity(tmp_path / "bit.wav")}) == 6


def test_a_comment_in_any_link_of_a_chain_does_not_count(tmp_path: Path) -> None:
    first = write(tmp_path / "first.ogg", SOUND, RATE)
    second = write(tmp_path / "second.ogg", SOUND[:RATE], RATE)
    tagged = retag(second, tmp_path / "tagged.ogg", title="Second part")
    for name, link in (("plain", second), ("named", tagged)):
        (tmp_path / f"{name}.ogg").write_bytes(first.read_bytes() + link.read_bytes())
    plain = audio_identity(tmp_path / "plain.ogg")
    assert plain.startswith("a1:")
    assert plain == audio_identity(tmp_path / "named.ogg") != audio_identity(first)


def test_the_same_packets_in_another_container_are_the_same_audio(tmp_path: Path) -> None:
    for suffix in (".ogg", ".opus", ".flac", ".mp3"):
        song = write(tmp_path / f"song{suffix}", SOUND, RATE)
        copy = retag(song, tmp_path / f"copy{suffix}.mka")
        assert audio_identity(copy) == audio_identity(song), suffix


def test_a_stream_tells_the_identity_of_the_file_it_has_open(tmp_path: Path) -> None:
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            opened.append(os.fsdecode(arguments[0]))

    sys.addaudithook(watch)
    for suffix in (".wav", ".flac", ".ogg", ".mp3", ".m4a"):
        song = write(tmp_path / f"song{suffix}", SOUND, RATE)
        plain = read_audio(song).samples
        identity = audio_identity(song)
        opened.clear()
        with open_audio(song) as stream:
            before = stream.identity()
            blocks = []
            for block in stream:
                blocks.append(block)
                assert stream.identity() == identity
            assert before == stream.identity() == identity
        assert opened.count(str(song)) == 1
        np.testing.assert_array_equal(np.concatenate(blocks), plain)
    watching = False


def test_what_is_no_audio_is_known_by_its_bytes(tmp_path: Path) -> None:
    words = tmp_path / "words.mp3"
    words.write_text("no music at all\n" * 99, encoding="utf-8")
    assert audio_identity(words).startswith("b1:")
    for path, kind in ((tmp_path / "none.wav", MissingAudioError), (tmp_path, NotAudioError)):
        with pytest.raises(kind):
            audio_identity(path)
    (tmp_path / "empty.wav").touch()
    with pytest.raises(EmptyAudioError):
        audio_identity(tmp_path / "empty.wav")


@pytest.mark.parametrize("suffix", [s for s in EVERY_FORMAT if s not in VIDEO_CONTAINERS])
def test_damage_anywhere_leaves_an_identity_of_what_is_there(tmp_path: Path, suffix: str) -> None:
    content = write(tmp_path / f"song{suffix}", SOUND, RATE).read_bytes()
    draw = np.random.default_rng(3)
    broken = tmp_path / f"broken{suffix}"
    for _ in range(12):
        damaged = bytearray(content[: draw.integers(1, len(content) + 1)])
        for place in draw.integers(0, min(len(damaged), 400), 5):
            damaged[place] = draw.integers(256)
        broken.write_bytes(damaged)
        try:
            assert audio_identity(broken)[:3] in ("a1:", "b1:")
        except AudioError as error:
            pytest.fail(f"a readable file: {error}")
