"""Distillation: the plan, the changes, the labels, and a whole run in miniature."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.distillation import labels as labels_module
from moodtheme.distillation.agreement import spearman_per_tag, top_overlap
from moodtheme.distillation.augment import Change, apply_change, cut
from moodtheme.distillation.fit import Schedule, Windows, fit_student
from moodtheme.distillation.labels import Teacher, make_material, open_material
from moodtheme.distillation.plan import MusicTrack, Part, make_plan, read_music_table
from moodtheme.errors import DatasetError
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES, FRAMES, N_MELS, SAMPLE_RATE
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.session import MemberSession
from program import Program
from toy_bundle import make_bundle

WINDOW_S = EXCERPT_SAMPLES / SAMPLE_RATE


def tracks_of(sizes: list[int], *, duration_s: float = 60.0) -> list[MusicTrack]:
    return [
        MusicTrack(Path(f"{group}-{i}.wav"), f"group {group}", duration_s)
        for group, size in enumerate(sizes)
        for i in range(size)
    ]


@given(sizes=st.lists(st.integers(1, 4), min_size=40, max_size=60), seed=st.integers(0, 99))
def test_no_group_is_in_two_parts_and_rows_do_not_overlap(sizes: list[int], seed: int) -> None:
    tracks = tracks_of(sizes)
    plan = make_plan(tracks, window_s=WINDOW_S, windows_per_excerpt=3.0, seed=seed)
    assert [planned.track for planned in plan.tracks] == tracks
    groups = [{p.track.group for p in plan.of(part)} for part in Part]
    assert sum(len(g) for g in groups) == len(set.union(*groups))
    for part in Part:
        rows = [row for p in plan.of(part) for row in range(p.first_row, p.first_row + p.rows)]
        assert rows == list(range(plan.rows(part)))
    assert len(plan.of(Part.TEST)) <= 0.15 * len(tracks)
    assert plan == make_plan(tracks, window_s=WINDOW_S, windows_per_excerpt=3.0, seed=seed)


def test_a_collection_of_two_groups_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="no group of tracks is small enough for"):
        make_plan(tracks_of([5, 5]), window_s=WINDOW_S, windows_per_excerpt=1.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,duration_s\n", "at least one row"),
        ("path,duration_s\na.wav,3\n", "columns"),
        ("path,duration_s,artist\na.wav,long,x\n", "not a number"),
        ("path,duration_s,artist\na.wav,nan,x\n", "not a number"),
        ("path,duration_s,artist\ngone.wav,3,x\n", "1 files that are not there"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "music.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=reason):
        read_music_table(tmp_path / "music.csv", group_column="artist")


@given(
    start=st.integers(0, 500), samples=st.integers(1, 2000), speed=st.sampled_from([0.8, 1.0, 1.2])
)
def test_a_cut_has_the_wanted_length(start: int, samples: int, speed: float) -> None:
    audio = np.sin(np.arange(1000, dtype=np.float32))
    piece = cut(audio, start, samples, speed=speed)
    assert piece.shape == (samples,)
    if speed == 1.0:
        np.testing.assert_array_equal(piece, np.resize(np.roll(audio, -start), samples))


def test_changes_do_what_they_say() -> None:
    rng = np.random.default_rng(0)
    window, partner = rng.standard_normal((2, 32_000)).astype(np.float32)
    same = apply_change(window, partner, Change(), sample_rate=16_000)
    np.testing.assert_array_equal(same, window)
    louder = apply_change(window, partner, Change(eq_db=(6.0,) * 5), sample_rate=16_000)
    np.testing.assert_allclose(louder, window * 10 ** (6 / 20), rtol=1e-3, atol=1e-4)
    mixed = apply_change(window, partner, Change(mix_db=0.0), sample_rate=16_000)
    assert np.corrcoef(mixed - window, partner)[0, 1] == pytest.approx(1.0, abs=1e-5)
    high = apply_change(window, partner, Change(eq_db=(-60.0,) * 4 + (0.0,)), sample_rate=16_000)
    spectrum = np.abs(np.fft.rfft(high))
    assert spectrum[: 16_000 // 8].mean() < 0.1 * spectrum[-2_000:].mean()


@given(seed=st.integers(0, 2**32 - 1))
def test_agreement_is_spearmans(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, (2, 20, 4)).astype(float)
    expected = [scipy.stats.spearmanr(a[:, i], b[:, i]).statistic for i in range(4)]
    np.testing.assert_allclose(spearman_per_tag(a, b), expected, atol=1e-12)


def test_overlap_counts_common_tags() -> None:
    a = np.array([[5, 4, 3, 2, 1, 0.0], [5, 4, 3, 2, 1, 0]])
    b = np.array([[0, 1, 2, 3, 4, 5.0], [5, 4, 3, 2, 1, 0]])
    np.testing.assert_array_equal(top_overlap(a, b, top=2), [0.0, 1.0])
    np.testing.assert_array_equal(top_overlap(a, b, top=5), [0.8, 1.0])


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Forty short tracks of as many artists, one of them silent, one no audio."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(40):
        path = tmp_path / f"{i}.wav"
        audio = 0.1 * rng.standard_normal(2 * SAMPLE_RATE) * (i != 3)
        soundfile.write(path, audio, SAMPLE_RATE)
        rows.append({"path": path.name, "duration_s": "2", "artist": str(i)})
    (tmp_path / "5.wav").write_text("no audio", encoding="utf-8")
    with (tmp_path / "music.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path / "music.csv"


@pytest.fixture
def teacher(tmp_path: Path) -> Teacher:
    make_bundle(tmp_path / "teacher")
    bundle = read_manifest(tmp_path / "teacher")
    session = MemberSession(tmp_path / "teacher", bundle, bundle.members[0])
    return Teacher(session, 3)


def test_the_teacher_hears_all_music_equally_loud(teacher: Teacher) -> None:
    window = np.random.default_rng(0).standard_normal((1, EXCERPT_SAMPLES)).astype(np.float32)
    quiet, loud = teacher.scores(window * np.float32(0.001)), teacher.scores(window * 10)
    np.testing.assert_allclose(quiet, loud, atol=1e-6)


def test_material_can_be_stopped_anywhere_and_goes_on(
    music: Path, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(
        read_music_table(music, group_column="artist"), window_s=WINDOW_S, windows_per_excerpt=1.0
    )
    problems: list[str] = []

    def note(done: int, of: int, problem: str | None) -> None:
        if problem:
            problems.append(problem)

    make_material(tmp_path / "whole", plan, teacher, report=note)
    assert len(problems) == 1
    assert "5.wav" in problems[0]

    class StopError(Exception):
        pass

    real: Callable[..., object] = labels_module._windows
    calls = iter(range(1000))

    def stops(*arguments: object) -> object:
        if next(calls) == 7:
            raise StopError
        return real(*arguments)

    monkeypatch.setattr(labels_module, "_windows", stops)
    with pytest.raises(StopError):
        make_material(tmp_path / "parts", plan, teacher)
    log = tmp_path / "parts" / "done.jsonl"
    log.write_text(
        log.read_text("utf-8")[:-9], encoding="utf-8"
    )  # the kill came while a line was being written
    make_material(tmp_path / "parts", plan, teacher, jobs=2)
    for part in Part:
        whole, parts = (
            open_material(tmp_path / "whole", part),
            open_material(tmp_path / "parts", part),
        )
        np.testing.assert_array_equal(whole.mel_db, parts.mel_db)
        np.testing.assert_array_equal(whole.logits, parts.logits)
    unlabelled = sum(
        int(np.isnan(open_material(tmp_path / "whole", part).logits).any(axis=1).sum())
        for part in Part
    )
    assert unlabelled == 2  # the silent track and the one that is no audio

    other = make_plan(tracks_of([1] * 50), window_s=WINDOW_S, windows_per_excerpt=1.0)
    with pytest.raises(DatasetError, match="another collection"):
        make_material(tmp_path / "whole", other, teacher)


@pytest.mark.slow
def test_a_whole_distillation_makes_a_bundle_that_tags(
    program: Program, music: Path, teacher: Teacher, tmp_path: Path
) -> None:
    arguments = (
        "distil", music, "--run", tmp_path / "run", "--teacher", tmp_path / "teacher",
        "--epochs", 1, "--windows", 10, "--jobs", 1,
    )  # fmt: skip
    code, out, _ = program(*arguments)
    assert code == 0
    assert "Spearman with the teacher" in out
    bundle = read_manifest(tmp_path / "run" / "moodtheme-small")
    assert bundle.tags == ("loud", "quiet", "steady")
    assert "not by people" in bundle.training_data
    assert {m.measure for m in bundle.quality} >= {"spearman_with_teacher_median_over_tags"}
    code, out, _ = program(
        "tag", music.parent / "0.wav", "--model", tmp_path / "run" / "moodtheme-small"
    )
    assert code == 0
    assert "loud" in out


@pytest.mark.slow
def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for part, rows in ((Part.TRAIN, 12), (Part.VALIDATION, 8)):
        mel_db = rng.normal(-20, 10, (rows, FRAMES, N_MELS)).astype(np.float16)
        np.save(tmp_path / f"{part}-mel.npy", mel_db)
        np.save(tmp_path / f"{part}-logits.npy", rng.normal(size=(rows, 3)).astype(np.float32))
    schedule = Schedule(epochs=3, batch_size=4, seed=5)
    whole = fit_student(tmp_path, tmp_path / "whole", schedule, threads=1).state_dict()
    again = fit_student(tmp_path, tmp_path / "again", schedule, threads=1).state_dict()

    class StopError(Exception):
        pass

    def stops(windows: Windows, index: int) -> object:
        if windows.epoch == 2:
            raise StopError
        return real(windows, index)

    real = Windows.__getitem__
    monkeypatch.setattr(Windows, "__getitem__", stops)
    with pytest.raises(StopError):
        fit_student(tmp_path, tmp_path / "parts", schedule, threads=1)
    monkeypatch.setattr(Windows, "__getitem__", real)
    parts = fit_student(tmp_path, tmp_path / "parts", schedule, threads=1).state_dict()
    for name, value in whole.items():
        assert torch.equal(value, again[name]), f"{name} differs between two runs of one seed"
        assert torch.equal(value, parts[name]), f"{name} differs after an interruption"
