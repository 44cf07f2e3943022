"""The CRNN: pretrained convolutions, then the recurrent part."""

from pathlib import Path

from torch import Tensor, nn

from moodtheme.features.spectrogram import CrnnLogMel, add_noise, normalise_bands
from moodtheme.fetched.weights import SOUNDNET, VGGISH, PublishedWeights
from moodtheme.models import soundnet, vggish
from moodtheme.models.recurrent import RecurrentHead
from moodtheme.recipes import Convolutions, CrnnView, Head


class VggishExtractor(nn.Module):
    """16 kHz audio ``(batch, samples)`` to a sequence ``(batch, steps, 512)``; 79 steps for 20 s.

    Log-mel spectrogram, in training white noise, normalisation, VGGish's convolutions, mean over
    the four remaining frequencies.

    Parameters
    ----------
    noise_power
        Highest standard deviation of the noise in training, in dB.
    """

    def __init__(self, *, noise_power: float) -> None:
        super().__init__()
        self.log_mel = CrnnLogMel()
        self.convolutions = vggish.VggishConvolutions()
        self._noise_power = noise_power

    def forward(self, audio: Tensor, clip_seeds: Tensor | None = None) -> Tensor:
        """Sequence; noise is added where seeds are given."""
        level_db = self.log_mel(audio)
        if clip_seeds is not None:
            level_db = add_noise(level_db, clip_seeds, power=self._noise_power)
        activations: Tensor = self.convolutions(normalise_bands(level_db))
        return activations.mean(dim=3).transpose(1, 2)


class SoundNetExtractor(nn.Module):
    """22.05 kHz audio ``(batch, samples)`` to a sequence ``(batch, steps, 1024)``.

    20 s make 15 steps. The waveform is what the convolutions see, so there is no noise: the
    paper's is defined on the spectrogram.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = soundnet.SoundNetConvolutions()

    def forward(self, audio: Tensor, clip_seeds: Tensor | None = None) -> Tensor:
        """Sequence; the seeds do not matter."""
        activations: Tensor = self.convolutions(audio)
        return activations.transpose(1, 2)


class Crnn(nn.Module):
    """Audio ``(batch, samples)`` at the view's rate to logits ``(batch, n_tags)``.

    Parameters
    ----------
    view, head
        From the recipe.
    n_tags
        Number of logits.
    """

    def __init__(self, view: CrnnView, head: Head, *, n_tags: int) -> None:
        super().__init__()
        self.extractor: VggishExtractor | SoundNetExtractor
        if view.convolutions is Convolutions.VGGISH:
            self.extractor = VggishExtractor(noise_power=view.noise_power)
            width = vggish.OUT_CHANNELS
        else:
            self.extractor = SoundNetExtractor()
            width = soundnet.OUT_CHANNELS
        self.head = RecurrentHead(head, features=width, n_tags=n_tags)

    def forward(self, audio: Tensor, clip_seeds: Tensor | None = None) -> Tensor:
        """Logits.

        Parameters
        ----------
        audio
            Float32, ±1.
        clip_seeds
            int64 ``(batch,)``: in training, all that a clip's augmentation depends on.
        """
        logits: Tensor = self.head(self.extractor(audio, clip_seeds))
        return logits

    @property
    def pretrained_part(self) -> vggish.VggishConvolutions | soundnet.SoundNetConvolutions:
        """The layers whose weights come from elsewhere."""
        return self.extractor.convolutions


def published_weights(view: CrnnView) -> PublishedWeights:
    """The published weights of the view's convolutions."""
    return SOUNDNET if view.convolutions is Convolutions.SOUNDNET else VGGISH


def load_pretrained(network: Crnn, file: Path) -> None:
    """Fill in published weights of the convolutions.

    Raises
    ------
    WeightsError
        If the file does not hold them.
    """
    convolutions = network.pretrained_part
    if isinstance(convolutions, soundnet.SoundNetConvolutions):
        soundnet.load_soundnet(convolutions, file)
    else:
        vggish.load_vggish(convolutions, file)
