"""Systems that hear features: Deep Spectrum and openSMILE, from a table to scores."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from moodtheme.datasets import Split, TrackTable, load_dataset
from moodtheme.errors import TrainingError, WeightsError
from moodtheme.models.networks import parameter_count
from moodtheme.models.recurrent import FeatureNetwork
from moodtheme.recipes import Cell, Recipe, find_recipe, with_values
from moodtheme.scores.names import Seen
from moodtheme.training.history import read_best
from moodtheme.training.kinds import kind_of
from moodtheme.training.module import SystemModule
from moodtheme.training.prediction import predict_table
from moodtheme.training.run_folder import read_run, stage_folder
from moodtheme.training.settings import Machine, Settings
from moodtheme.training.system_run import train_system
from moodtheme.training.trained import TrainedSystem, load_trained
from program import Program
from toy_collection import write_collection

CPU = torch.device("cpu")
MACHINE = Machine(accelerator="cpu", threads=1)
SMALL = {
    "units": "8",
    "dense": "8",
    "duration_s": "2",
    "batch_size": "4",
    "epochs": "2",
    "patience": "none",
}
IMAGES = {"image_network": "efficientnet-lite0", "pretrained": "false"}


def small(system: str, **changes: str) -> Recipe:
    images = IMAGES if system.startswith("ds-") else {}
    return with_values(find_recipe(system), {**SMALL, **images, **changes})


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_collection(tmp_path_factory.mktemp("collection"))


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all tests keep their features, so that each is extracted once."""
    return tmp_path_factory.mktemp("features")


def train(
    collection: Path, folder: Path, features: Path | None, recipe: Recipe, seed: int = 3
) -> list[str]:
    """Train; return what was reported."""
    lines: list[str] = []
    settings = Settings(
        recipe=recipe,
        dataset=str(collection),
        seed=seed,
        features=features,
        machine=MACHINE,
        offline=True,
    )
    train_system(load_dataset(str(collection)), settings, folder, report=lines.append)
    return lines


@pytest.fixture(scope="module")
def session(
    collection: Path, features: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, list[str]]]:
    folder = tmp_path_factory.mktemp("session") / "run"
    yield folder, train(collection, folder, features, small("ds-1s-gru"))


@pytest.fixture
def trained(session: tuple[Path, list[str]], tmp_path: Path) -> Path:
    return shutil.copytree(session[0], tmp_path / "run")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return [
            {name: value for name, value in row.items() if name not in ("seconds", "waiting_s")}
            for row in csv.DictReader(file)
        ]


def test_a_run_says_what_it_hears_and_records_it(session: tuple[Path, list[str]]) -> None:
    folder, lines = session
    assert "random weights on efficientnet-lite0 features of plots, 1,280 a window" in lines[0]
    run = read_run(folder)
    assert (run.weights, run.n_features) == ("efficientnet-lite0 random", 1280)
    assert [row["stage"] for row in rows(folder)] == ["1", "1"]


def test_predicted_scores_are_those_of_training(
    program: Program, collection: Path, features: Path, trained: Path, tmp_path: Path
) -> None:
    expected = np.load(trained / "validation-scores.npz")["scores"]
    # From the store, and from the files alone.
    for number, options in enumerate([["--features", features], []]):
        output = tmp_path / f"{number}.npy"
        status, out, err = program(
            "predict",
            trained,
            "--part",
            "validation",
            "-o",
            output,
            "--device",
            "cpu",
            "--jobs",
            1,
            *options,
        )
        assert status == 0, err
        assert out.strip() == f"{output}: 4 tracks, 2 tags, 2 windows of 1 s from the start"
        np.testing.assert_allclose(np.load(output), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).min() > 1e-4


