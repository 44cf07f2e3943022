"""Choices of how a spectrogram plot is drawn."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from moodtheme.errors import PlotError

Choice = TypeVar("Choice", bound=StrEnum)

# The toolkit's analysis frame is the next power of two of 25 ms.
_FRAME_S = 0.025


class Resize(StrEnum):
    """How a drawn plot is brought to the image network's size.

    ``BICUBIC`` is Pillow's default since 7.0; ``NEAREST`` was its default before, so very likely
    what the authors' features were computed with.
    """

    BICUBIC = "bicubic"
    NEAREST = "nearest"


class FrequencyScale(StrEnum):
    """What the rows of a plot are: mel bands, or the transform's own bins."""

    MEL = "mel"
    LINEAR = "linear"


class WindowFunction(StrEnum):
    """What an analysis frame is weighted with; all in their periodic form."""

    HANN = "hann"
    HAMMING = "hamming"
    BLACKMAN = "blackman"
    BARTLETT = "bartlett"
    RECTANGULAR = "rectangular"


def choice(kind: type[Choice], value: str) -> Choice:
    """Find the member of an enumeration that is called `value`.

    Raises
    ------
    PlotError
        There is none.
    """
    try:
        return kind(value)
    except ValueError:
        raise PlotError(f"{value!r} is not one of {', '.join(kind)}; choose one of them") from None


@dataclass(frozen=True, kw_only=True)
class PlotOptions:
    """How a plot is drawn; see `moodtheme.features.plots.mel_plots` for what each means.

    Raises
    ------
    PlotError
        A value is out of its range, or two do not go together.
    """

    sample_rate: int
    n_mels: int = 128
    scale: FrequencyScale = FrequencyScale.MEL
    colour_map: str = "magma"
    resize: Resize = Resize.BICUBIC
    size: int = 224
    n_fft: int | None = None
    hop: int | None = None
    window: WindowFunction = WindowFunction.HANN
    f_max: float | None = None
    delta: int = 0

    def __post_init__(self) -> None:
        lowest = {"sample_rate": 1, "n_mels": 1, "size": 1, "frame_length": 4, "hop_length": 1}
        for name, least in lowest.items():
            if getattr(self, name) < least:
                raise PlotError(f"{name} must be at least {least}; it is {getattr(self, name)}")
        if self.frame_length % 2:
            raise PlotError(f"n_fft must be even; use {self.frame_length + 1}")
        # Savitzky and Golay's filter fits a polynomial of this order to nine frames.
        if not 0 <= self.delta <= 8:
            raise PlotError(f"delta must be from 0 to 8; it is {self.delta}")
        if not 0 < self.top_frequency <= self.sample_rate / 2:
            raise PlotError(
                f"f_max must be above 0 and at most half the sample rate, "
                f"{self.sample_rate / 2:g} Hz; it is {self.top_frequency:g}"
            )
        if self.used_bins < 3:
            raise PlotError(
                f"below {self.top_frequency:g} Hz a transform of {self.frame_length} samples has "
                f"too few bins; raise f_max or n_fft"
            )

    @property
    def frame_length(self) -> int:
        """Samples of an analysis frame."""
        if self.n_fft is not None:
            return self.n_fft
        return max(4, 1 << (int(self.sample_rate * _FRAME_S) - 1).bit_length())

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return self.frame_length // 2 if self.hop is None else self.hop

    @property
    def top_frequency(self) -> float:
        """Upper end of the plot, in Hz."""
        return self.sample_rate / 2 if self.f_max is None else self.f_max

    @property
    def bins(self) -> int:
        """Bins of the transform."""
        return self.frame_length // 2 + 1

    @property
    def used_bins(self) -> int:
        """Bins that the bands are made of: the toolkit's count of those below `f_max`, or all."""
        if self.scale is FrequencyScale.LINEAR:
            return self.bins
        return int(self.top_frequency * 2 / self.sample_rate * self.bins)

    @property
    def bands(self) -> int:
        """Values in a frame of the spectrogram: mel bands, or bins."""
        return self.n_mels if self.scale is FrequencyScale.MEL else self.bins

    def frames(self, samples: int) -> int:
        """Complete frames in a window.

        Raises
        ------
        PlotError
            There are too few.
        """
        frames = 1 + (samples - self.frame_length) // self.hop_length
        if frames < 1:
            raise PlotError(
                f"a window of {samples} samples is shorter than a frame of {self.frame_length}; "
                f"give longer windows or a smaller n_fft"
            )
        if self.delta and frames < DELTA_FRAMES:
            raise PlotError(
                f"delta needs at least {DELTA_FRAMES} frames, a window of {samples} samples has "
                f"{frames}; give longer windows or a smaller hop"
            )
        return frames


DELTA_FRAMES = 9
"""Frames that a time derivative looks at (librosa's default width)."""
