"""What can be asked of every view, and what views of sound and of windows share."""

from typing import TYPE_CHECKING

import msgspec

from moodtheme.recipes.values import EvaluationExcerpt, Positive, PositiveReal

if TYPE_CHECKING:
    from moodtheme.recipes.views import DeepSpectrumView, OpenSmileView

# A last window may lack as much (reference behaviour: some tracks last a little under 30 s).
_WINDOW_TOLERANCE_S = 0.1


class BaseView(msgspec.Struct, frozen=True, kw_only=True):
    """What can be asked of every view."""

    @property
    def pretrained(self) -> bool:
        """Whether weights made elsewhere are part of it."""
        return False

    @property
    def keeps_layers(self) -> bool:
        """Whether the network has pretrained layers that the first stage of training keeps."""
        return False

    @property
    def sound(self) -> "SoundView | None":
        """The view itself where it hears sound, which training decodes once; None otherwise."""
        return None

    @property
    def extracted(self) -> "DeepSpectrumView | OpenSmileView | None":
        """The view itself where features are computed from the sound; None otherwise."""
        return None

    @property
    def hears(self) -> str:
        """With what it hears, in words."""
        raise NotImplementedError

    @property
    def heard(self) -> str:
        """What a score is computed from, in words."""
        raise NotImplementedError


class SoundView(BaseView, frozen=True, kw_only=True):
    """What views of excerpts of sound share."""

    @property
    def sound(self) -> "SoundView":
        """Sound is heard."""
        return self

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        raise NotImplementedError

    @property
    def samples(self) -> int:
        """Length of an excerpt in samples."""
        raise NotImplementedError

    @property
    def scored(self) -> EvaluationExcerpt:
        """What of a track is scored outside training."""
        return EvaluationExcerpt.CENTRE

    @property
    def heard(self) -> str:
        """What a score is computed from, in words."""
        return f"excerpt {self.scored} of {self.samples / self.sample_rate:g} s"


class WindowedView(BaseView, frozen=True, kw_only=True):
    """What views of features of consecutive windows share.

    Attributes
    ----------
    window_s
        Length of a window and of the step to the next, in seconds.
    duration_s
        How much of the track counts, from its start.
    sample_rate
        In Hz; everything is resampled to it.
    """

    window_s: PositiveReal
    duration_s: PositiveReal = 29.0
    sample_rate: Positive = 44_100

    @property
    def window_samples(self) -> int:
        """Length of a window in samples."""
        return round(self.window_s * self.sample_rate)

    @property
    def windows(self) -> int:
        """Complete windows in the duration."""
        return max(1, int((self.duration_s + _WINDOW_TOLERANCE_S) / self.window_s + 1e-9))

    @property
    def samples(self) -> int:
        """Length of all windows together, in samples."""
        return self.windows * self.window_samples

    @property
    def extractor(self) -> str:
        """Name of what computes the features."""
        raise NotImplementedError

    @property
    def heard(self) -> str:
        """What a score is computed from, in words."""
        return f"{self.windows} windows of {self.window_s:g} s from the start"
