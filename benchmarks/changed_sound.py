"""Changes that should leave a piece's mood as it is, and how well models keep to what they said."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile
import soxr

from intervals import bounds
from listened_models import RATE, Model, TeachersTogether, cut_middle
from moodtheme.audio import read_audio
from moodtheme.distillation.quality import spearman_per_tag
from moodtheme.errors import AudioError

HEARD_S, LEAST_S = 60.0, 20.0
_MP3_LEVEL = 0.62  # of libsndfile's scale of rates, the level that is 64 kbit/s at 16 kHz


def _mp3_64(audio: np.ndarray) -> np.ndarray:
    held = io.BytesIO()
    soundfile.write(
        held, audio, RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=_MP3_LEVEL
    )
    rate = held.tell() * 8 / (len(audio) / RATE)
    # The rates beside it are 56 and 80 kbit/s; a short piece has its last frame filled up.
    assert 60_000 < rate < 68_000, f"the MP3 has {rate:.0f} bit/s"
    held.seek(0)
    return soundfile.read(held, dtype="float32")[0]


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "MP3, 64 kbit/s": _mp3_64,
    "a semitone up": lambda audio: soxr.resample(audio, RATE * 2 ** (1 / 12), RATE),
    "a semitone down": lambda audio: soxr.resample(audio, RATE * 2 ** (-1 / 12), RATE),
    "40 dB quieter": lambda audio: audio * np.float32(0.01),
    "8 kHz": lambda audio: soxr.resample(soxr.resample(audio, RATE, 8000), 8000, RATE),
    "1.5 s later": lambda audio: audio[int(1.5 * RATE) :],
}


def robustness(
    models: list[Model], what: str, files: list[Path], changes: list[str]
) -> dict[str, dict[str, str]]:
    """How well pieces agree with their changed selves, by model.

    Spearman over pieces, the median over tags with its interval, and the least tag. The first
    minute of each piece is changed and heard; of the teachers the middle 29 s of that.
    """
    rows: Mapping[str, dict[str, list[np.ndarray]]] = {
        model.name: {name: [] for name in ("", *changes)} for model in models
    }
    for file in files:
        try:
            audio = read_audio(file, sample_rate=RATE, duration_s=HEARD_S).samples
        except AudioError:
            continue
        if len(audio) < LEAST_S * RATE:
            continue
        for name in ("", *changes):
            changed = CHANGES[name](audio) if name else audio
            for model in models:
                short = isinstance(model, TeachersTogether)
                heard = cut_middle(audio) if short else changed
                if short and name:
                    heard = CHANGES[name](heard)
                rows[model.name][name].append(model.score(heard))
    found: dict[str, dict[str, str]] = {}
    for name, by_change in rows.items():
        before = np.array(by_change[""])
        found[name] = {f"{what}, pieces": str(len(before))}
        for change in changes:
            found[name][f"{what}, {change}"] = _agreement(before, np.array(by_change[change]))
    return found


def _agreement(before: np.ndarray, after: np.ndarray) -> str:
    def known(drawn: np.ndarray) -> np.ndarray:
        # Without a piece that differs from another nothing can be ranked, as where one is drawn
        # again and again.
        each = spearman_per_tag(before[drawn], after[drawn])
        return each[~np.isnan(each)] if not np.isnan(each).all() else np.array([np.nan])

    low, high = bounds(lambda drawn: float(np.median(known(drawn))), len(before))
    each = known(np.arange(len(before)))
    return f"{np.median(each):.3f} [{low:.3f}, {high:.3f}] {each.min():.3f}"
