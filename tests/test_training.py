"""The trainer: stages, best epochs, repeatable whatever happens, one process or several."""

import csv
import itertools
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from moodtheme.errors import TrainingError
from moodtheme.evaluation.metrics import macro, roc_auc
from moodtheme.recipes import find_recipe
from moodtheme.training.callbacks import read_epochs
from moodtheme.training.examples import (
    EvaluationTracks,
    ScoreSums,
    TrackSet,
    Weighted,
    keep_resident,
    score_inputs,
)
from moodtheme.training.fit import fit
from moodtheme.training.history import Epoch, gone_astray, read_best
from moodtheme.training.module import SystemModule
from moodtheme.training.run_folder import RESULT, stage_folder
from moodtheme.training.settings import Machine, readers
from toy_training import Sequences, ToyNetwork, freeze_norms, recipe, tracks, train

PROGRAM = Path(__file__).with_name("toy_training.py")
TIMES = ("seconds", "waiting_s")


class KilledError(BaseException):
    """Stands for a kill; nothing catches it."""


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return [
            {name: value for name, value in row.items() if name not in TIMES}
            for row in csv.DictReader(file)
        ]


def weights(folder: Path, stage: int) -> dict[str, torch.Tensor]:
    return dict(read_best(stage_folder(folder, stage))["network"])


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    train(folder)
    return folder


def test_two_runs_with_one_seed_are_equal(undisturbed: Path, tmp_path: Path) -> None:
    train(tmp_path)
    assert rows(tmp_path) == rows(undisturbed)
    assert all(same(weights(tmp_path, n), weights(undisturbed, n)) for n in (1, 2))


def test_a_finished_run_is_not_trained_again(undisturbed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")}
    result = train(undisturbed)
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")} == before
    best = max(rows(undisturbed), key=lambda row: float(row["validation_roc_auc"]))
    assert result.best_epoch == int(best["epoch"])
    assert result.validation_roc_auc == float(best["validation_roc_auc"])
    assert result.epochs == 7


@pytest.mark.parametrize(
    ("moment", "at"),
    [
        ("in a step", 2),
        ("in a step", 19),
        ("in validation", 5),
        ("before the best is kept", 1),
        ("before the state is kept", 2),
        ("before the history is written", 4),
        ("before the stage is marked as done", 1),
        ("before the stage is marked as done", 2),
    ],
)
def test_a_run_killed_at_any_moment_ends_the_same(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, at: int
) -> None:
    owner: Any = {"in a step": SystemModule, "in validation": SystemModule}.get(
        moment, sys.modules["moodtheme.training.callbacks"]
    )
    name = {
        "in a step": "on_train_batch_start",
        "in validation": "validation_step",
        "before the best is kept": "save_best",
        "before the state is kept": "",
        "before the history is written": "write_history",
        "before the stage is marked as done": "",
    }[moment]
    if moment == "before the state is kept":
        import lightning as L

        owner, name = L.Trainer, "save_checkpoint"
    if moment == "before the stage is marked as done":
        owner, name = sys.modules["moodtheme.training.fit"], "is_first_process"
    original, calls = getattr(owner, name), 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KilledError
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, dying)
    with pytest.raises(KilledError):
        for _ in range(10):
            train(tmp_path)
            (tmp_path / "result.json").unlink()
    monkeypatch.setattr(owner, name, original)
    train(tmp_path)
    assert rows(tmp_path) == rows(undisturbed)
    assert all(same(weights(tmp_path, n), weights(undisturbed, n)) for n in (1, 2))


