"""Trained systems as bundles: which share a graph, and that graphs say what PyTorch says."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from torch import nn

from moodtheme.audio import ExcerptPolicy
from moodtheme.demo import Mood, compose_and_render
from moodtheme.errors import AudioError, UsageError, WeightsError
from moodtheme.exporting.bundles import export_fused
from moodtheme.exporting.graph import Scores, export_graph, take_system
from moodtheme.exporting.half_weights import check_half
from moodtheme.exporting.systems import Graphs, export_member, plan_graphs
from moodtheme.feature_store import make_extractor
from moodtheme.feature_store.extraction import read_track
from moodtheme.models.image_networks import load_image_network
from moodtheme.models.recurrent import DeepSpectrum, FeatureNetwork
from moodtheme.recipes import NINE_SYSTEMS, Cell, DeepSpectrumView, find_recipe, with_values
from moodtheme.scores.decisions import calibrate
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.session import MemberSession
from moodtheme.tagging.tagger import Tagger
from moodtheme.training.kinds import kind_of
from moodtheme.training.run_folder import Result, Run
from moodtheme.training.trained import TrainedSystem
from program import Program
from toy_collection import write_collection

TAGS = ("a", "b", "c", "d")
LITE = {"image_network": "efficientnet-lite0", "pretrained": "false"}


def system(
    name: str, network: nn.Module | None = None, *, tags: tuple[str, ...] = TAGS, **values: str
) -> TrainedSystem:
    """A system as if it had been trained."""
    recipe = with_values(find_recipe(name), values)
    image = getattr(recipe.view, "image_network", None)
    run = Run(
        recipe=recipe,
        tags=tags,
        seed=0,
        dataset="this test",
        data_sha256="0" * 64,
        tracks={"train": 8, "validation": 6},
        weights=f"{image} random" if image else None,
    )
    result = Result(
        best_epoch=1,
        best_stage=1,
        validation_roc_auc=0.5,
        epochs=1,
        training_s=1.0,
        waiting_s=0.0,
        peak_memory_bytes=None,
        peak_accelerator_bytes=None,
    )
    return TrainedSystem(run, result, (network or nn.Identity()).eval())


def validation(count: int) -> tuple[npt.NDArray[np.bool_], list[npt.NDArray[np.float32]]]:
    rng = np.random.default_rng(0)
    truth = rng.random((20, len(TAGS))) < 0.4
    return truth, [
        (0.5 * truth + 0.5 * rng.random(truth.shape)).astype(np.float32) for _ in range(count)
    ]


def test_the_nine_are_five_graphs_in_any_order() -> None:
    graphs = plan_graphs([system(name) for name in NINE_SYSTEMS])
    assert {graph.name: graph.names for graph in graphs} == {
        "crnn-lstm": ("crnn-lstm",),
        "crnn-gru": ("crnn-gru",),
        "crnn-blstm": ("crnn-blstm",),
        "ds-1s": ("ds-1s-lstm", "ds-1s-gru", "ds-1s-blstm"),
        "ds-5s": ("ds-5s-lstm", "ds-5s-gru", "ds-5s-blstm"),
    }
    mixed = ["ds-5s-gru", "crnn-gru", "ds-1s-lstm", "ds-5s-lstm"]
    graphs = plan_graphs([system(name) for name in mixed])
    assert [graph.names for graph in graphs] == [
        ("ds-5s-gru", "ds-5s-lstm"),
        ("crnn-gru",),
        ("ds-1s-lstm",),
    ]
    assert [graph.name for graph in graphs] == ["ds-5s", "crnn-gru", "ds-1s-lstm"]


def test_systems_with_other_pictures_do_not_share_a_graph_and_names_stay_apart() -> None:
    pairs = [system(f"ds-1s-{cell}") for cell in ("gru", "lstm")]
    others = [system(f"ds-1s-{cell}", colour_map="viridis") for cell in ("gru", "lstm")]
    graphs = plan_graphs([*pairs, *others, system("crnn-gru"), system("crnn-gru")])
    assert [(graph.name, graph.names) for graph in graphs] == [
        ("ds-1s", ("ds-1s-gru", "ds-1s-lstm")),
        ("ds-1s-2", ("ds-1s-gru-2", "ds-1s-lstm-2")),
        ("crnn-gru", ("crnn-gru",)),
        ("crnn-gru-2", ("crnn-gru-2",)),
    ]


def test_what_cannot_be_exported_says_why(tmp_path: Path) -> None:
    truth, scores = validation(2)
    arguments = {"name": "x", "licence": "none", "validation_truth": truth}
    with pytest.raises(UsageError, match="openSMILE's descriptors, which a graph cannot compute"):
        export_fused(
            [system("opensmile-gru")],
            tmp_path / "bundle",
            validation_scores=scores[:1],
            **arguments,  # type: ignore[arg-type]
        )
    with pytest.raises(UsageError, match="other tags"):
        export_fused(
            [system("crnn-gru"), system("crnn-lstm", tags=("a", "b"))],
            tmp_path / "bundle",
            validation_scores=scores,
            **arguments,  # type: ignore[arg-type]
        )
    changed = system("ds-1s-gru", **LITE)
    object.__setattr__(changed.run, "weights", "efficientnet-lite0 0123")
    with pytest.raises(WeightsError, match="trained on features by efficientnet-lite0 0123"):
        export_member(plan_graphs([changed])[0], tmp_path)
    assert not (tmp_path / "bundle").exists()


def test_half_weights_take_half_the_room_and_other_weights_stay(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(300, 200), nn.ReLU(), nn.Linear(200, 3), nn.Sigmoid())
    full, half = tmp_path / "full.onnx", tmp_path / "half.onnx"
    export_graph(module, full, samples=300)
    export_graph(module, half, samples=300, half_weights="0")
    saved = 2 * 300 * 200
    assert abs(full.stat().st_size - half.stat().st_size - saved) < 1000
    import onnxruntime as ort

    audio = np.random.default_rng(0).normal(0, 1, (2, 300)).astype(np.float32)
    scores = [
        ort.InferenceSession(path.read_bytes()).run(None, {"audio": audio})[0]
        for path in (full, half)
    ]
    difference = np.abs(scores[0] - scores[1]).max()
    assert 0 < difference < 1e-3
    # Exactly what rounding the first layer's matrix alone gives.
    with torch.no_grad():
        module[0].weight.copy_(module[0].weight.half().float())
        expected = module(torch.from_numpy(audio)).numpy()
    np.testing.assert_allclose(scores[1], expected, atol=1e-6)


class Loudness(nn.Module):
    """A stand-in for a whole system: mean square of the audio, times a number, as logits."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return self.factor * (audio * audio).mean(dim=1, keepdim=True)


