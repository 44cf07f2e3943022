"""Names travel with numbers: files that hold them, and matrices put in order by them."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from moodtheme.errors import EvaluationError, EvaluationWarning, UsageError
from moodtheme.scores import Content, Names, load_systems, read_truth, write_matrix
from moodtheme.scores.forms import MATRIX_SUFFIXES
from moodtheme.scores.matrices import put_like
from moodtheme.scores.names import Seen
from program import Program

TAGS, IDS = ("calm", "happy", "sad"), ("a.mp3", "b.mp3", "c.mp3", "d.mp3")
NAMES = Names(
    tags=TAGS,
    ids=IDS,
    artists=("x", "", "x", "y"),
    seen=(Seen.TRAIN, Seen.NOTHING, Seen.ARTIST, Seen.VALIDATION),
)
SCORES = np.random.default_rng(0).random((4, 3)).astype(np.float32)
TRUTH = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], np.bool_)
TABLE = "path,tags,split\n" + "".join(
    f"{track},{';'.join(np.array(TAGS)[row])},test\n" for track, row in zip(IDS, TRUTH, strict=True)
)


@pytest.mark.parametrize("suffix", MATRIX_SUFFIXES)
def test_a_matrix_and_its_names_are_read_back(tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    expected = NAMES if suffix != ".npy" else Names()
    path = tmp_path / f"gru{suffix}"
    write_matrix(path, SCORES, NAMES)
    (system,) = load_systems([path])
    assert (system.name, system.source, system.names) == ("gru", str(path), expected)
    np.testing.assert_array_equal(system.values.astype(np.float32), SCORES)
    truth = tmp_path / f"truth{suffix}"
    write_matrix(truth, TRUTH, NAMES, content=Content.TRUTH)
    assert read_truth(truth).names == expected
    np.testing.assert_array_equal(read_truth(truth).values, TRUTH)


def test_no_name_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "gru.npz"
    np.savez(path, scores=SCORES, tags=np.array(TAGS, dtype=object))
    with pytest.raises(EvaluationError, match="pickle"):
        load_systems([path])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"tags": np.array(["a", "b"])}, "2 tags for a matrix of shape"),
        ({"tags": np.array(["a", "b", "A"])}, "the tag 'a', also written 'A', stands twice"),
        ({"ids": np.array(["1", "2", "3", "1"])}, "the track '1' stands twice"),
        ({"tags": np.zeros((4, 3), np.float32)}, "one row of text"),
        ({"seen": np.zeros(4, np.int64)}, "one row of text"),
        ({"seen": np.array(["train", "", "", "perhaps"])}, "'perhaps' is not what"),
    ],
)
def test_names_that_do_not_fit_are_refused(
    tmp_path: Path, members: dict[str, np.typing.NDArray[np.generic]], message: str
) -> None:
    path = tmp_path / "gru.npz"
    np.savez(path, allow_pickle=False, scores=SCORES, **members)
    with pytest.raises(EvaluationError, match=message) as caught:
        load_systems([path])
    assert str(path) in str(caught.value)


def test_truth_is_no_scores_and_scores_no_truth(tmp_path: Path) -> None:
    path = tmp_path / "gru.npz"
    write_matrix(path, SCORES, NAMES)
    with pytest.raises(EvaluationError, match="swapped"):
        read_truth(path)
    write_matrix(path, TRUTH, NAMES, content=Content.TRUTH)
    with pytest.raises(EvaluationError, match="swapped"):
        load_systems([path])


def named(folder: Path, name: str, columns: list[int], rows: list[int]) -> Path:
    """The scores with columns and rows in another order."""
    path = folder / f"{name}.npz"
    names = Names(tags=tuple(TAGS[c] for c in columns), ids=IDS).rows(rows)
    write_matrix(path, SCORES[rows][:, columns], names)
    return path


def test_rows_and_columns_are_put_in_order_by_name(tmp_path: Path) -> None:
    truth_file = tmp_path / "truth.npz"
    write_matrix(truth_file, TRUTH, NAMES, content=Content.TRUTH)
    truth = read_truth(truth_file)
    (system,) = load_systems([named(tmp_path, "gru", [2, 0, 1], [3, 1, 0, 2])], like=truth)
    np.testing.assert_array_equal(system.values, SCORES)
    assert (system.names.tags, system.names.ids) == (TAGS, IDS)
    # Of more tracks those are taken that the truth has.
    fewer = tmp_path / "fewer.npz"
    write_matrix(fewer, TRUTH[[2, 0]], NAMES.rows([2, 0]), content=Content.TRUTH)
    (system,) = load_systems([tmp_path / "gru.npz"], like=read_truth(fewer))
    np.testing.assert_array_equal(system.values, SCORES[[2, 0]])


def test_spellings_of_a_tag_are_one_tag(tmp_path: Path) -> None:
    composed = Names(tags=("Für Elise", "Happy"), ids=("ä", "b"))
    apart = Names(
        tags=("mood/theme---happy", unicodedata.normalize("NFD", "für elise")),
        ids=(unicodedata.normalize("NFD", "ä"), "b"),
    )
    write_matrix(tmp_path / "truth.npz", TRUTH[:2, :2], composed, content=Content.TRUTH)
    write_matrix(tmp_path / "gru.npz", SCORES[:2, :2], apart)
    truth = read_truth(tmp_path / "truth.npz")
    (system,) = load_systems([tmp_path / "gru.npz"], like=truth)
    np.testing.assert_array_equal(system.values, SCORES[:2, 1::-1])
    assert system.names.tags == composed.tags


def test_what_cannot_be_put_in_order_is_refused(tmp_path: Path) -> None:
    truth_file, plain = tmp_path / "truth.npz", tmp_path / "plain.npy"
    write_matrix(truth_file, TRUTH, NAMES, content=Content.TRUTH)
    truth = read_truth(truth_file)
    np.save(plain, SCORES)
    with pytest.raises(EvaluationError, match=r"plain\.npy: has columns without names.*--tags"):
        load_systems([plain], like=truth)
    # With the columns' names it is the rows whose order is trusted, and that is said.
    with pytest.warns(EvaluationWarning, match=r"plain\.npy: has no track names"):
        (system,) = load_systems([plain], tags=TAGS, like=truth)
    np.testing.assert_array_equal(system.values, SCORES)
    with pytest.raises(EvaluationError, match=r"lacks 1 of the 4 tracks.*c\.mp3.*--like"):
        load_systems([named(tmp_path, "fewer", [0, 1, 2], [0, 1, 3])], like=truth)
    with pytest.raises(EvaluationError, match=r"two\.npz: lacks the tag 'sad'.*truth\.npz"):
        load_systems([named(tmp_path, "two", [0, 1], [0, 1, 2, 3])], like=truth)
    with pytest.raises(EvaluationError, match="'sad', which is not asked for"):
        put_like(truth, load_systems([tmp_path / "two.npz"])[0])


def test_labels_in_another_order_of_columns_give_the_same_figures(
    program: Program, tmp_path: Path
) -> None:
    # The same labels with columns in another order used to turn ROC-AUC upside down.
    (tmp_path / "table.csv").write_text(TABLE, "utf-8")
    (tmp_path / "tags.txt").write_text("sad\ncalm\nHappy\n", "utf-8")
    scores = np.where(TRUTH, 0.9, 0.1).astype(np.float32)
    write_matrix(tmp_path / "gru.npz", scores, Names(tags=TAGS, ids=IDS))
    write_matrix(tmp_path / "gru.csv", scores[::-1], Names(tags=TAGS, ids=IDS[::-1]))
    write_matrix(tmp_path / "gru.npy", scores, Names())
    table, truth = tmp_path / "table.csv", tmp_path / "truth.npz"
    order = ["--tags", tmp_path / "tags.txt"]
    status, out, err = program("dataset", "truth", table, *order, "-o", truth)
    assert (status, out) == (0, f"{truth}: 4 tracks, 3 tags\n"), err
    for file in ("gru.npz", "gru.csv"):
        status, out, err = program("evaluate", "--truth", truth, tmp_path / file)
        assert status == 0, err
        assert out.splitlines()[1].split("\t")[1] == "1.000000"
    # Without names the order is not known.
    status, out, err = program("evaluate", "--truth", truth, tmp_path / "gru.npy")
    assert (status, out) == (1, "") and "gru.npy" in err and "--tags" in err


def test_truth_for_the_tracks_and_tags_of_a_score_file(program: Program, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE, "utf-8")
    scores = named(tmp_path, "gru", [2, 0, 1], [3, 0])
    truth = tmp_path / "truth.npz"
    status, _, err = program(
        "dataset", "truth", tmp_path / "table.csv", "--like", scores, "-o", truth
    )
    assert status == 0, err
    np.testing.assert_array_equal(read_truth(truth).values, TRUTH[[3, 0]][:, [2, 0, 1]])
    # A tag that no track has is a column of zeros; one that is not asked for is refused.
    (tmp_path / "tags.txt").write_text("sad\ncalm\nepic\nhappy\n", "utf-8")
    more = ["--tags", tmp_path / "tags.txt", "-o", tmp_path / "more.csv"]
    status, _, err = program("dataset", "truth", tmp_path / "table.csv", *more)
    assert status == 0, err
    head = "track,sad,calm,epic,happy"
    assert (tmp_path / "more.csv").read_text("utf-8").splitlines()[:2] == [head, "a.mp3,0,1,0,0"]
    (tmp_path / "tags.txt").write_text("sad\ncalm\n", "utf-8")
    status, _, err = program("dataset", "truth", tmp_path / "table.csv", *more)
    assert status == 1 and "the tag 'happy'" in err and "tags.txt" in err


def test_a_name_says_the_form(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"end in \.npz"):
        write_matrix(tmp_path / "fused.txt", SCORES, NAMES)
    with pytest.raises(UsageError, match="--tags"):
        write_matrix(tmp_path / "fused.csv", SCORES, Names())
    assert not list(tmp_path.iterdir())
