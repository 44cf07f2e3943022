"""Where tracks stand among the user's own music: the reference that earlier results make."""

import csv
import io
import itertools
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moodtheme import Tagger
from moodtheme.audio import ExcerptPolicy
from moodtheme.errors import AudioError, ReferenceMusicError
from moodtheme.scores.decisions import standing
from moodtheme.tagging import own_music
from moodtheme.tagging.bundle import Bundle, Output
from moodtheme.tagging.contradictions import contradictions
from moodtheme.tagging.own_music import LEVELS, read_reference, reference_digest, reference_of
from program import Program
from toy_bundle import TAGS, make_bundle, make_many_membered_bundle, toy_member

TRACKS = 25
RATE = 8_000

matrices = st.integers(1, 60).flatmap(
    lambda tracks: arrays(np.float32, (tracks, 3), elements=st.floats(0, 1, width=32))
)


@given(scores=matrices)
def test_a_reference_is_one_that_a_bundle_may_have_and_its_median_stands_in_the_middle(
    scores: np.ndarray,
) -> None:
    reference = reference_of(scores, scores[:, :0], music="mine")
    assert (reference.tracks, reference.dimensions) == (len(scores), ())
    for row in reference.tags:
        assert len(row) == len(LEVELS)
        assert all(0 <= a <= b <= 1 for a, b in itertools.pairwise(row))
    # Ties share the middle of their levels, so the middle is met up to the share of its ties.
    medians = np.median(scores.astype(np.float64), axis=0)
    places = standing(medians, reference.levels, reference.tags)
    for column, median, place in zip(scores.T.astype(np.float64), medians, places, strict=True):
        ties = np.mean(np.abs(column - median) <= 1e-6)
        assert abs(place - 0.5) <= max(ties, 1 / len(column)) / 2 + 0.05


@given(scores=matrices, values=matrices)
def test_standings_rise_with_scores_and_are_near_the_share_below(
    scores: np.ndarray, values: np.ndarray
) -> None:
    reference = reference_of(scores, scores[:, :1], music="mine")
    values = np.sort(values, axis=0)
    found = standing(values, reference.levels, reference.tags)
    assert (np.diff(found, axis=0) >= -1e-12).all()
    assert ((found >= 0) & (found <= 1)).all()
    slack = 2 / len(scores) + 0.051  # a track or two, and a step between levels
    for value, place in zip(values[:, 0], found[:, 0], strict=True):
        assert np.mean(scores[:, 0] < value) - slack <= place
        assert place <= np.mean(scores[:, 0] <= value + 1e-6) + slack
    assert reference.dimensions == reference.tags[:1]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "toy"
    member = toy_member("a", ExcerptPolicy.COVER, outputs=(Output.SCORES, Output.DIMENSIONS))
    make_many_membered_bundle(folder, [member])
    return folder


@pytest.fixture(scope="module")
def bundle(model: Path) -> Bundle:
    return Tagger.load(model).bundle


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tracks that grow louder, so that each score and dimension rises or falls with the number."""
    folder = tmp_path_factory.mktemp("music")
    noise = np.random.default_rng(0).uniform(-1, 1, 3 * RATE)
    for number in range(TRACKS):
        soundfile.write(folder / f"{number:02}.wav", noise * (number + 1) / (TRACKS + 1), RATE)
    return folder


@pytest.fixture(scope="module")
def results(model: Path, music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the program says of the music, and of a file that is none."""
    from moodtheme.cli.results import JsonLinesWriter
    from moodtheme.tagging.batch import tag_files

    tagger, writer = Tagger.load(model), JsonLinesWriter(None)
    notes = AudioError(music / "notes\udcff.txt", "none")
    found = list(tag_files(tagger, [*sorted(music.iterdir()), notes]))
    path = tmp_path_factory.mktemp("results") / "library.jsonl"
    path.write_bytes("".join(map(writer.add, found)).encode("utf-8", "backslashreplace"))
    return path


def test_tracks_stand_among_their_own_kind(model: Path, music: Path, results: Path) -> None:
    tagger = Tagger.load(model, relative_to=results)
    plain = Tagger.load(model)
    for number, path in enumerate(sorted(music.iterdir())):
        found, before = tagger.tag(path), plain.tag(path)
        expected = number / (TRACKS - 1)
        standings = {tag.name: tag.standing for tag in found.tags}
        assert standings["loud"] == pytest.approx(expected, abs=0.01)
        assert standings["quiet"] == pytest.approx(1 - expected, abs=0.01)
        assert found.dimensions[0].standing == pytest.approx(expected, abs=0.01)
        assert {(tag.name, tag.score) for tag in found.tags} == {
            (tag.name, tag.score) for tag in before.tags
        }
        assert found.tags[0].standing == max(standings.values())
        assert all(tag.standing is None for tag in before.tags)
        assert found.model == before.model  # the model is what it was
    reference = tagger.relative_to
    assert reference is not None
    assert (reference.music, reference.tracks) == ("library.jsonl", TRACKS)
    windows = tagger.timeline(music / "12.wav")
    assert all(tag.standing is not None for window in windows for tag in window.tags)
    copied = pickle.loads(pickle.dumps(tagger))
    assert copied.tag(music / "03.wav") == tagger.tag(music / "03.wav")


def test_it_is_a_reference_that_the_bundle_could_bring(bundle: Bundle, results: Path) -> None:
    import msgspec

    reference = read_reference(results, bundle)
    assert list(contradictions(msgspec.structs.replace(bundle, reference=reference))) == []
    assert reference_digest(reference) == reference_digest(read_reference(results, bundle))


