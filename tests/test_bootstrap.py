"""The bootstrap against scikit-learn on the very same resamples, and what its intervals mean."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from evaluation_cases import case
from moodtheme.errors import EvaluationWarning, UsageError
from moodtheme.evaluation import evaluate, evaluate_systems
from moodtheme.evaluation.bootstrap import bootstrap, draw_weights, units_of
from moodtheme.evaluation.metrics import DecisionRule, Figures, rank_system
from moodtheme.scores.matrices import BoolMatrix, ScoreMatrix

TAGS = ["sad", "calm", "epic", "fun"]


def resample(truth: BoolMatrix, scores: ScoreMatrix, n: int, seed: int = 0) -> Figures:
    system = rank_system(truth, scores, {DecisionRule.FIXED: scores > 0.5})
    units = units_of(len(truth), None)
    return bootstrap(truth, [system], resamples=n, seed=seed, units=units, tags=TAGS)[0]


@pytest.mark.parametrize("levels", [None, 4])
def test_every_figure_equals_scikit_learns_on_the_same_resamples(levels: int | None) -> None:
    truth, scores = case(150, 4, levels=levels)
    figures = resample(truth, scores, 20)
    weights = draw_weights(len(truth), 20, np.random.default_rng(0))
    for column in range(20):
        drawn = np.repeat(np.arange(len(truth)), weights[:, column])
        labels, values = truth[drawn], scores[drawn]
        decided = values > 0.5
        for key, expected in {
            "roc_auc_macro": roc_auc_score(labels, values),
            "pr_auc_macro": average_precision_score(labels, values),
            "roc_auc_micro": roc_auc_score(labels, values, average="micro"),
            "pr_auc_micro": average_precision_score(labels, values, average="micro"),
            "f1_macro_fixed": f1_score(labels, decided, average="macro", zero_division=0),
            "f1_micro_fixed": f1_score(labels, decided, average="micro", zero_division=0),
        }.items():
            assert figures.summary[key][column] == pytest.approx(expected, abs=1e-12)


def test_resamples_draw_as_many_tracks_as_there_are() -> None:
    weights = draw_weights(37, 50, np.random.default_rng(3))
    assert (weights.sum(axis=0) == 37).all()
    assert weights.min() == 0
    # A track is missing from a resample with probability (1 - 1/n)^n, about 0.363 here.
    assert (weights == 0).mean() == pytest.approx((1 - 1 / 37) ** 37, abs=0.03)


def test_the_same_seed_gives_the_same_resamples_whatever_the_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truth, scores = case()
    whole = resample(truth, scores, 30).summary["roc_auc_macro"]
    monkeypatch.setattr("moodtheme.evaluation.bootstrap.WEIGHTS_AT_ONCE", 7 * len(truth))
    monkeypatch.setattr("moodtheme.evaluation.ranking.GATHERED_AT_ONCE", 3 * len(truth))
    np.testing.assert_array_equal(whole, resample(truth, scores, 30).summary["roc_auc_macro"])
    assert (whole != resample(truth, scores, 30, seed=1).summary["roc_auc_macro"]).any()


def test_a_tag_that_a_resample_lacks_is_left_out_there_and_named() -> None:
    truth, scores = case(30, 4)
    truth[:, 2] = False
    truth[5, 2] = True  # a single positive is missing from about 36 % of resamples
    with pytest.warns(EvaluationWarning, match=r"tag epic has no positives in \d+ of 200"):
        figures = resample(truth, scores, 200)
    absent = np.isnan(figures.per_tag["roc_auc"][2])
    assert 0.2 < absent.mean() < 0.55
    others = [0, 1, 3]
    np.testing.assert_allclose(
        figures.summary["roc_auc_macro"][absent],
        figures.per_tag["roc_auc"][others][:, absent].mean(axis=0),
        atol=1e-12,
    )
    assert not np.isnan(figures.summary["roc_auc_macro"]).any()


def test_a_system_does_not_differ_from_itself() -> None:
    truth, scores = case(tags=3)
    other = case(tags=3, seed=9)[1]
    rows = evaluate_systems(
        truth, {"a": scores, "copy": scores.copy(), "b": other}, resamples=50, against="a"
    )
    assert rows[0].difference is None
    none = rows[1].difference["roc_auc_macro"]
    assert (none.value, none.low, none.high, none.p) == (0, 0, 0, 1)
    apart = rows[2].difference["roc_auc_macro"]
    assert apart.low < apart.value < apart.high
    document = rows[2].as_json()["difference"]
    assert document["against"] == "a"
    assert document["comparisons"] == 2
    assert document["roc_auc_macro"] == {
        "value": apart.value,
        "interval": [apart.low, apart.high],
        "p": apart.p,
        "p_holm": apart.p_holm,
    }


def test_pairing_narrows_the_interval_of_a_difference() -> None:
    truth, scores = case(300, 3)
    nearly = np.clip(scores + np.random.default_rng(5).normal(0, 0.01, scores.shape), 0, 1)
    rows = evaluate_systems(
        truth, {"a": scores, "b": nearly.astype(np.float32)}, resamples=200, against="a"
    )
    paired, own = rows[1].difference["roc_auc_macro"], rows[1].figures["roc_auc_macro"]
    assert paired.high - paired.low < 0.3 * (own.high - own.low)


def test_intervals_cover_the_true_value_about_as_often_as_they_say() -> None:
    # Scores of both classes are uniform on shifted unit intervals; the true ROC-AUC is then
    # 1 - (1 - shift)^2 / 2.
    shift, covered, rng = 0.4, 0, np.random.default_rng(11)
    trials = 120
    for trial in range(trials):
        truth = np.arange(120) % 3 == 0
        scores = (rng.random(120) + shift * truth) / (1 + shift)
        row = evaluate(truth[:, None], scores[:, None], resamples=200, seed=trial)
        low, high = row["intervals"]["roc_auc_macro"]
        covered += low <= 1 - (1 - shift) ** 2 / 2 <= high
    # 95 % nominal; four standard deviations of a binomial, and a little for the small sample.
    assert 0.85 <= covered / trials <= 1


def test_no_resamples_is_a_mistake() -> None:
    truth, scores = case()
    with pytest.raises(UsageError, match="at least 1"):
        resample(truth, scores, 0)
