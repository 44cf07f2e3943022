"""How the 56 tags are read from what the teachers say: a small rule, written down before use.

A tag's logit is the baseline's, in units of its spread, to which three things are added where they
exist: the mean of what taggers call by the same name (`EQUIVALENTS`), with the same weight as the
baseline, the feelings that go with the tag (`FEELINGS`), with twice that, and a share of valence
and arousal as far as the word itself has them (`AFFECT`). The sum is brought back to the baseline's
centre and spread, so that a score stays on the baseline's scale.
"""

from collections.abc import Mapping

import numpy as np

from moodtheme.arrays import Float64Array
from moodtheme.distillation.tagger_tags import TAGGER_TAGS
from moodtheme.distillation.teachers import BASELINE, Columns
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS

EQUIVALENTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "calm": (("msd", "Mellow"), ("mtat", "soft"), ("mtat", "quiet")),
    "emotional": (("jamendo", "emotional"),),
    "energetic": (("jamendo", "energetic"),),
    "fast": (("mtat", "fast"),),
    "film": (("jamendo", "film"),),
    "groovy": (("jamendo", "funk"), ("msd", "funk")),
    "happy": (("jamendo", "happy"), ("msd", "happy")),
    "heavy": (("jamendo", "metal"), ("msd", "metal"), ("msd", "heavy metal"), ("mtat", "metal")),
    "meditative": (("jamendo", "newage"), ("mtat", "new age")),
    "melancholic": (("msd", "sad"),),
    "movie": (("jamendo", "film"),),
    "party": (("msd", "party"), ("jamendo", "dance"), ("msd", "dance"), ("mtat", "dance")),
    "powerful": (("mtat", "loud"),),
    "relaxing": (("jamendo", "relaxing"), ("msd", "chillout"), ("msd", "chill")),
    "retro": (("msd", "oldies"),),
    "sad": (("msd", "sad"),),
    "sexy": (("msd", "sexy"),),
    "slow": (("mtat", "slow"),),
    "soft": (("mtat", "soft"), ("mtat", "quiet")),
    "soundscape": (("jamendo", "ambient"), ("msd", "ambient"), ("mtat", "ambient")),
}
"""By tag: what taggers trained on a collection call by a name that means the same."""

AFFECT: Mapping[str, tuple[float, float]] = {
    "action": (0.0, 1.0), "ballad": (0.0, -0.5), "calm": (0.5, -1.0), "children": (0.5, 0.0),
    "christmas": (0.5, 0.0), "dark": (-1.0, 0.0), "drama": (-0.5, 0.0), "dramatic": (-0.5, 0.5),
    "dream": (0.0, -0.5), "energetic": (0.0, 1.0), "fast": (0.0, 1.0), "fun": (1.0, 0.5),
    "funny": (0.5, 0.5), "happy": (1.0, 0.5), "heavy": (-0.5, 1.0), "holiday": (0.5, 0.0),
    "hopeful": (0.5, 0.0), "love": (0.5, -0.5), "meditative": (0.0, -1.0),
    "melancholic": (-1.0, -0.5), "party": (0.5, 1.0), "positive": (1.0, 0.0),
    "powerful": (0.0, 1.0), "relaxing": (0.5, -1.0), "romantic": (0.5, -0.5), "sad": (-1.0, -0.5),
    "slow": (0.0, -1.0), "soft": (0.0, -1.0), "sport": (0.0, 1.0), "summer": (0.5, 0.0),
    "trailer": (-0.5, 0.5), "upbeat": (0.5, 0.5), "uplifting": (1.0, 0.0),
}  # fmt: skip
"""Valence and arousal of a word, in halves; words that have neither are left out."""

AFFECT_SHARE = 0.5

FEELINGS_SHARE = 2.0  # 0, 1 and 2 were tried on the listeners kept aside

FEELINGS: Mapping[str, tuple[str, ...]] = {
    "amazement": ("dream", "inspiring", "space"),
    "solemnity": ("drama", "epic", "meditative"),
    "tenderness": ("love", "romantic", "soft"),
    "nostalgia": ("ballad", "emotional", "melancholic"),
    "calmness": ("calm", "meditative", "relaxing"),
    "power": ("action", "epic", "heavy", "powerful"),
    "joyful activation": ("energetic", "fun", "happy", "party", "upbeat"),
    "tension": ("action", "dark", "dramatic"),
    "sadness": ("melancholic", "sad"),
}
"""Emotify's nine feelings, in its order, and the tags that go with each.

Read the other way round, a feeling is the mean of its tags' standardised logits.
"""

AROUSAL = {
    "power": 1, "joyful activation": 1, "tension": 1, "calmness": -1, "tenderness": -1,
}  # fmt: skip
VALENCE = {"joyful activation": 1, "calmness": 1, "amazement": 1, "tension": -1, "sadness": -1}
"""What the two are of the feelings, each standardised."""


def label_readings(columns: Columns) -> Float64Array:
    """Matrix ``(56, logits)``: a tag's weights on the teachers' standardised logits.

    The baseline's part and that of the equivalents weigh the same; a tagger counts as much as any
    other that has the tag.
    """
    weights = np.zeros((len(MOOD_THEME_TAGS), columns.n_logits))
    for row, tag in enumerate(MOOD_THEME_TAGS):
        weights[row, columns.logits[BASELINE].start + row] = 1.0
        places = [
            part.start + TAGGER_TAGS[collection].index(name)
            for collection, name in EQUIVALENTS.get(tag, ())
            for teacher, part in columns.logits.items()
            if teacher.startswith(f"{collection}-")
        ]
        for place in places:
            weights[row, place] += 1.0 / len(places)
    return weights


def affect_readings() -> Float64Array:
    """Matrix ``(56, 2)``: a tag's weights on valence and arousal of unit spread."""
    coordinates = [AFFECT.get(tag, (0.0, 0.0)) for tag in MOOD_THEME_TAGS]
    return AFFECT_SHARE * np.array(coordinates)


def feeling_readings() -> Float64Array:
    """Matrix ``(56, 9)``: a tag's weights on the feelings of unit spread."""
    weights = np.array(
        [[float(tag in tags) for tags in FEELINGS.values()] for tag in MOOD_THEME_TAGS]
    )
    return np.asarray(FEELINGS_SHARE * weights / np.maximum(weights.sum(axis=1)[:, None], 1.0))


def composites(feelings: Float64Array) -> Float64Array:
    """Valence and arousal ``(tracks, 2)`` of shares of listeners ``(tracks, 9)`` who felt each."""
    standardised = (feelings - feelings.mean(axis=0)) / np.maximum(feelings.std(axis=0), 1e-9)
    names = list(FEELINGS)
    columns = [
        sum(sign * standardised[:, names.index(name)] for name, sign in of.items())
        for of in (VALENCE, AROUSAL)
    ]
    return np.stack(columns, axis=1)
