"""A piece that is heard again and again with parts hidden, of which only changed windows are."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.audio import SILENCE_PEAK, ExcerptPolicy, audio_identity, read_audio
from moodtheme.errors import SilentAudioError
from moodtheme.explaining.hiding import HIDDEN_DB, drown, hide
from moodtheme.explaining.regions import Region
from moodtheme.scores.decisions import logit
from moodtheme.tagging.answers import track_dimensions, track_scores
from moodtheme.tagging.ears import HeardWindow, MemberListening
from moodtheme.tagging.listening import Listening
from moodtheme.tagging.session import MemberSession
from moodtheme.tagging.tagger import Tagger
from moodtheme.tagging.windows import MINIMUM_S, Window, cut_excerpt, loop_to_length, slide_windows


@dataclass(frozen=True, slots=True)
class _Part:
    """A member, its windows with sound, and what it says of them as they are."""

    session: MemberSession
    windows: tuple[Window, ...]
    heard: tuple[HeardWindow, ...]


class HeardPiece:
    """A piece as a model hears it, and with parts hidden.

    Parameters
    ----------
    tagger
        The model.
    path
        The file.

    Attributes
    ----------
    windows_heard
        How many windows the model has heard so far, the piece as it is included.

    Raises
    ------
    AudioError
        If the file cannot be used, or is silent.
    """

    def __init__(self, tagger: Tagger, path: str | os.PathLike[str]) -> None:
        self.windows_heard = 0
        parts: list[_Part] = []
        warnings: list[str] = []
        duration_s = 0.0
        for session in tagger.sessions:
            member = session.member
            audio = read_audio(path, sample_rate=member.sample_rate, minimum_s=MINIMUM_S)
            warnings += audio.warnings
            duration_s = audio.duration_s
            parts.append(self._part(session, audio.samples))
        self._parts = tuple(parts)
        self.listening = Listening(
            tagger.bundle,
            Path(path),
            duration_s,
            audio_identity(path),
            tuple(MemberListening(part.session.member, part.heard, {}) for part in parts),
            tuple(dict.fromkeys(warnings)),
            relative_to=tagger.relative_to,
        )
        if not all(part.heard for part in parts):
            raise SilentAudioError(Path(path), "silent: no peak above -80 dBFS; check the file")
        self.duration_s = duration_s

    @property
    def windows(self) -> int:
        """How many windows hearing all of it takes."""
        return sum(len(part.windows) for part in self._parts)

    @property
    def top_hz(self) -> float:
        """Up to which frequency the model can hear."""
        return max(part.session.member.sample_rate for part in self._parts) / 2

    def without(self, region: Region) -> Listening:
        """The piece heard with a region hidden."""
        return self.heard_through(
            lambda audio, rate, start_s: hide(audio, region, rate, start_s=start_s)
        )

    def drowned(self, region: Region) -> Listening:
        """The piece heard with noise in place of a region, as loud as what it replaces."""
        return self.heard_through(
            lambda audio, rate, start_s: drown(audio, region, rate, start_s=start_s)
        )

    def only(self, region: Region) -> Listening:
        """The piece heard with all but a region hidden."""

        def keep(audio: FloatArray, rate: int, start_s: float) -> FloatArray:
            hidden = hide(audio, region, rate, start_s=start_s)
            return audio - hidden + audio * np.float32(10 ** (-HIDDEN_DB / 20))

        return self.heard_through(keep)

    def heard_through(self, change: Callable[[FloatArray, int, float], FloatArray]) -> Listening:
        """The piece heard with its windows changed.

        `change` takes a window's audio, its rate and where in the piece it begins, in seconds; it
        gives the same array for no change, and the window is not heard again.
        """
        members = []
        for part in self._parts:
            rate = part.session.member.sample_rate
            heard = []
            for window, before in zip(part.windows, part.heard, strict=True):
                shown = window.audio[: window.length]
                changed = change(shown, rate, window.start / rate)
                if changed is shown:
                    heard.append(before)
                    continue
                looped = loop_to_length(changed, len(window.audio))
                heard.append(self._hear(part.session, replace(window, audio=looped)))
            members.append(MemberListening(part.session.member, tuple(heard), {}))
        return replace(self.listening, members=tuple(members))

    def _part(self, session: MemberSession, samples: FloatArray) -> _Part:
        member = session.member
        if member.policy is ExcerptPolicy.COVER:
            windows = list(slide_windows([samples], samples=member.samples))
        else:
            windows = [cut_excerpt(samples, samples=member.samples, policy=member.policy)]
        windows = [w for w in windows if float(np.abs(w.audio).max()) >= SILENCE_PEAK]
        heard = tuple(self._hear(session, window) for window in windows)
        return _Part(session, tuple(windows), heard)

    def _hear(self, session: MemberSession, window: Window) -> HeardWindow:
        said = session.hear(window.audio[None])
        self.windows_heard += 1
        place = window.start, window.length, window.weight
        return HeardWindow.of(place, session.member.sample_rate, said, 0)


def readings(listening: Listening) -> Float64Array:
    """What effects are differences of: the tags' logits, then the dimensions' values."""
    dimensions = track_dimensions(listening)
    values = logit(track_scores(listening))
    return values if dimensions is None else np.concatenate([values, dimensions])
