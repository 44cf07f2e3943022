"""What is compared by `listening.py`: bundles, the teachers together, and a peer."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moodtheme import Tagger
from moodtheme.audio import read_audio
from moodtheme.errors import AudioError
from moodtheme.scores.decisions import logit
from moodtheme.tagging.answers import track_dimensions, track_scores

RATE = 16_000
AROUSAL = {"energetic": 1, "fast": 1, "action": 1, "calm": -1, "soft": -1, "relaxing": -1}
VALENCE = {"happy": 1, "fun": 1, "positive": 1, "dark": -1, "sad": -1}


@dataclass(frozen=True)
class Said:
    """What a model said of tracks: logits of tags (None for a peer without), valence, arousal."""

    files: list[Path]
    logits: np.ndarray | None
    valence: np.ndarray
    arousal: np.ndarray


class Model(ABC):
    """Something that hears music: a row of figures for a sound, and what rows say of tracks."""

    name: str
    tags: Sequence[str] = ()
    cache: Path | None = None

    @abstractmethod
    def hear_anew(self, audio: np.ndarray) -> np.ndarray:
        """A row of figures about 16 kHz audio."""

    @abstractmethod
    def read(self, files: list[Path], rows: np.ndarray) -> Said:
        """What rows say of their files."""

    def ask(self, audio: np.ndarray) -> np.ndarray:
        """A row about 16 kHz audio, asked for once where there is a cache."""
        if self.cache is None:
            return self.hear_anew(audio)
        kept = self.cache / self.name.replace(" ", "-")
        kept /= f"{hashlib.sha256(np.ascontiguousarray(audio).tobytes()).hexdigest()[:24]}.npy"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, np.asarray(self.hear_anew(audio), np.float32))
        return np.load(kept).astype(np.float64)

    def compared(self, row: np.ndarray) -> np.ndarray:
        """What of a row is compared with that of a changed piece: its tags."""
        return row[: len(self.tags)]

    def score(self, audio: np.ndarray) -> np.ndarray:
        """What is compared, of 16 kHz audio."""
        return self.compared(self.ask(audio))

    def hear(self, files: list[Path]) -> Said:
        """What it says of files, heard whole; those that cannot be used are left out."""
        return self._hear(
            files, lambda file: read_audio(file, sample_rate=RATE, minimum_s=1.0).samples
        )

    def hear_middles(self, files: list[Path]) -> Said:
        """The same of their middle 29 s."""
        return self._hear(files, middle)

    def _hear(self, files: list[Path], cut: Callable[[Path], np.ndarray]) -> Said:
        kept, rows = [], []
        for file in files:
            try:
                rows.append(self.ask(cut(file)))
            except AudioError:
                continue
            kept.append(file)
        return self.read(kept, np.array(rows))


class Ours(Model):
    """A bundle; what it lacks of valence and arousal is read from a fixed combination of tags."""

    def __init__(self, name: str, cache: Path | None = None) -> None:
        self.tagger = Tagger.load(name)
        self.name = f"{self.tagger.bundle.name} {self.tagger.bundle.digest[:8]}"
        self.tags = self.tagger.tags
        self.cache = cache

    def hear_anew(self, audio: np.ndarray) -> np.ndarray:
        """Scores, and valence and arousal where it has them."""
        listening = self.tagger.listen_to(audio, RATE)
        values = track_dimensions(listening)
        return np.concatenate([track_scores(listening), () if values is None else values])

    def read(self, files: list[Path], rows: np.ndarray) -> Said:
        """Logits and dimensions."""
        logits = logit(rows[:, : len(self.tags)])
        z = (logits - logits.mean(axis=0)) / np.maximum(logits.std(axis=0), 1e-9)
        names = [dimension.name for dimension in self.tagger.bundle.dimensions]

        def dimension(name: str, tags: dict[str, int]) -> np.ndarray:
            if name in names:
                return rows[:, len(self.tags) + names.index(name)]
            return sum(sign * z[:, self.tags.index(tag)] for tag, sign in tags.items())

        return Said(files, logits, dimension("valence", VALENCE), dimension("arousal", AROUSAL))


class TeachersTogether(Model):
    """All teachers, read as the student is read, from the middle 29 s of a track.

    Tags, valence and arousal are the same linear readings as the student's, of the teachers' own
    answers instead of its embedding, with the same listeners' answers (Emotify's odd half). It is
    what a student that imitated its teachers perfectly would say.
    """

    name = "the teachers together"

    def __init__(self, folder: Path | None, cache: Path, answers: dict[Path, np.ndarray]) -> None:
        import torch

        from moodtheme.distillation.readings import read_labels
        from moodtheme.distillation.run import teacher_files
        from moodtheme.distillation.teachers import PACKAGED, Teachers
        from moodtheme.scores.vocabulary import MOOD_THEME_TAGS

        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        self.tags = list(MOOD_THEME_TAGS)
        self._teachers = Teachers(teacher_files(folder))
        self.columns = self._teachers.columns
        if set(PACKAGED) <= set(self._teachers.names):  # with their answers kept apart
            self.name += ", musicnn's package too"
        self.cache = cache
        labels = np.stack([self.ask(middle(file)) for file in answers])
        self._readings = read_labels(self.columns, labels, np.stack([*answers.values()]))

    def hear_anew(self, window: np.ndarray) -> np.ndarray:
        """What all teachers say of a window: logits and what lies before their last layers."""
        import torch

        with torch.no_grad():
            return self._teachers(torch.from_numpy(cut_middle(window).copy())[None])[0].numpy()

    def compared(self, row: np.ndarray) -> np.ndarray:
        """Their tags, read as the student's."""
        return self._readings(row[None])[0][0]

    def hear(self, files: list[Path]) -> Said:
        """What they say of the middles of files."""
        return self.hear_middles(files)

    def read(self, files: list[Path], rows: np.ndarray) -> Said:
        """Readings of the teachers' own answers."""
        logits, dimensions = self._readings(rows)
        return Said(files, logits, dimensions[:, 0], dimensions[:, 1])


