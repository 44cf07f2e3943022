"""Valence and arousal as numbers: measured, trained, exported, tagged with."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodtheme.datasets import Split, load_dataset, write_table
from moodtheme.errors import EvaluationError, EvaluationWarning
from moodtheme.evaluation.ratings import compare_ratings, evaluate_ratings
from moodtheme.scores.ratings import Dimension, Ratings, dimension_of
from moodtheme.tagging.tagger import Tagger
from program import Program
from toy_collection import RATE

NINE = (Dimension("valence", 1, 9), Dimension("arousal", 1, 9))
LEVELS = "annotations/annotations averaged per song/song_level"


def test_a_heading_names_a_dimension_and_its_scale() -> None:
    assert dimension_of("valence [1..9]") == Dimension("valence", 1, 9)
    assert dimension_of(" arousal[ -1 .. 1.5 ]") == Dimension("arousal", -1, 1.5)
    for other in ("valence", "valence [9..1]", "valence [1-9]", "[1..9]", "happy"):
        assert dimension_of(other) is None
    assert dimension_of(str(NINE[0])) == NINE[0]


def test_figures_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 9, (200, 2))
    found = 0.5 * truth + rng.normal(0, 1, truth.shape) + 2
    figures = evaluate_ratings(Ratings(NINE, truth), Ratings(NINE, found))
    for column, one in enumerate(figures):
        x, y = truth[:, column], found[:, column]
        assert one.figures["pearson"] == pytest.approx(np.corrcoef(x, y)[0, 1])
        explained = 1 - ((x - y) ** 2).sum() / ((x - x.mean()) ** 2).sum()
        assert one.figures["r2"] == pytest.approx(explained)
        both = np.mean((x - x.mean()) * (y - y.mean()))
        lin = 2 * both / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        assert one.figures["ccc"] == pytest.approx(lin)
        assert (one.dimension, one.tracks, one.intervals) == (NINE[column].name, 200, {})


def test_scales_and_order_of_dimensions_are_brought_together() -> None:
    rng = np.random.default_rng(1)
    truth = Ratings(NINE, rng.uniform(1, 9, (50, 2)))
    turned = Ratings(
        (Dimension("arousal", -1, 1), Dimension("valence", 0, 1)),
        np.stack([(truth.values[:, 1] - 5) / 4, (truth.values[:, 0] - 1) / 8], axis=1),
    )
    for one in evaluate_ratings(truth, turned):
        assert list(one.figures.values()) == pytest.approx([1, 1, 1])
    with pytest.raises(EvaluationError, match=r"x: has no ratings of valence \(has: arousal\)"):
        evaluate_ratings(truth, Ratings(turned.dimensions[:1], turned.values[:, :1]), source="x")


def test_tracks_without_a_rating_are_left_out_and_artists_drawn_whole() -> None:
    rng = np.random.default_rng(2)
    artists = [f"a{row // 20}" for row in range(400)]
    level = rng.normal(0, 1, 20).repeat(20)  # what an artist's tracks have in common
    truth = np.stack([5 + level + rng.normal(0, 0.3, 400)], axis=1)
    found = np.stack([5 + rng.normal(0, 1, 20).repeat(20) + rng.normal(0, 0.3, 400)], axis=1)
    truth[::50] = np.nan
    ratings = [Ratings(NINE[:1], values) for values in (truth, found)]
    single = evaluate_ratings(*ratings, resamples=300, seed=1)[0]
    whole = evaluate_ratings(*ratings, artists=artists, resamples=300, seed=1)[0]
    assert single.tracks == 392 and single.figures == whole.figures
    widths = [high - low for low, high in (single.intervals["ccc"], whole.intervals["ccc"])]
    assert widths[1] > 1.5 * widths[0]


def test_which_of_two_systems_rates_better_is_said_in_pairs() -> None:
    rng = np.random.default_rng(3)
    truth = Ratings(NINE, rng.uniform(1, 9, (120, 2)))
    near, far, equal = (
        Ratings(NINE, truth.values + rng.normal(0, deviation, (120, 2)))
        for deviation in (0.5, 2, 2)
    )
    systems = {"near": near, "far": far, "equal": equal}
    pairs = [("near", "far"), ("equal", "far")]
    artists = [f"a{row // 3}" for row in range(120)]
    found = compare_ratings(truth, systems, pairs, artists=artists, resamples=200)
    assert [(gap.name, gap.dimension, gap.tracks) for gap in found] == [
        ("near", "valence", 120), ("near", "arousal", 120),
        ("equal", "valence", 120), ("equal", "arousal", 120),
    ]  # fmt: skip
    alone = [evaluate_ratings(truth, one)[1].figures["ccc"] for one in (near, far)]
    ccc = found[1].figures["ccc"]
    assert ccc.value == pytest.approx(alone[0] - alone[1])
    assert ccc.beyond_chance and ccc.low > 0
    assert found[0].figures["ccc"].p_holm >= found[0].figures["ccc"].p
    assert not any(gap.figures["ccc"].beyond_chance for gap in found[2:])


def test_intervals_stay_where_figures_can_be() -> None:
    rng = np.random.default_rng(5)
    truth = Ratings(NINE, rng.uniform(1, 9, (6, 2)))
    opposite = Ratings(NINE, 10 - truth.values + rng.normal(0, 0.5, (6, 2)))
    for one in evaluate_ratings(truth, opposite, resamples=200):
        for name in ("pearson", "ccc"):
            low, high = one.intervals[name]
            assert -1 <= low <= one.figures[name] <= high <= 1


def test_few_artists_give_ratings_no_interval() -> None:
    rng = np.random.default_rng(4)
    truth, found = (Ratings(NINE, rng.uniform(1, 9, (40, 2))) for _ in range(2))
    artists = [f"a{row % 4}" for row in range(40)]
    with pytest.warns(EvaluationWarning, match="no intervals of ratings: 4 artists are too few"):
        figures = evaluate_ratings(truth, found, artists=artists, resamples=50)
    assert all(one.intervals == {} for one in figures)


def tone(path: Path, *, high: bool, noisy: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    t = np.arange(round(rng.uniform(1.5, 2.5) * RATE)) / RATE
    audio = 0.3 * np.sin(2 * np.pi * (1500 if high else 200) * rng.uniform(0.8, 1.2) * t)
    audio += (0.1 if noisy else 0.001) * rng.normal(size=len(t))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, RATE)


def write_deam(root: Path, *, songs: int = 24) -> Path:
    """A miniature of DEAM's folders: lists with blanks in their headers, audio by number."""
    lines = ["song_id, valence_mean, valence_std, arousal_mean, arousal_std"]
    people = ["song_id,file_name,Artist,Song title"]
    for number in range(1, songs + 1):
        high, noisy = number % 2 == 0, number % 4 < 2
        tone(root / "MEMD_audio" / f"{number}.wav", high=high, noisy=noisy, seed=number)
        lines.append(f"{number}, {7.5 if high else 2.5}, 1.2, {7.0 if noisy else 3.0}, 0.9")
        people.append(f"{number},{number}.mp3,artist {number},song {number}")
    lists = root / LEVELS
    lists.mkdir(parents=True)
    (lists / "static_annotations_averaged_songs_1_2000.csv").write_text("\n".join(lines), "utf-8")
    (lists / "static_annotations_averaged_songs_2000_2058.csv").write_text(
        "song_id, valence_mean, valence_std, valence_max_mean, arousal_mean, arousal_std\n"
        "2001, 5.1, 1, 6, 4.9, 1\n",  # its audio is not there
        "utf-8",
    )
    (root / "metadata").mkdir()
    (root / "metadata" / "metadata_2013.csv").write_text("\n".join(people), "utf-8")
    return root


