"""What a header claims about the length is a claim: what is in the file counts."""

import struct
from pathlib import Path

import numpy as np
import pytest

from audio_files import chirp, write, write_soundfile
from moodtheme.audio import AudioInfo, ExcerptPolicy, probe, read_audio, read_excerpt, reading
from moodtheme.audio.mp3 import count_frames, first_frames
from moodtheme.audio.opened import OpenFile

RATE = 44_100
LENGTH_S = 6.0
SOUND = chirp(LENGTH_S, RATE)
WHOLE = {".ogg": 0.03, ".opus": 0.03, ".mp3": 0.06, ".flac": 0, ".wav": 0, ".aiff": 0, ".m4a": 0.06}


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for suffix in WHOLE:
        rate = 48_000 if suffix == ".opus" else RATE
        write(folder / f"song{suffix}", chirp(LENGTH_S, rate), rate)
    faststart(folder / "song.m4a", folder / "fast.m4a")
    return folder


def faststart(source: Path, target: Path) -> None:
    """The index in front, as players and shops write it, so that the beginning can be read."""
    import av

    with (
        av.open(source) as before,
        av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as after,
    ):
        stream = after.add_stream_from_template(before.streams.audio[0])
        for packet in before.demux(before.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                after.mux(packet)


def claim(path: Path, at: int, number: int, form: str) -> None:
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, at, number)
    path.write_bytes(content)


@pytest.mark.parametrize("suffix", [*WHOLE, "fast"])
@pytest.mark.parametrize("share", [0.35, 0.5, 0.7, 0.8])
def test_a_missing_end_is_told_whatever_part_is_read(
    songs: Path, tmp_path: Path, suffix: str, share: float
) -> None:
    name = "fast.m4a" if suffix == "fast" else f"song{suffix}"
    content = (songs / name).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(content[: round(len(content) * share)])
    if suffix == ".m4a":  # its index was at the end
        with pytest.raises(Exception, match=r"breaks off: .* are missing"):
            read_audio(cut)
        return
    for audio in (
        read_audio(cut),
        read_excerpt(cut, length_s=1.0, policy=ExcerptPolicy.CENTRE),
        read_excerpt(cut, length_s=1.0, policy=ExcerptPolicy.START),
    ):
        said = " ".join(audio.warnings)
        assert "missing" in said, said
        assert len([warning for warning in audio.warnings if "missing" in warning]) == 1
    heard = read_audio(cut).duration_s
    assert heard == pytest.approx(LENGTH_S * share, abs=1.1)  # Opus: pages of a second


@pytest.mark.parametrize("suffix", WHOLE)
def test_whole_files_are_read_without_a_word(songs: Path, suffix: str) -> None:
    audio = read_audio(songs / f"song{suffix}")
    assert audio.warnings == ()
    assert audio.duration_s == pytest.approx(LENGTH_S, abs=WHOLE[suffix] + 1e-6)


RIFF_SIZES = {
    "never finished": 0,
    "streamed": 0xFFFF_FFFF,
    "signed": 0x7FFF_FFFF,
    "too small": 40_000,
    "one second": RATE * 4,
    "streamed less its header": 0xFFFF_FFFF - 36,
}


