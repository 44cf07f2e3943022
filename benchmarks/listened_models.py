"""What is compared by `listening.py`: bundles, the teachers together, and a peer."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moodtheme import Tagger
from moodtheme.audio import read_audio
from moodtheme.errors import AudioError
from moodtheme.scores.decisions import logit

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
    decisions: np.ndarray | None = None
    standings: np.ndarray | None = None


class Ours:
    """A bundle; what it lacks of valence and arousal is read from a fixed combination of tags."""

    def __init__(self, name: str) -> None:
        self.tagger = Tagger.load(name)
        self.name = f"{self.tagger.bundle.name} {self.tagger.bundle.digest[:8]}"
        self.tags: Sequence[str] = self.tagger.tags

    def score(self, audio: np.ndarray) -> np.ndarray:
        """Scores of 16 kHz audio."""
        return self.tagger.score(audio, RATE)

    def hear(self, files: list[Path]) -> Said:
        """What it says of files; those that cannot be used are left out."""
        kept, rows, dimensions, decisions, standings = [], [], [], [], []
        for file in files:
            try:
                heard = self.tagger.tag(file)
            except AudioError:
                continue
            by_name = {tag.name: tag for tag in heard.tags}
            tags = [by_name[name] for name in self.tags]
            kept.append(file)
            rows.append([tag.score for tag in tags])
            decisions.append([bool(tag.decision) for tag in tags])
            standings.append([tag.standing or 0.0 for tag in tags])
            dimensions.append({d.name: d.value for d in heard.dimensions})
        logits = logit(np.array(rows))
        z = (logits - logits.mean(axis=0)) / logits.std(axis=0)

        def dimension(name: str, tags: dict[str, int]) -> np.ndarray:
            if all(name in row for row in dimensions):
                return np.array([row[name] for row in dimensions])
            return sum(sign * z[:, self.tags.index(tag)] for tag, sign in tags.items())

        return Said(
            kept, logits, dimension("valence", VALENCE), dimension("arousal", AROUSAL),
            np.array(decisions), np.array(standings),
        )  # fmt: skip


class TeachersTogether:
    """All teachers, read as the student is read, from the middle 29 s of a track.

    Tags, valence and arousal are the same linear readings as the student's, of the teachers' own
    answers instead of its embedding, with the same listeners' answers (Emotify's odd half). It is
    what a student that imitated its teachers perfectly would say.
    """

    name = "the teachers together"

    def __init__(self, folder: Path | None, cache: Path, answers: dict[Path, np.ndarray]) -> None:
        import torch

        from moodtheme.distillation.run import teacher_files
        from moodtheme.distillation.teachers import Teachers
        from moodtheme.scores.vocabulary import MOOD_THEME_TAGS

        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        self.tags = list(MOOD_THEME_TAGS)
        self._teachers = Teachers(teacher_files(folder))
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)
        self._readings: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] = self._fit(answers)

    def _fit(
        self, answers: dict[Path, np.ndarray]
    ) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        from moodtheme.distillation.readings import read_labels

        labels = np.stack([self.labels(middle(file)) for file in answers])
        return read_labels(self._teachers.columns, labels, np.stack(list(answers.values())))

    def labels(self, window: np.ndarray) -> np.ndarray:
        """What all teachers say of a window, asked once."""
        import torch

        kept = self._cache / f"{hashlib.sha256(window.tobytes()).hexdigest()[:24]}.npy"
        if not kept.exists():
            said = self._teachers(torch.from_numpy(window.copy())[None])[0].numpy()
            np.save(kept, said.astype(np.float32))
        return np.load(kept).astype(np.float64)

    def score(self, audio: np.ndarray) -> np.ndarray:
        """Scores of the middle of 16 kHz audio."""
        return 1 / (1 + np.exp(-self._readings(self.labels(cut_middle(audio))[None])[0][0]))

    def hear(self, files: list[Path]) -> Said:
        """What they say of files; those that cannot be used are left out."""
        kept, rows = [], []
        for file in files:
            try:
                rows.append(self.labels(middle(file)))
            except AudioError:
                continue
            kept.append(file)
        logits, dimensions = self._readings(np.stack(rows))
        return Said(kept, logits, dimensions[:, 0], dimensions[:, 1])


def cut_middle(audio: np.ndarray) -> np.ndarray:
    """The middle 29.12 s, looped where there is less."""
    from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES

    start = max(0, (len(audio) - EXCERPT_SAMPLES) // 2)
    return np.resize(audio[start : start + EXCERPT_SAMPLES], EXCERPT_SAMPLES)


def middle(file: Path) -> np.ndarray:
    """The middle of a file."""
    return cut_middle(read_audio(file, sample_rate=RATE, minimum_s=1.0).samples)


class Vibenet:
    """The peer: 16 kHz, 128 Slaney mel bands of power in dB, valence and energy among seven."""

    tags: Sequence[str] = ()

    def __init__(self, file: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file, options)
        self.name = "vibenet"

    def ask(self, audio: np.ndarray) -> np.ndarray:
        """Its seven attributes."""
        from moodtheme.features.mel import mel_filters

        filters = mel_filters(sample_rate=RATE, n_fft=1024, n_mels=128, f_min=0.0, f_max=8000.0)
        window = np.hanning(641)[:-1]
        frames = np.lib.stride_tricks.sliding_window_view(audio, 640)[::320] * window
        power = np.abs(np.fft.rfft(frames, 1024, axis=1)) ** 2 @ filters.T
        db = 10 * np.log10(np.maximum(power, 1e-10)).T
        db = np.maximum(db, db.max() - 80.0).astype(np.float32)
        return np.ravel(self.session.run(None, {self.session.get_inputs()[0].name: db[None]})[0])

    score = ask

    def hear(self, files: list[Path]) -> Said:
        """What it says of files; those that cannot be used are left out."""
        kept, rows = [], []
        for file in files:
            try:
                audio = read_audio(file, sample_rate=RATE, minimum_s=1.0).samples
            except AudioError:
                continue
            kept.append(file)
            rows.append(self.ask(audio))
        said = np.array(rows)
        return Said(kept, None, valence=said[:, 6], arousal=said[:, 2])  # valence, energy
