"""Spectrogram plots as a PyTorch module that exports to plain ONNX.

The same pictures as `moodtheme.features.plots.mel_plots`, from matrix products and look-ups alone.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from moodtheme.features.colour_maps import colour_map
from moodtheme.features.plot_layout import bicubic_products, is_resampled, nearest_cells
from moodtheme.features.plot_options import FrequencyScale, PlotOptions
from moodtheme.features.plot_spectrum import POWER_FLOOR, band_filters, window_samples
from moodtheme.features.spectrogram import in_float32, two_step_dft


class SpectrogramPlots(nn.Module):
    """Plots of windows of audio, with the frames and hop that `mel_plots` has by default.

    Parameters
    ----------
    options
        How; `PlotOptions.window`, `n_fft`, `hop`, `f_max` and `delta` stay as they are by default.
    samples
        Length of a window.

    Notes
    -----
    Input: float32 mono ``(n, samples)``, ±1. Output: float32 RGB ``(n, 3, size, size)``, whole
    numbers from 0 to 255.

    Sums are taken in another order than in `mel_plots`, so a value that lies between two colours of
    the map may fall to the other.
    """

    window: Tensor
    columns: Tensor
    rows: Tensor
    bands: Tensor
    colours: Tensor
    vertical: Tensor
    horizontal: Tensor

    def __init__(self, options: PlotOptions, *, samples: int) -> None:
        super().__init__()
        self.options = options
        self.frames = options.frames(samples)
        dft = two_step_dft(options.frame_length)
        self._keep("window", window_samples(options.window, options.frame_length)[:, None])
        self._keep("columns", dft.columns)
        self._keep("rows", dft.rows)
        if options.scale is FrequencyScale.MEL:
            # The filters take the bins in the order in which the transform leaves them.
            filters = np.zeros((options.n_mels, len(dft.rows) * dft.rows.shape[1] // 2))
            filters[:, dft.order] = band_filters(options)
            self._keep("bands", filters)
        else:
            self._keep("bands", dft.order)
        self._keep("colours", colour_map(options.colour_map))
        pixels = bicubic_products if is_resampled(options) else nearest_cells
        vertical, horizontal = pixels(options, self.frames)
        self._keep("vertical", vertical)
        self._keep("horizontal", horizontal)

    def _keep(self, name: str, constant: npt.NDArray[np.generic]) -> None:
        dtype = torch.int64 if constant.dtype == np.intp else torch.float32
        self.register_buffer(name, torch.tensor(constant, dtype=dtype), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Plots."""
        return in_float32(self._draw, audio)

    def _draw(self, audio: Tensor) -> Tensor:
        colours = self.colours[self._colour_indices(self._power(audio))]
        n, bands, frames = colours.shape[:3]
        if not is_resampled(self.options):
            shown = colours.index_select(1, self.vertical).index_select(2, self.horizontal)
            return shown.permute(0, 3, 1, 2)
        along_time = torch.matmul(
            self.horizontal, colours.transpose(1, 2).reshape(n, frames, bands * 3)
        )
        upright = _round(along_time).reshape(n, -1, bands, 3).permute(0, 3, 2, 1)
        return _round(torch.matmul(self.vertical, upright))

    def _power(self, audio: Tensor) -> Tensor:
        """Power of each band and frame, ``(n, bands, frames)``."""
        n, hop = audio.shape[0], self.options.hop_length
        used = audio[:, : (self.frames + 1) * hop]
        blocks = used.reshape(n, self.frames + 1, hop).transpose(1, 2)
        frames = torch.cat([blocks[:, :, :-1], blocks[:, :, 1:]], dim=1) * self.window
        kept, parts = self.rows.shape[:2]
        half = torch.matmul(self.columns, frames.reshape(n, self.columns.shape[1], -1))
        spectrum = torch.matmul(self.rows, half.reshape(n, kept, parts, self.frames))
        squares = spectrum * spectrum
        power = squares[:, :, : parts // 2] + squares[:, :, parts // 2 :]
        power = power.reshape(n, kept * parts // 2, self.frames)
        if self.options.scale is FrequencyScale.MEL:
            return torch.matmul(self.bands, power)
        return power.index_select(1, self.bands)

    def _colour_indices(self, power: Tensor) -> Tensor:
        level = torch.log(torch.clamp(power, min=POWER_FLOOR))
        level = level - torch.amin(level, dim=(1, 2), keepdim=True)
        contrast = torch.amax(level, dim=(1, 2), keepdim=True)
        entries = self.colours.shape[0]
        share = level / torch.where(contrast > 0, contrast, torch.ones_like(contrast))
        return torch.clamp((share * entries).long(), 0, entries - 1)


def _round(colours: Tensor) -> Tensor:
    """Whole numbers from 0 to 255, halves upwards, as Pillow after each pass."""
    return torch.clamp(torch.floor(colours + 0.5), 0.0, 255.0)
