"""A few windows of a track in place of all of it: where they lie, and when all is heard instead."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audio_files import EVERY_FORMAT, chirp, write
from moodtheme import Tagger, tag_files
from moodtheme.audio import ExcerptPolicy, read_audio, stream
from moodtheme.tagging.answers import track_scores
from moodtheme.tagging.spread import spread_windows
from moodtheme.tagging.windows import ScatteredWindows
from toy_bundle import make_bundle, make_many_membered_bundle, toy_member

CENTRE, START, COVER = ExcerptPolicy.CENTRE, ExcerptPolicy.START, ExcerptPolicy.COVER
RATE = 48_000
SECONDS = 40.0
SEEKABLE = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".m4a", ".mov", ".mp4"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, and 40 s of growing sound in every format."""
    folder = tmp_path_factory.mktemp("spread")
    make_bundle(folder / "cover")
    make_bundle(folder / "centre", policy=CENTRE)
    members = (
        toy_member("a", COVER),
        toy_member("b", COVER, sample_rate=16_000, samples=16_000),
        toy_member("c", CENTRE, sample_rate=16_000, samples=48_000),
        toy_member("d", START, sample_rate=11_025, samples=33_075),
    )
    make_many_membered_bundle(folder / "many", members)
    music = chirp(SECONDS, RATE) * np.linspace(0.2, 1.0, round(SECONDS * RATE))[:, None]
    for suffix in EVERY_FORMAT:
        write(folder / f"music{suffix}", music.astype(np.float32), RATE)
    return folder


@given(
    policies=st.lists(st.sampled_from([COVER, CENTRE, START]), min_size=1, max_size=4),
    lengths=st.lists(st.integers(1, 40_000), min_size=4, max_size=4),
    duration_s=st.floats(0.01, 500),
    windows=st.integers(1, 12),
)
def test_windows_lie_in_the_middle_of_equal_parts_and_in_the_spans(
    policies: list[ExcerptPolicy], lengths: list[int], duration_s: float, windows: int
) -> None:
    members = [
        toy_member(str(n), policy, sample_rate=1_000 * (n + 1), samples=length)
        for n, (policy, length) in enumerate(zip(policies, lengths, strict=False))
    ]
    found = spread_windows(members, 44_100, duration_s, windows)
    parts = [windows if member.policy is COVER else 1 for member in members]
    fits = all(duration_s > n * m.excerpt_s for n, m in zip(parts, members, strict=True))
    assert (found is not None) == fits
    if found is None:
        return
    for member, stretches, n in zip(members, found.stretches, parts, strict=True):
        rate = member.sample_rate
        joined = len(stretches) // n
        longest = max(1, min(math.ceil(12 / windows), int(member.excerpt_s / 3.6)))
        assert joined == (longest if member.policy is COVER else 1)
        for at in range(0, len(stretches), joined):
            assert sum(length for _, length in stretches[at : at + joined]) == member.samples
        middles = [(start + length / 2) / rate for start, length in stretches]
        expected = [(i + 0.5) * duration_s / len(stretches) for i in range(len(stretches))]
        if member.policy is START:
            assert stretches == ((0, member.samples),)
        else:
            assert middles == pytest.approx(expected, abs=1e-3)
        assert all(b[0] >= a[0] + a[1] - 1 for a, b in itertools.pairwise(stretches))
        for start, length in stretches:
            assert start >= -1 and start + length <= duration_s * rate + 1
            assert any(
                begin <= max(start / rate, 0) and (start + length) / rate <= end + 1e-3
                for begin, end in found.spans
            )
    rates = [44_100, *(member.sample_rate for member in members)]
    assert all((begin * rate).denominator == 1 for begin, _ in found.spans for rate in rates)
    assert all(a[1] < b[0] for a, b in zip(found.spans, found.spans[1:], strict=False))


