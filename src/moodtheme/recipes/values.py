"""What values of a recipe can be: ranges of numbers, and words with a meaning."""

from enum import StrEnum
from typing import Annotated

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
PositiveReal = Annotated[float, msgspec.Meta(gt=0)]


class Convolutions(StrEnum):
    """What turns a CRNN's audio into a sequence."""

    VGGISH = "vggish"
    SOUNDNET = "soundnet"


class Precision(StrEnum):
    """Number format of a computation: float32, or mixed with a half precision.

    ``TF32`` is float32 of which NVIDIA's tensor cores take ten bits of mantissa in products and
    convolutions; everywhere else it is float32.
    """

    FLOAT32 = "float32"
    TF32 = "tf32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class EvaluationExcerpt(StrEnum):
    """What of a track is scored outside training.

    ``CENTRE`` is the excerpt in the middle, ``SECOND_HALF`` the one that begins at half the
    track's length (a track of up to two excerpts: at its start), ``COVER`` the mean over the whole
    track, an excerpt at a time.
    """

    # Not `moodtheme.audio.ExcerptPolicy`, by which a bundle's members hear: no bundle may say
    # second-half, for other runtimes know three policies, and no recipe may say start. As one, both
    # would take a word that they then have to refuse.
    CENTRE = "centre"
    SECOND_HALF = "second-half"
    COVER = "cover"


class Preprocessing(StrEnum):
    """What a picture's colours go through before the image network.

    ``TOOLKIT`` is what the Deep Spectrum toolkit does: BGR from 0 to 255, no mean subtracted.
    ``STANDARD`` is what the network was trained with.
    """

    TOOLKIT = "toolkit"
    STANDARD = "standard"


class FeatureSet(StrEnum):
    """Sets of openSMILE descriptors."""

    EGEMAPS = "eGeMAPSv02"
    COMPARE = "ComParE_2016"
