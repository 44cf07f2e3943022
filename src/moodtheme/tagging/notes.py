"""How far to believe an answer: notes that follow from a listening."""

from collections.abc import Iterator

import numpy as np

from moodtheme.tagging.ears import HeardWindow
from moodtheme.tagging.listening import Listening
from moodtheme.tagging.spectrum import NOISE_FLUCTUATION_DB, Spectrum, band_edge

SHORT_S = 10.0
"""Below it a note says so: a third of what a window shows, looped to fill it."""

FAINT_PEAK = 1e-3
"""-60 dBFS: what is never louder has at most 6 of a CD's 16 bits."""

STEADY_DB = NOISE_FLUCTUATION_DB + 0.1
"""A spectrum that moves no more than this is that of noise, a held tone or a crowd; music moves
more: 6.0 dB the least of 273 pieces, and 5.54 the most of 120 noises."""

SHARP_FALL_DB, NARROW_HZ = 25.0, 5800.0
"""An edge from which the spectrum falls so far, and that lies below what 11 kHz recordings have,
is a recording's and not the music's: of 273 pieces none fell by more than 14 dB."""

_NO_MUSIC = "hardly music: it sounds like noise, tones, clicks, applause or speech"


def doubtful(listening: Listening) -> tuple[str, ...]:
    """Reasons to doubt what a model says about a track, as clauses; none for most music.

    A bundle says what its own limits are (`moodtheme.tagging.bundle.Doubts`); without them nothing
    is noted.
    """
    windows = listening.members[0].track
    if listening.bundle.doubts is None or not windows:
        return ()
    spectra = [window.spectrum for window in windows if window.spectrum is not None]
    notes = [*_of_the_embedding(listening, windows, spectra), *_of_the_sound(spectra)]
    if listening.duration_s is not None and listening.duration_s < SHORT_S:
        notes.append(f"very short: {listening.duration_s:.1f} s")
    return tuple(notes)


def _of_the_embedding(
    listening: Listening, windows: tuple[HeardWindow, ...], spectra: list[Spectrum]
) -> Iterator[str]:
    """Whether it is music, and like the music that the model knows."""
    doubts = listening.bundle.doubts
    assert doubts is not None
    weights = np.array([window.weight for window in windows])
    rows = np.stack([np.asarray(window.embedding, np.float64) for window in windows])
    embedding = weights @ rows / weights.sum()
    away = (embedding - np.array(doubts.centre)) / np.array(doubts.spread)
    moves = np.mean([spectrum.fluctuation for spectrum in spectra]) if spectra else np.inf
    if embedding @ np.array(doubts.no_music) + doubts.no_music_bias > 0 or moves < STEADY_DB:
        yield _NO_MUSIC
    elif np.sqrt(np.mean(away**2)) > doubts.farthest:
        yield "unlike the music that standings refer to"


def _of_the_sound(spectra: list[Spectrum]) -> Iterator[str]:
    """What the recording lacks."""
    if not spectra:
        return
    edge_hz, fall_db = band_edge(spectra)
    if fall_db >= SHARP_FALL_DB and edge_hz <= NARROW_HZ:
        yield f"narrow band: hardly anything above {edge_hz / 1000:.1f} kHz"
    peak = max(spectrum.peak for spectrum in spectra)
    if peak < FAINT_PEAK:
        yield f"nearly silent: no peak above {20 * np.log10(peak):.0f} dBFS"