def test_of_very_many_tracks_a_random_choice_counts(
    bundle: Bundle, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes(results.read_bytes() * 40)
    whole = read_reference(many, bundle)
    monkeypatch.setattr(own_music, "MOST_TRACKS", 200)
    chosen = read_reference(many, bundle)
    assert whole.tracks == chosen.tracks == 40 * TRACKS
    assert chosen != whole
    middle = np.array([row[len(LEVELS) // 2] for row in chosen.tags])
    np.testing.assert_allclose(standing(middle, whole.levels, whole.tags), 0.5, atol=0.15)


def damaged(rows: list[dict[str, Any]], **changes: Any) -> str:
    return json.dumps({**rows[2], **changes})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1, 2", "not JSON"),
        ("[", "not JSON"),
        ("[" * 100_000, "not a result"),
        ("7", "not a result"),
        ('{"path": "a.mp3"}', "tags"),
        ("\x00\xff", "not a result"),
        ({"tags": []}, "--top"),
        ({"tags": [{"tag": "loud", "score": 0.5}] * 3}, "--top"),
        ({"tags": [{"tag": tag, "score": 2.0} for tag in TAGS]}, "score"),
        ({"tags": [{"tag": tag, "score": float("nan")} for tag in TAGS]}, ""),
        ({"tags": "loud"}, "tags"),
        ({"dimensions": {}}, "dimensions"),
        ({"dimensions": {"level": {"value": float("inf")}}}, "value"),
        ({"model": {"name": "another", "digest": "0" * 64}}, "another 00000000"),
        ({"model": None}, "no model"),
    ],
)
def test_a_line_that_is_something_else_is_named(
    bundle: Bundle, results: Path, tmp_path: Path, line: str | dict[str, Any], said: str
) -> None:
    lines = results.read_text("utf-8").splitlines()
    rows = [json.loads(text) for text in lines]
    lines[2] = line if isinstance(line, str) else damaged(rows, **line)
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ReferenceMusicError, match=r"bad\.jsonl, line 3: .*; ") as caught:
        read_reference(path, bundle)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_line_without_end_is_not_read_to_its_end(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_music, "_LONGEST_LINE", 1 << 20)
    path = tmp_path / "endless.jsonl"
    path.write_bytes(b'{"path": "' + b"a" * (3 << 20))
    with pytest.raises(ReferenceMusicError, match="line 1: longer than 1 MB"):
        read_reference(path, bundle)


def test_what_cannot_be_read_and_too_few_tracks_are_refused(
    bundle: Bundle, results: Path, tmp_path: Path
) -> None:
    for path in (tmp_path, tmp_path / "absent.jsonl"):
        with pytest.raises(ReferenceMusicError, match="cannot be read"):
            read_reference(path, bundle)
    few = tmp_path / "few.jsonl"
    few.write_bytes(b"".join(results.read_bytes().splitlines(keepends=True)[:19]))
    with pytest.raises(ReferenceMusicError, match=r"19 tracks, .* at least 20"):
        read_reference(few, bundle)


def test_the_program_says_among_which_music(
    program: Program, model: Path, music: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    loudest = music / f"{TRACKS - 1}.wav"
    common = ("tag", music / "12.wav", loudest, "--model", model, "--relative-to", results)
    code, out, err = program(*common)
    assert code == 0
    assert f"warning: library.jsonl has {TRACKS} tracks" in err
    assert f"AMONG {TRACKS} TRACKS OF library.jsonl" in out.splitlines()[0]
    assert "WHAT STANDS OUT" in out
    assert "nothing stands out" in out and "loud +++" in out
    assert "warning" not in program(*common, "--quiet")[2]
    rows = json.loads(program(*common, "--format", "json")[1])
    told = rows[0]["relative_to"]
    assert (told["music"], told["tracks"], len(told["digest"])) == ("library.jsonl", TRACKS, 64)
    table = list(csv.DictReader(io.StringIO(program(*common, "--format", "csv")[1])))
    assert {row["relative_to"] for row in table} == {"library.jsonl"}
    code, _, err = program(*common[:-1], music / "12.wav")
    assert code == 2
    assert "12.wav, line 1" in err


def test_the_table_goes_by_standings_even_where_the_bundle_decides(
    program: Program, tmp_path: Path, music: Path
) -> None:
    make_bundle(tmp_path / "decided", decided=True)
    library = tmp_path / "library.jsonl"
    common = ("--model", tmp_path / "decided", "-o")
    assert program("tag", music, *common, library)[0] == 0
    middle = ("tag", music / "12.wav", *common[:2])
    assert "loud +" in program(*middle)[1]
    assert "nothing stands out" in program(*middle, "--relative-to", library)[1]


def test_rows_with_other_standings_or_windows_are_made_anew(
    program: Program, model: Path, music: Path, results: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    common = ("tag", music / "12.wav", music / "13.wav", "--model", model, "-o", output, "--resume")
    assert program(*common)[0] == 0
    for way in (("--windows", 1), ("--windows", 2), ("--relative-to", results), ()):
        code, _, err = program(*common, *way)
        assert code == 0
        assert "kept" not in err
        assert "2 results of before were made anew: other options" in err
        assert "2 results kept" in program(*common, *way)[2]
        row = json.loads(output.read_text("utf-8").splitlines()[0])
        assert row.get("windows") == (way[1] if "--windows" in way else None)
        assert ("relative_to" in row) == ("--relative-to" in way)


def test_windows_are_told_and_go_without_a_timeline(
    program: Program, model: Path, music: Path
) -> None:
    common = ("tag", music / "12.wav", "--model", model, "--windows", 1)
    assert json.loads(program(*common, "--format", "json")[1])[0]["windows"] == 1
    (row, *_) = csv.DictReader(io.StringIO(program(*common, "--format", "csv")[1]))
    assert row["windows"] == "1"
    code, _, err = program(*common, "--timeline")
    assert code == 2
    assert "--timeline" in err