def test_a_run_with_worker_processes_goes_on_with_the_right_epoch(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(accelerator="cpu", threads=1, workers=1)
    original, calls = SystemModule.on_train_batch_start, 0

    def dying(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KilledError
        original(*args)

    monkeypatch.setattr(SystemModule, "on_train_batch_start", dying)
    with pytest.raises(KilledError):
        train(tmp_path, machine=machine)
    train(tmp_path, machine=machine)
    assert rows(tmp_path) == rows(undisturbed)


def test_frozen_layers_stay_as_they_are_running_statistics_included(undisturbed: Path) -> None:
    from moodtheme.training.batches import Purpose, torch_seed

    torch.manual_seed(torch_seed(5, Purpose.WEIGHTS))
    initial = ToyNetwork(dropout=0.3).state_dict()
    first, second = weights(undisturbed, 1), weights(undisturbed, 2)
    lower = [name for name in initial if name.startswith("lower")]
    assert all(torch.equal(initial[name], first[name]) for name in lower)
    assert not any(torch.equal(initial[name], second[name]) for name in lower)
    assert not torch.equal(initial["head.tags.weight"], first["head.tags.weight"])


def test_the_second_stage_starts_from_the_best_epoch_of_the_first(tmp_path: Path) -> None:
    # With steps this small the second stage cannot move away from where it starts.
    train(tmp_path, recipe(epochs=1, learning_rate=1e-12))
    start, end = weights(tmp_path, 1), weights(tmp_path, 2)
    for name in start:
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(end[name], start[name], atol=1e-8, rtol=0)


def test_what_validation_reports_is_the_metric_of_the_whole_set(undisturbed: Path) -> None:
    best = read_best(stage_folder(undisturbed, 2))
    validation = tracks(37, seed=2)
    scores = best["validation_scores"].numpy()
    expected = float(macro(roc_auc(validation.labels, scores)))
    assert best["epoch"]["validation_roc_auc"] == expected
    # Two inputs a track, the second with half the weight of the first, scored one by one.
    network = ToyNetwork(dropout=0.3).eval()
    network.load_state_dict(best["network"])
    for row in range(37):
        weighted = validation.examples.evaluation_inputs(row)
        with torch.no_grad():
            both = torch.sigmoid(network(torch.from_numpy(weighted.inputs))).numpy()
        np.testing.assert_allclose(scores[row], (both[0] + 0.5 * both[1]) / 1.5, atol=1e-6)


def test_training_learns(tmp_path: Path) -> None:
    result = train(
        tmp_path, recipe(frozen_epochs=0, epochs=12, learning_rate=0.01), training_tracks=300
    )
    assert result.validation_roc_auc > 0.65  # a network that has not learnt gives 0.5 ± 0.06


def test_early_stopping_waits_for_its_patience_and_no_longer(tmp_path: Path) -> None:
    train(tmp_path, recipe(frozen_epochs=0, epochs=60, patience=2, learning_rate=0.03))
    figures = [float(row["validation_roc_auc"]) for row in rows(tmp_path)]
    best = int(np.argmax(figures))
    assert len(figures) == best + 3 < 60
    for end in range(1, len(figures)):
        assert end - 1 - int(np.argmax(figures[:end])) < 2


def test_rmsprop_is_keras() -> None:
    module = SystemModule(
        ToyNetwork(dropout=0.0),
        schedule=recipe().schedule,
        stage=recipe().stages[1],
        training=tracks(4, seed=0),
        validation=tracks(4, seed=0),
        seed=0,
        first_epoch=0,
    )
    optimiser = module.configure_optimizers()
    value = module.network.head.tags.bias
    expected = value.detach().double().numpy().copy()
    mean_square = np.zeros_like(expected)
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradient = rng.normal(0, 1e-6, expected.shape)  # small enough for epsilon to matter
        value.grad = torch.from_numpy(gradient).float()
        optimiser.step()
        # Keras 2.2.4: rho 0.9, epsilon 1e-7 outside the root, no decay.
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        expected -= 1e-3 * gradient / (np.sqrt(mean_square) + 1e-7)
    np.testing.assert_allclose(value.detach().numpy(), expected, rtol=1e-4)


def test_clipping_limits_the_gradient(tmp_path: Path) -> None:
    # Gradients far below RMSprop's epsilon hardly move anything.
    changes = {"frozen_epochs": 0, "epochs": 1, "learning_rate": 0.01}
    train(tmp_path / "free", recipe(**changes))
    train(tmp_path / "clipped", recipe(**changes, clip_norm=1e-12))
    torch.manual_seed(0)
    free, clipped = (weights(tmp_path / name, 1) for name in ("free", "clipped"))
    moved = (free["head.tags.weight"] - clipped["head.tags.weight"]).abs().max()
    assert moved > 0.01
    bias = clipped["head.tags.bias"]  # zero at first
    assert bias.abs().max() < 1e-6


@pytest.mark.parametrize(
    "changes",
    [{"precision": "bfloat16"}, {"positive_weights": True}, {"focal_gamma": 2}],
    ids=["bfloat16", "positive weights", "focal loss"],
)
def test_options_train(tmp_path: Path, undisturbed: Path, changes: dict[str, object]) -> None:
    train(tmp_path, recipe(**changes))
    figures = rows(tmp_path)
    assert all(np.isfinite(float(row["train_loss"])) for row in figures)
    assert figures[0]["train_loss"] != rows(undisturbed)[0]["train_loss"]


def diverge_in(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Make the loss NaN from this epoch on, counted from 1; 70 tracks are four batches."""
    from moodtheme.training import module

    steps = itertools.count()
    loss = module.tagging_loss

    def off(*arguments: object, **options: object) -> torch.Tensor:
        value = loss(*arguments, **options)
        return value * float("nan") if next(steps) >= 4 * (epoch - 1) else value

    monkeypatch.setattr(module, "tagging_loss", off)


def test_a_training_that_diverges_keeps_its_best_epoch(
    tmp_path: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverge_in(monkeypatch, 5)  # in the second stage
    result = train(tmp_path)
    assert (result.diverged_in, result.epochs) == (5, 4)
    assert 1 <= result.best_epoch <= 4
    assert rows(tmp_path) == rows(undisturbed)[:4]
    kept = read_best(stage_folder(tmp_path, result.best_stage))
    assert all(torch.isfinite(value).all() for value in kept["network"].values())
    assert torch.isfinite(kept["validation_scores"]).all()
    # Nothing is trained again, even where the result was lost.
    (tmp_path / RESULT).unlink()
    assert train(tmp_path).diverged_in == 5


def test_a_training_that_diverges_at_once_says_what_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverge_in(monkeypatch, 1)
    with pytest.raises(TrainingError, match="epoch 1, before any epoch was done") as caught:
        train(tmp_path)
    assert "learning_rate=" in str(caught.value) and "clip_norm=1" in str(caught.value)


def test_a_loss_that_is_a_number_can_be_astray() -> None:
    epochs = [
        Epoch(
            epoch=number, stage=1, learning_rate=1.0, train_loss=loss, validation_roc_auc=0.5,
            seconds=1.0, waiting_s=0.0,
        )
        for number, loss in enumerate((2.5, 1e9, 1e12), start=1)
    ]  # fmt: skip
    assert gone_astray(epochs) is epochs[1]
    assert gone_astray(epochs[:1]) is None


def test_tensorboard_logs_hold_loss_and_metric(tmp_path: Path) -> None:
    machine = Machine(accelerator="cpu", threads=1, tensorboard=True)
    train(tmp_path, recipe(frozen_epochs=0, epochs=1), machine=machine)
    (events,) = (tmp_path / "tensorboard").glob("events.out.tfevents.*")
    content = events.read_bytes()
    assert b"train_loss" in content and b"validation_roc_auc" in content


def test_fewer_tracks_than_a_batch_are_one_batch(tmp_path: Path) -> None:
    assert train(tmp_path, recipe(batch_size=32), training_tracks=9).epochs == 7


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="too few"):
        train(tmp_path, training_tracks=1)
    with pytest.raises(TrainingError, match="has no epochs"):
        train(tmp_path, recipe(frozen_epochs=0, epochs=0))
    from moodtheme.training.fit import fit

    everywhere = TrackSet(Sequences(np.zeros((4, 6, 8), np.float32)), np.ones((4, 3), bool))
    with pytest.raises(TrainingError, match="no tag is on some validation tracks"):
        fit(
            lambda: ToyNetwork(dropout=0.0),
            recipe(),
            training=tracks(9, seed=1),
            validation=everywhere,
            folder=tmp_path,
            seed=0,
            machine=Machine(accelerator="cpu"),
        )


def program(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(PROGRAM), str(folder), *arguments]


@dataclass(frozen=True)
class Fixed(Sequences):
    """Sequences of which training draws nothing."""

    @property
    def fixed_bytes(self) -> int:
        return self.values.nbytes

    def training_input(self, row: int, rng: np.random.Generator) -> Weighted:
        return self.evaluation_inputs(row)

    def evaluation_inputs(self, row: int) -> Weighted:
        return Weighted(self.values[row][None])


def test_inputs_kept_on_the_device_train_the_same_network(tmp_path: Path) -> None:
    parts = [
        TrackSet(Fixed(toy.examples.values), toy.labels)
        for toy in (tracks(40, seed=1), tracks(37, seed=2))
        if isinstance(toy.examples, Sequences)
    ]
    needed = sum(part.examples.fixed_bytes or 0 for part in parts)
    for name, room in (("carried", needed - 1), ("kept", needed)):
        machine = Machine(accelerator="cpu", threads=1, resident_bytes=room)
        assert (keep_resident(*parts, machine)[2] is not None) == (name == "kept")
        (tmp_path / name).mkdir()
        fit(
            lambda: ToyNetwork(dropout=0.3),
            recipe(),
            training=parts[0],
            validation=parts[1],
            folder=tmp_path / name,
            seed=5,
            machine=machine,
        )
    assert rows(tmp_path / "kept") == rows(tmp_path / "carried")
    assert same(weights(tmp_path / "kept", 2), weights(tmp_path / "carried", 2))
    # What draws is never kept, and without a GPU nothing is unless it is asked for.
    roomy = Machine(accelerator="cpu", resident_bytes=10**9)
    assert keep_resident(tracks(4, seed=1), parts[1], roomy)[2] is None
    assert keep_resident(*parts, Machine(accelerator="cpu"))[2] is None


def test_readers_are_as_many_as_asked_for_else_as_the_cores_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for n_cores, devices, expected in ((2, 1, 1), (16, 1, 8), (16, 4, 3), (1, 1, 1)):
        monkeypatch.setattr("moodtheme.training.settings.cores", lambda n=n_cores: n)
        assert readers(Machine(devices=devices), on_gpu=True) == expected
        assert readers(Machine(devices=devices), on_gpu=False) == 0
        assert readers(Machine(devices=devices, workers=5), on_gpu=False) == 5


@pytest.mark.slow
def test_a_process_killed_time_and_again_ends_the_same(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(program(tmp_path / "a", "--epochs", "20"), check=True, env=environment)
    rng = random.Random(0)
    kills = 0
    while kills < 6:
        child = subprocess.Popen(program(tmp_path / "b", "--epochs", "20"), env=environment)
        epochs = len(rows(tmp_path / "b")) if (tmp_path / "b" / "history.csv").exists() else 0
        # Killed some time after it has begun to write epochs, so that it gets on.
        while child.poll() is None:
            path = tmp_path / "b" / "history.csv"
            if path.exists() and len(rows(tmp_path / "b")) > epochs:
                time.sleep(rng.uniform(0, 0.4))
                break
            time.sleep(0.005)
        if child.poll() is not None:
            break
        child.kill()
        child.wait()
        kills += 1
    assert kills >= 3
    subprocess.run(program(tmp_path / "b", "--epochs", "20"), check=True, env=environment)
    assert rows(tmp_path / "b") == rows(tmp_path / "a")
    assert same(weights(tmp_path / "b", 2), weights(tmp_path / "a", 2))


@pytest.mark.slow
def test_the_papers_whole_schedule_runs(tmp_path: Path) -> None:
    result = train(tmp_path, find_recipe("crnn-gru"))
    epochs = rows(tmp_path)
    plan = [(row["stage"], float(row["learning_rate"])) for row in epochs]
    assert plan == [("1", 1e-3)] * 20 + [("2", 1e-4)] * 80
    figures = [float(row["validation_roc_auc"]) for row in epochs]
    assert result.validation_roc_auc == max(figures)
    assert result.best_epoch == 1 + int(np.argmax(figures))


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for devices in ("1", "2"):
        subprocess.run(
            program(tmp_path / devices, "--devices", devices, "--frozen-norm"),
            check=True,
            env=environment,
            timeout=3000,
        )
    one, two = (weights(tmp_path / devices, 1) for devices in ("1", "2"))
    for name in one:
        torch.testing.assert_close(two[name], one[name], atol=1e-5, rtol=0)
    # The figure gathered from two processes is the one of the same weights in one process.
    best = read_best(stage_folder(tmp_path / "2", 1))
    network = ToyNetwork(dropout=0.0).eval()
    network.load_state_dict(best["network"])
    validation = tracks(37, seed=2)
    data, sums = EvaluationTracks(validation), ScoreSums((37, 3))
    with torch.no_grad():
        for first in (0, 32):
            batch = data.__getitems__(range(first, min(first + 32, 37)))
            sums.add(batch, score_inputs(network, batch.inputs, at_once=32))
    expected = float(macro(roc_auc(validation.labels, sums.means())))
    assert abs(best["epoch"]["validation_roc_auc"] - expected) <= 1e-12


def test_frozen_norms_ignore_their_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemModule, "train", SystemModule.train)
    freeze_norms()
    module = SystemModule(
        ToyNetwork(dropout=0.0),
        schedule=recipe().schedule,
        stage=recipe().stages[1],
        training=tracks(4, seed=0),
        validation=tracks(4, seed=0),
        seed=0,
        first_epoch=0,
    ).train()
    inputs = torch.randn(4, 6, 8)
    torch.testing.assert_close(module.network(inputs)[:1], module.network(inputs[:1]))


def test_epochs_are_read_back_from_the_state(undisturbed: Path) -> None:
    first, second = (read_epochs(stage_folder(undisturbed, stage)) for stage in (1, 2))
    assert [epoch.epoch for epoch in [*first, *second]] == [1, 2, 3, 4, 5, 6, 7]
    assert read_epochs(undisturbed) == []