@given(
    starts=st.lists(st.integers(0, 300), min_size=1, max_size=5, unique=True),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    block=st.integers(1, 90),
    gap=st.integers(0, 40),
)
def test_scattered_windows_are_what_lies_there_joined_whatever_the_blocks(
    starts: list[int], lengths: list[int], block: int, gap: int
) -> None:
    track = np.arange(400, dtype=np.float32)
    starts = sorted(starts) * len(lengths)  # each stretch as often as a window has some
    stretches = [(s, lengths[n % len(lengths)]) for n, s in enumerate(sorted(starts))]
    cutter = ScatteredWindows(samples=sum(lengths), stretches=stretches)
    found, at = [], stretches[0][0]
    cutter.go_to(at)
    while at < len(track):
        found += list(cutter.push(track[at : at + block]))
        at += block
        if not cutter.full and cutter.is_past(at + gap):  # nobody needs what lies between
            at = next(start for start, _ in stretches if start >= at + gap)
            cutter.go_to(at)
    assert cutter.full and cutter.is_past(0)
    joined = len(lengths)
    windows = [stretches[at : at + joined] for at in range(0, len(stretches), joined)]
    assert [window.start for window in found] == [window[0][0] for window in windows]
    for window, parts in zip(found, windows, strict=True):
        expected = np.concatenate([track[start:][:length] for start, length in parts])
        np.testing.assert_array_equal(window.audio, expected)


@pytest.mark.parametrize("suffix", EVERY_FORMAT)
def test_the_windows_are_what_lies_there_in_every_format(folder: Path, suffix: str) -> None:
    path = folder / f"music{suffix}"
    tagger = Tagger.load(folder / "cover")
    heard = tagger.listen(path, windows=3)
    assert heard.windows == 3
    assert heard.duration_s == pytest.approx(SECONDS, abs=0.2)
    (member,) = heard.members
    if suffix not in SEEKABLE:
        assert len(member.track) >= 20
        (warning,) = heard.warnings
        assert "all of it was heard" in warning
        np.testing.assert_array_equal(track_scores(heard), track_scores(tagger.listen(path)))
        return
    assert heard.warnings == ()
    assert len(member.track) == 3
    for number, window in enumerate(member.track):
        middle = (number + 0.5) * heard.duration_s / 3
        assert (window.start_s + window.end_s) / 2 == pytest.approx(middle, abs=1e-3)
        part = read_audio(path, sample_rate=8_000, start_s=window.start_s, duration_s=2.0)
        expected = tagger.score(part.samples, 8_000)
        np.testing.assert_allclose(window.scores[0], expected, atol=1e-6)
    assert heard.audio == tagger.listen(path).audio


@pytest.mark.parametrize(("windows", "stretches"), [(1, 8), (2, 6), (4, 3), (6, 2)])
def test_few_long_windows_are_joined_from_stretches_over_the_track(
    tmp_path: Path, windows: int, stretches: int
) -> None:
    member = toy_member("long", COVER, sample_rate=1_000, samples=31_200)
    make_many_membered_bundle(tmp_path / "long", [member])
    steps = np.repeat(np.linspace(0.1, 0.9, 9), 30 * 1_000)  # louder every half minute
    soundfile.write(tmp_path / "steps.wav", steps * chirp(270.0, 1_000, 1)[:, 0], 1_000)
    tagger = Tagger.load(tmp_path / "long")
    (heard,) = tagger.listen(tmp_path / "steps.wav", windows=windows).members
    audio = read_audio(tmp_path / "steps.wav", sample_rate=1_000).samples
    assert len(heard.track) == windows
    length, places = 31_200 // stretches, windows * stretches
    for number, window in enumerate(heard.track):
        middles = [number * stretches + n + 0.5 for n in range(stretches)]
        starts = [round(middle * 270_000 / places - length / 2) for middle in middles]
        expected = np.concatenate([audio[start:][:length] for start in starts])
        np.testing.assert_allclose(window.scores[0], tagger.score(expected, 1_000), atol=1e-6)


def test_a_file_is_opened_once_and_little_of_it_is_decoded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, decoded_s = 0, 0.0
    real = stream.open_source

    def counted(file: Any) -> Any:
        nonlocal opened
        opened += 1
        source, findings = real(file)
        read = source.read

        def counted_read(frames: int) -> Any:
            nonlocal decoded_s
            block = read(frames)
            decoded_s += len(block) / source.info.sample_rate
            return block

        source.read = counted_read
        return source, findings

    monkeypatch.setattr(stream, "open_source", counted)
    Tagger.load(folder / "cover").tag(folder / "music.flac", windows=3)
    assert opened == 1
    assert decoded_s < 3 * (2.0 + 0.5)  # a window and its margins


