"""Harmony, melody and synthesis as pure functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodtheme.demo.composition import compose
from moodtheme.demo.harmony import (
    Cadence,
    Function,
    Mode,
    build_chord,
    lead_voices,
    progression,
)
from moodtheme.demo.instruments import Instrument
from moodtheme.demo.modal import damped_modes
from moodtheme.demo.moods import CUES, Mood, blend, perturb
from moodtheme.demo.performance import perform
from moodtheme.demo.score import Drum, Part
from moodtheme.demo.sounds import stroke, tone
from moodtheme.demo.styles import draw_style, stream

moods = st.sampled_from(Mood)
seeds = st.integers(0, 2**31)


@given(
    st.integers(0, 6),
    st.sampled_from(Mode),
    st.integers(3, 5),
    st.integers(0, 11),
    st.floats(50, 70),
)
def test_voicings_hold_the_chord_near_the_centre(degree, mode, size, tonic, centre):
    chord = build_chord(degree, mode, size=size)
    voicing = lead_voices(chord.pitches, tonic, centre, None)
    assert {note % 12 for note in voicing} == {(tonic + pitch) % 12 for pitch in chord.pitches}
    assert list(voicing) == sorted(voicing)
    assert abs(np.mean(voicing) - centre) < 9


def test_voice_leading_moves_less_than_parallel_chords():
    tonic_chord = lead_voices((0, 4, 7), 0, 60, None)
    dominant = lead_voices((7, 11, 2), 0, 60, tonic_chord)
    assert sum(abs(a - b) for a, b in zip(tonic_chord, dominant, strict=True)) <= 4


@given(moods, st.sampled_from(Mode), st.sampled_from(Cadence), st.integers(1, 6), seeds)
def test_progressions_fill_their_bars_and_end_in_their_cadence(mood, mode, cadence, bars, seed):
    spans = progression(
        mode,
        CUES[mood],
        bars=bars,
        beats_per_bar=4,
        cadence=cadence,
        opening=Function.TONIC,
        rng=stream(seed, "test"),
    )
    assert sum(span.beats for span in spans) == 4 * bars
    starts = np.cumsum([0, *(span.beats for span in spans[:-1])])
    assert [span.start for span in spans] == starts.tolist()
    root = spans[-1].chord.degrees[0]
    assert root != 0 if cadence is Cadence.HALF else root == 0


@settings(max_examples=30, deadline=None)
@given(moods, seeds, st.floats(1, 90))
def test_scores_are_playable(mood, seed, duration_s):
    style = draw_style(stream(seed, "style"))
    score = compose(CUES[mood], style, seed=seed, duration_s=duration_s)
    assert score.beats * 60 / score.tempo <= duration_s
    scale = {(score.tonic + step) % 12 for step in score.mode.steps}
    leading = (score.tonic + 11) % 12
    for note in score.notes:
        assert 0 <= note.onset < score.beats
        assert 21 <= note.pitch <= 108  # a piano has it
        assert 0 < note.velocity <= 1.1
        assert note.pitch % 12 in scale | {leading} or note.part is Part.BASS
    performance = perform(score, CUES[mood], style, seed=seed)
    assert len(performance.notes) == len(score.notes)
    assert all(0 <= note.start < duration_s and note.length > 0 for note in performance.notes)


def test_pieces_end_on_the_tonic():
    for mood in Mood:
        score = compose(CUES[mood], draw_style(stream(0, "style")), seed=7, duration_s=30)
        melody = max((n for n in score.notes if n.part is Part.LEAD), key=lambda n: n.onset)
        assert melody.pitch % 12 == score.tonic


def test_phrases_come_back():
    score = compose(CUES[Mood.HAPPY], draw_style(stream(3, "style")), seed=3, duration_s=40)
    first, second = score.phrases[:2]
    assert first.letter == second.letter

    def rhythm(phrase):
        start = phrase.first_bar * score.beats_per_bar
        opening = range(start, start + score.beats_per_bar)
        return [
            (note.onset - start, note.duration)
            for note in score.notes
            if note.part is Part.LEAD and int(note.onset) in opening
        ]

    assert rhythm(first) == rhythm(second) != []


@given(st.dictionaries(moods, st.floats(0.1, 1), min_size=1, max_size=4), seeds)
def test_blends_lie_between_their_moods_and_noise_stays_in_range(weights, seed):
    blended = blend(weights)
    for name in ("tempo", "major", "level", "register"):
        values = [getattr(CUES[mood], name) for mood in weights]
        assert min(values) - 1e-9 <= getattr(blended, name) <= max(values) + 1e-9
    noisy = perturb(blended, amount=0.5, rng=stream(seed, "noise"))
    assert 0 <= noisy.major <= 1
    assert 44 <= noisy.tempo <= 176


@given(
    st.lists(
        st.tuples(st.floats(20, 3000), st.floats(0, 30), st.floats(0, 1), st.floats(0, 6)),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 5000),
)
def test_modes_are_damped_sines(modes, samples):
    frequencies, decays, amplitudes, phases = np.array(modes).T
    sound = damped_modes(frequencies, decays, amplitudes, phases, samples=samples, sample_rate=8000)
    time = np.arange(samples)[:, None] / 8000
    direct = amplitudes * np.exp(-decays * time) * np.sin(2 * np.pi * frequencies * time + phases)
    np.testing.assert_allclose(sound, direct.sum(axis=1), atol=2e-5 * len(modes))


def test_modes_above_the_band_limit_are_left_out():
    silent = damped_modes(
        np.array([3900.0]), np.zeros(1), np.ones(1), np.zeros(1), samples=100, sample_rate=8000
    )
    assert not silent.any()


@pytest.mark.parametrize("instrument", Instrument)
@pytest.mark.parametrize("pitch", [36, 60, 96])
def test_instruments_play_in_tune_without_aliasing(instrument, pitch):
    rate = 22050
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    sound = tone(
        instrument, hertz, samples=2 * rate, brightness=1.0, sample_rate=rate, rng=stream(0, "t")
    )
    assert np.isfinite(sound).all()
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    bins = np.fft.rfftfreq(len(sound), 1 / rate)
    assert power[bins > 0.47 * rate].sum() < 1e-4 * power.sum()
    # Most of the energy is at small multiples of half the pitch (an organ's lowest pipe).
    ratios = bins / (hertz / 2)
    harmonic = np.abs(ratios - np.round(ratios)) * hertz / 2 < np.maximum(0.03 * bins, 4)
    free = instrument in (Instrument.BELLS, Instrument.MARIMBA)  # inharmonic above their pitch
    near = np.abs(bins / hertz - 1) < 0.03 if free else harmonic
    assert power[near].sum() > (0.2 if free else 0.6) * power.sum()


@pytest.mark.parametrize("drum", Drum)
def test_drums_start_loud_and_die_away(drum):
    sound = stroke(drum, pitch=1.0, sample_rate=22050, rng=stream(0, "drum"))
    energy = np.array([np.mean(part**2) for part in np.array_split(sound, 8)])
    assert energy[-1] < 0.05 * energy[0]
    assert 0.05 < np.abs(sound).max() < 2
    assert abs(sound.mean()) < 2e-3
