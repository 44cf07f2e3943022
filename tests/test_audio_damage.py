"""Hostile and damaged input: every case ends in samples with a warning, or a named error."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_files import EVERY_FORMAT, chirp, write, write_soundfile
from moodtheme.audio import (
    Decoder,
    ExcerptPolicy,
    open_audio,
    probe,
    read_audio,
    read_excerpt,
    to_mono,
)
from moodtheme.errors import (
    AudioError,
    DecodeError,
    EmptyAudioError,
    MissingAudioError,
    NotAudioError,
    TooShortError,
)

RATE = 48_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The bytes of a sound file of 6 s, by extension."""
    folder = tmp_path_factory.mktemp("whole")

    def content(suffix: str) -> bytes:
        path = folder / f"whole{suffix}"
        if not path.exists():
            write(path, chirp(6.0, RATE), RATE)
        return path.read_bytes()

    return content


def refused(path: Path, kind: type[AudioError], said: str, *, minimum_s: float = 0.0) -> None:
    with pytest.raises(kind) as caught:
        read_audio(path, sample_rate=16_000, minimum_s=minimum_s)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert ";" in caught.value.reason, "says what to do next"


def test_missing_and_folder_and_empty(tmp_path: Path) -> None:
    refused(tmp_path / "none.mp3", MissingAudioError, "no such file")
    refused(tmp_path / "a\0b.mp3", MissingAudioError, "cannot be read")
    refused(tmp_path, NotAudioError, "a folder")
    empty = tmp_path / "empty.mp3"
    empty.touch()
    refused(empty, EmptyAudioError, "the file is empty")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = write(tmp_path / "locked.wav", chirp(0.1, RATE), RATE)
    path.chmod(0)
    refused(path, MissingAudioError, "ermission")


@pytest.mark.skipif(os.name != "posix", reason="only on POSIX")
def test_pipes_sockets_and_devices_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short on every system
    os.mkfifo(tmp_path / "pipe.wav")
    refused(tmp_path / "pipe.wav", NotAudioError, "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.wav")
        refused(tmp_path / "socket.wav", NotAudioError, "socket")
    refused(Path("/dev/zero"), NotAudioError, "device")


