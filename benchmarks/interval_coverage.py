"""How often intervals hold what they should, and how often equal systems are called different.

    python benchmarks/interval_coverage.py [--trials 1000] [--resamples 200] [--keep FILE]
        [--only WORDS] [--quick]

Test sets are made up again and again from populations whose figures are known from a large sample.
Two systems are equally good. Printed is how often the nominal 95 % interval of the first holds the
population's figure, and how often the two are called different, which should be 1 in 20:

- **percentiles, tracks**: the middle 95 % of resamples of single tracks;
- **percentiles, artists**: the same of whole artists;
- **moodtheme**: what `moodtheme.evaluation` says, with artists where there are any.

The populations: tracks on their own; artists with as many tracks as on MTG-Jamendo's test split
(log-normal, at most 250), whose tracks are alike in what they are tagged with and in how systems
err on them; one rare tag, of which a test set has so many tracks by so many artists; tracks with
ratings, of which R², Pearson's correlation and CCC are measured. Last, several comparisons at once:
how often any of ten equal systems is called different from the first, before and after Holm's
correction.

Every trial has random numbers of its own, so that with `--keep` a run that was stopped goes on, and
one with more trials adds to it; `--only "327 artists"` looks at that population alone. A thousand
trials take a quarter of an hour on an idle core.
"""

import argparse
import json
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from intervals import share
from moodtheme.errors import EvaluationWarning
from moodtheme.evaluation import Evaluation, ScoredSet
from moodtheme.evaluation.bootstrap import draw_weights
from moodtheme.evaluation.metrics import macro, weigh_rankings
from moodtheme.evaluation.ranking import rank_tags, unit_weights
from moodtheme.evaluation.ratings import MEASURES, compare_ratings, evaluate_ratings
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix
from moodtheme.scores.ratings import Dimension, Ratings

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


Ends = tuple[float, float, float, float]
"""Of a system's interval, and of a difference's."""


class Trials:
    """Outcomes of trials, in a file where one is named."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._seed, self._keep = options.seed, options.keep
        self._made_with = f"seed {options.seed}, {options.resamples} resamples"
        self._known: dict[tuple[str, int], Any] = {}
        if self._keep is not None and self._keep.exists():
            for line in self._keep.read_text("utf-8").splitlines():
                made_with, name, number, outcome = json.loads(line)
                if made_with == self._made_with:
                    self._known[name, number] = outcome

    def run(
        self, name: str, count: int, trial: Callable[[np.random.Generator, int], Any]
    ) -> list[Any]:
        """Outcomes of so many trials, each with a generator of its own and its number."""
        found = []
        for number in range(count):
            if (name, number) not in self._known:
                digits = [self._seed, number, *name.encode()]
                outcome = trial(np.random.default_rng(digits), number)
                self._known[name, number] = outcome
                if self._keep is not None:
                    with self._keep.open("a", encoding="utf-8") as file:
                        print(json.dumps([self._made_with, name, number, outcome]), file=file)
            found.append(self._known[name, number])
        return found


def print_outcomes(
    outcomes: list[Mapping[str, Mapping[str, Ends]]],
    targets: Mapping[str, float],
    names: Mapping[str, str],
) -> None:
    """How often each method's interval holds, and how often it sees a difference."""
    width = 11 * len(names)
    print(f"{'':21}{'holds, of 100':>{width}}{'called different':>{width}}{'width':>11}")
    heads = "".join(f"{names[key]:>11}" for key in targets)
    print(f"{'':21}{heads}{heads}{names[next(iter(targets))]:>11}")
    for method in outcomes[0]:
        held, seen, widths = defaultdict(list), defaultdict(list), []
        for outcome in outcomes:
            for key, (low, high, from_, to) in outcome.get(method, {}).items():
                held[key].append(low <= targets[key] <= high)
                seen[key].append(not from_ <= 0 <= to)
                if key == next(iter(targets)):
                    widths.append(high - low)
        cells = [f"{100 * np.mean(of[key]):11.1f}" for of in (held, seen) for key in targets]
        print(f"{method:21}", *cells, f"{np.mean(widths):11.3f}", sep="", flush=True)
    for key in targets:  # of the last method, which is moodtheme's
        print(f"called different, {names[key]}: {share(sum(seen[key]), len(seen[key]))}")


