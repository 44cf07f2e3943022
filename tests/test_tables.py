"""Collections of any origin become one table, or an error that says which line is at fault."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from moodtheme.datasets import Split, TrackTable, concatenate, load_dataset, read_folder, summarise
from moodtheme.datasets.readers import read_table, write_table
from moodtheme.datasets.table import label_matrix
from moodtheme.errors import DatasetError


def empty_files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def columns(table: TrackTable) -> tuple[object, ...]:
    """Everything in a table that can be compared with ==."""
    return (
        table.tracks,
        table.paths,
        table.tags,
        table.labels.tolist(),
        table.artists,
        table.albums,
        table.splits,
        [None if np.isnan(value) else value for value in table.durations],
    )


def test_a_table_with_a_tags_column(tmp_path: Path) -> None:
    empty_files(tmp_path, "a.mp3", "deep/b.flac", "c.ogg")
    table = read_table(
        write(
            tmp_path / "songs.csv",
            "path,tags,split,artist,duration,_note\n"
            "a.mp3,happy; calm ,train,Ann,61.5,hello\n"
            '"deep/b.flac","dark,calm",val,"Bob, Jr",,\n'
            "c.ogg,happy|dark,TEST,Ann,10,\n",
        )
    )
    assert table.tags == ("calm", "dark", "happy")
    assert table.labels.tolist() == [[1, 0, 1], [1, 1, 0], [0, 1, 1]]
    assert table.splits == (Split.TRAIN, Split.VALIDATION, Split.TEST)
    assert table.artists == ("Ann", "Bob, Jr", "Ann")
    assert table.tracks == table.paths == ("a.mp3", "deep/b.flac", "c.ogg")
    assert table.files[1] == tmp_path / "deep" / "b.flac"
    np.testing.assert_array_equal(table.durations, [61.5, np.nan, 10])


@pytest.mark.parametrize(
    ("name", "separator"), [("t.csv", ","), ("t.csv", ";"), ("t.tsv", "\t"), ("t.txt", "\t")]
)
def test_a_table_with_one_column_a_tag(tmp_path: Path, name: str, separator: str) -> None:
    rows = [["path", "upbeat", "calm"], ["a.mp3", "1", "0"], ["b.mp3", "0", "0"]]
    text = "\r\n".join(separator.join(row) for row in rows)
    table = read_table(write(tmp_path / name, "\ufeff" + text), check_files=False)
    assert table.tags == ("upbeat", "calm")
    assert table.labels.tolist() == [[True, False], [False, False]]


def test_given_tags_set_the_columns_and_their_order(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", "path\ttags\na.mp3\tx,z\n")
    table = read_table(path, tags=("z", "y", "x"), check_files=False)
    assert table.labels.tolist() == [[True, False, True]]
    with pytest.raises(DatasetError, match=r"line 2: the tag 'z' is not among the 2"):
        read_table(path, tags=("x", "y"), check_files=False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("path,tags\n", "no track"),
        ("file,tags\na,x\n", "no column 'path'"),
        ("path,tags,Artits\na,x,y\n", r"unknown column 'Artits' \(artist\?\)"),
        ("path,Path,tags\na,a,x\n", "column path is there twice"),
        ("path,tags\na,Happy\nb,happy\n", "line 3: the tag 'happy' is written 'Happy' in line 2"),
        ("path,Happy,happy\na,1,1\n", "'Happy' and 'happy'"),
        ("path,tags\nC:\\Music\\a.mp3,x\n", "line 2: .* is a path of a Windows drive"),
        ("path,valence\na,5.5\n", r"'valence' looks like ratings.*valence \[1\.\.9\]"),
        ("path,valence [1..9]\na,11\n", r"line 2: '11' in the column 'valence \[1\.\.9\]'"),
        ("path,valence [1..9]\na,good\n", "line 2: 'good' in the column"),
        ("path,tags,title\na,x,y\n", r"unknown column 'title'; known are track, path"),
        ("path,artist\na,x\n", "neither a column 'tags' nor one column a tag"),
        ("path,tag\na,x\n", r"'tag' \(tags\?\)"),
        ("path,path\na,x\n", "column path is there twice"),
        ("path,happy\na,1\nb,yes\n", "line 3: 'yes' in the column 'happy'"),
        ("path,happy\na,\n", "line 2: '' in the column 'happy'"),
        ("path,tags\na,x,y\n", "line 2: has 3 cells where the header has 2"),
        ("path,tags\na\n", "line 2: has 1 cells"),
        ("path,tags\n,x\n", "line 2: the path is empty"),
        ("path,tags\na,x\nb,x\na,y\n", "line 4: a is in line 2 already"),
        ("path,tags\na/b,x\na/./b,y\n", "line 3: a/b is in line 2 already"),
        ("path,tags,track\na,x,1\nb,x,1\n", "line 3: the track '1' is in line 2"),
        ("path,tags,split\na,x,training\nb,x,holdout\n", "line 3: 'holdout' is no split"),
        ("path,tags,duration\na,x,3:05\n", "line 2: '3:05' is no duration"),
        ("path,tags,duration\na,x,-1\n", "'-1' is no duration"),
        ("path,tags,duration\na,x,inf\n", "'inf' is no duration"),
        ("path,tags\na,\n", "no track has a tag"),
        (b"path,tags\na,x\ncaf\xe9.mp3,y\n", "line 3: byte 0xe9 is not UTF-8"),
        ("path,tags\na,x\n".encode("utf-16"), "is UTF-16"),
        (b"path,tags\na\0,x\n", "line 2: holds a NUL"),
        ('path,tags\n"a' + "x" * 200_000 + '",x\n', "line 2: field larger"),
    ],
)
def test_a_bad_table_is_refused_with_its_name_and_a_reason(
    tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    with pytest.raises(DatasetError, match=complaint) as caught:
        read_table(write(tmp_path / "bad.csv", text), check_files=False)
    assert "bad.csv" in str(caught.value)
    assert ";" in str(caught.value)  # what to do comes behind it


def test_missing_files_are_counted_and_some_named(tmp_path: Path) -> None:
    empty_files(tmp_path, "0.mp3")
    text = "path,tags\n" + "".join(f"{number}.mp3,x\n" for number in range(9))
    with pytest.raises(DatasetError, match=r"8 of 9 files are missing: .*1\.mp3.* and 3 more"):
        read_table(write(tmp_path / "t.csv", text))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        load_dataset(str(tmp_path / "none.csv"))


def test_a_folder_a_tag(tmp_path: Path) -> None:
    empty_files(
        tmp_path, "sad/b.mp3", "sad/more/a.ogg", "happy/c.FLAC", "sad/cover.jpg", ".x/d.mp3"
    )
    (tmp_path / "happy" / "d.mp3").symlink_to(tmp_path / "sad" / "b.mp3")
    table = load_dataset(str(tmp_path))
    assert table.tags == ("happy", "sad")
    assert table.paths == ("happy/c.FLAC", "happy/d.mp3", "sad/more/a.ogg")
    assert table.labels.tolist() == [[1, 0], [1, 1], [0, 1]]
    assert all(file.is_file() for file in table.files)


def test_a_folder_that_is_none_of_tags(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no folder"):
        read_folder(tmp_path)
    empty_files(tmp_path, "happy/a.mp3", "loose.mp3")
    with pytest.raises(DatasetError, match=r"loose\.mp3 in no tag's folder"):
        read_folder(tmp_path)
    (tmp_path / "loose.mp3").unlink()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty: the folder holds no audio"):
        read_folder(tmp_path)


def test_a_table_cannot_be_changed() -> None:
    labels = np.ones((1, 1), dtype=bool)
    table = TrackTable(tracks=("1",), paths=("a",), tags=("x",), labels=labels)
    labels[:] = False
    assert table.labels.all()
    with pytest.raises(ValueError, match="read-only"):
        table.labels[0, 0] = False
    with pytest.raises(ValueError, match="read-only"):
        table.select([0]).durations[0] = 1.0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"labels": np.ones((2, 1), dtype=bool)}, "labels of shape"),
        ({"artists": ("a", "b")}, "artists 2"),
        ({"tags": ("x", "x"), "labels": np.ones((1, 2), dtype=bool)}, "tag 'x'"),
    ],
)
def test_a_table_that_does_not_fit_together(change: dict[str, object], complaint: str) -> None:
    right = {"tracks": ("1",), "paths": ("a",), "tags": ("x",), "labels": np.ones((1, 1))}
    with pytest.raises(DatasetError, match=complaint):
        TrackTable(**{**right, **change})  # type: ignore[arg-type]


def test_parts_put_together_are_the_whole(tmp_path: Path) -> None:
    text = "path,tags,split\na,x,train\nb,y,test\nc,x,train\n"
    table = read_table(write(tmp_path / "t.csv", text), check_files=False)
    joined = concatenate([table.part(Split.TRAIN), table.part(Split.TEST)])
    assert columns(joined) == columns(table.select([0, 2, 1]))
    with pytest.raises(DatasetError, match=r"'validation' \(splits there: test, train\)"):
        table.part(Split.VALIDATION)
    with pytest.raises(DatasetError, match="different tags"):
        concatenate([table, read_table(tmp_path / "t.csv", tags="xyz", check_files=False)])


def test_a_tag_with_a_separator_is_not_written(tmp_path: Path) -> None:
    table = TrackTable(tracks=("1",), paths=("a",), tags=("x;y",), labels=np.ones((1, 1), bool))
    with pytest.raises(DatasetError, match="x;y cannot be written"):
        write_table(table, tmp_path / "t.tsv")
    assert list(tmp_path.iterdir()) == []


def test_a_table_written_elsewhere_still_finds_its_files(tmp_path: Path) -> None:
    empty_files(tmp_path, "music/a.mp3")
    table = read_table(write(tmp_path / "music" / "t.csv", "path,tags\na.mp3,x\n"))
    (tmp_path / "new").mkdir()
    write_table(table, tmp_path / "new" / "t.tsv")
    assert read_table(tmp_path / "new" / "t.tsv").paths == ("../music/a.mp3",)


names = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=";|,\\"), min_size=1, max_size=8
)
texts = st.text(st.characters(exclude_categories=["C"], exclude_characters="\x85"), max_size=8).map(
    str.strip
)


@st.composite
def tables(draw: DrawFn) -> TrackTable:
    tags = tuple(draw(st.lists(names, min_size=1, max_size=4, unique=True)))
    size = draw(st.integers(1, 6))

    def column(values: st.SearchStrategy[object]) -> tuple[object, ...]:
        return tuple(draw(st.lists(values, min_size=size, max_size=size)))

    rows = column(st.lists(st.booleans(), min_size=len(tags), max_size=len(tags)))
    durations = column(st.none() | st.floats(0, 1e6))
    return TrackTable(
        tracks=tuple(f"id {number}" for number in range(size)),
        paths=tuple(
            f"{number} {stem.replace('/', '')}" for number, stem in enumerate(column(names))
        ),  # type: ignore[attr-defined]
        tags=tags,
        labels=np.array(rows, dtype=bool),
        artists=column(texts),  # type: ignore[arg-type]
        albums=column(texts),  # type: ignore[arg-type]
        splits=column(st.none() | st.sampled_from(Split)),  # type: ignore[arg-type]
        durations=np.array(durations, dtype=float),
    )


@given(tables(), st.sampled_from([".tsv", ".csv"]))
def test_a_table_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, table: TrackTable, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("tables") / f"t{suffix}"
    moved = TrackTable(**{**vars(table), "root": path.parent})
    write_table(moved, path)
    assert columns(read_table(path, tags=table.tags, check_files=False)) == columns(table)


@given(st.data(), st.lists(names, min_size=1, max_size=8, unique=True))
def test_the_columns_of_the_label_matrix_follow_the_tags(
    data: st.DataObject, tags: list[str]
) -> None:
    sets = data.draw(st.lists(st.sets(st.sampled_from(tags)), max_size=5))
    matrix = label_matrix(sets, tags)
    assert [{tag for tag, on in zip(tags, row, strict=True) if on} for row in matrix] == sets
    other = data.draw(st.permutations(tags))
    order = [tags.index(tag) for tag in other]
    np.testing.assert_array_equal(label_matrix(sets, other), matrix[:, order])


def test_the_summary_counts_by_hand(tmp_path: Path) -> None:
    text = (
        "path,tags,split,artist,album,duration\n"
        "a,x;y,train,Ann,one,1800\n"
        "b,x,train,,two,1800\n"
        "c,,test,Ann,two,\n"
        "d,x,,Bob,three,3600\n"
    )
    summary = summarise(read_table(write(tmp_path / "t.csv", text), check_files=False))
    assert (summary.tracks, summary.hours, summary.tracks_without_duration) == (4, 2.0, 1)
    assert (summary.artists, summary.tracks_without_artist, summary.albums) == (2, 1, 3)
    assert (summary.tracks_without_tags, summary.tags_per_track) == (1, 1.0)
    parts = [(part.split, part.tracks, part.hours, part.artists) for part in summary.parts]
    assert parts == [("train", 2, 1.0, 1), ("test", 1, None, 1), (None, 1, 1.0, 1)]
    counts = [(tag.tag, tag.tracks, tag.by_split) for tag in summary.tags]
    assert counts == [("x", 3, {"train": 2, "test": 0}), ("y", 1, {"train": 1, "test": 0})]
    (overlap,) = summary.overlaps
    assert (overlap.artists, overlap.albums) == (["Ann"], ["two"])
    assert summary.tags_without_positives == {"test": ["x", "y"]}


def test_tables_of_spreadsheets_and_of_other_systems_are_read(tmp_path: Path) -> None:
    (tmp_path / "Rock").mkdir()
    (tmp_path / "Rock" / "a.mp3").touch()
    (tmp_path / "a\\b.mp3").touch()  # a name of its own where a backslash is a letter
    table = tmp_path / "songs.csv"
    table.write_text(
        "Path;Split;Artist;happy;Caf\u00e9\n"
        "Rock\\a.mp3;Train;X;1.0;TRUE\n"
        "a\\b.mp3;test;Y;0.0;FALSE\n",
        "utf-8",
    )
    found = read_table(table)
    if os.name == "posix":
        assert found.paths == ("Rock/a.mp3", "a\\b.mp3")
    assert (found.tags, found.artists) == (("happy", "Caf\u00e9"), ("X", "Y"))
    assert found.labels.tolist() == [[True, True], [False, False]]
    # One accent, written in two ways, is one tag; the tags asked for say how it is spelt.
    table.write_text("path,tags\nRock/a.mp3,caf\u00e9\nb,cafe\u0301\n", "utf-8")
    assert read_table(table, check_files=False).tags == ("caf\u00e9",)
    table.write_text("path,tags\nRock/a.mp3,HAPPY\nb,mood/theme---happy\n", "utf-8")
    assert read_table(table, tags=["Happy"], check_files=False).labels.all()


def test_ratings_stand_beside_tags_or_make_them(tmp_path: Path) -> None:
    table = tmp_path / "rated.csv"
    text = "path,tags,split,valence [1..9],arousal [-1..1]\na,x,train,1.5,-0.25\nb,y,test,,1\n"
    table.write_text(text, "utf-8")
    found = read_table(table, check_files=False)
    assert [str(d) for d in found.dimensions] == ["valence [1..9]", "arousal [-1..1]"]
    np.testing.assert_array_equal(found.ratings, [[1.5, -0.25], [np.nan, 1]])
    assert found.tags == ("x", "y")
    write_table(found, tmp_path / "again.tsv")
    again = read_table(tmp_path / "again.tsv", check_files=False)
    np.testing.assert_array_equal(again.ratings, found.ratings)
    np.testing.assert_array_equal(found.select([1, 0]).ratings, found.ratings[::-1])
    np.testing.assert_array_equal(concatenate([found.select([0]), again.select([1])]).ratings,
                                  found.ratings)  # fmt: skip
    table.write_text(text.replace("tags,", "").replace(",x,", ",").replace(",y,", ","), "utf-8")
    rated = read_table(table, check_files=False)
    assert rated.tags == ("high valence", "low valence", "high arousal", "low arousal")
    assert rated.labels.tolist() == [[False, True, False, True], [False, False, True, False]]


@pytest.mark.skipif(os.name != "posix", reason="only on POSIX: names that differ in case alone")
def test_two_folders_of_one_tag_are_refused(tmp_path: Path) -> None:
    empty_files(tmp_path, "Happy/a.mp3", "happy/b.mp3")
    with pytest.raises(DatasetError, match="'Happy' and 'happy' are one tag"):
        read_folder(tmp_path)
