"""One pass over a file: opened and decoded once, whatever members hear and whatever is asked."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from moodtheme import Tagger, tag_files
from moodtheme.audio import ExcerptPolicy, audio_identity, open_audio, stream
from moodtheme.errors import BundleError, SilentAudioError
from moodtheme.tagging.answers import (
    track_dimensions,
    track_embedding,
    track_scores,
    track_tags,
)
from moodtheme.tagging.bundle import Output
from moodtheme.tagging.following import over_time
from toy_bundle import make_bundle, make_many_membered_bundle, toy_member

CENTRE, START, COVER = ExcerptPolicy.CENTRE, ExcerptPolicy.START, ExcerptPolicy.COVER
ALL = (Output.SCORES, Output.DIMENSIONS, Output.EMBEDDING)
FIVE = (
    toy_member("a", COVER, outputs=ALL, embedding_size=2),
    toy_member("b", CENTRE, sample_rate=16_000, samples=32_000, systems=("b1", "b2")),
    toy_member("c", START, sample_rate=11_025, samples=33_075),
    toy_member("d", COVER, sample_rate=16_000, samples=48_000),
    toy_member("e", CENTRE, outputs=ALL, embedding_size=2),
)
EXCERPTS = (FIVE[1], FIVE[2], FIVE[4])


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "five"
    make_many_membered_bundle(folder, FIVE)
    return folder


@pytest.fixture(scope="module")
def excerpts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "excerpts"
    make_many_membered_bundle(folder, EXCERPTS)
    return folder


def write_music(path: Path, seconds: float, rate: int = 44_100) -> Path:
    """Noise that grows louder."""
    audio = np.random.default_rng(0).uniform(-1, 1, round(seconds * rate))
    soundfile.write(path, audio * np.linspace(0.1, 0.9, len(audio)), rate)
    return path


class Counts:
    """What was opened, and how many seconds of sound were decoded."""

    def __init__(self) -> None:
        self.opened = 0
        self.decoded_s = 0.0


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    counts = Counts()
    real = stream.open_source

    def counted(file: Any) -> Any:
        source, findings = real(file)
        counts.opened += 1
        read = source.read

        def counted_read(frames: int) -> Any:
            block = read(frames)
            counts.decoded_s += len(block) / source.info.sample_rate
            return block

        source.read = counted_read
        return source, findings

    monkeypatch.setattr(stream, "open_source", counted)
    opened = os.open

    def counted_open(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith((".flac", ".mp3")):
            counts.opened += 100
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", counted_open)
    return counts


@pytest.mark.parametrize("timeline", [False, True])
def test_a_file_is_opened_and_decoded_once_for_five_members(
    five: Path, tmp_path: Path, counts: Counts, timeline: bool
) -> None:
    tagger = Tagger.load(five)
    (result,) = tag_files(tagger, [write_music(tmp_path / "a.flac", 31.0)], timeline=timeline)
    assert result.error is None
    assert counts.opened == 101  # by the system, and by a decoder
    assert counts.decoded_s == pytest.approx(31.0)
    assert result.audio == audio_identity(tmp_path / "a.flac")
    assert (result.timeline is not None) == timeline


def test_where_only_excerpts_are_heard_only_their_span_is_decoded(
    tmp_path: Path, excerpts: Path, counts: Counts
) -> None:
    make_many_membered_bundle(tmp_path / "centres", (FIVE[1], FIVE[4]))
    write_music(tmp_path / "a.flac", 60.0)
    Tagger.load(tmp_path / "centres").tag(tmp_path / "a.flac")
    assert counts.opened == 101
    assert counts.decoded_s < 5
    Tagger.load(excerpts).tag(tmp_path / "a.flac")
    assert counts.opened == 202
    assert counts.decoded_s < 5 + 33  # one starts at the beginning


@pytest.mark.parametrize("seconds", [1.2, 2.5, 31.0])
def test_a_file_gets_the_scores_that_each_member_alone_gives(
    five: Path, excerpts: Path, tmp_path: Path, seconds: float
) -> None:
    path = write_music(tmp_path / "a.flac", seconds)
    samples, rate = soundfile.read(path, dtype="float32")
    for folder, members in ((five, FIVE), (excerpts, EXCERPTS)):
        heard = Tagger.load(folder).listen(path)
        in_memory = Tagger.load(folder).listen_to(samples, rate)
        np.testing.assert_allclose(track_scores(heard), track_scores(in_memory), atol=2e-4)
        for number, member in enumerate(members):
            alone = tmp_path / f"{folder.name}-{number}"
            make_many_membered_bundle(alone, [member])
            (only,) = Tagger.load(alone).listen(path).members
            together = heard.members[number]
            assert len(only.track) == len(together.track) > 0
            for one, other in zip(only.track, together.track, strict=True):
                assert (one.start_s, one.end_s, one.weight) == (
                    other.start_s, other.end_s, other.weight
                )  # fmt: skip
                np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)


def test_a_file_that_does_not_say_how_long_it_is_is_decoded_once_too(
    excerpts: Path, tmp_path: Path, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_music(tmp_path / "a.flac", 40.0)
    tagger = Tagger.load(excerpts)
    known = tagger.tag(path)
    real = stream.open_source

    def silent_header(file: Any) -> Any:
        source, findings = real(file)
        from dataclasses import replace

        source.info = replace(source.info, duration_s=None)
        return source, findings

    monkeypatch.setattr(stream, "open_source", silent_header)
    counts.opened, counts.decoded_s = 0, 0.0
    unknown = tagger.tag(path)
    assert counts.opened == 101
    assert counts.decoded_s == pytest.approx(40.0)
    assert unknown.duration_s == pytest.approx(40.0)
    for one, other in zip(known.tags, unknown.tags, strict=True):
        assert (one.name, one.score) == (other.name, pytest.approx(other.score, abs=1e-6))
    # Where the centre cannot be held until it is known, it is read again.
    monkeypatch.setattr("moodtheme.tagging.windows._MOST_HELD", 100_000)
    again = tagger.tag(path)
    for one, other in zip(known.tags, again.tags, strict=True):
        assert (one.name, one.score) == (other.name, pytest.approx(other.score, abs=1e-6))


def test_a_header_that_promises_too_much_costs_a_second_reading_not_the_answer(
    excerpts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_music(tmp_path / "a.flac", 20.0)
    tagger = Tagger.load(excerpts)
    known = tagger.tag(path)
    real = stream.open_source

    def boasting(file: Any) -> Any:
        source, findings = real(file)
        from dataclasses import replace

        source.info = replace(source.info, duration_s=90.0)
        return source, findings

    monkeypatch.setattr(stream, "open_source", boasting)
    for one, other in zip(known.tags, tagger.tag(path).tags, strict=True):
        assert (one.name, one.score) == (other.name, pytest.approx(other.score, abs=1e-6))


def test_dimensions_and_embeddings_of_members_that_have_them(five: Path, tmp_path: Path) -> None:
    path = write_music(tmp_path / "a.flac", 9.0)
    tagger = Tagger.load(five)
    heard = tagger.listen(path, timeline=True)
    means = []
    for member in (heard.members[0], heard.members[4]):
        weights = [window.weight for window in member.track]
        values = [float(window.dimensions[0]) for window in member.track]  # type: ignore[index]
        means.append(np.average(values, weights=weights))
    dimensions = track_dimensions(heard)
    assert dimensions is not None
    np.testing.assert_allclose(dimensions, [np.mean(means)], atol=1e-6)
    result = track_tags(heard, timeline=True)
    assert [(d.name, d.standing) for d in result.dimensions] == [("level", None)]
    assert all(len(window.dimensions) == 1 for window in result.timeline or ())
    embedding = track_embedding(heard)
    assert embedding is not None
    half = np.sqrt(0.5)  # each member's is (level, -level), brought to length 1
    np.testing.assert_allclose(embedding, np.array([half, -half, half, -half]) * half, atol=1e-6)
    assert result.timeline == tagger.timeline(path)


def test_standings_are_among_the_bundles_reference(tmp_path: Path) -> None:
    import msgspec

    from moodtheme.tagging.answers import rank
    from moodtheme.tagging.bundle import Reference

    bundle = make_bundle(tmp_path / "toy")
    reference = Reference(
        levels=(0.0, 0.5, 1.0), tags=((0.0, 0.2, 1.0),) * 3, music="made up", tracks=9
    )
    bundle = msgspec.structs.replace(bundle, reference=reference)
    ranked = {tag.name: tag for tag in rank(bundle, np.float32([0.6, 0.1, 0.2]), bundle.reference)}
    standings = [ranked[name].standing for name in bundle.tags]
    assert standings == pytest.approx([0.75, 0.25, 0.5], abs=1e-6)


def test_silence_can_be_listened_to_but_not_tagged(five: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros(5 * 44_100), 44_100)
    heard = Tagger.load(five).listen(tmp_path / "a.flac", timeline=True)
    assert not any(member.track or member.steps for member in heard.members)
    for answer in (track_scores, over_time):
        with pytest.raises(SilentAudioError):
            answer(heard)


def tag_all(tagger: Tagger, paths: list[Path]) -> list[Any]:
    return list(tag_files(tagger, paths, jobs=2, timeline=True))


def test_a_tagger_goes_to_spawned_processes(five: Path, tmp_path: Path) -> None:
    tagger = Tagger.load(five, batch_size=2)
    paths = [write_music(tmp_path / f"{i}.flac", 4.0 + i) for i in range(3)]
    here = tag_all(tagger, paths)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(tag_all, tagger, paths).result(timeout=120) == here
    frozen = pickle.dumps(tagger)
    make_bundle(five.parent / "other")
    (five / "bundle.json").write_bytes((five.parent / "other" / "bundle.json").read_bytes())
    with pytest.raises(BundleError, match="another bundle"):
        pickle.loads(frozen)
    make_many_membered_bundle(five, FIVE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.skipif(sys.platform == "darwin", reason="its libraries refuse it")
@pytest.mark.parametrize("held", ["av", "av.subtitles.stream", "soundfile"])
def test_a_fork_while_another_thread_loads_or_opens_does_not_hang(
    tmp_path: Path, held: str
) -> None:
    """What the thread holds is held for long here: soundfile's lock, or that of a module's import.

    PyAV imports ``av.subtitles.stream`` as late as at its first opening.
    """
    from audio_files import chirp, write

    suffix = ".wav" if held == "soundfile" else ".m4a"
    path = write(tmp_path / f"a{suffix}", chirp(1.0, 44_100), 44_100)
    code = f"""