def one_population(population: Population, trials: Trials, options: argparse.Namespace) -> None:
    def trial(rng: np.random.Generator, number: int) -> dict[str, dict[str, Ends]]:
        test = draw(population, population.artists, rng)
        found = percentiles(test, options.resamples, rng)
        evaluation = Evaluation(
            ScoredSet(
                test.truth,
                dict(zip("ab", test.scores, strict=True)),
                [str(artist) for artist in test.artists],
            ),
            resamples=options.resamples,
            seed=number,
        )
        own, apart = evaluation.figures("a").figures, evaluation.difference("a", "b")
        ends = {
            key: (own[key].low, own[key].high, apart[key].low, apart[key].high) for key in FIGURES
        }
        return found | {
            "moodtheme": {key: four for key, four in ends.items() if None not in four}  # type: ignore[misc]
        }

    values = of_population(population, np.random.default_rng(options.seed))
    targets = dict(zip(FIGURES, values.tolist(), strict=True))
    outcomes = trials.run(population.name, options.trials, trial)
    print(f"\n{population.name}; population: ROC-AUC {values[0]:.3f}, PR-AUC {values[1]:.3f}")
    print_outcomes(outcomes, targets, NAMES)


def percentiles(test: Draw, resamples: int, rng: np.random.Generator) -> dict[str, dict[str, Ends]]:
    """What the resamples themselves say, drawn by track and by artist."""
    tracks = np.arange(len(test.truth))
    ways = {"percentiles, tracks": tracks}
    if test.artists[-1] + 1 < len(tracks):
        ways["percentiles, artists"] = test.artists
    found: dict[str, dict[str, Ends]] = {}
    for method, unit in ways.items():
        drawn = figures(test, draw_weights(int(unit[-1]) + 1, resamples, rng)[unit])
        found[method] = {}
        for index, key in enumerate(FIGURES):
            first, second = drawn[:, index]
            found[method][key] = (*_middle(first), *_middle(first - second))
    return found


def _middle(drawn: Floats) -> tuple[float, float]:
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def rated(artists: int, trials: Trials, options: argparse.Namespace) -> None:
    """Two equally good systems' ratings, of tracks by so many artists."""
    like, scale, level = 0.7, 0.8, 0.1  # what an artist's tracks share; how systems are off
    variance = scale**2 * (0.7**2 + 0.6**2)
    targets = {
        "r2": 1 - (1 + variance - 2 * scale * 0.7 + level**2),
        "pearson": scale * 0.7 / math.sqrt(variance),
        "ccc": 2 * scale * 0.7 / (1 + variance + level**2),
    }

    def trial(rng: np.random.Generator, number: int) -> dict[str, dict[str, Ends]]:
        sizes = np.exp(rng.normal(LOG_MEAN, LOG_DEVIATION, artists)).round().clip(1, MOST)
        artist = np.repeat(np.arange(artists), sizes.astype(np.intp))

        def of_tracks() -> Floats:
            own = math.sqrt(1 - like**2) * rng.normal(size=len(artist))
            return like * rng.normal(size=artists)[artist] + own

        listeners = of_tracks()
        truth, *systems = (
            Ratings((Dimension("valence", -1, 1),), values[:, None])
            for values in (
                listeners,
                *(scale * (0.7 * listeners + 0.6 * of_tracks()) + level for _ in "ab"),
            )
        )
        found: dict[str, dict[str, Ends]] = {}
        names = [str(number) for number in artist]
        for method, whose in (("drawn by track", []), ("moodtheme", names)):
            drawing: dict[str, Any] = {
                "artists": whose,
                "resamples": options.resamples,
                "seed": number,
            }
            (own,) = evaluate_ratings(truth, systems[0], **drawing)
            pair = dict(zip("ab", systems, strict=True))
            (gap,) = compare_ratings(truth, pair, [("a", "b")], **drawing)
            found[method] = {
                key: (*own.intervals[key], gap.figures[key].low, gap.figures[key].high)  # type: ignore[dict-item]
                for key in MEASURES
            }
        return found

    print(f"\nRatings of tracks by {artists} artists")
    print_outcomes(
        trials.run(f"ratings {artists}", options.trials, trial),
        targets,
        {"r2": "R2", "pearson": "Pearson", "ccc": "CCC"},
    )