def test_a_miniature_of_deam_is_read_trained_evaluated_and_tagged_with(
    program: Program, tmp_path: Path
) -> None:
    root = write_deam(tmp_path / "DEAM", songs=28)
    table = load_dataset(f"deam:{root}")
    assert (len(table), table.dimensions) == (28, NINE)
    assert table.tags == ("high valence", "low valence", "high arousal", "low arousal")
    assert table.ratings[1].tolist() == [7.5, 3.0] and table.artists[0] == "artist 1"
    divided, run = tmp_path / "deam.csv", tmp_path / "run"
    # Every kind of tone in every part.
    parts = [*[Split.TRAIN] * 4, Split.VALIDATION, *[Split.TEST] * 2]
    write_table(table.with_splits([part for part in parts for _ in range(4)]), divided)

    values = ["units=8", "dense=8", "excerpt_s=1", "batch_size=8", "frozen_epochs=1", "epochs=0"]
    status, _, err = program(
        "train", "crnn-gru", "--dataset", divided, "--run", run, "--weights", "random",
        "--device", "cpu", "--threads", 1, "--workers", 0,
        *(word for value in values for word in ("--set", value)),
    )  # fmt: skip
    assert status == 0, err
    scores, truth = tmp_path / "scores.npz", tmp_path / "truth.csv"
    assert program("predict", run, "-o", scores)[0] == 0
    assert program("dataset", "truth", divided, "-o", truth)[0] == 0
    assert "valence [1..9],arousal [1..9]" in truth.read_text("utf-8").splitlines()[0]
    with np.load(scores) as found:
        assert found["dimensions"].tolist() == ["valence [1..9]", "arousal [1..9]"]
        assert ((found["ratings"] > 1) & (found["ratings"] < 9)).all()
        ids, ratings = found["ids"].tolist(), found["ratings"]

    report = tmp_path / "figures.json"
    status, out, err = program(
        "evaluate", scores, "--truth", truth, "--bootstrap", 50, "--json", report
    )
    assert status == 0, err
    lines = [line.split("\t") for line in out.splitlines()]
    assert ["system", "dimension", "tracks", "R2", "Pearson", "CCC"] in lines
    rows = json.loads(report.read_text("utf-8"))["rows"][0]["ratings"]
    assert [row["dimension"] for row in rows] == ["valence", "arousal"]
    low, high = rows[0]["intervals"]["r2"]
    assert low <= rows[0]["r2"] <= high

    # The run by itself says the same, with its own truth and artists.
    status, out, err = program(
        "evaluate", run, "--bootstrap", 50, "--device", "cpu", "--json", report
    )
    assert status == 0, err
    assert ["system", "dimension", "tracks", "R2", "Pearson", "CCC"] in [
        line.split("\t") for line in out.splitlines()
    ]
    (row,) = json.loads(report.read_text("utf-8"))["rows"]
    for one, dimension in zip(row["ratings"], ("valence", "arousal"), strict=True):
        assert (one["dimension"], one["tracks"]) == (dimension, 8)
        low, high = one["intervals"]["ccc"]
        assert low <= one["ccc"] <= high
    assert row["over"] == "8 artists"

    bundle = tmp_path / "bundle"
    status, _, err = program("export", run, "-o", bundle)
    assert status == 0, err
    tagger = Tagger.load(bundle)
    assert [(d.name, d.lowest, d.highest) for d in tagger.bundle.dimensions] == [
        ("valence", 1, 9), ("arousal", 1, 9),
    ]  # fmt: skip
    file = root / "MEMD_audio" / f"{ids[0]}.wav"
    status, out, err = program("tag", file, "--model", bundle, "--format", "json")
    assert status == 0, err
    heard = json.loads(out)[0]["dimensions"]
    np.testing.assert_allclose(
        [heard["valence"]["value"], heard["arousal"]["value"]], ratings[0], atol=5e-3
    )


