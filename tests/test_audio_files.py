"""Finding audio files."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_files import EVERY_FORMAT, chirp, write, write_soundfile
from moodtheme.audio import (
    AUDIO_EXTENSIONS,
    ScanAccount,
    find_audio_files,
    iter_audio_files,
    read_audio,
)
from moodtheme.errors import AudioError


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders_are_walked_in_order_for_audio_that_is_not_hidden(tmp_path: Path) -> None:
    wanted = [tmp_path / name for name in ("B.MP3", "a.flac", "x.m4a", "b/c.ogg", "b/d/e.mkv")]
    touch(*wanted, *(tmp_path / name for name in ("notes.txt", "._x.mp3", ".git/a.mp3", "b/f.jpg")))
    (tmp_path / "folder.mp3").mkdir()
    assert find_audio_files([tmp_path]) == (wanted, [])


def test_named_files_are_kept_whatever_their_names(tmp_path: Path) -> None:
    named = [tmp_path / "notes.txt", tmp_path / ".hidden.mp3"]
    touch(*named)
    assert find_audio_files([str(path) for path in named]) == (named, [])


def test_every_file_comes_once(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "b" / "c.mp3")
    (tmp_path / "again.mp3").symlink_to(tmp_path / "a.mp3")
    given = [tmp_path / "b" / "c.mp3", tmp_path, tmp_path / "b", tmp_path / "." / "a.mp3"]
    files, problems = find_audio_files(given)
    assert files == [tmp_path / "b" / "c.mp3", tmp_path / "a.mp3"]
    assert problems == []


def test_loops_of_links_end(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "b" / "c.mp3")
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "self").symlink_to(tmp_path / "b" / "self")
    (tmp_path / "other").symlink_to(tmp_path / "b")
    assert find_audio_files([tmp_path]) == ([tmp_path / "a.mp3", tmp_path / "b" / "c.mp3"], [])


def test_problems_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "b" / "text.txt")
    given = [tmp_path / "none.mp3", tmp_path / "b", tmp_path / "a.mp3", tmp_path / "a\0.mp3"]
    files, problems = find_audio_files(given)
    assert files == [tmp_path / "a.mp3"]
    assert [problem.path for problem in problems] == [given[0], given[1], given[3]]
    assert "no such file" in str(problems[0])
    assert "no audio files" in str(problems[1])
    assert all(";" in problem.reason for problem in problems)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_locked_folder_is_a_problem(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", tmp_path / "b" / "c.mp3")
    (tmp_path / "b").chmod(0)
    try:
        files, problems = find_audio_files([tmp_path])
    finally:
        (tmp_path / "b").chmod(0o700)
    assert files == [tmp_path / "a.mp3"]
    assert [problem.path for problem in problems] == [tmp_path / "b"]


def test_files_come_one_by_one(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3")
    found = iter_audio_files([tmp_path / "a.mp3", *(tmp_path / f"{n}.mp3" for n in range(1000))])
    assert next(found) == tmp_path / "a.mp3"
    assert isinstance(next(found), AudioError)


@given(st.sampled_from(sorted(AUDIO_EXTENSIONS)))
def test_extensions_are_lower_case_with_a_dot(extension: str) -> None:
    assert extension == extension.lower()
    assert Path(f"a{extension}").suffix == extension


OTHERS = {
    ".aifc": ("AIFF", "PCM_16"),
    ".rf64": ("RF64", "PCM_16"),
    ".w64": ("W64", "PCM_16"),
    ".caf": ("CAF", "PCM_16"),
    ".au": ("AU", "PCM_16"),
    ".voc": ("VOC", "PCM_16"),
}
FFMPEG = {
    ".weba": ("libopus", "flt", "webm"),
    ".m4r": ("aac", "fltp", "ipod"),
    ".asf": ("wmav2", "fltp", "asf"),
    ".mpga": ("libmp3lame", "fltp", "mp3"),
    ".tta": ("tta", "s16", "tta"),
    ".wv": ("wavpack", "fltp", "wv"),
    ".ac3": ("ac3", "fltp", "ac3"),
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound in every format, each under its own name."""
    import av

    folder = tmp_path_factory.mktemp("everything")
    sound = chirp(1.2, 48_000)
    for suffix in EVERY_FORMAT:
        write(folder / f"song{suffix}", sound, 48_000)
    for suffix, (container, subtype) in OTHERS.items():
        write_soundfile(
            folder / f"song{suffix}", sound, 48_000, subtype=subtype, container=container
        )
    for suffix, (codec, form, container) in FFMPEG.items():
        made = folder / f"made.{container}"
        with av.open(made, "w", format=container) as out:
            track = out.add_stream(codec, rate=48_000, layout="stereo")
            track.format, track.bit_rate = form, 128_000
            resampler = av.AudioResampler(format=form, layout="stereo", rate=48_000)
            whole = np.ascontiguousarray(sound.T)
            frame = av.AudioFrame.from_ndarray(whole, "fltp", "stereo")
            frame.sample_rate = 48_000
            for part in resampler.resample(frame):
                out.mux(track.encode(part))
            out.mux(track.encode(None))
        made.rename(folder / f"song{suffix}")
    return folder


