"""Whole pieces: a mood composed, performed, mixed and written, and the few that the demo plays."""

import io
from dataclasses import dataclass
from pathlib import Path

import soundfile

from moodtheme.demo.composition import compose
from moodtheme.demo.mix import mix
from moodtheme.demo.modal import Samples
from moodtheme.demo.moods import CUES, Cues, Mood
from moodtheme.demo.performance import perform
from moodtheme.demo.score import Score
from moodtheme.demo.styles import Style, derived_seed, draw_style, stream
from moodtheme.errors import UsageError
from moodtheme.files import replacing

MARK = "moodtheme generator"  # begins the comment of every file
GENERATOR_VERSION = 2  # raised whenever the same seed gives other samples
SAMPLE_RATE = 44100
MIN_SAMPLE_RATE = 8000
_NOTE_NAMES = ("C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B")


def render(cues: Cues, style: Style, *, seed: int, duration_s: float, sample_rate: int) -> Samples:
    """Compose, perform and mix a piece; numbers and result are as of `compose_and_render`.

    Raises
    ------
    UsageError
        If a number is out of range.
    """
    if not duration_s >= 1:
        raise UsageError(f"a piece of {duration_s} s is too short to write; give at least 1 s")
    if sample_rate < MIN_SAMPLE_RATE:
        raise UsageError(f"{sample_rate} Hz cannot carry the instruments; give 8000 Hz or more")
    score = compose(cues, style, seed=seed, duration_s=duration_s)
    performance = perform(score, cues, style, seed=seed)
    samples = round(duration_s * sample_rate)
    return mix(performance, cues, style, seed=seed, samples=samples, sample_rate=sample_rate)


def piece_style(seed: int) -> Style:
    """The artist who plays the pieces of a seed."""
    return draw_style(stream(seed, "style"))


def compose_mood(mood: Mood, *, seed: int, duration_s: float) -> Score:
    """Write the score that `compose_and_render` plays for the same arguments."""
    return compose(
        CUES[mood], piece_style(seed), seed=derived_seed(seed, mood), duration_s=duration_s
    )


def compose_and_render(
    mood: Mood, *, seed: int, duration_s: float, sample_rate: int = SAMPLE_RATE
) -> Samples:
    """Write a piece in a mood and play it.

    The same arguments give the same samples, bit for bit on one machine and NumPy.

    Parameters
    ----------
    mood
        What the piece should express.
    seed
        Seed of every choice, 0 or more.
    duration_s
        Seconds, at least 1.
    sample_rate
        Hz, at least 8000.

    Returns
    -------
    float32 (samples, 2)
        Peak at most −1 dBFS.

    Raises
    ------
    UsageError
        If a number is out of range.
    """
    return render(
        CUES[mood],
        piece_style(seed),
        seed=derived_seed(seed, mood),
        duration_s=duration_s,
        sample_rate=sample_rate,
    )


@dataclass(frozen=True)
class DemoPiece:
    """A piece of the demo.

    Parameters
    ----------
    file_name, title
        What it is called.
    mood, seed, duration_s
        What `compose_and_render` is given.
    """

    file_name: str
    title: str
    mood: Mood
    seed: int
    duration_s: float

    @property
    def description(self) -> str:
        """What was written, in a line: tempo, key, register and players."""
        cues, style = CUES[self.mood], piece_style(self.seed)
        score = compose_mood(self.mood, seed=self.seed, duration_s=self.duration_s)
        parts = sorted({note.part for note in score.notes})
        players = dict.fromkeys(style.instrument(p, cues).replace("_", " ") for p in parts)
        register = "low" if cues.register < -3 else "high" if cues.register > 3 else "middle"
        touch = "detached" if cues.staccato > 0.5 else "connected"
        if cues.staccato < 0.25:
            touch = "legato"
        return (
            f"{score.tempo:.0f} bpm in {score.beats_per_bar}/4, "
            f"{_NOTE_NAMES[score.tonic]} {score.mode}, {register} register, {touch}, "
            f"{', '.join(players)}, {'with' if score.strokes else 'without'} drums"
        )


def demo_pieces() -> tuple[DemoPiece, ...]:
    """Return the short contrasting pieces of the demo."""
    return (
        DemoPiece("1-market-morning.flac", "Market Morning", Mood.HAPPY, 19, 30.0),
        DemoPiece("2-empty-house.flac", "Empty House", Mood.SAD, 13, 30.0),
        DemoPiece("3-night-train.flac", "Night Train", Mood.ENERGETIC, 18, 30.0),
        DemoPiece("4-still-water.flac", "Still Water", Mood.MEDITATIVE, 12, 30.0),
        DemoPiece("5-gathering-storm.flac", "Gathering Storm", Mood.EPIC, 11, 30.0),
    )


def write_demo_pieces(folder: Path) -> list[Path]:
    """Write the demo's pieces; those already there from this generator are left alone.

    Parameters
    ----------
    folder
        Made where it is missing.

    Returns
    -------
    list of Path
        All pieces, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for piece in demo_pieces():
        path = folder / piece.file_name
        mark = f"{MARK} {GENERATOR_VERSION}: {piece.mood}, seed {piece.seed}"
        if not has_mark(path, mark):
            audio = compose_and_render(piece.mood, seed=piece.seed, duration_s=piece.duration_s)
            write_flac(path, audio, title=piece.title, mark=mark)
        paths.append(path)
    return paths


def write_flac(path: Path, audio: Samples, *, title: str, mark: str) -> None:
    """Write (samples, 2) at `SAMPLE_RATE` as 16-bit FLAC, whole or not at all.

    `has_mark` knows the file again by its mark, which is the comment.

    Raises
    ------
    UsageError
        The file cannot be written, or is audio that this generator did not make.
    """
    comment, _ = _looked_at(path)
    if comment is not None and not comment.startswith(MARK):
        raise UsageError(
            f"{path} is there and not from this generator, so it is not overwritten; name another "
            "folder"
        )
    encoded = io.BytesIO()
    with soundfile.SoundFile(
        encoded, "w", samplerate=SAMPLE_RATE, channels=2, format="FLAC", subtype="PCM_16"
    ) as file:
        file.title = title
        file.comment = mark
        file.write(audio)
    with replacing(path) as temporary:
        temporary.write_bytes(encoded.getbuffer())


def has_mark(path: Path, mark: str) -> bool:
    """Whether a file is there, is audio and carries the comment it was written with."""
    comment, frames = _looked_at(path)
    return comment == mark and frames > 0


def _looked_at(path: Path) -> tuple[str | None, int]:
    """A file's comment and frames; None and 0 where it is not there or no audio."""
    try:
        with soundfile.SoundFile(path) as file:
            return file.comment, file.frames
    except (OSError, soundfile.LibsndfileError):
        return None, 0
