"""The plots' PyTorch module and its graph against the NumPy pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.exporting.graph import export_graph
from moodtheme.features import mel_plots
from moodtheme.features.plot_module import SpectrogramPlots
from moodtheme.features.plot_options import FrequencyScale, PlotOptions, Resize
from moodtheme.features.spectrogram import two_step_dft
from test_plots import chords

RATE = 16_000


def sounds(samples: int) -> npt.NDArray[np.float32]:
    """Chords, noise and silence."""
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.normal(size=samples)
    return np.stack([chords(RATE, samples / RATE), noise, np.zeros(samples)]).astype(np.float32)


def assert_same_pictures(
    ours: npt.NDArray[Any], theirs: npt.NDArray[np.uint8], *, tolerance: float = 0.005
) -> None:
    """But for few values that lie between two colours."""
    assert ours.dtype == np.float32
    assert (ours == np.round(ours)).all()
    difference = np.abs(ours.transpose(0, 2, 3, 1) - theirs)
    assert difference.mean() <= tolerance
    assert (difference > 0).any(axis=3).mean() <= tolerance


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({}, 0.005),
        ({"n_mels": 64, "size": 299, "resize": Resize.NEAREST}, 0.005),
        # The weakest of a noise's bins, where the colours begin, is mostly rounding error.
        ({"scale": FrequencyScale.LINEAR, "size": 227, "colour_map": "twilight_r"}, 0.1),
    ],
)
def test_module_and_graph_draw_what_numpy_draws(
    options: dict[str, Any], tolerance: float, tmp_path: Path
) -> None:
    windows = sounds(RATE)
    expected = mel_plots(windows, RATE, **options)
    module = SpectrogramPlots(PlotOptions(sample_rate=RATE, **options), samples=RATE)
    with torch.no_grad():
        pictures = module(torch.from_numpy(windows)).numpy()
    assert_same_pictures(pictures, expected, tolerance=tolerance)
    export_graph(module, tmp_path / "plots.onnx", samples=RATE)
    operators = {node.op_type for node in onnx.load(tmp_path / "plots.onnx").graph.node}
    assert not operators & {"STFT", "DFT", "Loop", "Scan", "If"}
    session = onnxruntime.InferenceSession(tmp_path / "plots.onnx")
    for rows in (slice(0, 3), slice(0, 1)):
        (graph,) = session.run(None, {"audio": windows[rows]})
        assert_same_pictures(graph, expected[rows], tolerance=tolerance)


def test_samples_behind_the_last_frame_do_not_matter() -> None:
    windows = sounds(3 * RATE + 77)
    module = SpectrogramPlots(PlotOptions(sample_rate=RATE), samples=windows.shape[1])
    with torch.no_grad():
        pictures = module(torch.from_numpy(windows)).numpy()
    assert_same_pictures(pictures, mel_plots(windows, RATE))


def test_half_precision_around_the_module_changes_nothing() -> None:
    windows = torch.from_numpy(sounds(RATE))
    module = SpectrogramPlots(PlotOptions(sample_rate=RATE), samples=RATE)
    with torch.no_grad():
        plain = module(windows)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(module(windows), plain)


def test_the_module_has_no_weights_of_its_own() -> None:
    assert not SpectrogramPlots(PlotOptions(sample_rate=RATE), samples=RATE).state_dict()


@given(n=st.integers(2, 150).map(lambda half: 2 * half) | st.sampled_from([512, 2048]))
def test_two_steps_are_a_fourier_transform(n: int) -> None:
    dft = two_step_dft(n)
    frame = np.random.default_rng(n).normal(size=n)
    first = dft.columns.shape[1]
    half = (dft.columns @ frame.reshape(first, -1)).reshape(len(dft.rows), -1)
    parts = np.einsum("kij,kj->ki", dft.rows, half).reshape(len(dft.rows), 2, -1)
    real, imaginary = (parts[:, part].reshape(-1)[dft.order] for part in (0, 1))
    expected = np.fft.rfft(frame)
    np.testing.assert_allclose(real, expected.real, atol=1e-9)
    np.testing.assert_allclose(np.hypot(real, imaginary), np.abs(expected), atol=1e-9)
