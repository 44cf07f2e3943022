"""Changes that should leave a piece's mood as it is, for `listening.py`."""

import io
from collections.abc import Callable

import numpy as np
import soundfile
import soxr

RATE = 16_000
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
    "40 dB quieter": lambda audio: audio * np.float32(0.01),
    "8 kHz": lambda audio: soxr.resample(soxr.resample(audio, RATE, 8000), 8000, RATE),
}