def test_a_runs_own_features_are_found_again(
    program: Program, collection: Path, features: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(features, trained / "features")
    status, _, err = program(
        "predict", trained, "--part", "validation", "-o", tmp_path / "scores.npy"
    )
    assert status == 0 and "to extract" not in err


def tracks(system: TrainedSystem, *files: Path) -> TrackTable:
    """A table of files about which nothing else is known."""
    tags = tuple(system.run.tags)
    return TrackTable(
        tracks=tuple(file.stem for file in files),
        paths=tuple(map(str, files)),
        tags=tags,
        labels=np.zeros((len(files), len(tags)), dtype=bool),
    )


def test_what_cannot_be_scored_is_named(collection: Path, trained: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"not audio" * 100)
    system, good, calls = load_trained(trained), collection.parent / "test-0.flac", []
    predicted = predict_table(
        system,
        tracks(system, broken, good),
        [Seen.NOTHING] * 2,
        device=CPU,
        progress=lambda done, of: calls.append((done, of)),
    )
    assert predicted.names.ids == ("test-0",) and np.isfinite(predicted.scores).all()
    assert [failure.path for failure in predicted.failures] == [broken]
    assert calls[-1] == (2, 2)


def test_other_weights_than_those_of_the_training_are_refused(
    collection: Path, trained: Path
) -> None:
    system = load_trained(trained)
    other = replace(system, run=replace(system.run, weights="efficientnet-lite0 0123"))
    table = tracks(system, collection.parent / "test-0.flac")
    with pytest.raises(WeightsError, match="give the weights of the training with --weights"):
        predict_table(other, table, [Seen.NOTHING], device=CPU)


def test_unreadable_tracks_stop_a_run_or_are_left_out(program: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection", training=4, others=2)
    (table.parent / "train-1.flac").write_bytes(b"not audio" * 100)
    values = {**SMALL, **IMAGES, "epochs": "1"}
    settings = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
    command = ["train", "ds-1s-lstm", "--dataset", table, "--run", tmp_path / "run"]
    command += ["--device", "cpu", "--threads", 1, "--workers", 0, "--jobs", 1, *settings]
    status, _, err = program(*command)
    assert status == 1 and "1 of 6 tracks" in err and "train-1.flac" in err
    status, out, err = program(*command, "--skip-unreadable")
    assert status == 0 and "1 tracks" in err, err
    assert "ds-1s-lstm: validation ROC-AUC" in out


def test_a_killed_run_ends_the_same(
    collection: Path,
    features: Path,
    session: tuple[Path, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class KilledError(BaseException):
        pass

    original, calls = SystemModule.on_train_batch_start, 0

    def dying(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:  # in the second epoch
            raise KilledError
        original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SystemModule, "on_train_batch_start", dying)
    recipe = small("ds-1s-gru")
    with pytest.raises(KilledError):
        train(collection, tmp_path / "run", features, recipe)
    assert len(rows(tmp_path / "run")) == 1
    lines = train(collection, tmp_path / "run", features, recipe)
    assert rows(tmp_path / "run") == rows(session[0])
    assert not any("to extract" in line for line in lines)
    best = [read_best(stage_folder(run, 1))["network"] for run in (tmp_path / "run", session[0])]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[1])


def test_another_recipe_in_the_folder_is_refused(
    collection: Path, features: Path, trained: Path
) -> None:
    with pytest.raises(TrainingError, match=r"head\.units 8, not 9"):
        train(collection, trained, features, small("ds-1s-gru", units="9"))
    with pytest.raises(TrainingError, match="system ds-1s-gru, not ds-1s-lstm"):
        train(collection, trained, features, small("ds-1s-lstm"))


def test_descriptors_come_to_one_scale_by_the_training_tracks(
    collection: Path, tmp_path: Path
) -> None:
    pytest.importorskip("opensmile", reason="pip install 'moodtheme[opensmile]'")
    train(collection, tmp_path / "run", None, small("opensmile-blstm"))
    system = load_trained(tmp_path / "run")
    network = system.network
    assert isinstance(network, FeatureNetwork) and system.run.n_features == len(network.mean)
    assert system.run.weights is not None and "opensmile" in system.run.weights
    from moodtheme.feature_store import FeatureStore, find_stores

    (folder,) = find_stores(tmp_path / "run" / "features")
    store = FeatureStore(folder)
    files = load_dataset(str(collection)).part(Split.TRAIN).files
    windows = np.concatenate([store.read(file) for file in files])
    scaled = (torch.from_numpy(windows) - network.mean) / network.deviation
    assert scaled.mean(dim=0).abs().max() < 1e-3
    deviations = scaled.std(dim=0, correction=0)
    assert ((deviations - 1).abs() < 1e-2).sum() > len(deviations) / 2
    assert deviations.max() < 1.01


def test_features_go_in_unchanged_unless_a_scale_is_set() -> None:
    recipe = small("ds-1s-gru")
    assert recipe.head is not None
    network = FeatureNetwork(recipe.head, n_features=3, n_tags=2).eval()
    features = torch.randn(4, 5, 3)
    torch.testing.assert_close(network(features), network.head(features))
    mean, deviation = torch.tensor([1.0, 2, 3]), torch.tensor([2.0, 3, 4])
    before = network(features)
    network.set_scale(mean, deviation)
    torch.testing.assert_close(network(features * deviation + mean), before)


@pytest.mark.parametrize("cell", list(Cell))
def test_the_network_is_the_papers(cell: Cell) -> None:
    # Keras' count by hand: gates × (inputs + units + bias) × units, batch normalisation 4 each.
    with torch.device("meta"):  # without memory for the weights
        network = kind_of(find_recipe(f"ds-1s-{cell}")).make_network(n_tags=56, n_features=4096)
    units, ways = 1024, 2 if cell is Cell.BLSTM else 1
    gates, biases = (3, 2) if cell is Cell.GRU else (4, 2)
    expected = 0
    for inputs in (4096, ways * units):
        expected += ways * gates * units * (inputs + units + biases) + 4 * ways * units
    expected += ways * units * 1024 + 1024 + 4 * 1024 + 1024 * 56 + 56
    assert parameter_count(network) == expected


def test_show_prints_the_layers_without_any_weights(program: Program) -> None:
    status, out, err = program("train", "ds-5s-blstm", "--show")
    assert status == 0, err
    assert "image_network" in out and "head.recurrent.1" in out


@pytest.mark.slow
@pytest.mark.parametrize("system", [f"ds-{window}s-{cell}" for window in (1, 5) for cell in Cell])
def test_a_full_size_step(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    """32 tracks of 4,096 features a window, 2 × 1,024 units: shapes and memory."""
    program = Path(__file__).with_name("full_size_step.py")
    done = subprocess.run(
        [sys.executable, str(program), system], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    step = json.loads(done.stdout)
    assert step["windows"] == {"1": 29, "5": 5}[system[3]]
    first, second = step["losses"]
    memory, weights = step["peak_bytes"] / 1e9, 4 * step["parameters"] / 1e9
    with capsys.disabled():
        print(
            f"\n{system}: {step['parameters']:,} parameters ({weights:.2f} GB), a step of 32 "
            f"tracks takes {memory:.2f} GB; loss {first:.3f}, then {second:.3f}"
        )
    assert second < first
    # Weights, gradients and the optimiser's mean squares at least; at most a few GB.
    assert 3 * weights < memory < 4
