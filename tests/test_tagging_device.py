"""Where graphs run: what cannot be had is refused, and what was asked for is what happens."""

import pickle

import numpy as np
import onnxruntime
import pytest

from moodtheme import Tagger
from moodtheme.errors import DeviceError
from moodtheme.tagging.device import CUDA, TaggingDevice, device_of, providers_for
from program import Program

HAS_CUDA = CUDA in onnxruntime.get_available_providers()
needs_no_gpu = pytest.mark.skipif(HAS_CUDA, reason="ONNX Runtime here computes on GPUs")


def promise_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this ONNX Runtime claim a provider that it does not have."""
    there = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)


@needs_no_gpu
def test_cuda_without_its_provider_is_refused_with_what_to_install(program: Program) -> None:
    with pytest.raises(DeviceError, match="pip install onnxruntime-gpu"):
        Tagger.load(device="cuda")
    status, _, err = program("tag", "any.wav", "--device", "cuda")
    assert status == 2 and "knows no CUDA" in err and "--device cpu" in err


@needs_no_gpu
def test_auto_is_the_processor_where_there_is_nothing_else() -> None:
    tagger = Tagger.load(device="auto")
    assert {session.device for session in tagger.sessions} == {TaggingDevice.CPU}
    copy = pickle.loads(pickle.dumps(tagger))
    audio = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    expected = Tagger.load().score(audio, 16_000)
    np.testing.assert_array_equal(tagger.score(audio, 16_000), expected)
    np.testing.assert_array_equal(copy.score(audio, 16_000), expected)


def test_a_provider_comes_first_and_keeps_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    promise_cuda(monkeypatch)
    for device in (TaggingDevice.CUDA, TaggingDevice.AUTO):
        (name, options), fallback = providers_for(device)
        assert (name, fallback) == ("CUDAExecutionProvider", "CPUExecutionProvider")
        assert options == {"use_tf32": "0"}
    assert providers_for(TaggingDevice.CPU) == ["CPUExecutionProvider"]


class Fallen:
    """A session that was to run on a GPU and found none."""

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


class Running:
    """A session on a GPU."""

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def test_a_silent_fall_back_is_no_gpu() -> None:
    with pytest.raises(DeviceError, match="finds no GPU"):
        device_of(Fallen(), TaggingDevice.CUDA)  # type: ignore[arg-type]
    assert device_of(Fallen(), TaggingDevice.AUTO) is TaggingDevice.CPU  # type: ignore[arg-type]
    assert device_of(Running(), TaggingDevice.AUTO) is TaggingDevice.CUDA  # type: ignore[arg-type]


@pytest.mark.skipif(not HAS_CUDA, reason="ONNX Runtime here has no CUDA provider")
def test_a_gpu_gives_the_same_scores_within_1e_4() -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, 40 * 16_000).astype(np.float32)
    scores = [Tagger.load(device=device).score(audio, 16_000) for device in ("cpu", "cuda")]
    np.testing.assert_allclose(*scores, atol=1e-4)