def test_members_that_hear_an_excerpt_hear_it_as_ever(folder: Path) -> None:
    path = folder / "music.flac"
    tagger = Tagger.load(folder / "many")
    few, whole = tagger.listen(path, windows=4), tagger.listen(path)
    assert [len(member.track) for member in few.members] == [4, 4, 1, 1]
    for number in (2, 3):
        (one,), (other,) = few.members[number].track, whole.members[number].track
        assert (one.start_s, one.end_s) == (other.start_s, other.end_s)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
    centre = Tagger.load(folder / "centre")
    for suffix in (".flac", ".aac"):
        found = centre.tag(folder / f"music{suffix}", windows=4)
        assert (found.tags, found.warnings) == (centre.tag(folder / f"music{suffix}").tags, ())


def test_short_tracks_are_heard_whole(folder: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", 0.5 * chirp(5.9, 8_000, 1), 8_000)
    tagger = Tagger.load(folder / "cover")
    few, whole = (tagger.tag(tmp_path / "short.wav", windows=n) for n in (3, None))
    assert (few.tags, few.warnings, few.windows) == (whole.tags, (), 3)


@pytest.mark.parametrize("claimed_s", [None, 90.0])
def test_a_wrong_or_missing_length_costs_time_not_the_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, claimed_s: float | None
) -> None:
    tagger = Tagger.load(folder / "cover")
    expected = tagger.tag(folder / "music.flac")
    real = stream.open_source

    def claiming(file: Any) -> Any:
        source, findings = real(file)
        source.info = replace(source.info, duration_s=claimed_s)
        return source, findings

    monkeypatch.setattr(stream, "open_source", claiming)
    found = tagger.tag(folder / "music.flac", windows=3)
    assert found.tags == expected.tags
    assert found.duration_s == pytest.approx(SECONDS)
    assert any("all of it was heard" in warning for warning in found.warnings)


def test_a_track_with_sound_only_between_the_windows_is_heard_whole(
    folder: Path, tmp_path: Path
) -> None:
    music = np.zeros(40 * 8_000)
    music[: 4 * 8_000] = 0.5 * chirp(4.0, 8_000, 1)[:, 0]
    soundfile.write(tmp_path / "a.wav", music, 8_000)
    found = Tagger.load(folder / "cover").tag(tmp_path / "a.wav", windows=2)
    assert "silent" in " ".join(found.warnings)
    assert found.tags == Tagger.load(folder / "cover").tag(tmp_path / "a.wav").tags


def test_a_source_that_begins_anew_is_read_through_only_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tagger = Tagger.load(folder / "cover")
    expected = tagger.listen(folder / "music.flac", windows=6)
    sought: list[int] = []
    real = stream.open_source

    def failing(file: Any) -> Any:
        source, findings = real(file)
        seek = source.seek

        def start_over(frame: int) -> int:
            sought.append(frame)
            return int(seek(frame if len(sought) < 2 else 0))

        source.seek = start_over
        return source, findings

    monkeypatch.setattr(stream, "open_source", failing)
    found = tagger.listen(folder / "music.flac", windows=6)
    np.testing.assert_allclose(track_scores(found), track_scores(expected), atol=1e-6)
    assert len(sought) == 2


def test_what_cannot_be_asked_for_is_refused(folder: Path) -> None:
    tagger = Tagger.load(folder / "cover")
    for wrong in ({"windows": 0}, {"windows": 2, "timeline": True}):
        with pytest.raises(ValueError, match="windows"):
            tagger.listen(folder / "music.flac", **wrong)  # type: ignore[arg-type]


def test_many_files_are_tagged_by_windows(folder: Path) -> None:
    tagger = Tagger.load(folder / "cover")
    paths = [folder / "music.flac", folder / "music.ogg"]
    for path, result in zip(paths, tag_files(tagger, paths, jobs=2, windows=2), strict=True):
        assert result == tagger.tag(path, windows=2)