def cut_middle(audio: np.ndarray) -> np.ndarray:
    """The middle 29.12 s, looped where there is less."""
    from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES

    start = max(0, (len(audio) - EXCERPT_SAMPLES) // 2)
    return np.resize(audio[start : start + EXCERPT_SAMPLES], EXCERPT_SAMPLES)


def whole(file: Path) -> np.ndarray:
    """All of a file."""
    return read_audio(file, sample_rate=RATE, minimum_s=1.0).samples


def middle(file: Path) -> np.ndarray:
    """The middle of a file."""
    return cut_middle(whole(file))


class Vibenet(Model):
    """The peer: 16 kHz, 128 Slaney mel bands of power in dB, valence and energy among seven."""

    def __init__(self, file: str, cache: Path | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file, options)
        self.name = "vibenet"
        self.cache = cache

    def hear_anew(self, audio: np.ndarray) -> np.ndarray:
        """Its seven attributes."""
        from moodtheme.features.mel import mel_filters

        filters = mel_filters(sample_rate=RATE, n_fft=1024, n_mels=128, f_min=0.0, f_max=8000.0)
        window = np.hanning(641)[:-1]
        frames = np.lib.stride_tricks.sliding_window_view(audio, 640)[::320] * window
        power = np.abs(np.fft.rfft(frames, 1024, axis=1)) ** 2 @ filters.T
        db = 10 * np.log10(np.maximum(power, 1e-10)).T
        db = np.maximum(db, db.max() - 80.0).astype(np.float32)
        return np.ravel(self.session.run(None, {self.session.get_inputs()[0].name: db[None]})[0])

    def compared(self, row: np.ndarray) -> np.ndarray:
        """All seven."""
        return row

    def read(self, files: list[Path], rows: np.ndarray) -> Said:
        """Its valence, and its energy for arousal."""
        return Said(files, None, valence=rows[:, 6], arousal=rows[:, 2])