def rare_tag(trials: Trials, options: argparse.Namespace) -> None:
    """One tag, so many positives by so many artists among so many tracks."""
    print("\nA rare tag: its own ROC-AUC, 0.76 in the population")
    print(f"{'tracks with it':>15}{'artists':>9}{'of':>6}"
          f"{'percentiles':>13}{'moodtheme':>11}{'refused':>9}{'width':>8}")  # fmt: skip
    target = 1 - _upper_tail(1 / math.sqrt(2))
    for positives, artists, tracks in (
        (1, 1, 30), (2, 2, 100), (3, 3, 100), (5, 5, 100), (8, 8, 100), (15, 15, 300),
        (6, 2, 100), (9, 3, 100), (15, 5, 100), (24, 8, 300), (60, 20, 1000),
    ):  # fmt: skip

        def trial(
            rng: np.random.Generator,
            number: int,
            positives: int = positives,
            artists: int = artists,
            tracks: int = tracks,
        ) -> list[float | None]:
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
                seed=number,
            )
            ends = evaluation.figures("a").tags[0].figures["roc_auc"]
            weights = draw_weights(tracks, options.resamples, rng)
            drawn = weigh_rankings(rank_tags(truth, scores[:, None]), weights)[0][0]
            return [*_middle(drawn), ends.low, ends.high]

        outcomes = trials.run(f"rare {positives} {artists} {tracks}", options.trials, trial)
        by_track = np.mean([low <= target <= high for low, high, *_ in outcomes])
        given = [(low, high) for *_, low, high in outcomes if low is not None]
        held = [low <= target <= high for low, high in given]
        own = f"{100 * np.mean(held):11.1f}" if given else f"{'-':>11}"
        width = f"{np.mean([high - low for low, high in given]):8.2f}" if given else f"{'-':>8}"
        print(f"{positives:15}{artists:9}{tracks:6}{100 * by_track:13.1f}{own}"
              f"{100 - 100 * len(given) / len(outcomes):8.0f}%{width}", flush=True)  # fmt: skip


def _upper_tail(value: float) -> float:
    return 0.5 * math.erfc(value / math.sqrt(2))


def many_comparisons(trials: Trials, options: argparse.Namespace) -> None:
    """Ten systems, all equal: how often any is called different from the first."""
    population = Population("", 100, (0.05, 0.1, 0.2), grouped=True, systems=10)

    def trial(rng: np.random.Generator, number: int) -> list[bool]:
        test = draw(population, population.artists, rng)
        systems = {str(index): scores for index, scores in enumerate(test.scores)}
        evaluation = Evaluation(
            ScoredSet(test.truth, systems, [str(artist) for artist in test.artists]),
            resamples=options.resamples,
            seed=number,
        )
        found = evaluation.differences([(name, "0") for name in list(systems)[1:]])
        gaps = [gap["roc_auc_macro"] for gap in found]
        return [
            any(gap.p is not None and gap.p < 0.05 for gap in gaps),
            any(gap.beyond_chance for gap in gaps),
        ]

    outcomes = trials.run("many comparisons", options.trials, trial)
    before, after = 100 * np.mean(outcomes, axis=0)
    print(f"\nTen equal systems by 100 artists, nine comparisons, {len(outcomes)} trials")
    print(f"any called different before Holm's correction  {before:5.1f} of 100")
    print(f"any called different after it                  {after:5.1f} of 100")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="file of outcomes, to go on with")
    parser.add_argument(
        "--only", metavar="WORDS", default="", help="populations whose names have these words"
    )
    parser.add_argument("--quick", action="store_true", help="20 trials: that it runs")
    options = parser.parse_args()
    if options.quick:
        options.trials, options.resamples = 20, 50
    margin = 196 * math.sqrt(0.95 * 0.05 / options.trials)
    print(f"{options.trials} trials, {options.resamples} resamples: shares are ±{margin:.1f}")
    six = (0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
    trials = Trials(options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvaluationWarning)
        parts: dict[str, Callable[[], None]] = {
            population.name: partial(one_population, population, trials, options)
            for population in (
                Population("800 tracks on their own, tags from 2 to 20 %", 800, six, grouped=False),
                Population("30 artists, tags from 10 to 30 %", 30, (0.1, 0.2, 0.3), grouped=True),
                Population("100 artists, tags from 2 to 20 %", 100, six, grouped=True),
                Population("327 artists, tags from 2 to 20 %", 327, six, grouped=True),
            )
        }
        parts["rare tag"] = partial(rare_tag, trials, options)
        for artists in (10, 30, 100):
            parts[f"ratings {artists}"] = partial(rated, artists, trials, options)
        parts["many comparisons"] = partial(many_comparisons, trials, options)
        for name, part in parts.items():
            if options.only in name:
                part()


if __name__ == "__main__":
    main()
