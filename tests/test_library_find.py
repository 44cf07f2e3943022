"""Finding: words and conditions, what sounds alike, the way between, copies, playlists."""

import csv
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme import Tagger
from moodtheme.errors import QueryError, UsageError
from moodtheme.files import FileState
from moodtheme.library import Library, Playlist
from moodtheme.library.keeping import Keeper, ScannedFile, Why
from moodtheme.library.numbers import make_blocks
from moodtheme.library.query import parse_query, seconds_of
from moodtheme.library.results import Result
from moodtheme.library.words import words
from moodtheme.tagging.bundle import Bundle
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.models import embedded_folder
from program import Program
from toy_library import toy_tagger, write_piece


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_manifest(embedded_folder() / "moodtheme-small")


def add(library: Library, bundle: Bundle, results: dict[str, Result]) -> None:
    """Put results into a library as a scan would, for files that are not there."""
    keeper = Keeper(library._database, bundle)
    for name, result in results.items():
        audio = f"a1:{name}"
        state = FileState(1, 1, 1)
        path = Path(os.sep) / "music" / name
        keeper.keep(ScannedFile(path, Why.NEW, audio, result, state=state), None)
    library._database.commit()


def result(
    bundle: Bundle, *, seconds: float = 100.0, valence: float = 0.0, **tags: float
) -> Result:
    """Scores as given, 0 for other tags; an embedding that is a tag's direction."""
    scores = np.array([tags.get(tag, 0.0) for tag in bundle.tags], np.float32)
    embedding = np.zeros(512, np.float32)
    embedding[: len(scores)] = scores + 0.001
    embedding /= np.linalg.norm(embedding)
    dimensions = np.array([valence, 0.0], np.float32)
    return Result(scores=scores, dimensions=dimensions, embedding=embedding, duration_s=seconds)


@pytest.fixture
def library(tmp_path: Path, bundle: Bundle) -> Iterator[Library]:
    with Library(tmp_path / "library.db", write=True) as library:
        add(
            library,
            bundle,
            {
                "sad-heavy.mp3": result(bundle, sad=0.9, heavy=0.9, seconds=200, valence=-0.5),
                "sad.mp3": result(bundle, sad=0.8, heavy=0.0, seconds=300, valence=-0.4),
                "happy.mp3": result(bundle, happy=0.9, seconds=100, valence=0.8),
                "live/dark.mp3": result(bundle, dark=0.9, sad=0.2, seconds=50, valence=-0.1),
            },
        )
        yield library


def names(found: object) -> list[str]:
    matches = getattr(found, "matches", found)
    return [match.track.path.name for match in matches]


@pytest.mark.parametrize("among", ["reference", "library"])
def test_words_rank_and_a_minus_asks_for_little(library: Library, among: str) -> None:
    assert names(library.search("sad", among=among))[0] == "sad-heavy.mp3"
    assert names(library.search("sad -heavy", among=among))[0] == "sad.mp3"
    assert names(library.search("happy", among=among))[0] == "happy.mp3"


def test_among_the_library_standings_are_shares_of_it(library: Library) -> None:
    found = library.search("sad", among="library")
    assert (found.tracks, found.matches[0].standings) == (4, (0.75,))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("longer>1:30", ["sad.mp3", "sad-heavy.mp3", "happy.mp3"]),
        ("shorter<=100", ["dark.mp3", "happy.mp3"]),
        ("valence<-0.2", ["sad-heavy.mp3", "sad.mp3"]),
        ("valence>=0.8", ["happy.mp3"]),
        ("path:LIVE/", ["dark.mp3"]),
        ("sad valence<-0.2 longer>4:00", ["sad.mp3"]),
        ('"sad" path:heavy', ["sad-heavy.mp3"]),
    ],
)
def test_conditions_bound(query: str, expected: list[str], library: Library) -> None:
    assert names(library.search(query)) == expected


