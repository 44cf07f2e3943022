"""The demo corpus: its plan, its labels and the files it leaves."""

import numpy as np
import pytest

from moodtheme.datasets import Split, read_table
from moodtheme.demo import Mood
from moodtheme.demo.corpus import demo_tracks, make_demo_corpus
from moodtheme.errors import UsageError
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS, bare_name


def test_every_tag_occurs_in_every_split_and_no_artist_in_two():
    tracks = demo_tracks(60)
    for split in Split:
        chosen = [track for track in tracks if track.split is split]
        assert set().union(*(track.tags for track in chosen)) == set(Mood)
        assert all(sum(tag in track.tags for track in chosen) < len(chosen) for tag in Mood)
    homes = {(track.artist, track.split) for track in tracks}
    assert len(homes) == len({artist for artist, _ in homes}) == 18


def test_tags_are_multi_label_and_noisy():
    tracks = demo_tracks(300)
    sizes = [len(track.tags) for track in tracks]
    assert min(sizes) == 1
    assert max(sizes) >= 3
    assert 1.7 < np.mean(sizes) < 2.5
    assert all(track.written_for[0] in track.tags for track in tracks)
    astray = np.mean([set(track.tags) != set(track.written_for) for track in tracks])
    assert 0.1 < astray < 0.5
    # No cue alone gives a tag away: happy and sad tracks overlap in tempo.
    happy = [track.cues.tempo for track in tracks if Mood.HAPPY in track.tags]
    sad = [track.cues.tempo for track in tracks if Mood.SAD in track.tags]
    assert np.median(happy) > 1.3 * np.median(sad)
    assert max(sad) > min(happy)


def test_a_track_depends_on_the_seed_and_its_number_alone():
    assert demo_tracks(7, seed=4) == demo_tracks(40, seed=4)[:7]
    assert demo_tracks(7, seed=4) != demo_tracks(7, seed=5)


def test_the_tags_are_official():
    assert set(Mood) <= {bare_name(tag) for tag in MOOD_THEME_TAGS}


def test_an_empty_corpus_is_refused():
    with pytest.raises(UsageError, match="at least 1"):
        demo_tracks(0)


def test_corpus_is_readable_resumable_and_reproducible(tmp_path):
    wanted = {"n_tracks": 5, "duration_s": 2.0, "seed": 1}
    calls = []
    path = make_demo_corpus(
        tmp_path / "a", **wanted, progress=lambda done, of: calls.append((done, of))
    )
    assert calls == [(done, 5) for done in range(1, 6)]
    table = read_table(path)
    plan = demo_tracks(5, seed=1)
    assert table.paths == tuple(track.path.as_posix() for track in plan)
    assert table.artists == tuple(track.artist for track in plan)
    for row, track in zip(table.labels, plan, strict=True):
        assert {tag for tag, on in zip(table.tags, row, strict=True) if on} == set(track.tags)

    files = sorted((tmp_path / "a" / "audio").iterdir())
    contents = [file.read_bytes() for file in files]
    times = [file.stat().st_mtime_ns for file in files]
    files[1].unlink()
    files[2].write_bytes(b"cut off")
    path.unlink()
    make_demo_corpus(tmp_path / "a", **wanted)
    assert [file.read_bytes() for file in files] == contents
    unchanged = [index for index in range(5) if index not in (1, 2)]
    assert [files[i].stat().st_mtime_ns for i in unchanged] == [times[i] for i in unchanged]

    make_demo_corpus(tmp_path / "a", **wanted | {"seed": 2})  # another request replaces them
    assert all(file.read_bytes() != old for file, old in zip(files, contents, strict=True))