def test_float16_weights_that_change_scores_are_refused(tmp_path: Path) -> None:
    view = DeepSpectrumView(window_s=1, duration_s=1)
    export_graph(Scores(Loudness(10.0)), tmp_path / "ds-1s.onnx", samples=view.samples)
    heard = {"samples": view.samples, "sample_rate": view.sample_rate}
    check_half(Loudness(10.0), tmp_path / "ds-1s.onnx", **heard)
    with pytest.raises(WeightsError, match=r"ds-1s: with float16 weights .* differ"):
        check_half(Loudness(9.0), tmp_path / "ds-1s.onnx", **heard)


class Levels(nn.Module):
    """A stand-in for systems that share a view: one mean square, and weights for each."""

    def __init__(self, *factors: float) -> None:
        super().__init__()
        self.factors = nn.ParameterList(torch.full((1, 2), factor) for factor in factors)

    def forward(self, audio: torch.Tensor) -> tuple[torch.Tensor, ...]:
        level = (audio * audio).mean(dim=1, keepdim=True)
        return tuple(level * factor for factor in self.factors)


def test_a_system_is_taken_out_of_a_graph_of_several_as_it_was(tmp_path: Path) -> None:
    shared, names = tmp_path / "shared.onnx", ["a", "b", "c"]
    export_graph(
        Scores(Levels(1.0, 2.0, 3.0)),
        shared,
        samples=50,
        systems=names,
    )
    import onnxruntime as ort

    audio = np.random.default_rng(0).normal(0, 1, (4, 50)).astype(np.float32)
    (together,) = ort.InferenceSession(shared.read_bytes()).run(["scores"], {"audio": audio})
    assert together.shape == (4, 3, 2)
    for number, name in enumerate(names):
        alone = tmp_path / f"{name}.onnx"
        take_system(shared, name, alone)
        (scores,) = ort.InferenceSession(alone.read_bytes()).run(["scores"], {"audio": audio})
        np.testing.assert_array_equal(scores, together[:, number])
        assert alone.stat().st_size < shared.stat().st_size