def test_a_condition_on_a_tag_is_one_on_its_standing(library: Library) -> None:
    found = library.search("sad>=0.5", among="library")
    assert set(names(found)) == {"sad.mp3", "sad-heavy.mp3"}
    assert found.found == 2


def test_free_words_are_taken_for_tags_and_that_is_said(library: Library, bundle: Bundle) -> None:
    query = parse_query("gloomy -Boring happy", bundle)
    assert [term.taken_for for term in query.terms] == [
        "dark, sad",
        "less valence, less arousal",
        None,
    ]
    assert names(library.search("gloomy"))[-1] == "happy.mp3"


def test_every_word_stands_for_what_the_model_knows_and_no_tag_is_a_word(bundle: Bundle) -> None:
    known = {*bundle.tags, *(d.name + sign for d in bundle.dimensions for sign in "+-")}
    assert len(words()) > 400
    for word, aims in words().items():
        assert set(aims) <= known, word
        assert word not in bundle.tags


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("saad", "sad"),
        ("qqqqq", "library words"),
        ("valence<low", "no number"),
        ("valence<nan", "no number"),
        ("longer>soon", "no duration"),
        ("loudness>3", "no tag or dimension 'loudness'"),
        ('"sad', "quotation mark"),
        ("  ", "nothing to search for"),
    ],
)
def test_what_cannot_be_understood_is_named(query: str, match: str, library: Library) -> None:
    with pytest.raises(QueryError, match=re.escape(match)):
        library.search(query)


def test_a_model_without_a_reference_ranks_among_the_library(tmp_path: Path) -> None:
    tagger = toy_tagger(tmp_path / "models")
    for number in range(3):
        write_piece(tmp_path / "music" / f"{number}.flac", number)
    with Library(tmp_path / "library.db", write=True) as library:
        library.scan([tmp_path / "music"], tagger)
        assert names(library.search("loud")) == ["2.flac", "1.flac", "0.flac"]
        with pytest.raises(QueryError, match="--relative-to library"):
            library.search("loud", among="reference")


def test_durations_are_read_as_people_write_them() -> None:
    assert [seconds_of(text) for text in ("90", "3:30", "1:00:01", "2.5")] == [90, 210, 3601, 2.5]
    assert seconds_of("3m") is None


# --- what sounds alike -------------------------------------------------------------------------


def test_the_nearest_come_first_and_the_file_itself_does_not(library: Library) -> None:
    found = library.similar("/music/sad-heavy.mp3", most=2)
    assert names(found)[0] == "sad.mp3"
    assert found[0].likeness > found[1].likeness
    with pytest.raises(QueryError, match="not in"):
        library.similar("/music/other.mp3")


def test_a_path_leads_from_one_to_the_other_in_smaller_steps(
    tmp_path: Path, bundle: Bundle
) -> None:
    with Library(tmp_path / "arc.db", write=True) as library:
        steps = {
            f"{n:02}.mp3": result(bundle, sad=float(np.cos(n / 20)), happy=float(np.sin(n / 20)))
            for n in range(31)
        }
        add(library, bundle, steps)
        way = library.path_between("/music/00.mp3", "/music/30.mp3", length=7)
        assert names(way) == [f"{n:02}.mp3" for n in range(0, 31, 5)]
        assert min(step.likeness for step in way) > 0.95
        assert len(library.path_between("/music/00.mp3", "/music/30.mp3", length=100)) == 31
        with pytest.raises(QueryError, match="two different ends"):
            library.path_between("/music/00.mp3", "/music/00.mp3")


def test_rips_and_copies_are_found_and_neighbours_are_not(library: Library, bundle: Bundle) -> None:
    rip = result(bundle, sad=0.8, seconds=301.0)
    add(
        library,
        bundle,
        {"rip.opus": rip, "as-long.mp3": result(bundle, happy=0.5, sad=0.4, seconds=300.5)},
    )
    library._database.change(
        "INSERT INTO places (path, size, mtime_ns, device, track) SELECT ?, 1, 1, 1, track "
        "FROM places WHERE path = ?",
        (b"/music/copy.mp3", b"/music/happy.mp3"),
    )
    groups = [[p.name for track in group for p in track.places] for group in library.duplicates()]
    assert sorted(map(sorted, groups)) == [["copy.mp3", "happy.mp3"], ["rip.opus", "sad.mp3"]]


