"""How far a student agrees with its teachers, on tracks of groups that were never learned from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import rankdata

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.audio import SILENCE_PEAK, read_audio
from moodtheme.distillation.plan import MusicTrack
from moodtheme.distillation.teachers import BASELINE, Teachers, without_denormals
from moodtheme.errors import AudioError
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES, SAMPLE_RATE
from moodtheme.scores.decisions import sigmoid
from moodtheme.tagging.tagger import Tagger
from moodtheme.tagging.windows import slide_windows

LEVELS_DB = (-30.0, -20.0, -10.0)  # dBFS RMS of a whole track
_RESAMPLES = 1000


@dataclass(frozen=True)
class Quality:
    """What was measured on the test part.

    Attributes
    ----------
    tracks, groups
        Number of tracks, and of the groups they come from.
    spearman
        Rank correlation of the student's tags and the baseline's over tracks, by tag. The tags are
        not the baseline's alone, so 1 is not what is wanted.
    spearman_median, spearman_median_interval
        Median over tags, and its 95 % percentile interval over resampled tracks.
    top5_overlap, top5_overlap_interval
        Mean share of the five highest tags in common, and its interval.
    loudness_spearman_lowest
        Lowest rank correlation, over tags and pairs of levels, of the student with itself when
        all tracks are played at another level.
    """

    tracks: int
    groups: int
    spearman: dict[str, float]
    spearman_median: float
    spearman_median_interval: tuple[float, float]
    top5_overlap: float
    top5_overlap_interval: tuple[float, float]
    loudness_spearman_lowest: float


@without_denormals()
def measure_quality(
    tagger: Tagger,
    teachers: Teachers,
    tracks: Sequence[MusicTrack],
    *,
    seed: int = 0,
    report: Callable[[int, int, str | None], None] = lambda done, of, problem: None,
) -> Quality:
    """Score every track with the student and with the baseline and compare.

    Both hear the same windows over the whole track and average their scores.

    Parameters
    ----------
    tagger
        The student's bundle.
    teachers
        The teachers, on a processor.
    tracks
        Tracks neither training nor any choice has seen.
    seed
        Of the bootstrap.
    report
        Called after each track with tracks done, tracks in all and what was wrong with it.
    """
    student_rows, teacher_rows, used = [], [], []
    at_level: dict[float, list[FloatArray]] = {level: [] for level in LEVELS_DB}
    for done, track in enumerate(tracks, start=1):
        try:
            audio = read_audio(track.path, sample_rate=SAMPLE_RATE, minimum_s=1.0).samples
            student_rows.append(tagger.score(audio, SAMPLE_RATE))
        except AudioError as error:
            report(done, len(tracks), str(error))
            continue
        teacher_rows.append(_baseline_scores(teachers, audio))
        level = np.sqrt(np.mean(np.square(audio, dtype=np.float64)))
        for wanted, rows in at_level.items():
            rows.append(tagger.score(audio * np.float32(10 ** (wanted / 20) / level), SAMPLE_RATE))
        used.append(track)
        report(done, len(tracks), None)
    student, wanted_scores = np.stack(student_rows), np.stack(teacher_rows)
    rho = spearman_per_tag(student, wanted_scores)
    overlap = top_overlap(student, wanted_scores)
    rng = np.random.default_rng(seed)
    draws = [rng.integers(len(used), size=len(used)) for _ in range(_RESAMPLES)]
    medians = [np.nanmedian(spearman_per_tag(student[d], wanted_scores[d])) for d in draws]
    levels = [np.stack(rows) for rows in at_level.values()]
    pairs = [(a, b) for i, a in enumerate(levels) for b in levels[i + 1 :]]
    return Quality(
        tracks=len(used),
        groups=len({track.group for track in used}),
        spearman={tag: float(r) for tag, r in zip(tagger.tags, rho, strict=True)},
        spearman_median=float(np.median(rho)),
        spearman_median_interval=_interval(medians),
        top5_overlap=float(overlap.mean()),
        top5_overlap_interval=_interval([overlap[d].mean() for d in draws]),
        loudness_spearman_lowest=float(min(spearman_per_tag(a, b).min() for a, b in pairs)),
    )


def spearman_per_tag(first: npt.ArrayLike, second: npt.ArrayLike) -> Float64Array:
    """Spearman's rank correlation of two systems' scores over tracks, for each tag.

    Parameters
    ----------
    first, second
        Shape (tracks, tags).

    Returns
    -------
    ndarray, shape (tags,)
        In [-1, 1]; NaN for a tag on which either system is constant.
    """
    ranks = [rankdata(scores, axis=0) for scores in (first, second)]
    a, b = (rank - rank.mean(axis=0) for rank in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = (a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    return np.asarray(rho, dtype=np.float64)


def top_overlap(first: npt.ArrayLike, second: npt.ArrayLike, *, top: int = 5) -> Float64Array:
    """Share of each track's `top` highest tags that two systems have in common.

    Parameters
    ----------
    first, second
        Shape (tracks, tags).

    Returns
    -------
    ndarray, shape (tracks,)
        In [0, 1].
    """
    sets = []
    for scores in (np.asarray(first), np.asarray(second)):
        chosen = np.zeros(scores.shape, dtype=bool)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        np.put_along_axis(chosen, best, True, axis=1)
        sets.append(chosen)
    return np.asarray((sets[0] & sets[1]).sum(axis=1) / top)


def _baseline_scores(teachers: Teachers, audio: FloatArray) -> FloatArray:
    total, weight = np.zeros(teachers.columns.logits[BASELINE].stop), 0.0
    for window in slide_windows([audio], samples=EXCERPT_SAMPLES):
        if float(np.abs(window.audio).max()) < SILENCE_PEAK:
            continue
        logits = teachers.baseline_logits(torch.from_numpy(window.audio.copy())[None])[0]
        total += window.weight * sigmoid(logits.double().numpy())
        weight += window.weight
    return np.asarray(total / weight, dtype=np.float32)


def _interval(values: Sequence[float] | Float64Array) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
