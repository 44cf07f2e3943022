"""Distillation: the plan, the changes, the labels, and a whole run in miniature."""

import csv
import re
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
from moodtheme.distillation.augment import CONTENT_SAMPLES, Change, content, cut, heard
from moodtheme.distillation.combination import AFFECT, EQUIVALENTS, FEELINGS, label_readings
from moodtheme.distillation.fit import Schedule, Student, fit_student, load_student
from moodtheme.distillation.hearing import read_answers
from moodtheme.distillation.labels import make_material, open_material
from moodtheme.distillation.official import (
    Official,
    evidence_at,
    reliability,
    standings_that_tell,
)
from moodtheme.distillation.plan import (
    MusicTrack,
    Part,
    make_plan,
    read_music_table,
)
from moodtheme.distillation.quality import spearman_per_tag, top_overlap
from moodtheme.distillation.readings import read_labels
from moodtheme.distillation.reference import learn_doubts, weighted_quantiles
from moodtheme.distillation.run import teacher_files
from moodtheme.distillation.teachers import TAGGERS, Teachers, label_columns
from moodtheme.errors import DatasetError, WeightsError
from moodtheme.fetched.weights import MUSICNN
from moodtheme.models.mediaeval_baseline import BaselineNetwork
from moodtheme.models.moodtheme_small import (
    EXCERPT_SAMPLES,
    FRAMES,
    N_MELS,
    SAMPLE_RATE,
)
from moodtheme.models.packaged_musicnn import PackagedMusicnn
from moodtheme.models.taggers import Crnn, Musicnn
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS
from moodtheme.tagging.bundle_files import read_manifest
from program import Program
from tensorflow_weights import tensorflow_tensors, write_checkpoint

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


def test_a_cut_has_the_wanted_length_and_loops() -> None:
    audio = torch.sin(torch.arange(1000.0))
    assert torch.equal(cut(audio, 10, 20), audio[10:30])
    assert torch.equal(cut(audio, 990, 2000), audio[torch.arange(990, 2990) % 1000])


@pytest.mark.parametrize(
    "change",
    [
        Change(),
        Change(speed=1.2),
        Change(stretch=0.85),
        Change(mix_db=-6.0),
        Change(eq_db=(6.0, 0.0, -6.0, 3.0, 0.0)),
        Change(room=(0.5, -6.0)),
        Change(heard_speed=1.05, heard_eq_db=(1.0,) * 5, band_limit_hz=4000.0),
        Change(holes_db=30.0, noise_db=-30.0),
    ],
)
def test_changed_windows_keep_their_length_and_the_unchanged_is_the_same(change: Change) -> None:
    generator = torch.Generator().manual_seed(0)
    audio, partner = 0.1 * torch.randn(2, 40 * SAMPLE_RATE, generator=generator)
    window = content(audio, 1000, partner, 0, change)
    said = heard(window, change)
    assert window.shape == (CONTENT_SAMPLES,)
    assert said.shape == (EXCERPT_SAMPLES,)
    assert torch.isfinite(said).all()
    same = torch.equal(said, audio[1000 : 1000 + EXCERPT_SAMPLES])
    assert same == (change == Change())


def test_a_semitone_up_is_a_semitone_up() -> None:
    tone = torch.sin(2 * np.pi * 440 * torch.arange(40.0 * SAMPLE_RATE) / SAMPLE_RATE)
    for change, wanted in ((Change(speed=2 ** (1 / 12)), 466.2), (Change(stretch=1.2), 440.0)):
        window = content(tone, 0, tone, 0, change)
        peak = torch.fft.rfft(window * torch.hann_window(len(window))).abs().argmax()
        assert float(peak) * SAMPLE_RATE / len(window) == pytest.approx(wanted, abs=1.0)


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
def teachers(tmp_path: Path) -> Path:
    """A baseline and two taggers with random weights."""
    torch.manual_seed(0)
    folder = tmp_path / "teachers"
    folder.mkdir()
    torch.save(BaselineNetwork().state_dict(), folder / "mtg-baseline.pth")
    torch.save(Crnn().state_dict(), folder / "mtat-crnn.pth")
    torch.save(Musicnn().state_dict(), folder / "jamendo-musicnn.pth")
    return folder


