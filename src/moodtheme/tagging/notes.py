"""How far to believe an answer: notes that follow from a listening."""

import numpy as np

from moodtheme.tagging.listening import Listening

SHORT_S = 10.0
"""Below it a note says so: a third of what a window shows, looped to fill it."""


def doubtful(listening: Listening) -> tuple[str, ...]:
    """Reasons to doubt what a model says about a track, as clauses; none for most music.

    A bundle says what its own limits are (`moodtheme.tagging.bundle.Doubts`); without them nothing
    is noted.
    """
    doubts = listening.bundle.doubts
    windows = listening.members[0].track
    if doubts is None or not windows:
        return ()
    notes = []
    weights = np.array([window.weight for window in windows])
    rows = np.stack([np.asarray(window.embedding, np.float64) for window in windows])
    embedding = weights @ rows / weights.sum()
    away = (embedding - np.array(doubts.centre)) / np.array(doubts.spread)
    if embedding @ np.array(doubts.no_music) + doubts.no_music_bias > 0:
        notes.append("hardly music: it sounds like noise, tones, clicks, applause or speech")
    elif np.sqrt(np.mean(away**2)) > doubts.farthest:
        notes.append("unlike the music that standings refer to")
    if listening.duration_s is not None and listening.duration_s < SHORT_S:
        notes.append(f"very short: {listening.duration_s:.1f} s")
    return tuple(notes)