@pytest.mark.parametrize(
    "content",
    [
        b"These are the words of a song, and no music.\n" * 200,
        b"\x00" * 5_000,
        b"RIFF",
        b"\xff\xfb\x90\x00",
        b"1\n00:00:00,000 --> 00:00:01,000\nA subtitle\n\n",
        np.random.default_rng(0).bytes(300),
    ],
)
@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song.m4a", "song.gsm", "song.raw"])
def test_what_is_not_audio_is_not_decoded(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises((NotAudioError, EmptyAudioError)):
        read_audio(path, sample_rate=16_000)


def test_a_picture_is_not_audio(tmp_path: Path) -> None:
    import av

    path = tmp_path / "film.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    refused(path, NotAudioError, "no audio stream")


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp3"])
def test_a_playlist_cannot_open_other_files(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av

    from audio_files import write_pyav

    monkeypatch.chdir(tmp_path)
    target = write_pyav(tmp_path / "other.ts", chirp(1.0, RATE), RATE, "aac", "fltp")
    lists = {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\n{target}\n#EXT-X-ENDLIST\n",
        "list.mp3": f"ffconcat version 1.0\nfile '{target.name}'\n",
    }
    path = tmp_path / name
    path.write_text(lists[name], encoding="utf-8")
    with path.open("rb") as file, av.open(file) as container:
        assert next(container.decode(audio=0)).samples, "FFmpeg by itself would play it"
    refused(path, NotAudioError, "no decoder")


def test_too_short_says_how_short(tmp_path: Path) -> None:
    path = write(tmp_path / "short.wav", chirp(0.2, RATE), RATE)
    refused(path, TooShortError, "0.20 s, at least 1 s is needed", minimum_s=1.0)
    with pytest.raises(TooShortError, match="at least 1 s"):
        read_excerpt(path, length_s=20, policy=ExcerptPolicy.CENTRE, minimum_s=1.0)
    assert read_audio(path, minimum_s=0.2).duration_s == 0.2


def test_no_samples_at_all(tmp_path: Path) -> None:
    path = write(tmp_path / "none.wav", np.zeros((0, 2), np.float32), RATE)
    refused(path, EmptyAudioError, "holds no audio")


def test_an_excerpt_behind_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "song.wav", chirp(2.0, RATE), RATE)
    with pytest.raises(TooShortError, match=r"ends at 2\.00 s, before the excerpt"):
        read_audio(path, start_s=5.0)


def test_nan_and_infinity_become_silence(tmp_path: Path) -> None:
    samples = chirp(2.0, RATE)
    samples[100:103, 0] = np.nan
    samples[70_000, 1] = -np.inf
    path = write_soundfile(tmp_path / "broken.wav", samples, RATE, subtype="FLOAT")
    audio = read_audio(path)
    assert audio.warnings == ("4 samples are not finite or absurdly large; taken as silence",)
    mono = samples.mean(axis=1)
    np.testing.assert_allclose(audio.samples, np.where(np.isfinite(mono), mono, 0.0), atol=1e-6)


@pytest.mark.parametrize("channel", [0, 1])
def test_a_channel_of_nan_is_left_out(tmp_path: Path, channel: int) -> None:
    samples = chirp(2.0, RATE)
    samples[:, channel] = np.nan
    path = write_soundfile(tmp_path / "half.wav", samples, RATE, subtype="FLOAT")
    audio = read_audio(path)
    assert len(audio.warnings) == 1
    assert "a channel holds no numbers" in audio.warnings[0]
    np.testing.assert_allclose(audio.samples, samples[:, 1 - channel], atol=1e-6)
    np.testing.assert_array_equal(to_mono(samples.astype(np.float32)), audio.samples)


def test_loud_floats_keep_their_level(tmp_path: Path) -> None:
    path = write_soundfile(tmp_path / "loud.wav", chirp(1.0, RATE) * 20, RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(path).samples, 20 * chirp(1.0, RATE).mean(1), atol=1e-5)


def header(rate: int, channels: int, size: int) -> bytes:
    """A WAV header that claims ``size`` bytes of 16 bit audio."""

    def little(number: int, width: int) -> bytes:
        return (number % 2 ** (8 * width)).to_bytes(width, "little")

    block = 2 * channels
    chunk = b"fmt " + little(16, 4) + little(1, 2) + little(channels, 2) + little(rate, 4)
    chunk += little(rate * block, 4) + little(block, 2) + little(16, 2)
    return b"RIFF" + little(size + 36, 4) + b"WAVE" + chunk + b"data" + little(size, 4)


def test_a_claim_of_four_gigabytes_reads_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "claims.wav"
    path.write_bytes(header(8_000, 1, 2**32 - 40) + b"\x00\x10" * 8_000)
    audio = read_audio(path)
    assert len(audio.samples) == 8_000
    assert np.all(audio.samples == 0.125)


@pytest.mark.parametrize(
    ("rate", "channels"), [(0, 1), (1, 1), (10_000_000, 2), (2**31 - 1, 1), (8_000, 0)]
)
def test_absurd_claims_are_refused(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "claims.wav"
    path.write_bytes(header(rate, channels, 8_000) + bytes(8_000))
    with pytest.raises(NotAudioError):
        read_audio(path, sample_rate=16_000)


def test_a_thousand_channels_are_read_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "many.wav"
    frames = np.full((9_000, 1_000), 2**14, dtype="<i2")
    frames[:, ::2] = 0
    path.write_bytes(header(96_000, 1_000, frames.nbytes) + frames.tobytes())
    with open_audio(path, block_s=1e6) as stream:
        blocks = list(stream)
    assert max(len(block) for block in blocks) * 1_000 <= 4_000_000
    assert sum(len(block) for block in blocks) == 9_000
    assert all(np.all(block == 0.25) for block in blocks)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".flac", ".aac", ".mka", ".wma", ".wav"])