def test_teachers_hear_all_music_equally_loud(teachers: Path) -> None:
    teachers_ = Teachers(teacher_files(teachers))
    window = 0.1 * torch.randn(1, EXCERPT_SAMPLES, generator=torch.Generator().manual_seed(0))
    labels = teachers_(window)
    assert labels.shape == (1, teachers_.columns.n)
    torch.testing.assert_close(teachers_(window * 0.01), labels, atol=1e-3, rtol=1e-3)
    own = teachers_.columns.logits["mtg-baseline"]
    torch.testing.assert_close(teachers_.baseline_logits(window), labels[:, own])


def test_musicnns_package_teaches_where_its_wheel_is(teachers: Path) -> None:
    torch.manual_seed(0)
    for name in ("MSD", "MTT"):
        tensors = tensorflow_tensors(PackagedMusicnn().eval())
        write_checkpoint(teachers / MUSICNN.file, f"musicnn/{name}_musicnn/", tensors)
    asked = Teachers(teacher_files(teachers))
    assert asked.names == ("jamendo-musicnn", "mtat-crnn", "musicnn-msd", "musicnn-mtt")
    window = 0.1 * torch.randn(1, EXCERPT_SAMPLES)
    labels = asked(window)
    assert labels.shape == (1, asked.columns.n)
    torch.testing.assert_close(asked(window * 0.01), labels, atol=1e-3, rtol=1e-3)
    alone = asked(window, ["musicnn-mtt"])
    for parts, theirs in (
        (asked.columns.logits, alone[:, :50]),
        (asked.columns.hidden, alone[:, 50:]),
    ):
        torch.testing.assert_close(labels[:, parts["musicnn-mtt"]], theirs)
        assert not torch.allclose(labels[:, parts["musicnn-msd"]], theirs)


def test_material_can_be_stopped_anywhere_and_goes_on(
    music: Path, teachers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(
        read_music_table(music, group_column="artist"), window_s=WINDOW_S, windows_per_excerpt=1.0
    )
    said = Teachers(teacher_files(teachers))
    problems: list[str] = []

    def hear(windows: torch.Tensor) -> torch.Tensor:
        # With numbers next to zero white noise takes teachers thirteen times as long.
        assert not (torch.full((64,), 1e-40) * 1.0).any()
        return windows[:, :3]

    said.forward = hear  # type: ignore[method-assign]

    def note(done: int, of: int, problem: str | None) -> None:
        if problem:
            problems.append(problem)

    monkeypatch.setattr(labels_module, "_SHARD_WINDOWS", 8)
    make_material(tmp_path / "whole", plan, said, report=note)
    assert len(problems) == 1
    assert "5.wav" in problems[0]

    class StopError(Exception):
        pass

    def stop(done: int, of: int, problem: str | None) -> None:
        if done == 2:
            raise StopError

    with pytest.raises(StopError):
        make_material(tmp_path / "parts", plan, said, report=stop)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "parts").glob("*.npy")}
    assert kept
    make_material(tmp_path / "parts", plan, said, jobs=2)
    assert all(file.stat().st_mtime_ns == made for file, made in kept.items())
    windows = 0
    for part in Part:
        whole = open_material(tmp_path / "whole", part)
        parts = open_material(tmp_path / "parts", part)
        np.testing.assert_array_equal(whole.mel_db, parts.mel_db)
        np.testing.assert_array_equal(whole.labels, parts.labels)
        windows += len(whole.track)
    assert windows == 38  # neither the silent track nor the one that is no audio

    other = make_plan(tracks_of([1] * 50), window_s=WINDOW_S, windows_per_excerpt=1.0)
    with pytest.raises(DatasetError, match="another collection"):
        make_material(tmp_path / "whole", other, said)
    said.names = ("mtat-crnn",)
    with pytest.raises(DatasetError, match=r"to other teachers.*--teachers"):
        make_material(tmp_path / "whole", plan, said)


