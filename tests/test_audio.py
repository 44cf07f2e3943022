"""Decoding, mono, excerpts and streams, for every format."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.stream import Disposition
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_files import (
    EVERY_FORMAT,
    SOUNDFILE_FORMATS,
    audio_frame,
    chirp,
    write,
    write_pyav,
    write_soundfile,
)
from moodtheme.audio import (
    AudioStream,
    Decoder,
    ExcerptPolicy,
    open_audio,
    probe,
    read_audio,
    read_excerpt,
    reading,
    resample,
    to_mono,
)
from moodtheme.audio.opened import OpenFile
from moodtheme.audio.pyav_source import PyavSource
from moodtheme.audio.soundfile_source import SoundfileSource
from moodtheme.audio.sources import BrokenOffError

RATE = 48_000
LENGTH_S = 6.0
LOSSLESS = (".wav", ".flac", ".aiff", ".mov")
# Raw streams and WMA carry no note of the encoder's delay; AC-3 has one of 256 samples.
DELAYED = (".wma", ".aac", ".avi")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same stereo signal in every format."""
    path = tmp_path_factory.mktemp("audio")
    samples = chirp(LENGTH_S, RATE)
    for suffix in EVERY_FORMAT:
        write(path / f"chirp{suffix}", samples, RATE)
    return path


@pytest.mark.parametrize("suffix", EVERY_FORMAT)
def test_every_format_decodes_to_the_mean_of_its_channels(folder: Path, suffix: str) -> None:
    path = folder / f"chirp{suffix}"
    info = probe(path)
    expected = Decoder.SOUNDFILE if suffix in SOUNDFILE_FORMATS else Decoder.PYAV
    assert (info.decoder, info.sample_rate, info.channels) == (expected, RATE, 2)
    assert info.duration_s is None or info.duration_s == pytest.approx(LENGTH_S, abs=0.03)

    audio = read_audio(path)
    assert audio.warnings == ()
    assert (audio.sample_rate, audio.samples.dtype) == (RATE, np.float32)
    assert audio.duration_s == pytest.approx(LENGTH_S, abs=0.04)
    mono = to_mono(chirp(LENGTH_S, RATE))
    if suffix in LOSSLESS:
        np.testing.assert_allclose(audio.samples, mono, atol=2**-15)
    elif suffix not in DELAYED:
        middle = slice(RATE, 5 * RATE)
        error = audio.samples[middle] - mono[middle]
        # The codecs cost -17 dB at most on this noisy signal; a shift by one sample, a lost
        # channel or a factor of the square root of two cost far more.
        assert np.std(error) < 0.14 * np.std(mono[middle])


@pytest.mark.parametrize("suffix", [*DELAYED, ".mka"])
def test_levels_hold_where_the_delay_is_unknown(folder: Path, suffix: str) -> None:
    audio = read_audio(folder / f"chirp{suffix}").samples[RATE : 5 * RATE]
    mono = to_mono(chirp(LENGTH_S, RATE))[RATE : 5 * RATE]
    assert np.std(audio) == pytest.approx(np.std(mono), rel=0.05)


@pytest.mark.parametrize("suffix", [*SOUNDFILE_FORMATS, ".mov", ".mka"])
def test_both_decoders_agree(folder: Path, suffix: str) -> None:
    path = folder / f"chirp{suffix}"
    with OpenFile(path) as file:
        through_ffmpeg = _drain(PyavSource(file))
        if suffix in SOUNDFILE_FORMATS:
            np.testing.assert_allclose(through_ffmpeg, _drain(SoundfileSource(file)), atol=2e-5)
    assert len(through_ffmpeg) == LENGTH_S * RATE


def test_what_ffmpeg_decoded_before_it_gives_up_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "chirp.m4a"
    whole = read_audio(path).samples
    decode = PyavSource._decode_frames

    def breaks_off(source: PyavSource) -> Iterator[AudioFrame]:
        yield from islice(decode(source), 13)
        raise BrokenOffError("no more of it")

    monkeypatch.setattr(PyavSource, "_decode_frames", breaks_off)
    audio = read_audio(path)
    # FFmpeg leaves out what AAC puts before the first sample, here the first of the frames.
    assert 12 * 1024 <= len(audio.samples) <= 13 * 1024
    np.testing.assert_array_equal(audio.samples, whole[: len(audio.samples)])
    assert "no more of it" in audio.warnings[0]


def _drain(source: PyavSource | SoundfileSource) -> np.ndarray:
    blocks = []
    while len(block := source.read(RATE)):
        blocks.append(block)
    source.close()
    return np.concatenate(blocks)


@pytest.mark.parametrize("container", ["mka", "wav"])
def test_surround_is_the_plain_mean_too(tmp_path: Path, container: str) -> None:
    samples = chirp(1.0, RATE, channels=6)
    path = tmp_path / f"surround.{container}"
    if container == "wav":
        write_soundfile(path, samples, RATE, subtype="FLOAT")
    else:
        write_pyav(path, samples, RATE, "pcm_f32le", "flt", layout="5.1")
    np.testing.assert_allclose(read_audio(path).samples, samples.mean(axis=1), atol=1e-6)


