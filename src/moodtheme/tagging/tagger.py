"""A bundle and audio give tags: the front door for using a model."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from moodtheme.audio import (
    AudioStream,
    Position,
    open_audio,
    probe,
    read_excerpt,
    resample,
    to_mono,
)
from moodtheme.errors import SilentAudioError, TooShortError
from moodtheme.scores.decisions import apply_thresholds, calibrate
from moodtheme.tagging.bundle import Bundle, ExcerptPolicy
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.models import DEFAULT_MODEL, find_model
from moodtheme.tagging.session import MemberSession, fuse_systems
from moodtheme.tagging.windows import Window, cut_excerpt, loop_to_length, slide_windows

FloatArray = npt.NDArray[np.float32]

MINIMUM_S = 1.0
SILENCE_PEAK = 10 ** (-80 / 20)  # −80 dBFS
DEFAULT_TIMELINE_HOP_S = 10.0


@dataclass(frozen=True, slots=True)
class TagScore:
    """One tag of one track.

    Attributes
    ----------
    score
        What the model returned, in [0, 1]; comparable within a tag, not between tags.
    probability
        The calibrated score; None where the bundle has no calibration.
    decision
        Whether the tag applies; None where the bundle has no thresholds.
    """

    tag: str
    score: float
    probability: float | None
    decision: bool | None


@dataclass(frozen=True, slots=True)
class TimelineWindow:
    """The tags of a stretch of a track, by descending score."""

    start_s: float
    end_s: float
    tags: tuple[TagScore, ...]


@dataclass(frozen=True, slots=True)
class TrackTags:
    """What there is to say about one file.

    Attributes
    ----------
    path
        As it was given.
    duration_s
        Length of the audio; None where it is not known.
    tags
        All tags by descending score; empty when `error` is set.
    error
        Why the file could not be tagged, or None.
    warnings
        What went wrong without making the tags useless.
    timeline
        Tags over time where they were asked for.
    """

    path: Path
    duration_s: float | None
    tags: tuple[TagScore, ...]
    error: str | None = None
    warnings: tuple[str, ...] = ()
    timeline: tuple[TimelineWindow, ...] | None = None


class Tagger:
    """Scores and tags audio with a bundle; make one with `Tagger.load`.

    Thread-safe. The same audio gives bit-identical scores whatever the batch size, the number of
    threads that share the tagger, or what was scored before.
    """

    def __init__(self, bundle: Bundle, sessions: Iterable[MemberSession], batch_size: int) -> None:
        self.bundle = bundle
        self._sessions = tuple(sessions)
        self._batch_size = batch_size

    @classmethod
    def load(
        cls, name_or_path: str | Path = DEFAULT_MODEL, *, threads: int = 1, batch_size: int = 1
    ) -> Self:
        """Open a model.

        Parameters
        ----------
        name_or_path
            Name of an embedded or installed model, or a bundle's folder.
        threads
            Threads a call computes on. One is best where several files are tagged at once.
        batch_size
            Windows given to a graph in one call. One is fastest for excerpts of many seconds,
            whose activations then stay in the processor's cache; scores do not depend on it.

        Raises
        ------
        ModelNotFoundError
            If there is no such model, or it must be fetched first.
        BundleError
            If it is damaged or of another version.
        """
        if threads < 1 or batch_size < 1:
            raise ValueError("threads and batch_size are at least 1")
        folder = find_model(name_or_path)
        bundle = read_manifest(folder)
        sessions = [
            MemberSession(folder, bundle, member, threads=threads) for member in bundle.members
        ]
        return cls(bundle, sessions, batch_size)

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags in the order of the scores."""
        return self.bundle.tags

    def score(self, audio: npt.ArrayLike, sample_rate: int) -> FloatArray:
        """Scores of audio in memory.

        Parameters
        ----------
        audio
            Float samples of shape (samples,) or (samples, channels); mono is the channels' mean.
        sample_rate
            In Hz.

        Returns
        -------
        ndarray, shape (n_tags,), float32 in [0, 1]

        Raises
        ------
        TooShortError, SilentAudioError
            If there is less than a second, or nothing above −80 dBFS.
        """
        mono = to_mono(audio)
        source = "audio in memory"
        if len(mono) < MINIMUM_S * sample_rate:
            raise TooShortError(
                source,
                f"too short: {len(mono) / sample_rate:.2f} s, at least {MINIMUM_S:g} s is needed; "
                "give more of it",
            )
        per_session = []
        for session in self._sessions:
            member = session.member
            samples = resample(mono, sample_rate, member.sample_rate)
            if member.policy is ExcerptPolicy.COVER:
                windows: Iterable[Window] = slide_windows([samples], samples=member.samples)
            else:
                windows = [cut_excerpt(samples, samples=member.samples, policy=member.policy)]
            per_session.append(self._average(source, session, windows))
        return fuse_systems(self.bundle, np.concatenate(per_session))

    def tag(self, path: str | os.PathLike[str]) -> TrackTags:
        """Tags of a file, as the bundle's excerpt policy says.

        Raises
        ------
        AudioError
            If the file cannot be used; see `moodtheme.errors`.
        """
        path = Path(path)
        duration_s: float | None = None
        per_session, warnings = [], []
        for session in self._sessions:
            member = session.member
            if member.policy is ExcerptPolicy.COVER:
                with open_audio(path, sample_rate=member.sample_rate) as stream:
                    windows = slide_windows(_long_enough(stream), samples=member.samples)
                    systems = self._average(path, session, windows)
                duration_s = stream.decoded_s
                warnings += stream.warnings
            else:
                if duration_s is None:
                    duration_s = probe(path).duration_s
                audio = read_excerpt(
                    path,
                    sample_rate=member.sample_rate,
                    length_s=member.excerpt_s,
                    position=Position(member.policy.value),
                    minimum_s=MINIMUM_S,
                )
                window = Window(
                    0, len(audio.samples), 1.0, loop_to_length(audio.samples, member.samples)
                )
                systems = self._average(path, session, [window])
                warnings += audio.warnings
            per_session.append(systems)
        scores = fuse_systems(self.bundle, np.concatenate(per_session))
        return TrackTags(
            path, duration_s, self.rank(scores), warnings=tuple(dict.fromkeys(warnings))
        )

    def timeline(
        self, path: str | os.PathLike[str], *, hop_s: float | None = None
    ) -> tuple[TimelineWindow, ...]:
        """Tags over time: one set for each window of the model's length.

        Parameters
        ----------
        path
            The file.
        hop_s
            Distance of windows' starts in seconds; windows overlap where it is shorter than the
            model's excerpt, which it must not exceed. None means 10 s, or the excerpt if shorter.

        Returns
        -------
        tuple of TimelineWindow
            Silent windows are left out. Where members hear excerpts of different lengths, the
            longest sets the times.

        Raises
        ------
        AudioError
            If the file cannot be used.
        ValueError
            If `hop_s` is out of range.
        """
        shortest_s = min(session.member.excerpt_s for session in self._sessions)
        hop_s = min(DEFAULT_TIMELINE_HOP_S, shortest_s) if hop_s is None else hop_s
        if not 0 < hop_s <= shortest_s:
            raise ValueError(f"hop_s must be from 0 to {shortest_s:g} seconds, not {hop_s}")
        path = Path(path)
        by_length = sorted(self._sessions, key=lambda session: -session.member.excerpt_s)
        tracks = {session: self._scored_windows(path, session, hop_s) for session in by_length}
        rows = []
        for step, (window, _) in tracks[by_length[0]].items():
            if not all(step in track for track in tracks.values()):
                continue
            systems = np.concatenate([tracks[session][step][1] for session in self._sessions])
            rate = by_length[0].member.sample_rate
            rows.append(
                TimelineWindow(
                    window.start / rate,
                    (window.start + window.length) / rate,
                    self.rank(fuse_systems(self.bundle, systems)),
                )
            )
        return tuple(rows)

    def rank(self, scores: FloatArray) -> tuple[TagScore, ...]:
        """Scores ``(n_tags,)`` as tags by descending score, with what the bundle adds to them."""
        calibration, thresholds = self.bundle.calibration, self.bundle.thresholds
        probabilities = decisions = None
        if calibration is not None:
            probabilities = calibrate(scores, calibration.slopes, calibration.intercepts)
        if thresholds is not None:
            decisions = apply_thresholds(scores[None], np.array(thresholds.values))[0]
        return tuple(
            TagScore(
                self.tags[index],
                float(scores[index]),
                None if probabilities is None else float(probabilities[index]),
                None if decisions is None else bool(decisions[index]),
            )
            for index in np.argsort(-scores, kind="stable")
        )

    def _score_in_batches(
        self, session: MemberSession, windows: Iterable[Window]
    ) -> Iterator[tuple[Window, FloatArray]]:
        """Each window that is not silent with its scores ``(systems, tags)``."""
        audible = (w for w in windows if float(np.abs(w.audio).max()) >= SILENCE_PEAK)
        while batch := list(islice(audible, self._batch_size)):
            scores = session.hear(np.stack([window.audio for window in batch])).scores
            yield from zip(batch, scores, strict=True)

    def _average(
        self, source: Path | str, session: MemberSession, windows: Iterable[Window]
    ) -> FloatArray:
        """Weighted mean over windows, shape (systems, tags)."""
        total: npt.NDArray[np.float64] | float = 0.0
        weight = 0.0
        for window, scores in self._score_in_batches(session, windows):
            total = total + window.weight * scores.astype(np.float64)
            weight += window.weight
        if weight == 0.0:
            raise SilentAudioError(
                source, "silent: no peak above -80 dBFS where the model listens; check the file"
            )
        return np.asarray(total / weight, dtype=np.float32)

    def _scored_windows(
        self, path: Path, session: MemberSession, hop_s: float
    ) -> dict[int, tuple[Window, FloatArray]]:
        """Scored windows of a whole file by their number, silent ones missing."""
        member = session.member
        hop = round(hop_s * member.sample_rate)
        with open_audio(path, sample_rate=member.sample_rate) as stream:
            windows = slide_windows(_long_enough(stream), samples=member.samples, hop=hop)
            numbered = {
                -(-window.start // hop): (window, scores)
                for window, scores in self._score_in_batches(session, windows)
            }
        if not numbered:
            raise SilentAudioError(path, "silent: no peak above -80 dBFS; check the file")
        return numbered


def _long_enough(stream: AudioStream) -> Iterator[FloatArray]:
    """The stream's blocks; at its end, an error if they were less than a model can judge."""
    yield from stream
    stream.require(MINIMUM_S)