def test_a_table_may_say_where_a_track_belongs(tmp_path: Path) -> None:
    rows = ["path,duration_s,artist,part,weight,reference"]
    for name, part in (("a", "train"), ("b", "validation"), ("c", "test")):
        (tmp_path / f"{name}.wav").touch()
        rows.append(f"{name}.wav,60,x,{part},2,songs")
    (tmp_path / "music.csv").write_text("\n".join(rows))
    tracks = read_music_table(tmp_path / "music.csv", group_column="artist")
    plan = make_plan(tracks, window_s=20.0, windows_per_excerpt=5.0)
    assert [planned.part for planned in plan.tracks] == list(Part)
    assert [planned.rows for planned in plan.tracks] == [30, 3, 3]
    (tmp_path / "music.csv").write_text("\n".join([rows[0], "a.wav,60,x,middle,,"]))
    with pytest.raises(DatasetError, match=r"a\.wav"):
        read_music_table(tmp_path / "music.csv", group_column="artist")


def test_answers_are_averaged_by_file(tmp_path: Path) -> None:
    header = "path," + ",".join(FEELINGS)
    (tmp_path / "said.csv").write_text(f"{header}\na,{','.join('0' * 9)}\na,{','.join('1' * 9)}\n")
    np.testing.assert_array_equal(read_answers(tmp_path / "said.csv")[tmp_path / "a"], [0.5] * 9)
    (tmp_path / "said.csv").write_text("path,calmness\na,1\n")
    with pytest.raises(DatasetError, match="amazement"):
        read_answers(tmp_path / "said.csv")


def test_tags_name_what_exists() -> None:
    assert set(EQUIVALENTS) | set(AFFECT) | {t for ts in FEELINGS.values() for t in ts} <= set(
        MOOD_THEME_TAGS
    )
    weights = label_readings(label_columns())
    own = weights[:, : len(MOOD_THEME_TAGS)]
    np.testing.assert_array_equal(own, np.eye(len(MOOD_THEME_TAGS)))
    others = weights.sum(axis=1) - 1
    with_equivalents = [tag in EQUIVALENTS for tag in MOOD_THEME_TAGS]
    np.testing.assert_allclose(others, np.array(with_equivalents, float), atol=1e-12)


def test_quantiles_give_each_track_its_share() -> None:
    values = np.concatenate([np.zeros(900), np.ones(100)])[:, None]
    shares = np.concatenate([np.full(900, 1 / 900), np.full(100, 1 / 100)])
    low, high = weighted_quantiles(values, shares, [0.45, 0.55])[0]
    assert (low, high) == (0.0, 1.0)
    np.testing.assert_allclose(
        weighted_quantiles(np.arange(101.0)[:, None], np.ones(101), [0.5])[0], [50.0]
    )


def test_the_calibration_error_is_that_of_the_bins() -> None:
    rng = np.random.default_rng(0)
    said = rng.random((2000, 3))
    artists = [f"artist {i}" for i in range(len(said))]

    def error(truth: np.ndarray) -> tuple[float, float, float]:
        return reliability(Official(truth, said, artists), said).error

    right, low, high = error(rng.random(said.shape) < said)
    assert right < 0.03 and low < high < 0.05
    assert error(np.ones(said.shape, bool))[0] == pytest.approx(0.5, abs=0.02)


def test_a_lift_is_how_often_those_that_stand_high_carry_the_tag() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random((1000, 3))
    top = scores >= np.quantile(scores, 0.9, axis=0)
    truth = np.stack([top[:, 0], rng.random(1000) < 0.1, np.zeros(1000, bool)], axis=1)
    official = Official(truth, scores, [f"artist {i // 2}" for i in range(1000)])
    right, chance, never = evidence_at(official, 0.95)
    assert (right.tracks, right.carry) == (50, 50)
    assert right.lift == pytest.approx(10, rel=0.01)
    assert right.interval[0] < right.lift < right.interval[1]
    assert chance.lift < right.interval[0]
    assert never.carry == 0 and never.lift == 0
    assert standings_that_tell(official)[[0, 2]].tolist() == [0.93, 1]