def test_eight_planar_channels_are_read_safely(tmp_path: Path) -> None:
    samples = np.zeros((RATE, 8), dtype=np.float32)
    samples[:, 7] = chirp(1.0, RATE, channels=1)[:, 0]
    path = write_pyav(tmp_path / "eight.mka", samples, RATE, "libopus", "flt", layout="7.1")
    audio = read_audio(path)
    assert probe(path).channels == 8
    assert np.std(audio.samples) == pytest.approx(np.std(samples[:, 7]) / 8, rel=0.05)


@pytest.mark.parametrize(
    ("codec", "sample_format", "step"),
    [
        ("pcm_u8", "u8", 2**-7),
        ("pcm_s16le", "s16", 2**-15),
        ("pcm_s24le", "s32", 2**-22),
        ("pcm_s32le", "s32", 2**-23),
        ("pcm_f64le", "dbl", 2**-23),
    ],
)
def test_every_sample_format_has_its_scale(
    tmp_path: Path, codec: str, sample_format: str, step: float
) -> None:
    samples = chirp(0.5, RATE)
    path = tmp_path / "pcm.mkv"
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="stereo")
        converter = av.AudioResampler(format=sample_format, layout="stereo", rate=RATE)
        for frame in converter.resample(audio_frame(samples, RATE, "flt", "stereo", 0)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe(path).codec == codec
    np.testing.assert_allclose(read_audio(path).samples, samples.mean(axis=1), atol=step)


@pytest.mark.parametrize("sample_rate", [None, 16_000, 44_100])
@pytest.mark.parametrize("suffix", EVERY_FORMAT)
def test_an_excerpt_is_that_part_of_the_whole(
    folder: Path, suffix: str, sample_rate: int | None
) -> None:
    path = folder / f"chirp{suffix}"
    whole = read_audio(path, sample_rate=sample_rate)
    for start_s, duration_s in ((0.01, 0.3), (1.0, 2.0), (2.7182818, 1.5), (5.5, 0.4)):
        part = read_audio(path, sample_rate=sample_rate, start_s=start_s, duration_s=duration_s)
        start = round(start_s * whole.sample_rate)
        count = round(duration_s * whole.sample_rate)
        expected = whole.samples[start : start + count]
        assert part.warnings == ()
        np.testing.assert_allclose(part.samples, expected, atol=1e-6)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".mov"])
