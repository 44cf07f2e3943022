"""Score, truth and tag files: names, exact reading, hostile content."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from moodtheme.errors import EvaluationError, UsageError
from moodtheme.scores.forms import write_matrix
from moodtheme.scores.matrices import load_systems, load_truth, match_systems
from moodtheme.scores.names import NO_NAMES
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS, bare_name, load_tags, tags_for

SCORES = np.array([[0.25, 0.5], [0.75, 1.0]], np.float32)


def write(path: Path, array: np.typing.NDArray[np.generic] = SCORES) -> Path:
    path.parent.mkdir(exist_ok=True)
    np.save(path, array)
    return path


def test_systems_are_named_by_stem_and_by_path_where_stems_clash(tmp_path: Path) -> None:
    a = write(tmp_path / "one" / "gru.npy")
    b = write(tmp_path / "two" / "gru.npy")
    c = write(tmp_path / "two" / "lstm.npy")
    assert [s.name for s in load_systems([a, b, c])] == [str(a), str(b), "lstm"]
    assert [s.name for s in load_systems([a, c])] == ["gru", "lstm"]
    with pytest.raises(UsageError, match="given twice"):
        load_systems([a, a])


def test_an_archive_holds_a_system_a_member(tmp_path: Path) -> None:
    path = tmp_path / "eight.npz"
    np.savez(path, convs=SCORES, filters=SCORES.astype(np.float16))
    systems = load_systems([path])
    assert [s.name for s in systems] == ["convs", "filters"]
    assert [s.values.dtype for s in systems] == [np.float32, np.float32]
    (picked,) = load_systems([f"{path}:filters"])
    assert picked.name == "filters"
    with pytest.raises(EvaluationError, match="members are: convs, filters"):
        load_systems([f"{path}:other"])


def test_half_precision_is_widened_exactly(tmp_path: Path) -> None:
    half = np.random.default_rng(0).random((50, 2)).astype(np.float16)
    (system,) = load_systems([write(tmp_path / "half.npy", half)])
    np.testing.assert_array_equal(system.values, half.astype(np.float64))
    double = np.array([[0.1, 0.1 + 1e-12]])
    (system,) = load_systems([write(tmp_path / "double.npy", double)])
    assert system.values[0, 0] != system.values[0, 1]


def test_truth_may_be_numbers_if_they_are_zeros_and_ones(tmp_path: Path) -> None:
    labels = np.array([[0, 1], [1, 0]])
    for dtype in (np.bool_, np.uint8, np.int64, np.float32):
        loaded = load_truth(write(tmp_path / "truth.npy", labels.astype(dtype)))
        assert loaded.dtype == np.bool_
        np.testing.assert_array_equal(loaded, labels)
    with pytest.raises(EvaluationError, match="swapped"):
        load_truth(write(tmp_path / "scores.npy"))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2), np.int64), "float16, float32 or float64, found int64"),
        (np.zeros((2, 2), np.bool_), "found bool"),
        (np.zeros((2, 2), np.complex64), "found complex64"),
        (np.zeros(4, np.float32), r"shape \(4,\)"),
        (np.zeros((0, 56), np.float32), r"shape \(0, 56\)"),
    ],
)
def test_files_that_are_no_scores_are_named(
    tmp_path: Path, array: np.typing.NDArray[np.generic], message: str
) -> None:
    path = write(tmp_path / "wrong.npy", array)
    with pytest.raises(EvaluationError, match=message) as caught:
        load_systems([path])
    assert str(path) in str(caught.value)


def hostile_files(folder: Path) -> list[Path]:
    objects = folder / "objects.npy"
    np.save(objects, np.array([{}], dtype=object), allow_pickle=True)
    pickled = folder / "pickled.npy"
    pickled.write_bytes(pickle.dumps(SCORES))
    truncated = write(folder / "truncated.npy", np.zeros((500, 56), np.float32))
    truncated.write_bytes(truncated.read_bytes()[:-1000])
    # A header that promises a petabyte must fail before memory is asked for.
    greedy = write(folder / "greedy.npy", np.zeros((10, 56), np.float32))
    greedy.write_bytes(greedy.read_bytes().replace(b"(10, 56), }      ", b"(9999999999, 56)}"))
    listed = folder / "scores.txt"
    listed.write_text("0.1,0.2\n", encoding="utf-8")
    latin = folder / "latin.csv"
    latin.write_bytes("tag,für\n1,2\n".encode("latin-1"))
    empty = folder / "empty.npy"
    empty.touch()
    text = folder / "text.npz"
    text.write_text("no archive", encoding="utf-8")
    array_in_disguise = folder / "array.npz"
    array_in_disguise.write_bytes(write(folder / "array.npy").read_bytes())
    cut = folder / "cut.npz"
    np.savez(cut, a=SCORES)
    cut.write_bytes(cut.read_bytes()[:-40])
    members = folder / "members.npz"
    np.savez(members)
    return [
        objects, pickled, truncated, greedy, empty, text, array_in_disguise, cut, members,
        listed, latin, folder / "absent.npy", folder / "absent.csv", folder,
    ]  # fmt: skip


def test_damaged_and_hostile_files_are_refused_by_name(tmp_path: Path) -> None:
    for path in hostile_files(tmp_path):
        with pytest.raises(EvaluationError) as caught:
            load_systems([path])
        assert str(path) in str(caught.value), path
        assert "unsafe" not in str(caught.value)


def test_validation_scores_are_found_by_stem_member_or_as_the_only_file(tmp_path: Path) -> None:
    test = [write(tmp_path / "test" / f"{name}.npy") for name in ("gru", "lstm")]
    for factor, name in ((0.5, "gru"), (0.25, "lstm"), (0.125, "other")):
        write(tmp_path / "validation" / f"{name}.npy", SCORES * np.float32(factor))
    systems = load_systems(test)
    for where in (tmp_path / "validation", tmp_path / "validation.npz"):
        if where.suffix:
            np.savez(where, lstm=SCORES / 4, gru=SCORES / 2)
        matched = match_systems(systems, where)
        assert [m.name for m in matched] == ["gru", "lstm"]
        np.testing.assert_array_equal(matched[0].values, SCORES / 2)
        np.testing.assert_array_equal(matched[1].values, SCORES / 4)
    (only,) = match_systems(systems[:1], tmp_path / "validation" / "other.npy")
    assert only.name == "gru"
    np.testing.assert_array_equal(only.values, SCORES / 8)


def test_validation_scores_that_cannot_be_matched_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one" / "gru.npy")
    other = write(tmp_path / "two" / "gru.npy")
    lstm = write(tmp_path / "one" / "lstm.npy")
    with pytest.raises(EvaluationError, match="no scores called 'lstm'"):
        match_systems(load_systems([one, lstm]), tmp_path / "two")
    with pytest.raises(EvaluationError, match="cannot be told apart"):
        match_systems(load_systems([one, other]), tmp_path / "two")
    with pytest.raises(EvaluationError, match="for several systems give a folder"):
        match_systems(load_systems([one, lstm]), other)


def test_saving_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "fused.npy"
    write_matrix(path, SCORES, NO_NAMES)
    np.testing.assert_array_equal(np.load(path), SCORES)
    assert [p.name for p in tmp_path.iterdir()] == ["fused.npy"]
    with pytest.raises(UsageError, match="folder that exists"):
        write_matrix(tmp_path / "absent" / "fused.npy", SCORES, NO_NAMES)


def test_csv_scores_are_read_by_tag_whatever_the_order_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "gru.csv"
    path.write_text("track,calm,mood/theme---sad\n0.mp3,0.25,0.5\n1.mp3,0.75,1\n", "utf-8-sig")
    (system,) = load_systems([path])
    assert (system.name, system.values.dtype) == ("gru", np.float64)
    np.testing.assert_array_equal(system.values, SCORES)
    (turned,) = load_systems([path], tags=("sad", "calm"))
    np.testing.assert_array_equal(turned.values, SCORES[:, ::-1])
    np.testing.assert_array_equal(match_systems([system], tmp_path)[0].values, SCORES)
    official = tmp_path / "official.csv"
    heads = MOOD_THEME_TAGS[::-1]
    official.write_text(",".join(heads) + "\n" + ",".join(str(n) for n in range(56)) + "\n")
    assert load_systems([official])[0].values[0].tolist() == list(range(55, -1, -1))
    path.write_text("calm,sad\n1,0\n")
    assert load_truth(path).tolist() == [[True, False]]
    with pytest.raises(EvaluationError, match=r"gru\.csv: lacks the tag 'epic'"):
        load_systems([path], tags=("sad", "epic"))


@pytest.mark.parametrize(
    "text",
    [
        "", "a,b\n", "a,b\n0.1\n", "a,b\n0.1,x\n", "a,b\n0.1,\n", "a,a\n1,2\n", "0.1,0.2\n0.3,0.4",
        "track\n1.mp3\n", "a,b\n0.1,0.2,0.3\n", "\x00", ",b\n1,2\n1\n",
    ],
)  # fmt: skip
def test_csv_that_holds_no_scores_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"wrong\.csv") as caught:
        load_systems([path])
    assert "unsafe" not in str(caught.value)


def test_tags_are_read_with_and_without_category(tmp_path: Path) -> None:
    path = tmp_path / "tags.txt"
    path.write_text("\ufeffmood/theme---action\nhappy\n\n", encoding="utf-8")
    assert load_tags(path) == ("action", "happy")
    assert tags_for(2, path) == ("action", "happy")
    assert bare_name("genre---drum-and-bass") == "drum-and-bass"
    with pytest.raises(EvaluationError, match="names 2 tags, but the matrix has 3 columns"):
        tags_for(3, path)
    for text, message in (("", "no tags"), ("a\na\n", "'a' stands twice"), ("x---\n", "no name")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(EvaluationError, match=message):
            load_tags(path)
    with pytest.raises(EvaluationError, match="cannot be read"):
        load_tags(tmp_path)


def test_columns_without_names_are_numbered_unless_there_are_56() -> None:
    assert tags_for(56) == MOOD_THEME_TAGS
    assert tags_for(2) == ("column 0", "column 1")
