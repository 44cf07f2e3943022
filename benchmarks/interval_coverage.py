"""How often intervals hold what they should, and how often equal systems are called different.

    python benchmarks/interval_coverage.py [--trials 300] [--resamples 200] [--quick]

Test sets are made up again and again from populations whose figures are known from a large sample.
Two systems are equally good. Printed is how often the nominal 95 % interval of the first holds the
population's figure, and how often the two are called different, which should be 1 in 20:

- **percentiles, tracks**: the middle 95 % of resamples of single tracks;
- **percentiles, artists**: the same of whole artists;
- **moodtheme**: what `moodtheme.evaluation` says, with artists where there are any.

The populations: tracks on their own; artists with as many tracks as on MTG-Jamendo's test split
(log-normal, at most 250), whose tracks are alike in what they are tagged with and in how systems
err on them; one rare tag, of which a test set has so many tracks by so many artists. Last, several
comparisons at once: how often any of ten equal systems is called different from the first, before
and after Holm's correction.
"""

import argparse
import math
import warnings
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation import Evaluation, ScoredSet
from moodtheme.evaluation.bootstrap import draw_weights
from moodtheme.evaluation.metrics import macro, weigh_rankings
from moodtheme.evaluation.ranking import rank_tags, unit_weights
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix

FIGURES = ("roc_auc_macro", "pr_auc_macro")
NAMES = {"roc_auc_macro": "ROC-AUC", "pr_auc_macro": "PR-AUC"}
LOG_MEAN, LOG_DEVIATION, MOST = 1.57, 1.30, 250
"""Of the number of tracks an artist has on MTG-Jamendo's test split."""
SIGNAL, SHARED, OWN = 1.2, 0.7, 0.7
"""How far a tag moves a score, and the deviations of what systems err on alike and each alone."""
LIKE_TAGS, LIKE_SCORES = 1.2, 0.6
"""Deviations of what an artist's tracks have in common, in tags and in scores."""
LARGE = 60_000
"""Tracks of the sample that stands for the population; eight are drawn."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Where test sets come from: `artists` of them each, and how often each tag occurs."""

    name: str
    artists: int
    shares: tuple[float, ...]
    grouped: bool
    systems: int = 2


@dataclass(frozen=True)
class Draw:
    """A test set: labels, one score matrix a system, and each track's artist."""

    truth: BoolMatrix
    scores: list[ScoreMatrix]
    artists: npt.NDArray[np.intp]


def draw(population: Population, artists: int, rng: np.random.Generator) -> Draw:
    """Make up a test set."""
    sizes = np.ones(artists, np.intp)
    like_tags = like_scores = 0.0
    if population.grouped:
        drawn = np.exp(rng.normal(LOG_MEAN, LOG_DEVIATION, artists)).round()
        sizes = drawn.clip(1, MOST).astype(np.intp)
        like_tags, like_scores = LIKE_TAGS, LIKE_SCORES
    artist = np.repeat(np.arange(artists), sizes)
    shape = (artists, len(population.shares))

    def noise(of_artist: float, of_track: float) -> Floats:
        own = rng.normal(size=(len(artist), shape[1]))
        return of_artist * rng.normal(size=shape)[artist] + of_track * own

    tendency = noise(like_tags, 1)
    limits = math.sqrt(like_tags**2 + 1) * np.array([_upper(share) for share in population.shares])
    truth = tendency > limits
    common = SIGNAL * truth + noise(like_scores, SHARED)
    return Draw(
        truth, [common + noise(like_scores, OWN) for _ in range(population.systems)], artist
    )


