"""The table of `moodtheme tag`, to the letter, on pages of several widths."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from moodtheme import __version__
from moodtheme.cli.page import Page, flow, short_names
from moodtheme.cli.tag_table import TableWriter
from moodtheme.tagging.answers import (
    DimensionScore,
    ModelIdentity,
    TagScore,
    TrackTags,
)
from moodtheme.tagging.bundle import Bundle, Calibration, Dimension, Fusion, Reference, Thresholds
from moodtheme.tagging.timeline import Section, Timeline
from moodtheme.tagging.windows import Steps

ALBUM = Path("/music/Ann Example/Ann Example - Songs of the Sea and the Shore")
FIRST = ALBUM / "Ann Example - Songs of the Sea and the Shore - 01 The Tide.mp3"
SECOND = ALBUM / "Ann Example - Songs of the Sea and the Shore - 02 The Storm.mp3"
WIDE = ALBUM / "海の歌 – 嵐の夜に歌われた長い長い歌.flac"
COMBINED = ALBUM / "Cafe\u0301 \u200b🎵.ogg"
BROKEN = ALBUM / "a\x1b[31m\nb.mp3"
"""Two tracks of an album, wide characters, those without width, and what would steer a terminal."""

TAGS = ("advertising", "commercial", "corporate", "melancholic", "sad")
THRESHOLDS = Thresholds(values=(0.5,) * 5, method="fixed", chosen_on="nothing")
MODEL = ModelIdentity("toy", "0123456789abcdef")
BY = f"by toy 01234567, moodtheme {__version__}"


def make_bundle(**changes: Any) -> Bundle:
    values: dict[str, Any] = {
        "format_version": 2, "name": "toy", "description": "A toy", "tags": TAGS,
        "synonyms": (("advertising", "commercial", "corporate"),),
        "dimensions": tuple(
            Dimension(name=name, lowest=-1.0, highest=1.0) for name in ("valence", "arousal")
        ),
        "members": (), "fusion": Fusion(), "licence": "", "origin": "", "training_data": "",
        "thresholds": THRESHOLDS,
    }  # fmt: skip
    return Bundle(**(values | changes))


def tags(**standings: float) -> tuple[TagScore, ...]:
    """The tags named stand out, the others do not."""
    return tuple(
        TagScore(name, 0.25, standings.get(name, 0.5), None, name in standings)
        for name in (*standings, *(name for name in TAGS if name not in standings))
    )


def mood(valence: float, arousal: float) -> tuple[DimensionScore, ...]:
    return (DimensionScore("valence", valence, 0.5), DimensionScore("arousal", arousal, 0.5))


def changing(*sections: Section) -> Timeline:
    """Stretches between changes; the curves are not looked at here."""
    nothing = np.empty(0)
    return Timeline(
        make_bundle(), None, Steps(2, 6), nothing, nothing, np.empty((0, 4), np.float32), None,
        sections, (),
    )  # fmt: skip


RESULTS = (
    TrackTags(FIRST, 221.0, tags(sad=0.995, melancholic=0.98), mood(-0.31, -0.45), model=MODEL),
    TrackTags(
        SECOND, 4000.0, tags(commercial=0.96, corporate=0.98, sad=0.96), mood(0.81, 0.02),
        notes=("nothing above 4 kHz, as on a telephone; believe the tags less",),
        model=MODEL, audio="audio:abcdef0123456789",
        timeline=changing(
            Section(0, 29, tags(sad=0.95), mood(0.2, 0.72)),
            Section(3600, 3629, tags(), mood(0.01, -0.004), ("sad",), ("commercial", "sad")),
        ),
    ),
    TrackTags(WIDE, 61.0, tags(), mood(0.0, 0.0), warnings=("1 s missing",), model=MODEL),
    TrackTags(COMBINED, 30.0, tags(sad=0.96), mood(0.5, 0.5), model=MODEL),
    TrackTags(
        BROKEN, None, (), error="not audio: it begins with text; check the file", model=MODEL
    ),
)  # fmt: skip


def table(
    page: Page, *, bundle: Bundle | None = None, results: tuple[TrackTags, ...] = RESULTS,
    top: int | None = None, raw: bool = False,
) -> str:  # fmt: skip
    paths = [result.path for result in results]
    writer = TableWriter(bundle or make_bundle(), paths, page, top=top, raw=raw)
    return writer.begin() + "".join(map(writer.add, results)) + writer.end()


def test_at_80_columns() -> None:
    assert (
        table(Page(80))
        == f"""\
