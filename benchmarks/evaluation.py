"""The bootstrap against a loop over scikit-learn: same resamples, same figures, how much faster.

    python benchmarks/evaluation.py [--resamples 1000] [--reference 3]

Fourteen systems of 4,231 tracks and 56 tags are scored on 1,000 resamples: macro ROC-AUC and macro
average precision. scikit-learn would take most of an hour for that, so it does the first few
resamples of all systems (``--reference``) and its time is extrapolated; the figures of those
resamples are compared. Both run on one thread's worth of Python, in turns, in one process.

Scores are made up: noise plus a little truth, as rare as moods are. Half of the systems are rounded
to three decimals, so there are ties.
"""

import argparse
import time

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from moodtheme.evaluation.bootstrap import draw_weights
from moodtheme.evaluation.metrics import macro, weigh_rankings
from moodtheme.evaluation.ranking import rank_tags
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix

TRACKS, TAGS, SYSTEMS = 4231, 56, 14


def made_up() -> tuple[BoolMatrix, list[ScoreMatrix]]:
    rng = np.random.default_rng(0)
    share = np.exp(rng.uniform(np.log(0.006), np.log(0.13), TAGS))  # as on MTG-Jamendo's test set
    truth = rng.random((TRACKS, TAGS)) < share
    systems = []
    for index in range(SYSTEMS):
        logits = rng.normal(size=truth.shape) + 0.8 * truth - 3
        scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
        systems.append(scores.round(3) if index % 2 else scores)
    return truth, systems


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--reference", type=int, default=3, help="resamples scikit-learn does")
    options = parser.parse_args()
    truth, systems = made_up()

    start = time.perf_counter()
    weights = draw_weights(TRACKS, options.resamples, np.random.default_rng(0))
    ours = np.array(
        [
            [macro(figures) for figures in weigh_rankings(rank_tags(truth, scores), weights)]
            for scores in systems
        ]
    )  # (systems, 2, resamples)
    ours_s = time.perf_counter() - start

    start = time.perf_counter()
    theirs = np.empty((SYSTEMS, 2, options.reference))
    for column in range(options.reference):
        drawn = np.repeat(np.arange(TRACKS), weights[:, column])
        for index, scores in enumerate(systems):
            labels, values = truth[drawn], scores[drawn]
            theirs[index, 0, column] = roc_auc_score(labels, values)
            theirs[index, 1, column] = average_precision_score(labels, values)
    theirs_s = (time.perf_counter() - start) * options.resamples / options.reference

    apart = np.abs(ours[:, :, : options.reference] - theirs).max()
    print(f"{SYSTEMS} systems, {TRACKS} tracks, {TAGS} tags, {options.resamples} resamples")
    print(f"moodtheme      {ours_s:8.1f} s")
    print(f"scikit-learn   {theirs_s:8.1f} s, extrapolated from {options.reference} resamples")
    print(f"ratio          {theirs_s / ours_s:8.0f}")
    print(f"largest difference on the shared resamples: {apart:.1e}")
    if apart > 1e-12:
        raise SystemExit("the figures differ")


if __name__ == "__main__":
    main()
