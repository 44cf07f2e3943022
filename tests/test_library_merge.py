"""Merging what was made in parts: every track once, in the form that is asked for."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodtheme import Tagger
from moodtheme.errors import LibraryError, QueryError
from moodtheme.library import Library, Playlist
from program import Program
from toy_library import age, content, toy_tagger, write_piece


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pieces in two folders, one of them in both, and a file that cannot be used."""
    for number in range(5):
        write_piece(tmp_path / "music" / f"{number % 2}" / f"{number}.flac", number)
    write_piece(tmp_path / "music" / "1" / "copy of 0.flac", 0)
    soundfile.write(tmp_path / "music" / "0" / "short.wav", np.zeros(10), 8_000)
    age(tmp_path / "music" / "0" / "short.wav")
    # As a model by its name: rows name theirs.
    monkeypatch.setenv("MOODTHEME_CACHE", str(tmp_path / "cache"))
    toy_tagger(tmp_path / "cache" / "models", name="many")
    return tmp_path / "music"


@pytest.fixture
def tagger(music: Path) -> Tagger:
    return Tagger.load("many")


def scanned(file: Path, tagger: Tagger, *folders: Path) -> Path:
    with Library(file, write=True) as library:
        library.scan(folders, tagger)
    return file


def test_libraries_make_one_and_the_next_scan_hears_nothing(
    music: Path, tagger: Tagger, tmp_path: Path, program: Program
) -> None:
    one = scanned(tmp_path / "one.db", tagger, music / "0")
    two = scanned(tmp_path / "two.db", tagger, music / "1")
    with Library(two, write=True) as library:
        library.playlists.keep(Playlist("loud ones", "loud"))
    for _ in range(2):  # again changes nothing
        status, _, err = program("library", "merge", tmp_path / "all.db", one, two)
        assert status == 0 and "5 tracks" in err
    whole = scanned(tmp_path / "whole.db", tagger, music / "0", music / "1")
    with Library(whole) as expected, Library(tmp_path / "all.db", write=True) as merged:
        assert content(merged) == content(expected)
        assert merged.roots == (music / "0", music / "1")
        assert [playlist.name for playlist in merged.playlists] == ["loud ones"]
        report = merged.scan([music], tagger)
        assert (report.scored, report.unchanged) == (0, 7)


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_parts_make_a_file_of_results(
    form: str, music: Path, tmp_path: Path, program: Program
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="pip install 'moodtheme[parquet]'")
    parts = [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    for number, part in enumerate(parts, start=1):
        program("tag", music, "--model", "many", "-o", part, "--shard", f"{number}/2", "-q")
    program("tag", music, "--model", "many", "-o", tmp_path / "whole.jsonl", "-q")
    merged = tmp_path / f"all.{form}"
    status, _, err = program("library", "merge", merged, *parts, parts[0])
    assert status == 0 and "7 rows" in err
    again = tmp_path / "again.jsonl"
    assert program("library", "merge", again, merged)[0] == 0

    def rows(file: Path) -> list[dict[str, object]]:
        lines = file.read_text("utf-8").splitlines()
        found = [json.loads(line) for line in lines]
        for row in found:
            row.pop("windows", None)
        return sorted(found, key=lambda row: str(row["path"]))

    assert rows(again) == rows(tmp_path / "whole.jsonl")


def test_a_failure_gives_way_to_a_result(music: Path, tmp_path: Path, program: Program) -> None:
    failed = {"path": "a.flac", "audio": None, "error": "the drive was away", "tags": []}
    works = {"path": "a.flac", "audio": "a1:0", "error": None, "tags": []}
    for name, row in (("failed", failed), ("works", works)):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    parts = tmp_path / "failed.jsonl", tmp_path / "works.jsonl"
    assert program("library", "merge", tmp_path / "all.jsonl", *parts)[0] == 0
    assert json.loads((tmp_path / "all.jsonl").read_text()) == works


def test_results_of_tagging_make_a_library(
    music: Path, tagger: Tagger, tmp_path: Path, program: Program
) -> None:
    program("tag", music, "--model", "many", "-o", tmp_path / "tags.jsonl", "-q")
    file = tmp_path / "library.db"
    assert program("library", "merge", file, tmp_path / "tags.jsonl")[0] == 0
    with Library(file, write=True) as library:
        assert len(library) == 5 and library.stats().failed == 1
        assert [match.track.path.name for match in library.search("loud", most=1).matches] == [
            "4.flac"
        ]
        with pytest.raises(QueryError, match="without an embedding"):
            library.similar(music / "0" / "0.flac")
        assert library.scan([music], tagger).scored == 0


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("no json", "line 1"),
        ("[]", "names no path"),
        ('{"path": "a.mp3"}', "cannot be put into a library"),
        (
            '{"path": "a.mp3", "tags": [], "error": null, "audio": "a1:0", "version": "0", '
            '"model": {"name": "many", "digest": "0"}}',
            "get that model",
        ),
    ],
)
def test_rows_that_are_none_are_named(row: str, match: str, music: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(row + "\n", encoding="utf-8")
    with (
        Library(tmp_path / "library.db", write=True) as library,
        pytest.raises(LibraryError, match=match),
    ):
        library.merge([tmp_path / "rows.jsonl"])


def test_libraries_do_not_make_a_file_of_results(
    music: Path, tagger: Tagger, tmp_path: Path, program: Program
) -> None:
    one = scanned(tmp_path / "one.db", tagger, music)
    status, _, err = program("library", "merge", tmp_path / "all.jsonl", one)
    assert status == 2 and "one.db" in err