def test_an_excerpt_is_reached_by_seeking(
    folder: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = 0

    def count(read: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        def counted(source: object, frames: int) -> np.ndarray:
            nonlocal decoded
            block = read(source, frames)
            decoded += len(block)
            return block

        return counted

    for kind in (SoundfileSource, PyavSource):
        monkeypatch.setattr(kind, "read", count(kind.read))
    read_audio(folder / f"chirp{suffix}", sample_rate=16_000, start_s=4.0, duration_s=0.5)
    assert decoded / RATE < 3.2  # 0.5 s, its margin, FFmpeg's pre-roll and whole blocks of 1 s


@pytest.mark.parametrize("suffix", EVERY_FORMAT)
def test_the_centre_excerpt_lies_in_the_middle(folder: Path, suffix: str) -> None:
    path = folder / f"chirp{suffix}"
    whole = read_audio(path, sample_rate=12_000).samples
    centre = read_excerpt(path, sample_rate=12_000, length_s=2.0, policy=ExcerptPolicy.CENTRE)
    assert len(centre.samples) == 24_000
    claimed_s = probe(path).duration_s or len(whole) / 12_000
    start = round((claimed_s - 2.0) / 2 * 12_000)
    np.testing.assert_allclose(centre.samples, whole[start : start + 24_000], atol=1e-6)


def test_excerpts_of_short_files_are_the_whole_file(folder: Path) -> None:
    path = folder / "chirp.flac"
    whole = read_audio(path, sample_rate=12_000)
    for policy in ExcerptPolicy:
        excerpt = read_excerpt(path, sample_rate=12_000, length_s=29.1, policy=policy)
        assert np.array_equal(excerpt.samples, whole.samples)
        assert excerpt.warnings == ()
    start = read_excerpt(path, sample_rate=12_000, length_s=1.0, policy=ExcerptPolicy.START)
    np.testing.assert_allclose(start.samples, whole.samples[:12_000], atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    block_s=st.floats(0.003, 8.0),
    sample_rate=st.sampled_from([None, 8_000, 16_000, 44_100]),
    suffix=st.sampled_from([".ogg", ".mp3", ".m4a"]),
)
def test_blocks_join_to_the_whole_whatever_their_length(
    folder: Path, block_s: float, sample_rate: int | None, suffix: str
) -> None:
    path = folder / f"chirp{suffix}"
    whole = read_audio(path, sample_rate=sample_rate)
    with open_audio(path, sample_rate=sample_rate, block_s=block_s) as stream:
        blocks = list(stream)
        assert stream.decoded_s == pytest.approx(whole.duration_s)
    assert all(block.dtype == np.float32 and len(block) for block in blocks)
    np.testing.assert_allclose(np.concatenate(blocks), whole.samples, atol=2e-6)


@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_reading_resampled_is_reading_then_resampling(folder: Path, suffix: str) -> None:
    native = read_audio(folder / f"chirp{suffix}")
    streamed = read_audio(folder / f"chirp{suffix}", sample_rate=16_000)
    np.testing.assert_allclose(streamed.samples, resample(native.samples, RATE, 16_000), atol=2e-6)


def test_blocks_do_not_share_memory(folder: Path) -> None:
    with open_audio(folder / "chirp.wav") as stream:
        blocks = list(stream)
    copies = [block.copy() for block in blocks]
    blocks[0][:] = 0
    assert all(np.array_equal(*pair) for pair in zip(blocks[1:], copies[1:], strict=True))


@pytest.mark.parametrize("suffix", [".ogg", ".m4a"])
def test_reading_is_the_same_every_time_and_in_many_threads(folder: Path, suffix: str) -> None:
    path = folder / f"chirp{suffix}"
    expected = read_audio(path, sample_rate=16_000).samples
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(read_audio(path, sample_rate=16_000).samples)
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(np.array_equal(expected, result) for result in results)


def test_a_change_of_rate_and_channels_on_the_way_is_followed(tmp_path: Path) -> None:
    first = write(tmp_path / "a.aac", chirp(2.0, 48_000), 48_000)
    second = write(tmp_path / "b.aac", chirp(2.0, 32_000, channels=1), 32_000)
    joined = tmp_path / "joined.aac"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    audio = read_audio(joined)
    assert audio.sample_rate == 48_000
    assert audio.duration_s == pytest.approx(4.0, abs=0.15)
    assert audio.warnings == ("the format changes 1 times, first to 32000 Hz and 1 channels",)
    expected = read_audio(second, sample_rate=48_000).samples
    np.testing.assert_allclose(audio.samples[-48_000:-2_000], expected[-48_000:-2_000], atol=1e-5)


def test_cover_art_is_not_audio(tmp_path: Path) -> None:
    path = tmp_path / "cover.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="stereo")
        picture = container.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
        picture.disposition = Disposition.attached_pic
        container.mux(stream.encode(audio_frame(chirp(1.0, RATE), RATE, "fltp", "stereo", 0)))
        container.mux(stream.encode(None))
        image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
        image.pts = 0
        container.mux(picture.encode(image))
        container.mux(picture.encode(None))
    audio = read_audio(path)
    assert audio.duration_s == pytest.approx(1.0, abs=0.03)
    assert audio.warnings == ()


def test_content_decides_and_any_name_will_do(folder: Path, tmp_path: Path) -> None:
    expected = read_audio(folder / "chirp.m4a").samples
    for name in ("Größe – 音楽.m4a", "song.mp3", "noextension", "http:song.m4a", "%d.png"):
        path = tmp_path / name
        path.write_bytes((folder / "chirp.m4a").read_bytes())
        assert np.array_equal(read_audio(path).samples, expected)


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux are such names stored")
@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_names_may_hold_bytes_that_are_no_text(folder: Path, tmp_path: Path, suffix: str) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe" + suffix.encode()))
    path.write_bytes((folder / f"chirp{suffix}").read_bytes())
    assert len(read_audio(path).samples)


def test_importing_and_reading_common_files_does_not_load_ffmpeg(folder: Path) -> None:
    code = (
        "import sys, moodtheme.audio\n"
        f"moodtheme.audio.read_audio({str(folder / 'chirp.ogg')!r}, sample_rate=16000)\n"
        "print('av' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "arguments",
    [
        {"sample_rate": 0},
        {"start_s": -1.0},
        {"start_s": float("nan")},
        {"duration_s": 0.0},
        {"block_s": 0.0},
    ],
)
def test_numbers_out_of_range_are_refused(folder: Path, arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        open_audio(folder / "chirp.wav", **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("sample_rate", [None, 12_000])
def test_the_centre_of_a_file_that_states_no_length_is_decoded_once(
    tmp_path: Path, sample_rate: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "bare.aac", chirp(30.0, RATE), RATE)
    assert probe(path).duration_s is None
    opened = []

    def counted(*given: Any, **more: Any) -> AudioStream:
        opened.append(given)
        return open_audio(*given, **more)

    monkeypatch.setattr(reading, "open_audio", counted)
    wanted = {"sample_rate": sample_rate, "length_s": 5.0, "policy": ExcerptPolicy.CENTRE}
    once = read_excerpt(path, **wanted)
    assert len(opened) == 1
    monkeypatch.setattr(reading, "_MOST_HELD", 1)  # a track that is too long to be held
    twice = read_excerpt(path, **wanted)
    assert len(opened) == 3
    np.testing.assert_allclose(once.samples, twice.samples, atol=1e-5)
    whole = read_audio(path, sample_rate=sample_rate)
    start = round((whole.duration_s - 5.0) / 2 * whole.sample_rate)
    nearby = [whole.samples[start + i :][: len(once.samples)] for i in (-1, 0, 1)]
    assert any(np.array_equal(once.samples, part) for part in nearby)