def test_a_truncated_file_gives_what_it_holds(
    tmp_path: Path, whole: Callable[[str], bytes], suffix: str
) -> None:
    path = tmp_path / f"cut{suffix}"
    content = whole(suffix)
    path.write_bytes(content[: len(content) * 2 // 3])
    audio = read_audio(path, sample_rate=16_000, minimum_s=1.0)
    assert 3.0 < audio.duration_s < 4.7
    # The rest promise no length, or libsndfile takes it from the file's own.
    if suffix in (".mp3", ".flac", ".mka", ".wma"):
        assert f"{probe(path).duration_s:.2f} s" in " ".join(audio.warnings) or "broke off" in (
            " ".join(audio.warnings)
        )
    centre = read_excerpt(path, length_s=1.0, policy=ExcerptPolicy.CENTRE, sample_rate=16_000)
    middle = round((audio.duration_s - 1.0) / 2 * 16_000)
    nearby = audio.samples[middle - 8_000 : middle + 24_000]
    # In the middle of what there is, to 0.5 s: its likeness is found near there.
    match = np.correlate(nearby, centre.samples[:4_000], mode="valid").max()
    assert match > 0.8 * np.sum(centre.samples[:4_000] ** 2)


def test_too_little_before_the_damage_is_a_decode_error(
    tmp_path: Path, whole: Callable[[str], bytes]
) -> None:
    path = tmp_path / "cut.flac"
    content = whole(".flac")
    path.write_bytes(content[: len(content) // 10])
    refused(path, DecodeError, "at least 3 s is needed", minimum_s=3.0)
    assert read_audio(path, minimum_s=0.2).warnings


def test_ffmpeg_reads_on_behind_damage_where_soundfile_breaks_off(
    tmp_path: Path, whole: Callable[[str], bytes]
) -> None:
    path = tmp_path / "damaged.flac"
    content = bytearray(whole(".flac"))
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(300)
    path.write_bytes(content)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.read(path)
    audio = read_audio(path)
    assert any("FFmpeg read on" in warning for warning in audio.warnings)
    assert audio.duration_s > 5.8
    mono = to_mono(chirp(6.0, RATE))
    for part in (slice(2 * RATE), slice(-2 * RATE, None)):
        np.testing.assert_allclose(audio.samples[part], mono[part], atol=1e-6)


def test_damaged_packets_are_skipped_and_counted(
    tmp_path: Path, whole: Callable[[str], bytes]
) -> None:
    path = tmp_path / "damaged.aac"
    content = bytearray(whole(".aac"))
    for place in range(len(content) // 4, len(content) * 3 // 4, 500):
        content[place : place + 4] = b"\xff" * 4
    path.write_bytes(content)
    audio = read_audio(path, sample_rate=16_000, minimum_s=2.0)
    assert any("damaged packets" in warning for warning in audio.warnings)


def test_mp3_files_that_do_not_say_how_long_they_are_are_read_whole(tmp_path: Path) -> None:
    samples = np.concatenate([chirp(3.0, 44_100) * 0.001, chirp(3.0, 44_100)])
    path = write(tmp_path / "whole.mp3", samples, 44_100)
    assert probe(path).decoder is Decoder.SOUNDFILE
    expected = read_audio(path).samples
    content = path.read_bytes()
    tag = content.index(b"Xing")
    second_frame = content.index(content[:2], tag)
    bare = tmp_path / "bare.mp3"
    bare.write_bytes(content[second_frame:])
    assert abs(soundfile.info(bare).duration - 6.0) > 1.0, "what is guarded against"
    audio = read_audio(bare)
    # Without its tag the encoder's delay stays in.
    assert audio.duration_s == pytest.approx(6.0, abs=0.1)
    assert np.std(audio.samples[-100_000:]) == pytest.approx(np.std(expected[-100_000:]), rel=0.02)
    centre = read_excerpt(bare, length_s=2.0, policy=ExcerptPolicy.CENTRE)
    middle = (len(audio.samples) - len(centre.samples)) // 2
    expected_centre = audio.samples[middle : middle + len(centre.samples)]
    np.testing.assert_allclose(centre.samples, expected_centre, atol=1e-6)

    tagged = tmp_path / "tagged.mp3"
    tagged.write_bytes(b"ID3\x04\0\0\0\0\x02\x03" + bytes(2 * 128 + 3) + content)
    assert probe(tagged).decoder is Decoder.SOUNDFILE
    np.testing.assert_allclose(read_audio(tagged).samples, expected, atol=1e-6)


def test_joined_mp3_files_are_read_to_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "one.mp3", chirp(20.0, 44_100), 44_100)
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(path.read_bytes() * 2)
    assert soundfile.info(joined).duration < 21
    assert read_audio(joined, sample_rate=16_000).duration_s == pytest.approx(40, abs=0.2)


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "shrinks.wav", chirp(6.0, RATE), RATE)
    with open_audio(path, block_s=1.0) as stream:
        blocks = iter(stream)
        first = next(blocks)
        os.truncate(path, 2 * len(first) * 4)
        rest = list(blocks)
    assert sum(map(len, rest)) < 2 * RATE
    assert any("broke off" in warning for warning in stream.warnings)


def fuzz(cases: int, seed: int) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).with_name("audio_fuzz.py")
    return subprocess.run(
        [sys.executable, script, "--cases", str(cases), "--seed", str(seed)],
        capture_output=True,
        encoding="utf-8",
        timeout=6000,
        check=False,
    )


def test_random_damage_gives_samples_or_an_error_and_no_noise() -> None:
    done = fuzz(260, seed=2)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == list(EVERY_FORMAT)
    assert all("read" in line or "warned" in line for line in lines), "too much damage to tell"


@pytest.mark.slow
def test_much_random_damage() -> None:
    done = fuzz(4_000, seed=3)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