def test_one_artists_tracks_say_less_than_many_artists() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random((600, 1))
    truth = rng.random(scores.shape) < 0.1 + 0.4 * (scores > 0.9)
    spans = []
    for each in (1, 60):
        (found,) = evidence_at(Official(truth, scores, [str(i // each) for i in range(600)]), 0.9)
        spans.append(found.interval[1] - found.interval[0])
    assert spans[0] < spans[1]


@pytest.mark.slow
def test_a_whole_distillation_makes_a_bundle_that_tags(
    program: Program, music: Path, teachers: Path, tmp_path: Path
) -> None:
    answers = [f"{i}.wav," + ",".join(str((i * k) % 7 / 7) for k in range(9)) for i in range(6, 20)]
    table = tmp_path / "answers.csv"
    table.write_text("\n".join(["path," + ",".join(FEELINGS), *answers]))
    code, out, err = program(
        "distil", music, "--run", tmp_path / "run", "--teachers", teachers,
        "--answers", table, "--epochs", 1, "--windows", 10, "--jobs", 1,
    )  # fmt: skip
    assert code == 0
    assert "teachers: mtg-baseline, jamendo-musicnn, mtat-crnn; left out" in err
    assert re.search(r"not in the folder: jamendo-fcn, .*, musicnn-msd, musicnn-mtt", err)
    assert "Spearman with the baseline" in out
    bundle = read_manifest(tmp_path / "run" / "moodtheme-small")
    assert bundle.tags == MOOD_THEME_TAGS
    assert [dimension.name for dimension in bundle.dimensions] == ["valence", "arousal"]
    assert bundle.reference is not None
    assert "not by people" in bundle.training_data
    assert bundle.provenance["teachers"] == "mtg-baseline, jamendo-musicnn, mtat-crnn"
    assert "ISC" not in bundle.licence
    assert {m.measure for m in bundle.quality} >= {"spearman_with_teacher_median_over_tags"}
    code, out, _ = program(
        "tag", music.parent / "0.wav", "--model", tmp_path / "run" / "moodtheme-small",
        "--format", "json",
    )  # fmt: skip
    assert code == 0
    assert '"standing"' in out


@pytest.mark.slow
def test_readings_are_made_anew_from_a_trained_student(
    program: Program, teachers: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    rows = ["path,duration_s,artist,part"]
    for number, part in enumerate(["train"] * 3 + ["validation"] + ["test"] * 8):
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * rng.standard_normal(32000), SAMPLE_RATE)
        rows.append(f"{number}.wav,2,{number},{part}")
    (tmp_path / "music.csv").write_text("\n".join(rows))
    torch.manual_seed(1)
    student = Student(Teachers(teacher_files(teachers)).columns, further=["musicnn-mtt"])
    torch.save(student.checkpoint(), tmp_path / "student.pt")
    bundles = []
    for run in ("first", "second", "first"):
        code, _, err = program(
            "distil", tmp_path / "music.csv", "--run", tmp_path / run, "--teachers", teachers,
            "--student", tmp_path / "student.pt", "--jobs", 1,
        )  # fmt: skip
        assert code == 0
        assert "labels:" not in err
        assert not (tmp_path / run / "material").exists()
        bundles.append(read_manifest(tmp_path / run / "moodtheme-small"))
    assert len(list((tmp_path / "first" / "heard").glob("*.npy"))) == 3
    assert bundles[0] == bundles[1] == bundles[2]
    learned = "mtg-baseline, jamendo-musicnn, mtat-crnn, musicnn-mtt"
    assert bundles[0].provenance["teachers"] == learned
    assert "ISC" in bundles[0].licence
    assert "labelled by 4 teachers" in bundles[0].training_data


def test_a_student_says_what_its_teachers_were(tmp_path: Path) -> None:
    columns = label_columns(["mtat-crnn"])
    student = Student(columns, further=["musicnn-mtt"])
    torch.save(student.checkpoint(), tmp_path / "student.pt")
    loaded = load_student(tmp_path / "student.pt")
    assert loaded.columns == columns
    assert loaded.teachers == ("mtg-baseline", "mtat-crnn", "musicnn-mtt")


def test_an_old_student_that_does_not_say_it_had_all_nine_teachers(tmp_path: Path) -> None:
    torch.save({"student": Student(label_columns()).state_dict()}, tmp_path / "student.pt")
    assert load_student(tmp_path / "student.pt").teachers == ("mtg-baseline", *TAGGERS)
    torch.save({"student": Student(label_columns([])).state_dict()}, tmp_path / "student.pt")
    with pytest.raises(WeightsError, match=r"student\.pt is no trained student .* for one of 9"):
        load_student(tmp_path / "student.pt")


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_what_is_no_student_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "student.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"student\.pt is no trained student"):
        load_student(tmp_path / "student.pt")
    torch.save([1, 2], tmp_path / "student.pt")
    with pytest.raises(WeightsError, match=r"student\.pt is no trained student"):
        load_student(tmp_path / "student.pt")


def test_readings_of_the_teachers_themselves_follow_their_answers() -> None:
    rng = np.random.default_rng(0)
    columns = label_columns(["mtat-crnn"])
    labels = rng.normal(size=(60, columns.n))
    felt = rng.random((60, 9)) + np.outer(labels[:, 0], np.ones(9))
    tags, dimensions = read_labels(columns, labels, felt)(labels)
    assert tags.shape == (60, len(MOOD_THEME_TAGS))
    np.testing.assert_allclose(tags.std(axis=0), 1.0, atol=1e-6)
    np.testing.assert_allclose(dimensions.mean(axis=0), 0.0, atol=1e-6)
    action = MOOD_THEME_TAGS.index("action")
    assert np.corrcoef(tags[:, action], labels[:, action])[0, 1] > 0.5


@pytest.mark.slow
def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = label_columns([])
    for part, rows in ((Part.TRAIN, 12), (Part.VALIDATION, 8)):
        mel_db = rng.normal(-20, 10, (rows, N_MELS, FRAMES)).astype(np.float16)
        np.save(tmp_path / f"{part}-0000-mel.npy", mel_db)
        labels = rng.normal(size=(rows, columns.n)).astype(np.float16)
        np.save(tmp_path / f"{part}-0000-labels.npy", labels)
        np.save(tmp_path / f"{part}-0000-track.npy", np.arange(rows))
    schedule = Schedule(epochs=3, batch_size=4, seed=5)

    def fit(
        name: str, report: Callable[[str], None] = lambda line: None
    ) -> dict[str, torch.Tensor]:
        student = fit_student(
            tmp_path, tmp_path / name, columns, schedule, threads=1, report=report
        )
        return student.state_dict()

    class StopError(Exception):
        pass

    lines = iter(range(100))

    def stop(line: str) -> None:
        if next(lines) == 2:
            raise StopError

    whole, again = fit("whole"), fit("again")
    with pytest.raises(StopError):
        fit("parts", stop)
    assert np.nextafter(0.0, 1.0) * np.float64(1) > 0  # the processor is as it was
    parts = fit("parts")
    for name, value in whole.items():
        assert torch.equal(value, again[name]), f"{name} differs between two runs of one seed"
        assert torch.equal(value, parts[name]), f"{name} differs after an interruption"


def test_what_is_no_music_is_told_halfway_between_the_two() -> None:
    rng = np.random.default_rng(0)
    music = {Path(f"piece-{n}"): rng.normal(0, 1, (3, 16)) for n in range(300)}
    sounds = {Path(f"noise-{n}"): rng.normal(0, 1, (2, 16)) + 6 * np.eye(16)[0] for n in range(30)}
    shares = np.ones(len(music))
    doubts = learn_doubts({**music, **sounds}, list(music), shares, list(sounds))

    def said(heard: dict[Path, np.ndarray]) -> np.ndarray:
        means = np.stack([rows.mean(axis=0) for rows in heard.values()])
        return means @ np.array(doubts.no_music) + doubts.no_music_bias

    assert (said(music) < 0).all()
    assert (said(sounds) > 0).all()
    most, few = np.quantile(said(music), 0.99), np.quantile(said(sounds), 0.01)
    assert most == pytest.approx(-few, abs=1e-3)