def _upper(share: float) -> float:
    """What a normal number exceeds with this probability."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(1 - share)


def figures(test: Draw, weights: npt.NDArray[np.int32]) -> Floats:
    """Macro ROC-AUC and PR-AUC of the first two systems, (systems, 2, columns)."""
    found = [weigh_rankings(rank_tags(test.truth, scores), weights) for scores in test.scores[:2]]
    return np.array([[macro(areas) for areas in system] for system in found])


def of_population(population: Population, rng: np.random.Generator) -> Floats:
    """What the figures are in the population: (2,)."""
    size = LARGE // 10 if population.grouped else LARGE
    samples = [draw(population, size, rng) for _ in range(8)]
    return np.mean([figures(s, unit_weights(len(s.truth)))[:, :, 0] for s in samples], axis=(0, 1))


class Tally:
    """How often each method's interval holds, and how often it sees a difference."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], list[bool]] = defaultdict(list)
        self.seen: dict[tuple[str, str], list[bool]] = defaultdict(list)
        self.width: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, method: str, key: str, own: tuple[float, float], apart: tuple[float, float],
            target: float) -> None:  # fmt: skip
        """Count a trial: a system's interval, the difference's, and the population's figure."""
        self.held[method, key].append(own[0] <= target <= own[1])
        self.seen[method, key].append(not apart[0] <= 0 <= apart[1])
        self.width[method, key].append(own[1] - own[0])


def one_population(population: Population, options: argparse.Namespace) -> None:
    rng = np.random.default_rng(options.seed)
    targets = of_population(population, rng)
    tally = Tally()
    for trial in range(options.trials):
        test = draw(population, population.artists, rng)
        percentiles(test, tally, targets, options.resamples, rng)
        names = [str(artist) for artist in test.artists]
        evaluation = Evaluation(
            ScoredSet(test.truth, dict(zip("ab", test.scores, strict=True)), names),
            resamples=options.resamples,
            seed=trial,
        )
        own, apart = evaluation.figures("a").figures, evaluation.difference("a", "b")
        for key, target in zip(FIGURES, targets, strict=True):
            ends = own[key].low, own[key].high
            gap = apart[key].low, apart[key].high
            if None not in (*ends, *gap):
                tally.add("moodtheme", key, ends, gap, target)  # type: ignore[arg-type]
    print(f"\n{population.name}; population: ROC-AUC {targets[0]:.3f}, PR-AUC {targets[1]:.3f}")
    print(f"{'':24}{'holds, of 100':>28}{'called different, of 100':>28}{'width':>18}")
    heads = [NAMES[key] for key in FIGURES]
    print(f"{'':24}{heads[0]:>17}{heads[1]:>11}{heads[0]:>17}{heads[1]:>11}{heads[0]:>18}")
    for method in dict.fromkeys(method for method, _ in tally.held):
        cells = [f"{method:24}"]
        for counts in (tally.held, tally.seen):
            shares = [100 * np.mean(counts[method, key]) for key in FIGURES]
            cells.append(f"{shares[0]:17.1f}{shares[1]:11.1f}")
        print(*cells, f"{np.mean(tally.width[method, FIGURES[0]]):17.3f}", sep="", flush=True)


def percentiles(
    test: Draw, tally: Tally, targets: Floats, resamples: int, rng: np.random.Generator
) -> None:
    """What the resamples themselves say, drawn by track and by artist."""
    tracks = np.arange(len(test.truth))
    ways = {"percentiles, tracks": tracks}
    if test.artists[-1] + 1 < len(tracks):
        ways["percentiles, artists"] = test.artists
    for method, unit in ways.items():
        drawn = figures(test, draw_weights(int(unit[-1]) + 1, resamples, rng)[unit])
        for index, key in enumerate(FIGURES):
            first, second = drawn[:, index]
            own, apart = (np.nanquantile(of, [0.025, 0.975]) for of in (first, first - second))
            tally.add(method, key, tuple(own), tuple(apart), targets[index])


