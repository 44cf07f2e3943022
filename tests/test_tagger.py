"""The tagger in Python: scores, tags and timelines of audio in memory and of files."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from moodtheme import Tagger
from moodtheme.audio import ExcerptPolicy
from moodtheme.errors import (
    AudioError,
    BundleError,
    ModelNotFoundError,
    SilentAudioError,
    TooShortError,
)
from moodtheme.scores.fusion import FusionMethod
from moodtheme.tagging.answers import TrackTags, rank
from moodtheme.tagging.batch import tag_files
from moodtheme.tagging.bundle import Fusion
from toy_bundle import RATE, SAMPLES, TAGS, make_bundle


def noise(seconds: float, *, level: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (level * rng.uniform(-1, 1, round(seconds * RATE))).astype(np.float32)


def sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def tagger(tmp_path: Path) -> Tagger:
    make_bundle(tmp_path / "toy")
    return Tagger.load(tmp_path / "toy")


def test_scores_of_a_track_are_the_mean_over_its_windows(tagger: Tagger) -> None:
    windows = [noise(2, level=level, seed=i) for i, level in enumerate((0.1, 0.5, 0.9))]
    levels = [np.abs(w).mean() for w in windows]
    expected = np.mean([[sigmoid(v), sigmoid(-v), sigmoid(v / 2)] for v in levels], axis=0)
    scores = tagger.score(np.concatenate(windows), RATE)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_stereo_is_the_mean_of_its_channels(tagger: Tagger) -> None:
    left, right = noise(3, seed=1), noise(3, seed=2)
    stereo = np.stack([left, right], axis=1)
    np.testing.assert_array_equal(
        tagger.score(stereo, RATE), tagger.score((left + right) / 2, RATE)
    )


@pytest.mark.parametrize(
    ("policy", "part"),
    [(ExcerptPolicy.CENTRE, slice(4 * RATE, 6 * RATE)), (ExcerptPolicy.START, slice(SAMPLES))],
)
def test_one_excerpt_is_heard_where_the_bundle_says(
    tmp_path: Path, policy: ExcerptPolicy, part: slice
) -> None:
    make_bundle(tmp_path / "toy", policy=policy)
    tagger = Tagger.load(tmp_path / "toy")
    audio = np.linspace(0, 1, 10 * RATE, dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", audio, RATE, subtype="FLOAT")
    expected = tagger.score(audio[part], RATE)
    np.testing.assert_array_equal(tagger.score(audio, RATE), expected)
    by_tag = {t.name: t.score for t in tagger.tag(tmp_path / "a.wav").tags}
    np.testing.assert_allclose([by_tag[t] for t in TAGS], expected, atol=1e-6)


def test_a_file_and_its_samples_get_the_same_tags_in_falling_order(
    tagger: Tagger, tmp_path: Path
) -> None:
    audio = noise(11, level=0.8)
    soundfile.write(tmp_path / "a.wav", audio, RATE, subtype="FLOAT")
    result = tagger.tag(tmp_path / "a.wav")
    scores = dict(zip(TAGS, tagger.score(audio, RATE).tolist(), strict=True))
    assert [t.name for t in result.tags] == ["loud", "steady", "quiet"]
    assert {t.name: t.score for t in result.tags} == pytest.approx(scores, abs=1e-6)
    assert result.duration_s == pytest.approx(11)
    assert result.error is None
    assert all(t.probability is None and t.decision is None for t in result.tags)


def test_calibration_and_thresholds_of_the_bundle_are_used(tmp_path: Path) -> None:
    audio = noise(4)
    bundle = make_bundle(tmp_path / "toy", decided=True)
    tags = {t.name: t for t in rank(bundle, np.float32([0.6, 0.5, 0.2]), None)}
    assert {tag: t.decision for tag, t in tags.items()} == {
        "loud": True,
        "quiet": False,  # strictly greater
        "steady": False,
    }
    lost = msgspec.structs.replace(bundle.thresholds, without=("quiet",))
    without = rank(msgspec.structs.replace(bundle, thresholds=lost), np.float32([0.6, 1, 0]), None)
    assert {t.name: t.decision for t in without} == {"loud": True, "quiet": None, "steady": False}
    logit = np.log(0.2 / 0.8)
    assert tags["steady"].probability == pytest.approx(sigmoid(logit + 1), abs=1e-6)
    assert tags["loud"].probability == pytest.approx(0.6, abs=1e-6)
    assert Tagger.load(tmp_path / "toy").score(audio, RATE).shape == (3,)


@pytest.mark.parametrize("fusion", [None, (3.0, 1.0)])
def test_systems_that_share_a_graph_are_fused(
    tmp_path: Path, fusion: tuple[float, float] | None
) -> None:
    wanted = Fusion() if fusion is None else Fusion(method=FusionMethod.WEIGHTED, weights=fusion)
    make_bundle(tmp_path / "toy", systems=2, fusion=wanted)
    audio = noise(2, level=0.9)
    level = float(np.abs(audio).mean())
    expected = np.average([sigmoid(level), sigmoid(2 * level)], weights=fusion)
    assert Tagger.load(tmp_path / "toy").score(audio, RATE)[0] == pytest.approx(expected, abs=1e-6)


def test_short_audio_is_looped_and_too_short_audio_refused(tagger: Tagger) -> None:
    audio = noise(1.2)
    looped = np.resize(audio, SAMPLES)
    np.testing.assert_allclose(tagger.score(audio, RATE), tagger.score(looped, RATE), atol=1e-6)
    with pytest.raises(TooShortError, match=r"0\.50 s, at least 1 s"):
        tagger.score(audio[: RATE // 2], RATE)


@pytest.mark.parametrize("rate", [0, -1, 10**9, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_refused_at_once(tagger: Tagger, rate: int) -> None:
    with pytest.raises(ValueError, match="sample rate"):
        tagger.score(noise(2, level=0.5), rate)


def test_why_nothing_is_heard_is_said(tagger: Tagger) -> None:
    with pytest.raises(SilentAudioError, match=r"silent.*samples are not finite"):
        tagger.score(np.full(RATE * 3, np.nan, np.float32), RATE)


def test_silence_is_an_error_and_silent_windows_do_not_count(tagger: Tagger) -> None:
    with pytest.raises(SilentAudioError, match="-80 dBFS"):
        tagger.score(noise(5, level=9e-5), RATE)
    loud = noise(2, level=0.7)
    padded = np.concatenate([loud, np.zeros(2 * SAMPLES, np.float32)])
    np.testing.assert_array_equal(tagger.score(padded, RATE), tagger.score(loud, RATE))


def test_the_timeline_follows_the_music(tagger: Tagger, tmp_path: Path) -> None:
    audio = np.concatenate([noise(20, level=0.05), np.zeros(4 * SAMPLES), noise(21, level=0.9)])
    soundfile.write(tmp_path / "a.wav", audio, RATE, subtype="FLOAT")
    timeline = tagger.timeline(tmp_path / "a.wav")
    heard = [(w.start_s, w.end_s) for w in timeline]
    # A step without sound is left out, and the last ends with the track.
    assert heard[:11] == [(2 * i, 2 * i + 2) for i in range(10)] + [(28, 30)]
    assert heard[-2:] == [(46, 48), (48, 49)]
    loud = [{t.name: t.score for t in w.tags}["loud"] for w in timeline]
    assert max(loud[:10]) < min(loud[10:])
    assert timeline[-1] == timeline[len(timeline) - 1] == timeline[:][-1]
    assert len(tagger.timeline(tmp_path / "a.wav", hop_s=1.0)) > len(timeline)
    for wrong in ({"hop_s": 0.1}, {"span_s": 31.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            tagger.timeline(tmp_path / "a.wav", **wrong)


@pytest.mark.parametrize("content", [np.zeros(40_000), np.zeros(100)])
def test_the_timeline_refuses_what_tagging_refuses(
    tagger: Tagger, tmp_path: Path, content: np.ndarray
) -> None:
    soundfile.write(tmp_path / "a.wav", content, RATE)
    for use in (tagger.tag, tagger.timeline):
        with pytest.raises(AudioError, match=r"a\.wav: (silent|too short)"):
            use(tmp_path / "a.wav")


def test_a_model_that_is_not_there_is_named_with_what_is() -> None:
    with pytest.raises(ModelNotFoundError, match="known models: moodtheme-small"):
        Tagger.load("no-such-model")


def test_many_files_keep_their_order_and_bad_ones_do_not_stop_the_rest(
    tagger: Tagger, tmp_path: Path
) -> None:
    paths = []
    for i in range(12):
        path = tmp_path / f"{i}.wav"
        if i % 4 == 1:
            path.write_text("not audio", encoding="utf-8")
        else:
            soundfile.write(path, noise(1 + i, seed=i), RATE)
        paths.append(path)
    results = list(tag_files(tagger, paths, jobs=3))
    assert [r.path for r in results] == paths
    assert [r.error is None for r in results] == [i % 4 != 1 for i in range(12)]
    assert all(r.tags == () for r in results if r.error)


def test_a_graph_that_fails_on_one_file_does_not_stop_the_rest(
    tagger: Tagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "short.wav", tmp_path / "long.wav"]
    for path, seconds in zip(paths, (2, 9), strict=True):
        soundfile.write(path, noise(seconds), RATE)
    real = Tagger.tag

    def fails(self: Tagger, path: Path, **options: bool | int | None) -> TrackTags:
        if path.name == "short.wav":
            raise BundleError("graph toy.onnx: it returned scores that are not finite")
        return real(self, path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Tagger, "tag", fails)
    first, second = tag_files(tagger, paths)
    assert first.error == "graph toy.onnx: it returned scores that are not finite"
    assert second.error is None


def test_scores_are_bit_identical_across_runs_jobs_and_batch_sizes(tmp_path: Path) -> None:
    make_bundle(tmp_path / "toy")
    paths = []
    for i in range(6):
        paths.append(tmp_path / f"{i}.ogg")
        soundfile.write(paths[-1], noise(5 + 2 * i, seed=i), RATE)
    runs = [
        [
            r.tags
            for r in tag_files(Tagger.load(tmp_path / "toy", batch_size=batch), paths, jobs=jobs)
        ]
        for jobs, batch in ((1, 1), (1, 1), (3, 1), (2, 4), (1, 64))
    ]
    assert all(run == runs[0] for run in runs)