FILES IN {ALBUM}
FILE                       LENGTH  WHAT STANDS OUT        MOOD (-1 TO +1)
…Shore - 01 The Tide.mp3     3:41  sad +++,               calm -0.45,
                                   melancholic ++         rather negative -0.31
…hore - 02 The Storm.mp3  1:06:40  commercial ++, sad +   medium energy +0.02,
                                                          very positive +0.81
                                   note: nothing above 4 kHz, as on a telephone;
                                   believe the tags less
               0:00-0:29           sad +                  very lively +0.72,
                                                          rather positive +0.20
         1:00:00-1:00:29           nothing stands out     medium energy +0.00,
                                                          neutral +0.01
                                   more sad; less commercial, sad
…歌われた長い長い歌.flac     1:01  nothing stands out     medium energy +0.00,
                                                          neutral +0.00
                                   warning: 1 s missing
Cafe\u0301 \\u200b🎵.ogg            0:30  sad +                  lively +0.50,
                                                          positive +0.50
a\\x1b[31m\\nb.mp3                -  error: not audio: it begins with text; check
                                   the file
{BY}
"""
    )


def test_at_40_columns() -> None:
    assert (
        table(Page(40))
        == f"""\
FILES IN …Songs of the Sea and the Shore
FILE                              LENGTH
  WHAT STANDS OUT, MOOD (-1 TO +1)
…nd the Shore - 01 The Tide.mp3     3:41
  sad +++, melancholic ++
  calm -0.45, rather negative -0.31
…d the Shore - 02 The Storm.mp3  1:06:40
  commercial/corporate ++, sad +
  medium energy +0.02,
  very positive +0.81
  note: nothing above 4 kHz, as on a
  telephone; believe the tags less
  0:00-0:29
    sad +
    very lively +0.72,
    rather positive +0.20
  1:00:00-1:00:29
    nothing stands out
    medium energy +0.00, neutral +0.01
    more sad; less commercial, sad
…の夜に歌われた長い長い歌.flac      1:01
  nothing stands out
  medium energy +0.00, neutral +0.00
  warning: 1 s missing
Cafe\u0301 \\u200b🎵.ogg                   0:30
  sad +
  lively +0.50, positive +0.50
a\\x1b[31m\\nb.mp3                       -
  error: not audio: it begins with text;
  check the file
{BY}
"""
    )


AT_120 = f"""\
FILES IN {ALBUM}
FILE                                   LENGTH  WHAT STANDS OUT               MOOD (-1 TO +1)
…Sea and the Shore - 01 The Tide.mp3     3:41  sad +++, melancholic ++       calm -0.45, rather negative -0.31
…ea and the Shore - 02 The Storm.mp3  1:06:40  commercial/corporate ++,      medium energy +0.02, very positive +0.81
                                               sad +
                                               note: nothing above 4 kHz, as on a telephone; believe the tags less
                           0:00-0:29           sad +                         very lively +0.72, rather positive +0.20
                     1:00:00-1:00:29           nothing stands out            medium energy +0.00, neutral +0.01
                                               more sad; less commercial, sad
… – 嵐の夜に歌われた長い長い歌.flac      1:01  nothing stands out            medium energy +0.00, neutral +0.00
                                               warning: 1 s missing
Cafe\u0301 \\u200b🎵.ogg                        0:30  sad +                         lively +0.50, positive +0.50
a\\x1b[31m\\nb.mp3                            -  error: not audio: it begins with text; check the file
{BY}
"""  # noqa: E501


def test_at_120_columns() -> None:
    assert table(Page(120)) == AT_120


def test_without_a_width_nothing_is_cut_and_a_track_is_a_line() -> None:
    lines = table(Page()).splitlines()
    named = {str(r.path): r for r in RESULTS if r.path != BROKEN}
    for name in named:
        (line,) = (line for line in lines if line.startswith(name.replace("\u200b", "\\u200b")))
        assert "  MOOD" in lines[0] and ", " in line[len(name) :]
    assert lines[0].startswith("FILE ")
    assert lines[-1] == BY
    notes, sections, changes = 2, 2, 1
    assert len(lines) == 2 + len(RESULTS) + notes + sections + changes


def test_without_a_reference_or_decisions_the_scores_are_shown_as_such() -> None:
    bundle = make_bundle(thresholds=None, dimensions=())
    scored = tuple(TagScore(n, 0.9 - i / 10, None, None, None) for i, n in enumerate(TAGS))
    result = TrackTags(Path("sea.mp3"), 221.0, scored, model=MODEL)
    assert (
        table(Page(80), bundle=bundle, results=(result,))
        == f"""\
FILE              LENGTH  HIGHEST SCORES
sea.mp3             3:41  advertising 0.90, commercial 0.80, corporate 0.70,
                          melancholic 0.60, sad 0.50
{BY}
"""
    )
    few = table(Page(80), bundle=bundle, results=(result,), top=2)
    assert few.splitlines()[1:-1] == [
        "sea.mp3             3:41  advertising 0.90, commercial 0.80",
    ]


def test_with_probabilities_alone_the_most_probable_are_shown() -> None:
    calibration = Calibration(slopes=(1.0,) * 5, intercepts=(0.0,) * 5, fitted_on="nothing")
    bundle = make_bundle(thresholds=None, dimensions=(), calibration=calibration)
    likely = (TagScore("sad", 0.9, None, 0.24, None), TagScore("corporate", 0.5, None, 0.6, None))
    result = TrackTags(Path("sea.mp3"), 221.0, likely, model=MODEL)
    assert table(Page(80), bundle=bundle, results=(result,)).splitlines()[:2] == [
        "FILE              LENGTH  MOST PROBABLE",
        "sea.mp3             3:41  corporate 60%, sad 24%",
    ]


def test_a_reference_alone_lets_tags_stand_out() -> None:
    reference = Reference(levels=(0, 1), tags=((0, 1),) * 5, music="some", tracks=2)
    bundle = make_bundle(thresholds=None, reference=reference, dimensions=())
    standing = tuple(TagScore(n, 0.5, 0.99 - i / 10, None, None) for i, n in enumerate(TAGS))
    result = TrackTags(Path("sea.mp3"), 221.0, standing, model=MODEL)
    assert table(Page(80), bundle=bundle, results=(result,)).splitlines()[:2] == [
        "FILE              LENGTH  WHAT STANDS OUT",
        "sea.mp3             3:41  advertising +++",
    ]


def test_raw_scores_say_which_audio_it_was_too() -> None:
    assert table(Page(80), results=(RESULTS[1],), raw=True, top=2).splitlines()[2:-1] == [
        "…hore - 02 The Storm.mp3  1:06:40  commercial 0.25, corporate 0.25,",
        "                                   valence +0.81, arousal +0.02",
        "                                   note: nothing above 4 kHz, as on a telephone;",
        "                                   believe the tags less",
        "                                   audio: abcdef01",
        "               0:00-0:29           sad 0.25, advertising 0.25, valence +0.20,",
        "                                   arousal +0.72",
        "         1:00:00-1:00:29           advertising 0.25, commercial 0.25,",
        "                                   valence +0.01, arousal -0.00",
        "                                   more sad; less commercial, sad",
    ]


def test_more_than_there_is_room_for_is_counted_and_long_tags_keep_their_strength() -> None:
    names = (*(f"tag {number}" for number in range(7)), "music-for-a-very-long-and-lonely-evening")
    out = tuple(TagScore(name, 0.5, 0.999, None, True) for name in names)
    result = TrackTags(Path("sea.mp3"), 221.0, out, model=MODEL)
    lines = table(Page(40), results=(result,), top=3).splitlines()
    assert lines[3:5] == ["  tag 0 +++, tag 1 +++, tag 2 +++,", "  and 5 more"]
    lines = table(Page(40), results=(result,), top=8).splitlines()
    assert lines[-2] == "  music-for-a-very-long-and-lonely… +++"


def test_where_characters_do_not_arrive_they_are_escaped_before_they_are_measured() -> None:
    written = table(Page(60, encoding="ascii"))
    assert written.isascii()
    assert max(map(len, written.splitlines())) == 60
    assert "\n...Songs of the Sea and the Shore - 01 The Tide.mp3     3:41\n" in written
    assert "\nCafe\\u0301 \\u200b\\U0001f3b5.ogg                         0:30\n" in written


def test_colour_and_bold_change_nothing_but_how_it_looks() -> None:
    plain, drawn = table(Page(80)), table(Page(80, bold=True, colour=True))
    assert "\x1b[1mFILE" in drawn
    assert "\x1b[31merror: not audio" in drawn
    for code in ("\x1b[1m", "\x1b[31m", "\x1b[0m"):
        drawn = drawn.replace(code, "")
    assert drawn == plain
    assert "\x1b" not in plain


def test_tracks_of_an_album_are_told_apart_by_their_ends_or_else_their_starts() -> None:
    folder = Path("Music/Some Album")
    ends = [folder / f"Some Artist - Some Album - {n:02}.mp3" for n in (1, 2)]
    same = [folder / f"{n:02} - A Song That Everybody Knows.mp3" for n in (1, 2)]
    where, names = short_names([*ends, *same], 20, Page(80))
    assert where == str(folder)
    assert [names[path] for path in ends] == ["…Some Album - 01.mp3", "…Some Album - 02.mp3"]
    assert [names[path] for path in same] == ["01 - …body Knows.mp3", "02 - …body Knows.mp3"]


def test_paths_that_fit_are_shown_as_they_were_given() -> None:
    paths = [Path("a/b.mp3"), Path("/c.mp3"), Path()]
    assert short_names(paths, 10, Page(80)) == ("", {path: str(path) for path in paths})
    long = Path("/nowhere/at/all/c.mp3")
    assert short_names([*paths, long], 10, Page(80)) == (
        "", {**{path: str(path) for path in paths}, long: "…" + str(long)[-9:]},
    )  # fmt: skip


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0/\\:")
file_names = st.text(characters, min_size=1, max_size=60).filter(lambda n: n not in {".", ".."})


@given(st.lists(file_names, min_size=1, max_size=5), st.integers(30, 130))
def test_no_line_is_wider_than_the_page_whatever_the_names(names: list[str], cells: int) -> None:
    section = Section(0, 29, tags(), mood(0.05, 0.3))
    results = tuple(
        TrackTags(
            Path("Music") / name, 61.0, tags(sad=0.99), mood(0.2, -0.8), model=MODEL,
            timeline=changing(section),
        )
        for name in names
    )  # fmt: skip
    lines = table(Page(cells), results=results).splitlines()
    assert max(map(cell_len, lines)) <= cells
    for whole in ("sad +++", "nothing stands out", "very calm -0.80", "rather lively +0.30"):
        assert sum(whole in line for line in lines) == len(names)


@pytest.mark.parametrize("cells", [40, 80])
def test_dimensions_of_any_name_fit(cells: int) -> None:
    dimensions = (Dimension(name="how-easily-one-can-dance-to-it", lowest=0, highest=100),)
    placed = (DimensionScore("how-easily-one-can-dance-to-it", 71.25, None),)
    result = TrackTags(Path("sea.mp3"), 61.0, tags(sad=0.99), placed, model=MODEL)
    lines = table(
        Page(cells), bundle=make_bundle(dimensions=dimensions), results=(result,)
    ).splitlines()
    assert max(map(cell_len, lines)) <= cells
    assert any(line.endswith("dance-to-it 71.25") for line in lines)


words = st.text(st.characters(categories=["L", "Mn", "So"]), min_size=1, max_size=12)


@given(st.lists(words, max_size=12), st.integers(30, 60))
def test_pieces_flow_whole_and_in_order(pieces: list[str], cells: int) -> None:
    lines = flow(pieces, cells)
    assert " ".join(lines) == ", ".join(pieces)
    assert all(cell_len(line) <= cells for line in lines)
