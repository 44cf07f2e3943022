"""The way features take on a GPU, walked on a processor: the same code, the same features."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch

from moodtheme.errors import UsageError
from moodtheme.feature_store import make_extractor
from moodtheme.feature_store.extraction import extract_here
from moodtheme.feature_store.extractor import Extractor, Waiting
from moodtheme.feature_store.on_device import DeviceFeatures, tensor_float
from moodtheme.models.image_networks import load_image_network
from moodtheme.recipes import DeepSpectrumView, Precision
from toy_extractor import RATE, ToyMaker, features_of, info, write_tracks

Floats = npt.NDArray[np.float32]


class ToyDevice:
    """Computes when it is waited for, and remembers how many batches were under way."""

    def __init__(self) -> None:
        self.begun = self.waited = self.most_under_way = 0
        self.batches: list[int] = []

    def begin(self, windows: Floats) -> Waiting:
        self.begun += 1
        self.batches.append(len(windows))
        self.most_under_way = max(self.most_under_way, self.begun - self.waited)

        def wait() -> Floats:
            self.waited += 1
            return features_of(windows)

        return wait


def results_of(device: ToyDevice, files: list[Path], *, per_unit: int, jobs: int) -> list[str]:
    """What a device gives for files in units of some size: features or errors, as text."""
    extractor = Extractor(info(), device.begin, windows_at_once=20)
    units = [tuple(files[start : start + per_unit]) for start in range(0, len(files), per_unit)]
    found = list(extract_here(extractor, units, jobs=jobs, on_device=True))
    assert [len(results) for results in found] == [len(unit) for unit in units]
    return [str(result) for results in found for result in results]


def test_a_device_gives_what_a_processor_gives_two_batches_under_way(tmp_path: Path) -> None:
    files = write_tracks(tmp_path / "music", 12)
    files.insert(3, tmp_path / "short.wav")
    soundfile.write(files[3], np.zeros(100), RATE)
    (results,) = extract_here(ToyMaker()(), [tuple(files)])
    expected = [str(result) for result in results]
    assert "too short" in expected[3]
    device = ToyDevice()
    # Four windows a track, 20 at once: batches of five tracks, whatever the units.
    assert results_of(device, files, per_unit=3, jobs=2) == expected
    assert device.batches == [16, 20, 12] and device.most_under_way == 2


@pytest.fixture(scope="module")
def windows() -> Floats:
    rng = np.random.default_rng(0)
    seconds = np.arange(44_100) / 44_100
    tones = np.sin(2 * np.pi * np.outer([110, 440, 3000], seconds)).astype(np.float32)
    noise = rng.normal(0, 0.1, (2, 44_100)).astype(np.float32)
    return np.concatenate([0.3 * tones, noise])


def test_pictures_drawn_beside_the_network_give_the_same_features(windows: Floats) -> None:
    view = DeepSpectrumView(image_network="efficientnet-lite0", window_s=1.0, pretrained=False)
    network = load_image_network("efficientnet-lite0", pretrained=False)
    device = DeviceFeatures(
        network, view.plot_options(network.size), samples=view.window_samples, at_once=2
    )
    expected = make_extractor(view).begin(windows)()
    waiting = device.start(windows)
    found = waiting()
    assert found.shape == expected.shape and found.dtype == np.float32
    for one, other in zip(found, expected, strict=True):
        # A pixel may fall to the neighbouring colour: sums are taken in another order.
        cosine = np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other))
        assert cosine > 0.9999
    np.testing.assert_array_equal(device.start(windows)(), found)


def test_tf32_is_a_named_choice_and_float32_where_there_are_no_tensor_cores(
    windows: Floats,
) -> None:
    exact, rounded = (
        DeepSpectrumView(
            image_network="efficientnet-lite0",
            window_s=1.0,
            pretrained=False,
            feature_precision=precision,
        )
        for precision in (Precision.FLOAT32, Precision.TF32)
    )
    extractors = make_extractor(exact), make_extractor(rounded)
    assert extractors[0].info.key != extractors[1].info.key
    np.testing.assert_array_equal(*(extractor.begin(windows[:2])() for extractor in extractors))
    with pytest.raises(UsageError, match="not right in bfloat16; choose float32, tf32"):
        load_image_network("efficientnet-lite0", precision=Precision.BFLOAT16, pretrained=False)


def test_tensor_cores_are_as_they_were_afterwards() -> None:
    def allowed() -> tuple[bool, bool]:
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    before = allowed()
    with pytest.raises(KeyError), tensor_float(allowed=True):
        assert allowed() == (True, True)
        with tensor_float(allowed=False):
            assert allowed() == (False, False)
        raise KeyError
    assert allowed() == before
