"""Tags over time: curves, changes, peaks, and the files that other programs read."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as h_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moodtheme import Tagger, over_time
from moodtheme.scores.curves import rise
from moodtheme.tagging.bundle import Bundle, Dimension, Fusion, Reference, Thresholds
from moodtheme.tagging.following import change_steps, followed
from moodtheme.tagging.in_words import timeline_in_words
from moodtheme.tagging.timeline import Timeline
from moodtheme.tagging.windows import Steps
from moodtheme.timelines import audacity_labels, csv_curves, curves_record, lrc, webvtt
from moodtheme.work import clock

TAGS = ("calm", "epic", "a <b> & c", "heavy", "powerful")
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


def bundle(*, reference: bool = True) -> Bundle:
    """Five tags, of which two mean the same, and a reference about 0.2."""
    quantiles = (0.0, 0.15, 0.2, 0.3, 1.0)
    return Bundle(
        format_version=2, name="toy", description="toy", tags=TAGS,
        synonyms=(("heavy", "powerful"),),
        dimensions=(Dimension(name="arousal", lowest=-1, highest=1),),
        members=(), fusion=Fusion(), licence="none", origin="a test", training_data="none",
        reference=Reference(
            levels=LEVELS, tags=(quantiles,) * 5, dimensions=((-1.0, -0.5, 0.0, 0.5, 1.0),),
            music="made up", tracks=9,
        ) if reference else None,
        thresholds=Thresholds(values=(0.5,) * 5, method="fixed", chosen_on="nothing"),
    )  # fmt: skip


def timeline(
    scores: np.ndarray, *, arousal: np.ndarray | None = None, of: Bundle | None = None
) -> Timeline:
    of = of or bundle()
    starts = 2.0 * np.arange(len(scores))
    dimensions = None if arousal is None else arousal.astype(np.float32)[:, None]
    return followed(
        Timeline(of, of.reference, Steps(2.0, 6.0), starts, starts + 2.0,
               scores.astype(np.float32), dimensions)
    )  # fmt: skip


def calm_then_epic() -> Timeline:
    """46 steps of calm, then as many of the epic, with a peak of a strange tag in the 10th."""
    scores = np.full((92, 5), 0.2)
    scores[:46, 0], scores[46:, 1] = 0.8, 0.9
    scores[46:, 3:] = 0.6
    scores[10, 2] = 0.7
    return timeline(scores, arousal=np.where(np.arange(92) < 46, -0.5, 0.8))


def test_a_change_is_where_it_is_and_said_in_words() -> None:
    found = calm_then_epic()
    assert found.changes_s == (92.0,) and not found.is_steady
    first, second = found.sections
    assert (first.start_s, first.end_s, second.start_s, second.end_s) == (0, 92, 92, 184)
    assert (first.rose, first.fell) == ((), ())
    assert (second.rose, second.fell) == (("epic", "heavy"), ("calm",))
    assert second.dimensions[0].value == pytest.approx(0.8)
    assert timeline_in_words(found) == "calm until 1:32, then epic and heavy"


def test_what_stays_is_steady_and_what_cannot_be_named_is_told_by_its_feeling() -> None:
    steady = timeline(np.full((40, 5), 0.2), arousal=np.full(40, -0.5))
    assert steady.is_steady and steady.changes_s == ()
    assert timeline_in_words(steady) == "calm throughout"
    alike = np.full((60, 5), 0.2)
    alike[30:, 1] = 0.49
    said = timeline_in_words(timeline(alike, arousal=np.full(60, 0.0)))
    assert said == "medium energy until 1:00, then more epic"


def test_of_many_changes_the_first_and_last_stretch_are_told() -> None:
    scores = np.full((80, 5), 0.2)
    scores[10:20, 1] = scores[30:40, 1] = scores[50:60, 1] = scores[70:, 1] = 0.99
    found = timeline(scores)
    assert len(found.sections) == 8
    assert timeline_in_words(found).endswith(" at first, epic after 7 changes")


def test_peaks_name_their_moments() -> None:
    found = {peak.tag.name: peak for peak in calm_then_epic().peaks}
    strange = found["a <b> & c"]
    assert (strange.moment_s, strange.start_s, strange.end_s) == (21, 20, 22)
    assert strange.tag.score == pytest.approx(0.7)
    assert (found["epic"].start_s, found["epic"].end_s) == (92, 184)


@given(arrays(np.float64, st.integers(0, 30), elements=st.integers(0, 9).map(float)))
def test_a_peak_is_the_highest_step_and_its_stretch_is_whole(curve: np.ndarray) -> None:
    found = rise(curve)
    if found is None:
        assert not len(curve) or curve.max() == np.median(curve)
        return
    assert curve[found.top] == curve.max() and curve[: found.top].max(initial=-1) < curve.max()
    half = (curve.max() + np.median(curve)) / 2
    assert found.first <= found.top <= found.last
    assert (curve[found.first : found.last + 1] >= half).all()
    for beside in (found.first - 1, found.last + 1):
        assert not 0 <= beside < len(curve) or curve[beside] < half


scores = arrays(
    np.float64, st.tuples(st.integers(1, 40), st.just(5)), elements=st.floats(0, 1, width=32)
)


@given(scores)
@h_settings(deadline=None)
def test_every_format_says_the_same_of_any_curves(values: np.ndarray) -> None:
    found = timeline(values)
    assert len(found) == len(values) == len(list(found))
    ends = [0.0, *(section.end_s for section in found.sections)]
    assert ends[:-1] == [section.start_s for section in found.sections]
    assert ends[-1] == found[-1].end_s

    rows = list(csv.DictReader(io.StringIO(csv_curves(found))))
    assert list(rows[0]) == ["start_s", "end_s", *TAGS]
    for row, step in zip(rows, values, strict=True):
        assert [float(row[tag]) for tag in TAGS] == pytest.approx(list(step), rel=1e-5, abs=1e-9)

    record = curves_record(found)
    assert record["changes_s"] == list(found.changes_s) and record["steady"] is found.is_steady
    assert [len(curve) for curve in record["curves"]["tags"].values()] == [len(values)] * 5

    labels = [line.split("\t") for line in audacity_labels(found).splitlines()]
    assert all(len(label) == 3 and float(label[0]) <= float(label[1]) for label in labels)
    assert [label[0] for label in labels] == sorted((label[0] for label in labels), key=float)

    lines = lrc(found).splitlines()
    assert len(lines) == len(found.sections)
    for line, section in zip(lines, found.sections, strict=True):
        time = re.fullmatch(r"\[(\d\d+):([0-5]\d)\.(\d\d)\](.+)", line)
        assert time is not None
        minutes, seconds, hundredths = map(int, time.groups()[:3])
        assert 60 * minutes + seconds + hundredths / 100 == pytest.approx(section.start_s)

    head, *cues = webvtt(found).split("\n\n")
    assert head == "WEBVTT" and len(cues) == len(found.sections)
    for cue in cues:
        times, text = cue.strip().split("\n")
        assert re.fullmatch(r"(\d\d:[0-5]\d:[0-5]\d\.\d{3})( --> |$)", times[:17])
        assert "<" not in text and ">" not in text


@pytest.mark.parametrize(("suffix", "write"), [(".lrc", lrc), (".vtt", webvtt)])
def test_captions_are_read_by_ffmpeg(
    suffix: str, write: Callable[[Timeline], str], tmp_path: Path
) -> None:
    found = calm_then_epic()
    (tmp_path / f"a{suffix}").write_text(write(found), encoding="utf-8")
    with av.open(str(tmp_path / f"a{suffix}")) as read:
        packets = [packet for packet in read.demux() if packet.pts is not None]
        assert [float(p.pts * p.time_base) for p in packets] == [0, 92]
        texts = [bytes(packet).decode() for packet in packets]
    assert "calm" in texts[0] and "epic and heavy" in texts[1]


def test_times_of_long_tracks_are_written_as_the_formats_want_them() -> None:
    found = calm_then_epic()
    late = Timeline(
        found.bundle, found.reference, found.steps, found.starts_s, found.ends_s, found.scores,
        None, (replace(found.sections[0], start_s=5_025.999, end_s=10_800.0),), (),
    )  # fmt: skip
    assert lrc(late).startswith("[83:45.99]")
    assert "01:23:45.999 --> 03:00:00.000" in webvtt(late)
    assert clock(5_025.999) == "1:23:45"


def test_a_model_without_reference_is_cut_by_its_logits() -> None:
    plain = bundle(reference=False)
    values = np.full((40, 5), 0.5, np.float32)
    values[20:] = 0.99
    assert change_steps(plain, values, hop_s=2.0) == (20,)
    assert change_steps(plain, values[:20], hop_s=2.0) == ()


def test_the_model_inside_finds_where_two_sounds_were_joined() -> None:
    """Noise and a chord differ for any ear; the rest is measured in benchmarks/timeline.py."""
    rate = 16_000
    time = np.arange(30 * rate) / rate
    chord = sum(np.sin(2 * np.pi * f * time) for f in (220.0, 277.2, 329.6)) / 6
    hiss = 0.3 * np.random.default_rng(0).standard_normal(30 * rate)
    found = Tagger.load().listen_to(np.concatenate([chord, hiss]), rate, timeline=True)
    assert min(abs(change - 30) for change in over_time(found).changes_s) <= 4
