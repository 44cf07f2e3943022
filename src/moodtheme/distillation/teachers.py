"""The teachers: the MediaEval baseline and ten taggers, all asked about the same window."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from moodtheme.models import mediaeval_baseline as baseline
from moodtheme.models import taggers
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES, SAMPLE_RATE
from moodtheme.models.packaged_musicnn import PackagedMusicnn, load_packaged_musicnn
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS

TAGGERS = (
    "jamendo-fcn", "jamendo-crnn", "jamendo-musicnn", "msd-fcn", "msd-crnn",
    "mtat-fcn", "mtat-crnn", "mtat-musicnn",
)  # fmt: skip
PACKAGED = ("musicnn-msd", "musicnn-mtt")
BASELINE = "mtg-baseline"
BASELINE_LEVEL_DB = -8.0  # dBFS RMS: about that of the masters the baseline was trained on
TAGGERS_LEVEL_DB = -14.0  # of seven levels tried, the one at which they agree best with listeners
_LEVEL_FLOOR = 1e-5
_MUSICNN_WINDOWS = 9  # of 3 s, one after another: 27 of the 29 s


@dataclass(frozen=True)
class Columns:
    """Where each teacher's answers lie in a row of labels.

    Attributes
    ----------
    logits
        By teacher; 56 of the baseline, 50 of each tagger.
    hidden
        By teacher: activations before its last layer.
    n
        Columns in all: the logits of all teachers come first.
    """

    logits: Mapping[str, slice]
    hidden: Mapping[str, slice]
    n: int

    @property
    def n_logits(self) -> int:
        """Columns that are logits."""
        return max(int(part.stop) for part in self.logits.values())


def label_columns(names: Sequence[str] = TAGGERS) -> Columns:
    """Columns of the labels of the baseline and the taggers `names`."""
    return columns_of((BASELINE, *names))


def columns_of(names: Sequence[str]) -> Columns:
    """Columns of the labels of teachers, in the order of their names."""
    at, parts = 0, []
    for sizes in ({name: _sizes(name)[0] for name in names}, {n: _sizes(n)[1] for n in names}):
        slices = {}
        for name, width in sizes.items():
            slices[name] = slice(at, at + width)
            at += width
        parts.append(slices)
    return Columns(parts[0], parts[1], at)


def _sizes(name: str) -> tuple[int, int]:
    """How many logits a teacher has, and how many activations lie before them."""
    if name == BASELINE:
        return len(MOOD_THEME_TAGS), baseline.EMBEDDING
    if name in PACKAGED:
        return PackagedMusicnn.n_tags, PackagedMusicnn.width
    return taggers.N_TAGS, taggers.FAMILIES[name.rpartition("-")[2]].width


@contextmanager
def without_denormals() -> Iterator[None]:
    """Numbers next to zero are zero: they teach nothing and take many times as long.

    It is a state of the processor, and what comes after may need such numbers.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


class Teachers(nn.Module):
    """All teachers as one module: windows ``(batch, 465920)`` to labels ``(batch, columns)``.

    Each hears the window at one level, by gain alone and unclipped, and at its own rate.

    Parameters
    ----------
    files
        By teacher's name: state dicts of the baseline and any of `TAGGERS`, the wheel of any of
        `PACKAGED`.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__()
        self.names = tuple(name for name in (*TAGGERS, *PACKAGED) if name in files)
        self.columns = label_columns(self.names)
        self.baseline = baseline.Baseline()
        state = torch.load(files[BASELINE], weights_only=True, map_location="cpu")
        self.baseline.network.load_state_dict(state)
        self.front_end = taggers.TaggerFrontEnd()
        self.networks = nn.ModuleDict(
            {
                name: load_packaged_musicnn(name, files[name])
                if name in PACKAGED
                else taggers.load_tagger(name.rpartition("-")[2], files[name])
                for name in self.names
            }
        )
        self.eval()

    @torch.no_grad()
    def forward(self, windows: Tensor, names: Sequence[str] | None = None) -> Tensor:
        """Labels, float32: of all teachers, or of those named, see `columns_of`."""
        device = windows.device.type
        levelled = at_level(windows, TAGGERS_LEVEL_DB)
        asked = names if names is not None else (BASELINE, *self.names)
        mel_db = windows.new_empty(0)  # which those of `TAGGERS` alone hear
        if any(name in TAGGERS for name in asked):
            mel_db = self.front_end(levelled[:, : taggers.EXCERPT_SAMPLES])
        logits, hidden = [], []
        with torch.autocast(device, torch.float16, enabled=device == "cuda"):
            for name in asked:
                if name == BASELINE:
                    activations = self._baseline_embedding(windows)
                    said = self.baseline.network.dense(activations)
                elif isinstance(network := self.networks[name], PackagedMusicnn):
                    with torch.autocast(device, enabled=False):
                        activations, said = network(levelled)
                else:
                    assert isinstance(network, taggers.Tagger)
                    if isinstance(network, taggers.Musicnn):
                        activations = self._in_pieces(network, mel_db)
                    else:
                        activations = network.embed(mel_db)
                    said = network.classify(activations)
                hidden.append(activations)
                logits.append(said)
        return torch.cat([part.float() for part in (*logits, *hidden)], dim=1)

    @torch.no_grad()
    def baseline_logits(self, windows: Tensor) -> Tensor:
        """What the baseline alone says, ``(batch, 56)``."""
        logits: Tensor = self.baseline.network.dense(self._baseline_embedding(windows))
        return logits

    def _baseline_embedding(self, windows: Tensor) -> Tensor:
        with torch.autocast(windows.device.type, enabled=False):
            mel_db = self.baseline.front_end(_to_12_khz(at_level(windows, BASELINE_LEVEL_DB)))
        return self.baseline.network.embed(mel_db)

    @staticmethod
    def _in_pieces(network: taggers.Musicnn, mel_db: Tensor) -> Tensor:
        """Mean over pieces of 3 s; the last layer is linear, so logits average too."""
        used = mel_db[:, :, : _MUSICNN_WINDOWS * taggers.MUSICNN_FRAMES]
        pieces = used.reshape(len(used), taggers.N_MELS, _MUSICNN_WINDOWS, taggers.MUSICNN_FRAMES)
        activations = network.embed(pieces.transpose(1, 2).flatten(0, 1))
        return activations.reshape(len(used), _MUSICNN_WINDOWS, -1).mean(dim=1)


def at_level(windows: Tensor, level_db: float) -> Tensor:
    """Windows ``(batch, samples)`` brought to an RMS of `level_db` dBFS by gain alone."""
    level = torch.sqrt(torch.mean(windows**2, dim=1, keepdim=True))
    return windows * (10 ** (level_db / 20) / torch.clamp(level, min=_LEVEL_FLOOR))


def _to_12_khz(windows: Tensor) -> Tensor:
    """The baseline's 29.1 s at its rate, by leaving out what lies above 6 kHz."""
    wanted = baseline.EXCERPT_SAMPLES
    used = wanted * SAMPLE_RATE // baseline.SAMPLE_RATE
    if used > EXCERPT_SAMPLES:
        raise ValueError("the baseline's excerpt is longer than the student's")
    spectrum = torch.fft.rfft(windows[:, :used])[:, : wanted // 2 + 1]
    resampled: Tensor = torch.fft.irfft(spectrum, wanted) * (wanted / used)
    return resampled
