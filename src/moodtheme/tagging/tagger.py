"""A bundle and audio give tags: the front door for using a model."""

import os
from pathlib import Path
from typing import Any, Self

import numpy.typing as npt

from moodtheme.arrays import FloatArray
from moodtheme.errors import BundleError
from moodtheme.tagging.answers import TimelineWindow, TrackTags, over_time, track_scores, track_tags
from moodtheme.tagging.bundle import Bundle, Reference
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.listening import Listener, Listening
from moodtheme.tagging.models import DEFAULT_MODEL, find_model
from moodtheme.tagging.own_music import read_reference
from moodtheme.tagging.session import MemberSession
from moodtheme.tagging.trial import require_bounded

DEFAULT_TIMELINE_HOP_S = 10.0


class Tagger:
    """Scores and tags audio with a bundle; make one with `Tagger.load`.

    Thread-safe. The same audio gives bit-identical scores whatever the batch size, the number of
    threads that share the tagger, or what was scored before. Can be pickled: the copy reads the
    bundle from the same folder, and refuses another one there.

    Parameters
    ----------
    folder
        The bundle's.
    threads, batch_size
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
        batch_size: int = 1,
        digest: str | None = None,
        relative_to: Reference | None = None,
    ) -> None:
        if threads < 1 or batch_size < 1:
            raise ValueError("threads and batch_size are at least 1")
        self.bundle: Bundle = read_manifest(folder)
        self.relative_to = relative_to
        self._made_of = folder.absolute(), threads, batch_size
        if digest not in (None, self.bundle.digest):
            raise BundleError(f"{folder} holds another bundle than before; load the model again")
        require_bounded(folder, self.bundle)
        self._sessions = tuple(
            MemberSession(folder, self.bundle, member, threads=threads)
            for member in self.bundle.members
        )
        self._listener = Listener(self.bundle, self._sessions, batch_size, relative_to=relative_to)

    @classmethod
    def load(
        cls,
        name_or_path: str | Path = DEFAULT_MODEL,
        *,
        threads: int = 1,
        batch_size: int = 1,
        relative_to: str | os.PathLike[str] | None = None,
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
        relative_to
            Music of your own to say where a track stands, instead of the model's reference: what
            `moodtheme tag --format jsonl` wrote of at least 20 tracks with this model. Standings
            change, scores and decisions do not.

        Raises
        ------
        ModelNotFoundError
            If there is no such model, or it must be fetched first.
        BundleError
            If it is damaged, of another version, or takes too long or too much memory for a window
            (see `moodtheme.tagging.trial`).
        ReferenceMusicError
            If the file of `relative_to` is something else or another model's.
        """
        folder = find_model(name_or_path)
        own = None if relative_to is None else read_reference(relative_to, read_manifest(folder))
        return cls(folder, threads=threads, batch_size=batch_size, relative_to=own)

    def __reduce__(self) -> tuple[Any, ...]:
        folder, threads, batch_size = self._made_of
        more = self.bundle.digest, self.relative_to
        return _reopen, (type(self), folder, threads, batch_size, *more)

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
        windows: int | None = None,
    ) -> Listening:
        """Hear a file once; `moodtheme.tagging.answers` has what follows from it.

        Parameters
        ----------
        path
            The file.
        timeline
            Whether to hear windows over the whole track too, for tags over time.
        hop_s
            Their distance, as for `timeline`.
        windows
            How many windows to hear where a member would hear the whole track: that many equal
            parts, the window in the middle of each. None for the whole track. A file in which
            places cannot be found without decoding up to them is heard whole, with a warning.

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
        hop_s = self._hop(hop_s) if timeline else None
        return self._listener.hear_file(Path(path), track=True, hop_s=hop_s)

    def listen_to(
        self,
        audio: npt.ArrayLike,
        sample_rate: int,
        *,
        timeline: bool = False,
        hop_s: float | None = None,
    ) -> Listening:
        """Hear audio in memory; parameters are those of `score` and `listen`."""
        hop_s = self._hop(hop_s) if timeline else None
        return self._listener.hear_samples(audio, sample_rate, hop_s=hop_s)

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
        hop_s = self._hop(hop_s)
        return over_time(self._listener.hear_file(Path(path), track=False, hop_s=hop_s))

    def _hop(self, hop_s: float | None) -> float:
        shortest_s = min(member.excerpt_s for member in self.bundle.members)
        hop_s = min(DEFAULT_TIMELINE_HOP_S, shortest_s) if hop_s is None else hop_s
        if not 0 < hop_s <= shortest_s:
            raise ValueError(f"hop_s must be from 0 to {shortest_s:g} seconds, not {hop_s}")
        return hop_s


def _reopen(
    kind: type[Tagger],
    folder: Path,
    threads: int,
    batch_size: int,
    digest: str,
    relative_to: Reference | None,
) -> Tagger:
    return kind(
        folder, threads=threads, batch_size=batch_size, digest=digest, relative_to=relative_to
    )
