"""Excerpts, batches and losses: pure functions of what they are given."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.recipes import EvaluationExcerpt
from moodtheme.training.audio_cache import AudioCache, build_cache
from moodtheme.training.batches import EvaluationBatches, TrainingBatches
from moodtheme.training.callbacks import time_left
from moodtheme.training.examples import (
    EvaluationTracks,
    TrackSet,
    TrainingTracks,
    shown,
)
from moodtheme.training.history import Epoch, best_epoch, out_of_patience
from moodtheme.training.kinds.sound import SoundExamples, choose_excerpts, excerpt_start
from moodtheme.training.module import balancing_weights, tagging_loss

RATE = 8_000
SAMPLES = 16_000


@pytest.fixture(scope="module")
def ramps(tmp_path_factory: pytest.TempPathFactory) -> SoundExamples:
    """Tracks of 10 s, 1.5 s and 2 s whose samples tell their place."""
    return SoundExamples(
        *_ramp_cache(tmp_path_factory.mktemp("ramps")),
        samples=SAMPLES,
        evaluation=EvaluationExcerpt.CENTRE,
    )


def _ramp_cache(folder: Path) -> tuple[AudioCache, list[Path]]:
    files = []
    for number, seconds in enumerate((10.0, 1.5, 2.0)):
        files.append(folder / f"{number}.wav")
        ramp = np.arange(round(seconds * RATE)) / 100_000
        soundfile.write(files[-1], ramp, RATE, subtype="FLOAT")
    build_cache(folder / "cache", files, sample_rate=RATE)
    return AudioCache(folder / "cache", sample_rate=RATE), files


def place(audio: npt.NDArray[np.float32]) -> int:
    return round(float(audio[0]) * 100_000)


def test_training_excerpts_come_from_anywhere_and_depend_on_the_generator(
    ramps: SoundExamples,
) -> None:
    starts = []
    for draw in range(300):
        excerpt = ramps.training_input(0, np.random.default_rng(draw)).values[0]
        again = ramps.training_input(0, np.random.default_rng(draw)).values[0]
        np.testing.assert_array_equal(excerpt, again)
        assert len(excerpt) == SAMPLES
        starts.append(place(excerpt))
    assert 0 <= min(starts) < 4_000 and 60_000 < max(starts) <= 64_000
    assert 28_000 < np.mean(starts) < 36_000


def test_short_tracks_are_looped(ramps: SoundExamples) -> None:
    for row in (1, 2):
        excerpt = ramps.training_input(row, np.random.default_rng(0)).values[0]
        assert len(excerpt) == SAMPLES
        np.testing.assert_array_equal(excerpt, ramps.evaluation_inputs(row).values[0])
    looped = ramps.training_input(1, np.random.default_rng(0)).values[0]
    np.testing.assert_array_equal(looped[12_000:], looped[:4_000])


def test_evaluation_takes_the_centre(ramps: SoundExamples) -> None:
    weighted = ramps.evaluation_inputs(0)
    assert weighted.inputs.shape == (1, SAMPLES)
    assert place(weighted.values[0]) == 32_000


@given(length=st.integers(1, 100_000), samples=st.integers(1, 30_000))
def test_one_excerpt_lies_inside_the_track(length: int, samples: int) -> None:
    for evaluation in (EvaluationExcerpt.CENTRE, EvaluationExcerpt.SECOND_HALF):
        start = excerpt_start(length, samples, evaluation)
        assert 0 <= start <= max(0, length - samples)
    if length <= 2 * samples:
        assert excerpt_start(length, samples, EvaluationExcerpt.SECOND_HALF) == 0


@given(length=st.integers(1, 5_000), samples=st.integers(1, 900))
def test_covering_windows_are_whole_and_weighted(length: int, samples: int) -> None:
    audio = np.arange(length, dtype=np.float32)
    weighted = choose_excerpts(audio, samples, EvaluationExcerpt.COVER)
    assert weighted.inputs.shape == (len(weighted.weights), samples)
    assert (weighted.weights > 0).all() and (weighted.weights <= 1).all()


def test_training_examples_are_functions_of_seed_epoch_and_track(ramps: SoundExamples) -> None:
    labels = np.array([[True, False], [False, True], [True, True]])
    data = TrainingTracks(TrackSet(ramps, labels), seed=3)
    batch = data.__getitems__([(4, 0), (4, 0), (5, 0)])
    heard = shown(batch.inputs, batch.scales)
    assert torch.equal(heard[0], heard[1]) and batch.seeds[0] == batch.seeds[1]
    assert not torch.equal(heard[0], heard[2]) and batch.seeds[0] != batch.seeds[2]
    assert batch.targets.tolist() == [[1.0, 0.0]] * 3
    elsewhere = TrainingTracks(TrackSet(ramps, labels), seed=4).__getitems__([(4, 0)])
    assert elsewhere.seeds[0] != batch.seeds[0]


def test_what_crosses_to_a_device_is_heard_as_what_is_read_to_the_last_bit(
    ramps: SoundExamples,
) -> None:
    data = EvaluationTracks(TrackSet(ramps, np.zeros((3, 2), bool)))
    batch = data.__getitems__([2, 0])
    assert batch.inputs.dtype is torch.int16  # half of what float32 takes
    for heard, row in zip(shown(batch.inputs, batch.scales), (2, 0), strict=True):
        np.testing.assert_array_equal(heard, ramps.evaluation_inputs(row).values[0])
    floats = torch.rand(2, 5)
    assert shown(floats, torch.ones(2)) is floats


def test_evaluation_batches_join_tracks_with_several_inputs(ramps: SoundExamples) -> None:
    data = EvaluationTracks(TrackSet(ramps, np.zeros((3, 2), bool)))
    batch = data.__getitems__([2, 0])
    assert batch.rows.tolist() == [2, 0]
    assert batch.inputs.shape == (2, SAMPLES)
    assert data.__getitems__([]).inputs.shape == (0,)


@given(
    tracks=st.integers(8, 200),
    batch_size=st.integers(4, 40),
    processes=st.integers(1, 4),
    epoch=st.integers(0, 5),
)
def test_processes_share_the_batches_of_one(
    tracks: int, batch_size: int, processes: int, epoch: int
) -> None:
    def batches(process: int, of: int) -> list[list[tuple[int, int]]]:
        made = TrainingBatches(
            tracks, batch_size=size, seed=1, first_epoch=10, process=process, processes=of
        )
        made.set_epoch(epoch)
        assert len(made) == len(list(made))
        return list(made)

    size = batch_size // processes * processes or processes
    shares = [batches(process, processes) for process in range(processes)]
    for step, whole in enumerate(batches(0, 1) if size <= tracks else []):
        together = [place for share in shares for place in share[step]]
        assert sorted(together) == sorted(whole)
        assert len({len(share[step]) for share in shares}) == 1
    seen = [row for share in shares for batch in share for _, row in batch]
    assert len(seen) == len(set(seen)) > tracks - size
    assert {place[0] for share in shares for batch in share for place in batch} == {10 + epoch}


@given(tracks=st.integers(1, 100), batch_size=st.integers(1, 40), processes=st.integers(1, 4))
def test_every_track_is_evaluated_once_in_the_same_batches(
    tracks: int, batch_size: int, processes: int
) -> None:
    def batches(process: int, of: int) -> list[list[int]]:
        made = EvaluationBatches(tracks, batch_size=batch_size, process=process, processes=of)
        assert len(made) == len(list(made))
        return list(made)

    shares = [batches(process, processes) for process in range(processes)]
    assert len({len(share) for share in shares}) == 1
    dealt = [batch for turn in zip(*shares, strict=True) for batch in turn if batch]
    assert dealt == batches(0, 1)
    assert [row for batch in dealt for row in batch] == list(range(tracks))


@given(seed=st.integers(0, 2**32 - 1), gamma=st.sampled_from([None, 0.5, 2.0]))
def test_the_loss_is_the_textbooks(seed: int, gamma: float | None) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(0, 3, (5, 4)), rng.random((5, 4)) < 0.3
    weights = rng.uniform(0.5, 9, 4)
    p = 1 / (1 + np.exp(-logits))
    terms = -np.where(labels, weights * np.log(p), np.log(1 - p))
    if gamma is not None:
        terms *= np.where(labels, 1 - p, p) ** gamma
    found = tagging_loss(
        torch.from_numpy(logits),
        torch.from_numpy(labels.astype(float)),
        positive_weights=torch.from_numpy(weights),
        focal_gamma=gamma,
    )
    np.testing.assert_allclose(found.item(), terms.mean(), rtol=1e-9)


def test_balancing_weights_make_both_sides_weigh_the_same(ramps: SoundExamples) -> None:
    labels = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]], bool)
    assert balancing_weights(TrackSet(ramps, labels)).tolist() == [3.0, 1.0, 0.0]


def epochs(*figures: float, stage: int = 1, first: int = 1) -> list[Epoch]:
    return [
        Epoch(
            epoch=number,
            stage=stage,
            learning_rate=1e-3,
            train_loss=0.5,
            validation_roc_auc=figure,
            seconds=10.0,
            waiting_s=1.0,
        )
        for number, figure in enumerate(figures, start=first)
    ]


def test_the_first_of_equal_epochs_is_the_best() -> None:
    assert best_epoch(epochs(0.5, 0.7, 0.6, 0.7)).epoch == 2


def test_patience_counts_epochs_since_the_best() -> None:
    assert not out_of_patience(epochs(0.5, 0.7, 0.6), 2)
    assert out_of_patience(epochs(0.5, 0.7, 0.6, 0.7), 2)
    assert not out_of_patience(epochs(0.7, 0.6, 0.5), None)
    assert not out_of_patience([], 1)
    # A second stage is judged by its own epochs.
    assert not out_of_patience(epochs(0.5, stage=2, first=21), 1)


def test_time_left_is_that_of_the_stage() -> None:
    assert time_left(epochs(0.5, 0.6), last_epoch=4, more_stages=True) == (
        "20 s left of this stage"
    )
    assert time_left(epochs(0.5, 0.6), last_epoch=2, more_stages=True) == "stage done"
    second = epochs(0.5, stage=2, first=5)
    assert time_left(second, last_epoch=100, more_stages=False) == "16 min left"
    assert time_left(second, last_epoch=5, more_stages=False) == "done"
