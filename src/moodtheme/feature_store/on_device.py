"""Deep Spectrum features on a GPU: pictures are drawn where the network is.

What crosses the bus is audio on the way in and features on the way out, both through page-locked
memory, so that neither stops the device: the next batch is on its way while one is computed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from moodtheme.arrays import FloatArray
from moodtheme.feature_store.extractor import Waiting
from moodtheme.features.plot_module import SpectrogramPlots
from moodtheme.features.plot_options import PlotOptions
from moodtheme.models.image_networks.features import ImageFeatures
from moodtheme.recipes import Precision

# More than 256 pictures at once did not make a large GPU faster; of its free memory half is taken,
# since other programs may want some later.
_MOST_AT_ONCE = 256
_FEWEST_AT_ONCE = 8
_MEMORY_SHARE = 0.5


class DeviceFeatures:
    """Windows of audio to an image network's features, wherever the network is.

    Parameters
    ----------
    network
        On its device.
    options
        How windows are drawn.
    samples
        Length of a window.
    precision
        ``tf32`` lets convolutions and products round to ten bits; float32 does not. Pictures are
        drawn in float32 always.
    at_once
        Windows in a batch; None asks the device how much memory is free.
    """

    def __init__(
        self,
        network: ImageFeatures,
        options: PlotOptions,
        *,
        samples: int,
        precision: Precision = Precision.FLOAT32,
        at_once: int | None = None,
    ) -> None:
        self._network = network
        self._device = network.mean.device
        self._plots = SpectrogramPlots(options, samples=samples).to(self._device).eval()
        self._samples = samples
        self._tf32 = precision is Precision.TF32
        self.at_once = self._measured() if at_once is None else at_once

    def start(self, windows: FloatArray) -> Waiting:
        """Begin with windows ``(n, samples)``; what is returned waits for their features."""
        starts = range(0, len(windows), self.at_once)
        parts = [self._begin(windows[start : start + self.at_once]) for start in starts]
        return lambda: np.concatenate([part() for part in parts])

    def _begin(self, windows: FloatArray) -> Waiting:
        audio = torch.from_numpy(np.ascontiguousarray(windows, np.float32))
        if self._device.type != "cuda":
            computed = self._compute(audio.to(self._device)).cpu().numpy()
            return lambda: computed
        features = self._compute(audio.pin_memory().to(self._device, non_blocking=True))
        returned = torch.empty(features.shape, pin_memory=True)
        returned.copy_(features, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record()

        def wait() -> FloatArray:
            done.synchronize()
            return returned.numpy().copy()

        return wait

    def _compute(self, audio: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            with tensor_float(allowed=False):
                pictures = self._plots(audio)
            with tensor_float(allowed=self._tf32):
                features: torch.Tensor = self._network(pictures)
        return features

    def _measured(self) -> int:
        """As many windows as fit: a few are tried, which also prepares the device."""
        if self._device.type != "cuda":
            return _FEWEST_AT_ONCE
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        audio = torch.zeros(_FEWEST_AT_ONCE, self._samples, device=self._device)
        self._compute(audio)
        torch.cuda.synchronize(self._device)
        each = (torch.cuda.max_memory_allocated(self._device) - before) / _FEWEST_AT_ONCE
        free, _ = torch.cuda.mem_get_info(self._device)
        return min(_MOST_AT_ONCE, max(_FEWEST_AT_ONCE, int(_MEMORY_SHARE * free / each)))


@contextmanager
def tensor_float(*, allowed: bool) -> Iterator[None]:
    """Let NVIDIA's tensor cores round float32 to ten bits of mantissa, or not, for a while."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = allowed
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before