def rare_tag(options: argparse.Namespace) -> None:
    """One tag, so many positives by so many artists among so many tracks."""
    print("\nA rare tag: its own ROC-AUC, 0.76 in the population")
    print(f"{'tracks with it':>15}{'artists':>9}{'of':>6}"
          f"{'percentiles':>13}{'moodtheme':>11}{'refused':>9}{'width':>8}")  # fmt: skip
    rng = np.random.default_rng(options.seed)
    target = 1 - _upper_tail(1 / math.sqrt(2))
    for positives, artists, tracks in (
        (1, 1, 30), (2, 2, 100), (3, 3, 100), (5, 5, 100), (8, 8, 100), (15, 15, 300),
        (6, 2, 100), (9, 3, 100), (15, 5, 100), (24, 8, 300), (60, 20, 1000),
    ):  # fmt: skip
        held: dict[str, list[bool]] = defaultdict(list)
        widths: list[float] = []
        refused = 0
        for trial in range(options.trials):
            truth = (np.arange(tracks) < positives)[:, None]
            artist = np.arange(tracks)
            artist[:positives] = np.arange(positives) % artists
            like = rng.normal(size=artists)[artist[:positives]]
            scores = rng.normal(size=tracks)
            # As much in common as deviates alone: the artist's part is 0.6 of the deviation.
            if positives > artists:
                scores[:positives] = 0.6 * like + 0.8 * scores[:positives]
            scores[:positives] += 1
            evaluation = Evaluation(
                ScoredSet(truth, {"a": scores[:, None]}, [str(a) for a in artist]),
                resamples=options.resamples,
                seed=trial,
            )
            ends = evaluation.figures("a").tags[0].figures["roc_auc"]
            weights = draw_weights(tracks, options.resamples, rng)
            drawn = weigh_rankings(rank_tags(truth, scores[:, None]), weights)[0][0]
            low, high = np.nanquantile(drawn, [0.025, 0.975])
            held["percentiles"].append(bool(low <= target <= high))
            if ends.low is None or ends.high is None:
                refused += 1
            else:
                held["moodtheme"].append(ends.low <= target <= ends.high)
                widths.append(ends.high - ends.low)
        own = f"{100 * np.mean(held['moodtheme']):11.1f}" if widths else f"{'-':>11}"
        width = f"{np.mean(widths):8.2f}" if widths else f"{'-':>8}"
        print(f"{positives:15}{artists:9}{tracks:6}{100 * np.mean(held['percentiles']):13.1f}{own}"
              f"{100 * refused / options.trials:8.0f}%{width}", flush=True)  # fmt: skip


def _upper_tail(value: float) -> float:
    return 0.5 * math.erfc(value / math.sqrt(2))


def many_comparisons(options: argparse.Namespace) -> None:
    """Ten systems, all equal: how often any is called different from the first."""
    population = Population("", 100, (0.05, 0.1, 0.2), grouped=True, systems=10)
    rng = np.random.default_rng(options.seed)
    trials = max(20, options.trials // 3)
    any_before = any_after = 0
    for trial in range(trials):
        test = draw(population, population.artists, rng)
        systems = {str(index): scores for index, scores in enumerate(test.scores)}
        evaluation = Evaluation(
            ScoredSet(test.truth, systems, [str(artist) for artist in test.artists]),
            resamples=options.resamples,
            seed=trial,
        )
        found = evaluation.differences([(name, "0") for name in list(systems)[1:]])
        gaps = [gap["roc_auc_macro"] for gap in found]
        any_before += any(gap.p is not None and gap.p < 0.05 for gap in gaps)
        any_after += any(gap.beyond_chance for gap in gaps)
    print(f"\nTen equal systems by 100 artists, nine comparisons, {trials} trials")
    print(f"any called different before Holm's correction  {100 * any_before / trials:5.1f} of 100")
    print(f"any called different after it                  {100 * any_after / trials:5.1f} of 100")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="20 trials: that it runs")
    options = parser.parse_args()
    if options.quick:
        options.trials, options.resamples = 20, 50
    margin = 196 * math.sqrt(0.95 * 0.05 / options.trials)
    print(f"{options.trials} trials, {options.resamples} resamples: shares are ±{margin:.1f}")
    six = (0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvaluationWarning)
        for population in (
            Population("800 tracks on their own, tags from 2 to 20 %", 800, six, grouped=False),
            Population("30 artists, tags from 10 to 30 %", 30, (0.1, 0.2, 0.3), grouped=True),
            Population("100 artists, tags from 2 to 20 %", 100, six, grouped=True),
        ):
            one_population(population, options)
        if not options.quick:
            one_population(
                Population("327 artists, tags from 2 to 20 %", 327, six, grouped=True), options
            )
        rare_tag(options)
        many_comparisons(options)


if __name__ == "__main__":
    main()