def test_a_graph_of_several_bundles_is_made_once(tmp_path: Path) -> None:
    systems = [system("crnn-gru", Loudness(1.0)), system("crnn-lstm", Loudness(2.0))]
    graphs = Graphs(systems, tmp_path / "kept")
    alone = [graphs.write(graph, tmp_path)[1] for graph in plan_graphs(systems[:1])]
    both = [graphs.write(graph, tmp_path) for graph in plan_graphs(systems)]
    assert [path.name for _, path in both] == ["crnn-gru.onnx", "crnn-lstm.onnx"]
    assert alone == [both[0][1]]
    assert [member.systems for member, _ in both] == [("crnn-gru",), ("crnn-lstm",)]


def settled(network: FeatureNetwork, features: torch.Tensor) -> FeatureNetwork:
    """Give batch normalisation the statistics that training on such features would."""
    generator = torch.Generator().manual_seed(1)
    network.train()
    for norm in (*network.head.norms, network.head.dense_norm):
        norm.momentum = 0.2  # fewer steps to get there
    with torch.no_grad():
        for _ in range(20):
            noise = torch.randn(features.shape, generator=generator)
            network(features + 0.3 * features.std() * noise)
    return network.eval()


@pytest.mark.slow
@pytest.mark.parametrize("window_s", [1, 5])
def test_the_cells_of_a_window_length_score_like_pytorch_on_music(
    tmp_path: Path, window_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Full size but for the image network, which is EfficientNet-Lite0 with random weights."""
    recipes = [with_values(find_recipe(f"ds-{window_s}s-{cell}"), LITE) for cell in Cell]
    view = recipes[0].view
    assert isinstance(view, DeepSpectrumView)
    pieces = []
    for mood in (Mood.ENERGETIC, Mood.CALM, Mood.DARK, Mood.HAPPY):
        music = tmp_path / f"{mood}.flac"
        stereo = compose_and_render(mood, seed=7, duration_s=33.0, sample_rate=44_100)
        soundfile.write(music, 0.5 * stereo, 44_100)
        track = read_track(music, view)
        assert not isinstance(track, AudioError)
        pieces.append(track)
    audio = np.stack(pieces)
    features = torch.from_numpy(make_extractor(view)(audio))
    assert features.shape == (4, view.windows, 1280)
    torch.manual_seed(0)
    systems = []
    for recipe in recipes:
        network = kind_of(recipe).make_network(n_tags=len(TAGS), n_features=1280)
        assert isinstance(network, FeatureNetwork)
        systems.append(system(recipe.system, settled(network, features), **LITE))
    networks = [one.network for one in systems]
    images = load_image_network(view.image_network, pretrained=False)
    whole = DeepSpectrum(view, images, [n for n in networks if isinstance(n, FeatureNetwork)])
    with torch.inference_mode():
        on_features = [torch.sigmoid(network(features)).numpy() for network in networks]
        on_audio = [
            torch.sigmoid(torch.stack(whole(torch.from_numpy(piece[None])), dim=1)).numpy()
            for piece in audio
        ]
    stored = np.stack(on_features, axis=1)  # (pieces, systems, tags)
    expected = np.concatenate(on_audio)
    assert np.ptp(stored, axis=0).max() > 0.02 and np.ptp(stored) > 0.2
    truth, scores = validation(len(systems))
    for half, tolerance in {1: [(False, 1e-3), (True, 5e-3)], 5: [(True, 5e-3)]}[window_s]:
        folder = tmp_path / f"half-{half}"
        bundle = export_fused(
            systems,
            folder,
            name="cells",
            licence="none",
            validation_truth=truth,
            validation_scores=scores,
            half_images=half,
        )
        (member,) = bundle.members
        assert (member.file, member.policy) == (f"ds-{window_s}s.onnx", ExcerptPolicy.START)
        session = MemberSession(folder, bundle, member)
        found = np.concatenate([session.hear(piece[None]).scores for piece in audio])
        difference = np.abs(found - expected).max()
        from_stored = np.abs(found - stored).max()
        size = (folder / member.file).stat().st_size / 1e6
        with capsys.disabled():
            print(
                f"\nds-{window_s}s, half weights {half}: {size:.1f} MB, within {difference:.1e} of "
                f"PyTorch, {from_stored:.1e} of stored features"
            )
        assert difference < tolerance
        # Stored features are of pictures that differ by rounding, which untrained networks hear
        # more of than trained ones.
        assert from_stored < 5e-3
        np.testing.assert_allclose(session.hear(audio[:2]).scores, found[:2], atol=1e-5)
        # From the last piece's file, fused.
        tagged = {tag.name: tag.score for tag in Tagger.load(folder).tag(music).tags}
        fused = found[-1].mean(axis=0)
        np.testing.assert_allclose([tagged[tag] for tag in TAGS], fused, atol=1e-5)


@pytest.mark.slow
def test_runs_are_fused_into_a_bundle_that_tags(program: Program, tmp_path: Path) -> None:
    table = write_collection(tmp_path / "collection")
    common = {"units": "8", "dense": "8", "batch_size": "4", "epochs": "3", "frozen_epochs": "0"}
    common["learning_rate"] = "0.01"
    deep_spectrum = {"duration_s": "2", "image_network": "efficientnet-lite0"}
    own = {"ds-1s-gru": deep_spectrum, "crnn-gru": {"excerpt_s": "1"}, "ds-1s-lstm": deep_spectrum}
    song = table.parent / "test-1.flac"
    expected = []
    for name, values in own.items():
        settings = [f"{key}={value}" for key, value in (common | values).items()]
        command = ["train", name, "--dataset", table, "--run", tmp_path / name]
        command += ["--weights", "random", "--device", "cpu", "--threads", 1, "--workers", 0]
        command += ["--features", tmp_path / "features", "--jobs", 1]
        command += [part for setting in settings for part in ("--set", setting)]
        status, _, err = program(*command)
        assert status == 0, err
        output = tmp_path / f"{name}.npy"
        assert program("predict", tmp_path / name, "-o", output, "--jobs", 1)[0] == 0
        expected.append(np.load(output)[1])
    runs = [tmp_path / name for name in own]

    status, _, err = program("export", *runs)
    assert status == 2 and "say where with --output" in err
    bundle = tmp_path / "fused"
    status, out, err = program("export", *runs, "-o", bundle, "--licence", "CC0-1.0")
    assert status == 0, err
    assert "2 tags, 2 graphs" in out
    manifest = read_manifest(bundle)
    assert manifest.name == "fused"
    assert manifest.systems == ("ds-1s-gru", "ds-1s-lstm", "crnn-gru")
    assert manifest.thresholds is not None and len(manifest.thresholds.values) == 2
    assert [one.data for one in manifest.quality] == [
        f"{table}, validation (epochs were chosen on it)"
    ]
    assert manifest.calibration is not None
    assert manifest.calibration.fitted_on == manifest.thresholds.chosen_on
    assert all(name in manifest.provenance for name in own)
    status, out, err = program("tag", song, "--model", bundle, "--format", "json")
    assert status == 0, err
    tags = {tag["tag"]: tag for tag in json.loads(out)[0]["tags"]}
    fused = np.mean(expected, axis=0)
    found = [tags["high"]["score"], tags["noisy"]["score"]]
    np.testing.assert_allclose(found, fused, atol=2e-3)
    assert np.ptp(expected) > 0.05
    calibrated = calibrate(
        np.array(found, np.float32), manifest.calibration.slopes, manifest.calibration.intercepts
    )
    said = [tags["high"]["probability"], tags["noisy"]["probability"]]
    np.testing.assert_allclose(said, calibrated, atol=1e-3)

    # Other validation tracks cannot be fused.
    other = write_collection(tmp_path / "other", training=6)
    settings = [part for key, value in common.items() for part in ("--set", f"{key}={value}")]
    command = ["train", "crnn-lstm", "--dataset", other, "--run", tmp_path / "elsewhere"]
    command += ["--weights", "random", "--device", "cpu", "--threads", 1, "--workers", 0]
    assert program(*command, *settings, "--set", "excerpt_s=1")[0] == 0
    status, _, err = program("export", runs[0], tmp_path / "elsewhere", "-o", tmp_path / "no")
    assert status == 2 and "other tracks" in err
