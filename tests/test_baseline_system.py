"""The MediaEval baseline as a system that is trained."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from moodtheme.audio import ExcerptPolicy, resample
from moodtheme.models.mediaeval_baseline import Baseline, BaselineNetwork
from moodtheme.recipes import EvaluationExcerpt
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.tagger import Tagger
from moodtheme.training.audio_cache import AudioCache, build_cache
from moodtheme.training.kinds.sound import SoundExamples
from moodtheme.training.trained import load_trained
from program import Program
from toy_collection import write_collection


def test_it_hears_the_middle_in_training_too(tmp_path: Path) -> None:
    ramp = np.linspace(-1, 1, 30_000, dtype=np.float32)
    short = 0.5 * np.sin(np.arange(6_000, dtype=np.float32))
    for name, audio in (("ramp", ramp), ("short", short)):
        soundfile.write(tmp_path / f"{name}.wav", audio, 12_000, subtype="FLOAT")
    files = [tmp_path / "ramp.wav", tmp_path / "short.wav"]
    failures = build_cache(tmp_path / "cache", files, sample_rate=12_000)
    assert [failure.path for failure in failures] == [files[1]]  # less than a second
    examples = SoundExamples(
        AudioCache(tmp_path / "cache", sample_rate=12_000),
        files[:1],
        samples=9,
        evaluation=EvaluationExcerpt.CENTRE,
        anywhere=False,
    )
    seen = [examples.training_input(0, np.random.default_rng(seed)).values[0] for seed in range(5)]
    assert all(np.array_equal(one, seen[0]) for one in seen)
    np.testing.assert_allclose(seen[0], ramp[14_995:15_004], atol=1e-4)
    np.testing.assert_array_equal(examples.evaluation_inputs(0).values[0], seen[0])


def test_it_drops_out_in_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = BaselineNetwork(n_tags=3)
    embedding = torch.randn(1, 64)
    monkeypatch.setattr(network, "embed", lambda spectrogram: embedding)
    nothing = torch.zeros(1)
    network.train()
    assert not torch.equal(network(nothing), network(nothing))
    network.eval()
    torch.testing.assert_close(network(nothing), network.dense(embedding))


def test_it_has_as_many_outputs_as_there_are_tags() -> None:
    assert Baseline(n_tags=5).network.dense.out_features == 5
    assert Baseline().pretrained_part is None


@pytest.mark.slow
def test_from_a_table_to_tags(program: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection", training=4, others=2)
    command = ["train", "mediaeval-baseline", "--dataset", table, "--run", tmp_path / "run"]
    command += ["--device", "cpu", "--threads", 1, "--workers", 0]
    command += ["--set", "epochs=1", "--set", "sgd_epochs=1", "--set", "batch_size=4"]
    status, out, err = program(*command)
    assert status == 0, err
    assert "random weights, nothing frozen" in err
    with (tmp_path / "run" / "history.csv").open(newline="") as file:
        stages = [(row["stage"], float(row["learning_rate"])) for row in csv.DictReader(file)]
    assert stages == [("1", 1e-4), ("2", 1e-3), ("3", 1e-4)]
    scores = tmp_path / "test.npy"
    status, out, err = program("predict", tmp_path / "run", "-o", scores)
    assert (status, out) == (0, f"{scores}: 2 tracks, 2 tags, excerpt centre of 29.1 s\n"), err

    status, _, err = program("export", tmp_path / "run")
    assert status == 0, err
    manifest = read_manifest(tmp_path / "run" / "bundle")
    (member,) = manifest.members
    assert (member.sample_rate, member.samples) == (12_000, 349_200)
    assert member.policy is ExcerptPolicy.CENTRE
    audio, rate = soundfile.read(table.parent / "test-1.flac", dtype="float32")
    heard = np.resize(resample(audio, rate, 12_000), 349_200)[None]
    with torch.no_grad():
        logits = load_trained(tmp_path / "run").network(torch.from_numpy(heard))
    found = Tagger.load(tmp_path / "run" / "bundle").score(audio, rate)
    np.testing.assert_allclose(found, torch.sigmoid(logits)[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(found, np.load(scores)[1], atol=1e-3)
