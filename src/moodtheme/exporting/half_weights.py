"""Whether a graph whose weights are kept as float16 scores as it does with float32."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch
from torch import nn

from moodtheme.errors import WeightsError

_TOLERANCE = 2e-3  # of a score of the test music; for real music 5e-3 shall hold
_BEATS_S = (0.25, 1.5)  # one piece is lively, one calm
_SCALE_HZ = 110.0 * 2.0 ** (np.array([0, 2, 3, 5, 7, 8, 10, 12, 14, 15, 17, 19, 24]) / 12)
_HARMONICS = np.arange(1, 9)
_LEVEL = 0.2  # root mean square


def check_half(module: nn.Module, path: Path, *, samples: int, sample_rate: int) -> None:
    """See that a graph with float16 weights scores music as the float32 module does.

    Parameters
    ----------
    module
        Audio ``(batch, samples)`` to logits; a tuple of several systems'.
    path
        The graph, audio to scores.
    samples, sample_rate
        Length and rate of its audio.

    Raises
    ------
    WeightsError
        If a score differs by more than 0.002.
    """
    session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    worst = 0.0
    for beat_s in _BEATS_S:
        audio = chords(samples, sample_rate, beat_s=beat_s)[None]
        with torch.inference_mode():
            logits = module(torch.from_numpy(audio))
        together = torch.stack(logits, dim=1) if isinstance(logits, tuple) else logits
        expected = torch.sigmoid(together).numpy()
        scores = session.run(None, {"audio": audio})[0]  # dimensions, if any, come after them
        worst = max(worst, float(np.abs(scores - expected[..., : scores.shape[-1]]).max()))
    if worst > _TOLERANCE:
        raise WeightsError(
            f"{path.stem}: with float16 weights scores of test music differ by {worst:.3f}, more "
            f"than {_TOLERANCE}; export with float32 weights (without --half)"
        )


def chords(samples: int, sample_rate: int, *, beat_s: float) -> npt.NDArray[np.float32]:
    """Struck chords with a noise on each beat, the same every time: sound of every kind at once.

    Parameters
    ----------
    samples, sample_rate
        Length and rate.
    beat_s
        From chord to chord; each rings for three beats.

    Returns
    -------
    float32 (samples,)
        Of one level.
    """
    rng = np.random.default_rng(0)
    beat = max(round(beat_s * sample_rate), 1)
    time = np.arange(3 * beat) / sample_rate
    audio = np.zeros(samples + len(time))
    for start in range(0, samples, beat):
        struck = 0.3 * np.exp(-time / 0.03) * rng.standard_normal(len(time))
        for pitch in rng.choice(_SCALE_HZ, 3, replace=False):
            partials = _HARMONICS[_HARMONICS * pitch < sample_rate / 2]
            decay = np.exp(-np.outer(partials, time) / beat_s)
            tones = np.sin(2 * np.pi * pitch * np.outer(partials, time))
            struck += (decay * tones / partials[:, None]).sum(axis=0)
        audio[start : start + len(time)] += struck
    audio = audio[:samples]
    level = np.sqrt(np.mean(audio**2))
    return np.asarray(_LEVEL / level * audio, np.float32)
