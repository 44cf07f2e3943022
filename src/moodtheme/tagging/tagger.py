"""A bundle and audio give tags: the front door for using a model."""

import os
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy.typing as npt

from moodtheme.arrays import FloatArray
from moodtheme.errors import BundleError
from moodtheme.tagging.answers import TrackTags, track_scores, track_tags
from moodtheme.tagging.bundle import Bundle, Reference
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.device import TaggingDevice
from moodtheme.tagging.following import HOP_S, HOPS_S, SPAN_S, SPANS_S, over_time
from moodtheme.tagging.listening import Listener, Listening
from moodtheme.tagging.models import DEFAULT_MODEL, find_model
from moodtheme.tagging.own_music import read_reference
from moodtheme.tagging.session import MemberSession
from moodtheme.tagging.timeline import Timeline
from moodtheme.tagging.trial import require_bounded
from moodtheme.tagging.windows import Steps
from moodtheme.work import Progress, no_progress

_BATCH_ON_GPU = 16


class Tagger:
    """Scores and tags audio with a bundle; make one with `Tagger.load`.

    Thread-safe. The same audio gives bit-identical scores whatever the batch size, the number of
    threads that share the tagger, or what was scored before. Can be pickled: the copy reads the
    bundle from the same folder, and refuses another one there.

    Parameters
    ----------
    folder
        The bundle's.
    threads, batch_size, device
        As for `Tagger.load`.
    digest
        Which bundle must be there; None for any.
    relative_to
        Among which music standings are, instead of the bundle's reference; None for that.
    """

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 1,
        batch_size: int | None = None,
        device: TaggingDevice | str = TaggingDevice.CPU,
        digest: str | None = None,
        relative_to: Reference | None = None,
    ) -> None:
        if threads < 1 or (batch_size is not None and batch_size < 1):
            raise ValueError("threads and batch_size are at least 1")
        self.bundle: Bundle = read_manifest(folder)
        self.relative_to = relative_to
        self._made_of: dict[str, Any] = {
            "folder": folder.absolute(), "threads": threads, "batch_size": batch_size,
            "device": device, "digest": self.bundle.digest, "relative_to": relative_to,
        }  # fmt: skip
        if digest not in (None, self.bundle.digest):
            raise BundleError(f"{folder} holds another bundle than before; load the model again")
        require_bounded(folder, self.bundle)
        self._sessions = tuple(
            MemberSession(
                folder, self.bundle, member, threads=threads, device=TaggingDevice(device)
            )
            for member in self.bundle.members
        )
        on_gpu = any(session.device is TaggingDevice.CUDA for session in self._sessions)
        batch_size = batch_size or (_BATCH_ON_GPU if on_gpu else 1)
        self._listener = Listener(self.bundle, self._sessions, batch_size, relative_to=relative_to)

    @classmethod
    def load(
        cls,
        name_or_path: str | Path = DEFAULT_MODEL,
        *,
        threads: int = 1,
        batch_size: int | None = None,
        device: TaggingDevice | str = TaggingDevice.CPU,
        relative_to: str | os.PathLike[str] | Reference | None = None,
    ) -> Self:
        """Open a model.

        Parameters
        ----------
        name_or_path
            Name of an embedded or installed model, or a bundle's folder.
        threads
            Threads a call computes on. One is best where several files are tagged at once.
        batch_size
            Windows given to a graph in one call. None is one on a processor, fastest for excerpts
            of many seconds, whose activations then stay in its cache; on a processor scores do
            not depend on it. On a GPU None is 16.
        device
            ``cpu``; ``cuda``, where ONNX Runtime's CUDA provider is installed (see
            `moodtheme.tagging.device`), with the same scores but for rounding; ``auto`` takes a
            GPU where it can.
        relative_to
            Music of your own to say where a track stands, instead of the model's reference: what
            `moodtheme tag --format jsonl` wrote of at least 20 tracks with this model, or
            `moodtheme.Library.reference`. Standings change, scores and decisions do not.

        Raises
        ------
        ModelNotFoundError
            If there is no such model, or it must be fetched first.
        DeviceError
            If CUDA is asked for and cannot be had.
        BundleError
            If it is damaged, of another version, or takes too long or too much memory for a window
            (see `moodtheme.tagging.trial`).
        ReferenceMusicError
            If the file of `relative_to` is something else or another model's.
        """
        folder = find_model(name_or_path)
        own = relative_to
        if isinstance(own, str | os.PathLike):
            own = read_reference(own, read_manifest(folder))
        return cls(folder, threads=threads, batch_size=batch_size, device=device, relative_to=own)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **self._made_of), ()

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags in the order of the scores."""
        return self.bundle.tags

    @property
    def sessions(self) -> tuple[MemberSession, ...]:
        """The members' graphs, in the bundle's order, for who gives them windows of their own."""
        return self._sessions

    def listen(
        self,
        path: str | os.PathLike[str],
        *,
        timeline: bool = False,
        hop_s: float | None = None,
        span_s: float | None = None,
        windows: int | None = None,
        progress: Progress = no_progress,
    ) -> Listening:
        """Hear a file once; `moodtheme.tagging.answers` has what follows from it.

        Parameters
        ----------
        path
            The file.
        timeline
            Whether to hear short windows over the whole track too, for tags over time.
        hop_s, span_s
            As for `timeline`.
        windows
            How many windows to hear where a member would hear the whole track: that many equal
            parts, the window in the middle of each. None for the whole track. A file in which
            places cannot be found without decoding up to them is heard whole, with a warning.
        progress
            Told how many seconds of the track were heard; not with `windows`.

        Raises
        ------
        AudioError
            If the file cannot be used; see `moodtheme.errors`. A silent one can be listened to.
        ValueError
            If there are less than 1 `windows`, or a timeline, which is the whole track.
        """
        if windows is not None:
            if windows < 1 or timeline:
                raise ValueError("windows is at least 1, and goes without a timeline")
            return self._listener.hear_windows(Path(path), windows)
        steps = _steps(hop_s, span_s) if timeline else None
        return self._listener.hear_file(Path(path), steps=steps, progress=progress)

    def listen_to(
        self,
        audio: npt.ArrayLike,
        sample_rate: int,
        *,
        timeline: bool = False,
        hop_s: float | None = None,
        span_s: float | None = None,
    ) -> Listening:
        """Hear audio in memory; parameters are those of `score` and `listen`."""
        steps = _steps(hop_s, span_s) if timeline else None
        return self._listener.hear_samples(audio, sample_rate, steps=steps)

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
        return track_scores(self.listen_to(audio, sample_rate))

    def tag(
        self,
        path: str | os.PathLike[str],
        *,
        timeline: bool = False,
        windows: int | None = None,
    ) -> TrackTags:
        """Tags of a file, as the bundle's excerpt policy says, and over time if asked for.

        Parameters
        ----------
        path, timeline, windows
            As for `listen`.

        Raises
        ------
        AudioError
            If the file cannot be used; see `moodtheme.errors`.
        """
        return track_tags(self.listen(path, timeline=timeline, windows=windows), timeline=timeline)

    def timeline(
        self,
        path: str | os.PathLike[str],
        *,
        hop_s: float | None = None,
        span_s: float | None = None,
        progress: Progress = no_progress,
    ) -> Timeline:
        """Tags over time: curves, where they change for good, and where each tag peaks.

        Parameters
        ----------
        path
            The file.
        hop_s
            Length of a step in seconds, from 0.25 to 30; 2 for None.
        span_s
            How much of the track is heard about the middle of each step, looped to what the model
            takes, from 1 to 30 s; 6 for None. Less makes curves sharper and more restless.
        progress
            Told how many seconds of the track were heard.

        Returns
        -------
        Timeline
            A sequence of steps. Those without sound are left out.

        Raises
        ------
        AudioError
            If the file cannot be used.
        ValueError
            If a length is out of range.
        """
        return over_time(
            self.listen(path, timeline=True, hop_s=hop_s, span_s=span_s, progress=progress)
        )


def _steps(hop_s: float | None, span_s: float | None) -> Steps:
    steps = Steps(HOP_S if hop_s is None else hop_s, SPAN_S if span_s is None else span_s)
    for name, value, (least, most) in (
        ("hop_s", steps.hop_s, HOPS_S),
        ("span_s", steps.span_s, SPANS_S),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name} must be from {least:g} to {most:g} seconds, not {value:g}")
    return steps
