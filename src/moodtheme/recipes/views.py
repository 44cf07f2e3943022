"""Views: what a system sees of a track.

A view is data, and what can be said of it without PyTorch (`BaseView`). What is done with systems
of one view, from reading their tracks to their graph, is in `moodtheme.training.kinds`: a new kind
of view is a class here, a module there, and a line in `View` and in the table of kinds.
"""

from typing import ClassVar

import msgspec

from moodtheme.features.plot_options import FrequencyScale, PlotOptions, Resize
from moodtheme.recipes.values import (
    Amount,
    Convolutions,
    EvaluationExcerpt,
    FeatureSet,
    Positive,
    PositiveReal,
    Precision,
    Preprocessing,
)

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
    def extracted(self) -> "ExtractedView | None":
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
        """Itself."""
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
    def heard(self) -> str:
        """What a score is computed from, in words."""
        return f"{self.windows} windows of {self.window_s:g} s from the start"


class CrnnView(SoundView, frozen=True, kw_only=True, tag="crnn"):
    """A CRNN's view: an excerpt of sound."""

    convolutions: Convolutions = Convolutions.VGGISH
    pretrained: bool = True
    excerpt_s: PositiveReal = 20.0
    evaluation: EvaluationExcerpt = EvaluationExcerpt.CENTRE
    noise_power: Amount = 0.2

    @property
    def sample_rate(self) -> int:
        """Rate the convolutions were trained at, in Hz."""
        return {Convolutions.VGGISH: 16_000, Convolutions.SOUNDNET: 22_050}[self.convolutions]

    @property
    def samples(self) -> int:
        """Length of the excerpt in samples."""
        return round(self.excerpt_s * self.sample_rate)

    @property
    def scored(self) -> EvaluationExcerpt:
        """What of a track is scored outside training."""
        return self.evaluation

    @property
    def keeps_layers(self) -> bool:
        """The convolutions are kept, where they are pretrained."""
        return self.pretrained

    @property
    def hears(self) -> str:
        """With what it hears, in words."""
        return f"{self.convolutions} convolutions"


class DeepSpectrumView(WindowedView, frozen=True, kw_only=True, tag="deep-spectrum"):
    """A Deep Spectrum system's view: an image network's features of plots, one a window.

    Attributes
    ----------
    n_mels, scale, colour_map, resize
        How a window is drawn, see `moodtheme.features.mel_plot`.
    image_network
        A name in `moodtheme.models.image_networks`.
    pretrained
        Whether its weights are the published ones; otherwise they are random, from a fixed seed.
    layer
        Whose activations are the features; None for the network's usual one.
    preprocessing
        None for the network's usual one.
    feature_precision
        The image network's number format.
    """

    n_mels: Positive = 128
    scale: FrequencyScale = FrequencyScale.MEL
    colour_map: str = "magma"
    resize: Resize = Resize.BICUBIC
    image_network: str = "vgg16-keras"
    pretrained: bool = True
    layer: str | None = None
    preprocessing: Preprocessing | None = None
    feature_precision: Precision = Precision.FLOAT32

    def plot_options(self, size: int) -> PlotOptions:
        """How a window is drawn for a network whose pictures have `size` pixels a side.

        Raises
        ------
        PlotError
            If a value is out of its range.
        """
        return PlotOptions(
            sample_rate=self.sample_rate,
            n_mels=self.n_mels,
            scale=self.scale,
            colour_map=self.colour_map,
            resize=self.resize,
            size=size,
        )

    @property
    def extracted(self) -> "DeepSpectrumView":
        """Features are computed."""
        return self

    @property
    def extractor(self) -> str:
        """The image network's name."""
        return self.image_network

    @property
    def hears(self) -> str:
        """With what it hears, in words."""
        layer = f" {self.layer}" if self.layer else ""
        return f"{self.image_network}{layer} features of plots"


class OpenSmileView(WindowedView, frozen=True, kw_only=True, tag="opensmile"):
    """Statistics of openSMILE's low-level descriptors, one vector a window.

    Attributes
    ----------
    feature_set
        Which descriptors.
    """

    feature_set: FeatureSet = FeatureSet.EGEMAPS
    window_s: PositiveReal = 1.0

    @property
    def extracted(self) -> "OpenSmileView":
        """Descriptors are computed."""
        return self

    @property
    def extractor(self) -> str:
        """The descriptors' name."""
        return self.feature_set.value

    @property
    def hears(self) -> str:
        """With what it hears, in words."""
        return f"{self.feature_set} descriptors"


class OwnFeaturesView(BaseView, frozen=True, kw_only=True, tag="own-features"):
    """Features of your own: a ``.npy`` or ``.npz`` file a track, of shape (frames, features).

    Attributes
    ----------
    folder
        Where the files are.
    frames
        How many frames the network is shown at once: in training from anywhere in a track, in
        scoring one stretch after the other. None shows whole tracks, which must then have equally
        many in training.
    array
        Name of the array in an ``.npz``; None for the only one.
    scaled
        Whether each feature is brought to zero mean and unit variance over the training tracks.
    """

    folder: str | None = None
    frames: Positive | None = None
    array: str | None = None
    scaled: bool = True

    @property
    def hears(self) -> str:
        """With what it hears, in words."""
        return f"features of your own in {self.folder or 'a folder that is not named yet'}"

    @property
    def heard(self) -> str:
        """What a score is computed from, in words."""
        return "all frames" + (f", {self.frames} at a time" if self.frames else "")


class BaselineView(SoundView, frozen=True, kw_only=True, tag="mediaeval-baseline"):
    """The MediaEval baseline's view: the middle of a track, in training too."""

    sample_rate: ClassVar[int] = 12_000
    samples: ClassVar[int] = 349_200  # 29.1 s, which its graph and published weights are made for
    hears: ClassVar[str] = "convolutions of its own"


View = CrnnView | DeepSpectrumView | OpenSmileView | BaselineView | OwnFeaturesView
ExtractedView = DeepSpectrumView | OpenSmileView
"""Views whose features `moodtheme.feature_store` computes and keeps."""