def test_a_rating_is_learned_as_a_share_and_a_missing_one_costs_nothing() -> None:
    import torch

    from moodtheme.training.module import tagging_loss

    # A rating's loss is least where the score is the rating's share; one that lacks costs nothing.
    logits = torch.zeros(4, 2, requires_grad=True)
    targets = torch.tensor([[1, 0.8], [0, 0.8], [1, float("nan")], [0, 0.2]])
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(500):
        optimiser.zero_grad()
        loss = tagging_loss(logits, targets, n_tags=1)
        loss.backward()
        optimiser.step()
    shares = torch.sigmoid(logits).detach().numpy()
    np.testing.assert_allclose(shares[[0, 1, 3], 1], [0.8, 0.8, 0.2], atol=1e-3)
    assert shares[2, 1] == 0.5 and np.isfinite(shares).all()


def test_what_features_tell_is_learned(program: Program, tmp_path: Path) -> None:
    # Two numbers a frame tell valence and arousal; the others tell nothing.
    rng = np.random.default_rng(0)
    lines = ["path,split,valence [1..9],arousal [-1..1]"]
    (tmp_path / "features").mkdir()
    for number in range(72):
        valence, arousal = rng.uniform(1, 9), rng.uniform(-1, 1)
        frames = rng.normal(0, 0.3, (6, 5))
        frames[:, :2] += [(valence - 5) / 4, arousal]
        np.save(tmp_path / "features" / f"{number}.npy", frames.astype(np.float32))
        part = ("train", "train", "train", "train", "validation", "test")[number % 6]
        known = f"{valence:.2f}" if number != 0 else ""  # one track without a rating
        lines.append(f"{number}.mp3,{part},{known},{arousal:.2f}")
    table, run, scores = tmp_path / "rated.csv", tmp_path / "run", tmp_path / "own.npz"
    table.write_text("\n".join(lines), "utf-8")
    own = ["--features", tmp_path / "features"]
    values = ["units=16", "dense=16", "batch_size=8", "epochs=60", "learning_rate=0.01", "frames=6",
              "dropout=0", "patience=none"]  # fmt: skip
    status, _, err = program(
        "train", "own-gru", "--dataset", table, "--run", run, *own, "--device", "cpu",
        "--threads", 1, "--workers", 0, *(word for value in values for word in ("--set", value)),
    )  # fmt: skip
    assert status == 0, err
    assert program("predict", run, *own, "-o", scores)[0] == 0
    assert program("dataset", "truth", table, "-o", tmp_path / "truth.npz")[0] == 0
    report = tmp_path / "figures.json"
    status, _, err = program(
        "evaluate", scores, "--truth", tmp_path / "truth.npz", "--bootstrap", 200, "--json", report
    )
    assert status == 0, err
    for one in json.loads(report.read_text("utf-8"))["rows"][0]["ratings"]:
        assert one["tracks"] == 12
        assert one["ccc"] > 0.7 and one["pearson"] > 0.8 and one["intervals"]["ccc"][0] > 0.2