def test_blocks_say_what_rows_say_and_go_with_what_changes(tmp_path: Path, bundle: Bundle) -> None:
    rng = np.random.default_rng(0)
    with Library(tmp_path / "many.db", write=True) as library:
        results = {}
        for number in range(1500):
            embedding = rng.standard_normal(512).astype(np.float32)
            results[f"{number:04}.mp3"] = Result(
                scores=rng.random(len(bundle.tags), np.float32),
                dimensions=rng.uniform(-1, 1, 2).astype(np.float32),
                embedding=embedding / np.linalg.norm(embedding),
                duration_s=float(rng.uniform(1, 500)),
            )
        add(library, bundle, results)

        def answers() -> tuple[object, ...]:
            query = "sad -heavy valence<0.5 longer>0:30"
            return (
                [(match.track.audio, match.score) for match in library.search(query).matches],
                names(library.similar("/music/0007.mp3")),
            )

        loose = answers()
        make_blocks(library._database, library.model)
        blocks = "SELECT count(*) FROM blocks"
        assert library._database.row(blocks)[0] == 2
        assert answers() == loose
        add(library, bundle, {"0007.mp3": results["0008.mp3"]})
        assert library._database.row(blocks)[0] == 1
        assert library.similar("/music/0007.mp3", most=1)[0].likeness == pytest.approx(1)
        make_blocks(library._database, library.model)
        assert library._database.row(blocks)[0] == 2


# --- playlists -----------------------------------------------------------------------------------


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number in range(3):
        write_piece(tmp_path / "music" / f"{number} pièce.flac", number)
    return tmp_path / "music"


