"""Choices of how a spectrogram plot is drawn."""

from enum import StrEnum


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