def test_what_decodes_is_found(everything: Path) -> None:
    there = sorted(everything.iterdir())
    account = ScanAccount()
    files, problems = find_audio_files([everything], account)
    assert (files, problems) == (there, [])
    assert account.line() is None
    for file in files:
        assert read_audio(file).duration_s > 1, file


@pytest.mark.parametrize("name", ["{}", "{}.txt", "{}.bak", "{}.jpg"])
def test_audio_is_found_whatever_it_is_called(everything: Path, tmp_path: Path, name: str) -> None:
    for file in everything.iterdir():
        (tmp_path / name.format(f"was {file.suffix[1:]}")).write_bytes(file.read_bytes())
    account = ScanAccount()
    files, _ = find_audio_files([tmp_path], account)
    assert files == sorted(tmp_path.iterdir())
    assert account.looked_into == len(files) == account.files


def test_what_is_passed_over_is_accounted_for(everything: Path, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes((everything / "song.wav").read_bytes())
    for name, content in {
        "cover.jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20,
        "photo.JPG": b"\xff\xd8\xff\xe1" + bytes(2000),
        "photo.heic": b"\0\0\0\x18ftypheic" + bytes(2000),
        "page.webp": b"RIFF\0\0\0\0WEBPVP8 " + bytes(2000),
        "utf16.txt": b"\xff\xfe" + "some words".encode("utf-16-le") * 99,
        "list.m3u": b"#EXTM3U\na.wav\n",
        "app.ts": b"Greetings, export const a = 1;\n" * 99,
        "README": b"words\n" * 999,
        "nothing.bin": b"",
        ".hidden.mp3": b"x",
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    account = ScanAccount()
    files, problems = find_audio_files([tmp_path], account)
    assert (files, problems) == ([tmp_path / "a.wav"], [])
    line = account.line()
    assert line is not None
    assert line.startswith("1 audio files found; passed over: 8 without audio (2 .jpg, ")
    assert line.endswith("others), 1 hidden, 1 empty, 1 unreadable")


@pytest.mark.parametrize("name", ["", "https://example.org/a.mp3", "http://a/b.ogg", "smb://x/y"])
def test_names_that_are_no_paths_are_not_taken_for_other_paths(name: str) -> None:
    files, (problem,) = find_audio_files([name])
    assert files == []
    assert name in str(problem)
    assert ("empty name" if not name else "an address") in problem.reason


@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_dsd_is_read_at_every_rate_in_use(tmp_path: Path, times: int) -> None:
    """A second of a DSF file: blocks of 4,096 bytes a channel, a bit a sample."""
    rate = 2_822_400 * times
    blocks = rate // 8 // 4096 + 1
    tone = np.sin(2 * np.pi * 440 * np.arange(blocks * 4096 * 8) / rate) * 0.5
    bits = np.random.default_rng(0).random(len(tone)) < (tone + 1) / 2
    data = np.packbits(bits, bitorder="little").tobytes()
    form = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, rate, 1, rate, 4096, 0)
    body = struct.pack("<4sQ", b"data", 12 + len(data)) + data
    total = 28 + len(form) + len(body)
    path = tmp_path / "a.dsf"
    path.write_bytes(struct.pack("<4sQQQ", b"DSD ", 28, total, 0) + form + body)
    audio = read_audio(path, sample_rate=16_000)
    assert audio.duration_s == pytest.approx(1.0, abs=0.05)
    assert np.abs(np.fft.rfft(audio.samples[:16_000])[435:445]).max() > 1_000
