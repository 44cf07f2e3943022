"""A chain of Ogg streams in one file, as radio recordings and joined files have, read through."""

from itertools import pairwise

import numpy as np

from moodtheme.audio.opened import OpenFile, Part
from moodtheme.audio.resample import Resampler, Samples
from moodtheme.audio.soundfile_source import SoundfileSource
from moodtheme.audio.sources import AudioInfo, BrokenOffError, UnsupportedError


class ChainSource:
    """All links of a chain, one after the other, at the first one's rate.

    Parameters
    ----------
    file
        The file, whose closing is its opener's business.
    starts
        Where the links begin.

    Raises
    ------
    UnsupportedError
        If libsndfile does not take the first.
    """

    can_seek = False  # beyond the first link

    def __init__(self, file: OpenFile, starts: tuple[int, ...]) -> None:
        self._links = [Part(file, *ends) for ends in pairwise((*starts, file.size))]
        self._number = 0
        self._source = SoundfileSource(self._links[0])
        self._adapter: Resampler | None = None
        self._rest = np.zeros(0, dtype=np.float32)
        self._unread: list[str] = []
        self._changes: list[str] = []
        self.info: AudioInfo = self._source.info

    def seek(self, frame: int) -> int:
        """Go to ``frame`` where it lies in the first link, else stay at the start."""
        if frame < round((self._source.info.duration_s or 0.0) * self.info.sample_rate):
            return self._source.seek(frame)
        return 0

    def read(self, frames: int) -> Samples:
        """At most ``frames`` mono samples; empty at the end of the last link."""
        while not len(self._rest):
            try:
                block = self._source.read(frames)
            except BrokenOffError as error:
                self._unread.append(f"link {self._number + 1} breaks off ({error})")
                block = self._rest
            adapter = self._adapter
            ended = not len(block)
            if adapter is not None:
                block = adapter.finish() if ended else adapter.push(block)
            self._rest = block
            if ended:
                self._adapter = None
                if not self._next():
                    break
        block, self._rest = self._rest[:frames], self._rest[frames:]
        return block

    def _next(self) -> bool:
        """Open the next link that can be read; whether there is one."""
        while self._number + 1 < len(self._links):
            self._number += 1
            try:
                source = SoundfileSource(self._links[self._number])
            except UnsupportedError as error:
                self._unread.append(f"link {self._number + 1} cannot be read ({error})")
                continue
            self._source.close()
            before, now = self._source.info, source.info
            if (before.sample_rate, before.channels) != (now.sample_rate, now.channels):
                self._changes.append(f"{now.sample_rate} Hz and {now.channels} channels")
            self._source = source
            same = now.sample_rate == self.info.sample_rate
            self._adapter = None if same else Resampler(now.sample_rate, self.info.sample_rate)
            return True
        return False

    def notes(self) -> list[str]:
        """Changes between links, and links that could not be read."""
        notes = list(self._unread)
        if self._changes:
            notes.append(
                f"the format changes {len(self._changes)} times, first to {self._changes[0]}"
            )
        return notes

    def close(self) -> None:
        """End libsndfile's part; the file stays open."""
        self._source.close()