import os, signal, sys, threading, time
from importlib.machinery import PathFinder
import soundfile
from moodtheme.audio import read_audio

begun = threading.Event()

def wait():
    begun.set()
    time.sleep(0.5)

class Loading:
    def find_spec(self, name, path, target=None):
        if name == {held!r}:  # not here: a finder holds the lock that every fork waits for
            spec = PathFinder.find_spec(name, path)
            create = spec.loader.create_module
            spec.loader.create_module = lambda spec: wait() or create(spec)
            return spec

class Opening:
    lock = threading.Lock()

    def __enter__(self):
        self.lock.acquire()
        wait()

    def __exit__(self, *_):
        self.lock.release()

if {held == "soundfile"}:
    soundfile.SoundFile._sf_error_lock = Opening()
else:
    sys.meta_path.insert(0, Loading())
thread = threading.Thread(target=read_audio, args=({str(path)!r},))
thread.start()
begun.wait()
child = os.fork()
if child == 0:
    signal.alarm(300)
    read_audio({str(path)!r})
    os._exit(0)
os._exit(os.waitpid(child, 0)[1] != 0)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=600)


def test_threads_that_listen_load_nothing_that_a_fork_would_not_wait_for(
    five: Path, tmp_path: Path
) -> None:
    """What they import for the first time is imported under FFmpeg's lock, or was before."""
    from audio_files import chirp, write

    paths = [
        str(write(tmp_path / f"a{suffix}", chirp(3.0, 44_100), 44_100))
        for suffix in (".wav", ".m4a", ".mp3")
    ]
    code = f"""
import sys, threading
from moodtheme import Tagger, tag_files
from moodtheme.audio.sources import FFMPEG

class Finder:
    def find_spec(self, name, path, target=None):
        alone = threading.current_thread() is threading.main_thread()
        if not alone and not FFMPEG._is_owned():
            print(name)

tagger = Tagger.load({str(five)!r})
sys.meta_path.insert(0, Finder())
for result in tag_files(tagger, {paths!r}, jobs=2, timeline=True):
    assert result.error is None
assert "av.audio" in sys.modules
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True, timeout=600, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout.split() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.skipif(sys.platform == "darwin", reason="its libraries refuse it")
def test_a_fork_while_others_decode_does_not_hang(five: Path, tmp_path: Path) -> None:
    from audio_files import chirp, write_pyav

    music = np.tile(chirp(10.0, 44_100), (12, 1))

    path = write_pyav(tmp_path / "a.mov", music, 44_100, "pcm_s16le", "s16")
    tagger = Tagger.load(five)
    expected = tagger.tag(path)
    done = threading.Event()

    def keep_decoding() -> None:
        while not done.is_set():
            with open_audio(path) as audio:
                for _ in audio:
                    pass

    threads = [threading.Thread(target=keep_decoding) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        context = multiprocessing.get_context("fork")
        for _ in range(5):
            queue = context.SimpleQueue()
            child = context.Process(target=lambda queue=queue: queue.put(tagger.tag(path)))
            child.start()
            child.join(timeout=300)
            hung = child.is_alive()
            child.kill()
            assert not hung
            assert queue.get() == expected
    finally:
        done.set()
        for thread in threads:
            thread.join()