@pytest.mark.parametrize("size", RIFF_SIZES.values(), ids=RIFF_SIZES)
@pytest.mark.parametrize(
    ("suffix", "subtype", "container"),
    [(".wav", "PCM_16", "WAV"), (".wav", "FLOAT", "WAV"), (".aiff", "PCM_16", "AIFF")],
)
def test_samples_are_read_to_the_end_of_the_file(
    tmp_path: Path, suffix: str, subtype: str, container: str, size: int
) -> None:
    path = write_soundfile(
        tmp_path / f"song{suffix}", SOUND, RATE, subtype=subtype, container=container
    )
    whole = read_audio(path).samples
    content = path.read_bytes()
    mark = b"data" if container == "WAV" else b"SSND"
    form = "<I" if container == "WAV" else ">I"
    claim(path, content.index(mark) + 4, size, form)
    if container == "AIFF":
        claim(path, content.index(b"COMM") + 10, 0, ">I")
    audio = read_audio(path)
    np.testing.assert_array_equal(audio.samples, whole)
    unknown = size > 0x7000_0000
    assert ("goes on to 6.00 s" in " ".join(audio.warnings)) is not unknown
    middle = read_excerpt(path, length_s=1.0, policy=ExcerptPolicy.CENTRE)
    np.testing.assert_array_equal(middle.samples, whole[5 * RATE // 2 : 7 * RATE // 2])


def test_rf64_without_its_sizes(tmp_path: Path) -> None:
    path = write_soundfile(tmp_path / "song.wav", SOUND, RATE, subtype="PCM_16", container="RF64")
    whole = read_audio(path).samples
    at = path.read_bytes().index(b"ds64") + 16
    for size in (0, 1_000, 1 << 60):
        claim(path, at, size, "<Q")
        audio = read_audio(path)
        np.testing.assert_array_equal(audio.samples, whole)
        assert probe(path).duration_s == pytest.approx(LENGTH_S)


def test_chunks_behind_the_samples_are_not_read_as_samples(tmp_path: Path) -> None:
    path = write_soundfile(tmp_path / "song.wav", SOUND, RATE, subtype="PCM_16")
    whole = read_audio(path).samples
    words = b"a comment " * 40_000  # more than a second's bytes
    path.write_bytes(path.read_bytes() + b"cmnt" + struct.pack("<I", len(words)) + words)
    audio = read_audio(path)
    np.testing.assert_array_equal(audio.samples, whole)
    assert audio.warnings == ()


@pytest.mark.parametrize("claimed", [0, 4_096, RATE, 3 * RATE, (1 << 36) - 1])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_flac_is_as_long_as_its_last_frame_says(
    tmp_path: Path, claimed: int, subtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_soundfile(tmp_path / "song.flac", SOUND, RATE, subtype=subtype)
    whole = read_audio(path).samples
    content = bytearray(path.read_bytes())
    packed = int.from_bytes(content[18:26], "big") >> 36 << 36 | claimed
    content[18:26] = packed.to_bytes(8, "big")
    path.write_bytes(content)
    counted: list[Path] = []
    centre = reading._centre
    monkeypatch.setattr(reading, "_centre", lambda *g: counted.append(g[0]) or centre(*g))
    audio = read_audio(path)
    duration_s = probe(path).duration_s
    assert duration_s is not None
    if claimed < len(SOUND):
        np.testing.assert_array_equal(audio.samples, whole)
        assert duration_s == pytest.approx(LENGTH_S)
        assert (audio.warnings == ()) is (claimed == 0)
    else:
        np.testing.assert_array_equal(audio.samples, whole)
        assert duration_s == pytest.approx(LENGTH_S)
        assert len(audio.warnings) == 1
        assert "are missing" in audio.warnings[0]
    read_excerpt(path, length_s=1.0, policy=ExcerptPolicy.CENTRE)
    assert counted == [], "decoded twice"


@pytest.mark.parametrize("claimed", [0, RATE])
def test_flac_that_ends_in_the_middle_of_a_frame_says_so(
    songs: Path, tmp_path: Path, claimed: int
) -> None:
    whole = read_audio(songs / "song.flac").samples
    content = bytearray((songs / "song.flac").read_bytes())
    packed = int.from_bytes(content[18:26], "big") >> 36 << 36 | claimed
    content[18:26] = packed.to_bytes(8, "big")
    path = tmp_path / "cut.flac"
    path.write_bytes(content[: len(content) // 2])
    for audio in (read_audio(path), read_excerpt(path, length_s=1.0, policy=ExcerptPolicy.START)):
        cut = [said for said in audio.warnings if "in the middle of a frame" in said]
        assert len(cut) == 1
        assert "cannot be told" in cut[0]
        assert len(audio.warnings) == 1 + (claimed > 0)
    samples = read_audio(path).samples
    assert 2 * RATE < len(samples) < len(whole)
    np.testing.assert_array_equal(samples, whole[: len(samples)])


def xing(path: Path) -> int:
    content = path.read_bytes()
    return max(content.find(b"Xing"), content.find(b"Info"))


@pytest.mark.parametrize("share", [0.01, 0.5, 0.8, 1.5, 30.0])
def test_mp3_has_the_frames_that_are_there(songs: Path, tmp_path: Path, share: float) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes((songs / "song.mp3").read_bytes())
    whole = read_audio(path).samples
    at = xing(path) + 8
    frames = struct.unpack(">I", path.read_bytes()[at : at + 4])[0]
    claim(path, at, round(frames * share), ">I")
    audio = read_audio(path)
    assert abs(len(audio.samples) - len(whole)) < 3 * 1152
    assert probe(path).duration_s == pytest.approx(LENGTH_S, abs=0.1)
    assert len(audio.warnings) == 1
    assert ("goes on" if share < 1 else "are missing") in audio.warnings[0]
    with OpenFile(path) as file:
        found = first_frames(file)
        assert found is not None
        assert count_frames(file, found.audio, file.size) == frames


def test_mp3_without_a_tag_is_not_decoded_to_learn_its_length(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "song.mp3"
    content = bytearray((songs / "song.mp3").read_bytes())
    content[xing(songs / "song.mp3") : xing(songs / "song.mp3") + 4] = bytes(4)
    path.write_bytes(content)
    monkeypatch.setattr(reading, "_centre", lambda *given: pytest.fail("decoded whole"))
    assert probe(path).duration_s == pytest.approx(LENGTH_S, abs=0.1)
    middle = read_excerpt(path, length_s=1.0, policy=ExcerptPolicy.CENTRE)
    assert middle.duration_s == pytest.approx(1.0)


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_all_links_of_a_chain_are_read(songs: Path, tmp_path: Path, suffix: str) -> None:
    first = songs / f"song{suffix}"
    other = write(tmp_path / f"other{suffix}", chirp(3.0, 48_000, 1), 48_000)
    for links in ([first, first], [first, other], [other, first, other]):
        chain = tmp_path / f"chain{suffix}"
        chain.write_bytes(b"".join(link.read_bytes() for link in links))
        seconds = sum(3.0 if link == other else LENGTH_S for link in links)
        audio = read_audio(chain)
        assert audio.duration_s == pytest.approx(seconds, abs=0.1)
        assert probe(chain).duration_s == pytest.approx(seconds, abs=0.1)
        assert f"a chain of {len(links)} Ogg streams" in audio.warnings[0]
        assert not any("break" in warning for warning in audio.warnings)


def test_an_absurd_length_is_no_length(songs: Path, tmp_path: Path) -> None:
    """Of what a plan for training asks: no disk for what cannot be in the file."""
    path = tmp_path / "song.m4a"
    path.write_bytes((songs / "song.m4a").read_bytes())
    content = path.read_bytes()
    for box, at in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        claim(path, content.index(box) + at, 0x7FFF_FFFF, ">I")
    info: AudioInfo = probe(path)
    assert info.duration_s is None or info.duration_s < 10
    assert read_audio(path).duration_s == pytest.approx(LENGTH_S, abs=0.1)