@pytest.fixture
def scanned(tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library file of a toy model, which is there as the program's own."""
    toy_tagger(tmp_path / "models")
    monkeypatch.setenv("MOODTHEME_LIBRARY", str(tmp_path / "library.db"))
    with Library(write=True) as library:
        library.scan([music], Tagger.load(tmp_path / "models" / "one"))
    return tmp_path / "library.db"


def test_lists_are_written_for_players_and_programs(
    scanned: Path, music: Path, tmp_path: Path, program: Program
) -> None:
    (tmp_path / "lists").mkdir()
    m3u, table, record = (tmp_path / "lists" / f"loud.{kind}" for kind in ("m3u", "csv", "json"))
    status, out, _ = program(
        "library", "search", "loud", "--m3u", m3u, "--csv", table, "--json", record
    )
    assert status == 0 and "2 pièce.flac" in out
    lines = m3u.read_text("utf-8").splitlines()
    assert lines[:3] == [
        "#EXTM3U",
        "#EXTINF:3,2 pièce",
        str(Path("..", "music", "2 pièce.flac")),
    ]
    assert (m3u.parent / lines[2]).samefile(music / "2 pièce.flac")
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [row["path"] for row in rows] == [
        entry["path"] for entry in json.loads(record.read_text())
    ]
    program("library", "search", "loud", "--m3u", m3u, "--absolute", "-q")
    assert m3u.read_text("utf-8").splitlines()[2] == str(music / "2 pièce.flac")


def test_a_kept_search_is_written_anew_after_a_scan(
    scanned: Path, music: Path, tmp_path: Path, program: Program
) -> None:
    file = tmp_path / "quiet.m3u8"
    words = ("library", "search", "quiet", "--top", "2", "--save", "quiet", "--m3u", file)
    assert program(*words)[0] == 0
    before = file.read_text("utf-8")
    write_piece(music / "new.flac", 9, level=0.01)
    shutil.move(music / "0 pièce.flac", music / "moved.flac")
    status, _, err = program("library", "scan", "--model", tmp_path / "models" / "one")
    assert status == 0 and "playlist quiet: 2 tracks" in err
    after = file.read_text("utf-8")
    assert "new.flac" in after and "moved.flac" in after and after != before
    status, out, _ = program("library", "playlists", "--refresh")
    assert status == 0 and "2 tracks" in out
    assert program("library", "playlists", "quiet", "--drop")[0] == 0
    with Library() as library:
        assert list(library.playlists) == []


def test_a_playlist_has_a_name_that_players_know(scanned: Path, tmp_path: Path) -> None:
    with Library(write=True) as library, pytest.raises(UsageError, match=r"list\.txt"):
        library.playlists.keep(Playlist("mine", "loud", file=tmp_path / "list.txt"))


def test_the_program_says_what_there_is(scanned: Path, music: Path, program: Program) -> None:
    shutil.copy(music / "1 pièce.flac", music / "copy.flac")
    (music / "broken.mp3").write_bytes(b"no music")
    models = scanned.parent / "models" / "one"
    status, _, err = program("library", "scan", music, "--model", models)
    assert status == 1 and "broken.mp3" in err and "1 files known by their audio" in err
    status, out, _ = program("library", "stats")
    assert status == 0
    assert "tracks    3" in out and "4, 1 of them copies, 1 more cannot be used" in out
    status, out, _ = program("library", "duplicates")
    assert "copy.flac" in out and "1 pièce.flac" in out
    status, out, _ = program("library", "similar", music / "0 pièce.flac", "--top", "1")
    assert status == 0 and ".flac" in out
    ends = music / "0 pièce.flac", music / "2 pièce.flac"
    status, out, _ = program("library", "path", *ends, "--length", "3")
    assert status == 0
    way = [Path(line.split("  ")[-1]).name[0] for line in out.splitlines() if ".flac" in line]
    assert way[0] == "0" and way[-1] == "2" and len(way) == 3
    assert program("library", "words")[1].startswith("70s: retro")
    status, _, err = program("library", "search", "lowd")
    assert status == 2 and "loud" in err
    assert program("library", "forget", music / "copy.flac")[0] == 0
    with Library() as library:
        assert {len(track.places) for track in library.tracks()} == {1}


@pytest.mark.parametrize(("cores", "jobs"), [(1, 1), (2, 2), (4, 3)])
def test_a_scan_leaves_a_core_free_where_there_are_more_than_two(
    cores: int,
    jobs: int,
    scanned: Path,
    music: Path,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("moodtheme.cli.library.cores", lambda: cores)
    given: list[int] = []
    monkeypatch.setattr("os.nice", given.append, raising=False)
    words = ("library", "scan", music, "--model", scanned.parent / "models" / "one")
    assert f"{jobs} at once" in program(*words)[2]
    assert "7 at once" in program(*words, "--threads", "7", "--nice", "11")[2]
    assert given == [11]


def test_results_are_typed(library: Library) -> None:
    stats = library.stats()
    assert (stats.tracks, stats.files, stats.stale) == (4, 4, 0)
    assert msgspec.json.encode(stats)


@given(st.text())
def test_any_text_is_a_query_or_an_error_of_ours(text: str) -> None:
    bundle = read_manifest(embedded_folder() / "moodtheme-small")
    try:
        query = parse_query(text, bundle)
    except QueryError:
        return
    assert query.terms or query.conditions or query.paths


@given(
    st.lists(st.sampled_from(["sad", "-heavy", "gloomy", "longer>3:00", "path:a b"]), min_size=1)
)
def test_a_query_is_its_words(parts: list[str]) -> None:
    bundle = read_manifest(embedded_folder() / "moodtheme-small")
    query = parse_query(" ".join(f'"{part}"' for part in parts), bundle)
    assert len(query.terms) + len(query.conditions) + len(query.paths) == len(parts)
    assert sum(term.less for term in query.terms) == parts.count("-heavy")
