"""The three CRNN systems end to end: on human labels, and as graphs on real audio."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from moodtheme.audio import ExcerptPolicy
from moodtheme.demo import Mood, compose_and_render
from moodtheme.exporting.graph import Scores, export_graph
from moodtheme.files import sha256_of
from moodtheme.models.crnn import Crnn
from moodtheme.recipes import Cell, find_recipe, with_values
from moodtheme.tagging.bundle import FORMAT_VERSION, Bundle, Fusion, Member
from moodtheme.tagging.bundle_files import write_bundle
from moodtheme.tagging.tagger import Tagger
from program import Program

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "emopia"


def settled(network: Crnn, audio: torch.Tensor) -> Crnn:
    """Give batch normalisation the statistics that some training would, so that scores differ."""
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(audio + 0.01 * torch.randn(4, audio.shape[1]))
    return network.eval()


@pytest.mark.slow
@pytest.mark.parametrize("convolutions", ["vggish", "soundnet"])
@pytest.mark.parametrize("system", [f"crnn-{cell}" for cell in Cell])
def test_a_full_size_graph_scores_like_pytorch_and_tags(
    tmp_path: Path, system: str, convolutions: str
) -> None:
    recipe = with_values(find_recipe(system), {"convolutions": convolutions})
    rate, samples = recipe.view.sample_rate, recipe.view.samples
    stereo = compose_and_render(Mood.ENERGETIC, seed=7, duration_s=22.0, sample_rate=rate)
    music = stereo.mean(axis=1).astype(np.float32)
    torch.manual_seed(0)
    start = (len(music) - samples) // 2
    excerpt = torch.from_numpy(music[start : start + samples])[None]
    network = settled(Crnn(recipe.view, recipe.head, n_tags=4), excerpt)
    graph = tmp_path / "system.onnx"
    export_graph(Scores(network), graph, samples=samples)
    member = Member(
        file=graph.name,
        sha256=sha256_of(graph),
        systems=(system,),
        sample_rate=rate,
        samples=samples,
        policy=ExcerptPolicy.CENTRE,
    )
    bundle = Bundle(
        format_version=FORMAT_VERSION,
        name=system,
        description="random weights",
        tags=("a", "b", "c", "d"),
        members=(member,),
        fusion=Fusion(),
        licence="none",
        origin="this test",
        training_data="none",
    )
    write_bundle(tmp_path / "bundle", bundle, [graph])
    with torch.no_grad():
        expected = torch.sigmoid(network(excerpt))[0].numpy()
    found = Tagger.load(tmp_path / "bundle").score(music, rate)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.ptp(expected) > 1e-3


@pytest.fixture(scope="module")
def emopia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some clips of EMOPIA, rendered; the table with their human labels."""
    if not (SHARED / "midis.zip").is_file():
        pytest.skip("../shared/emopia is absent: no system is trained on human labels")
    if shutil.which("fluidsynth") is None:
        pytest.skip("fluidsynth is not installed: no system is trained on human labels")
    folder = tmp_path_factory.mktemp("emopia")
    script = ROOT / "examples" / "emopia" / "render.py"
    command = [sys.executable, str(script), str(SHARED / "midis.zip"), str(SHARED)]
    done = subprocess.run(
        [*command, "--output", str(folder), "--limit", "16"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "tracks.csv"


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("system", [f"crnn-{cell}" for cell in Cell])
def test_the_three_systems_are_trained_on_human_labels(
    program: Program, emopia: Path, tmp_path: Path, system: str
) -> None:
    values = ["convolutions=soundnet", "units=32", "dense=32", "batch_size=8"]
    values += ["frozen_epochs=1", "epochs=1", "excerpt_s=10"]
    settings = [part for value in values for part in ("--set", value)]
    status, out, err = program(
        "train",
        system,
        "--dataset",
        emopia,
        "--run",
        tmp_path / "run",
        "--weights",
        "random",
        "--device",
        "cpu",
        "--audio-cache",
        emopia.parent / "cache",
        *settings,
    )
    assert status == 0, err
    assert f"{system}: validation ROC-AUC" in out
    scores = tmp_path / "scores.npy"
    assert program("predict", tmp_path / "run", "-o", scores)[0] == 0
    assert np.load(scores).shape == (16, 4)
    assert program("export", tmp_path / "run")[0] == 0
    assert (tmp_path / "run" / "bundle" / "conformance.json").is_file()
    assert program("models", "verify", tmp_path / "run" / "bundle")[0] == 0
    clip = sorted((emopia.parent / "audio").glob("*.flac"))[0]
    status, out, err = program("tag", clip, "--model", tmp_path / "run" / "bundle")
    assert status == 0 and "Q1" in out, err
