"""Every error a user can meet. Each message ends with what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar


class MoodthemeError(Exception):
    """Base of all errors raised on purpose; the command line prints it without a traceback."""

    exit_code: ClassVar[int] = 1


class UsageError(MoodthemeError):
    """The command or call is wrong in itself, whatever the data."""

    exit_code: ClassVar[int] = 2


class MissingExtraError(UsageError):
    """A command needs packages that the base install does not bring.

    Parameters
    ----------
    purpose
        What was asked for, as the start of a sentence ("training a system").
    extra
        The extra that brings the packages.
    """

    def __init__(self, purpose: str, extra: str = "train") -> None:
        super().__init__(purpose, extra)  # all there is, so that it crosses process borders

    def __str__(self) -> str:
        purpose, extra = self.args
        return (
            f"{purpose} needs packages that are not installed; "
            f"install them with: pip install 'moodtheme[{extra}]'"
        )


@contextmanager
def needing_extra(purpose: str, extra: str = "train") -> Iterator[None]:
    """Say of a package that a block imports and that is not there which extra brings it.

    Raises
    ------
    MissingExtraError
        With `purpose` and `extra`.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(purpose, extra) from error


class FileError(MoodthemeError):
    """A file could not be used.

    Parameters
    ----------
    path
        The file, or a description of where its content came from.
    reason
        Why, and what to do about it, without the file's name.
    """

    _form: ClassVar[str] = "{}"

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)  # as above
        self.path = path
        self.reason = self._form.format(reason)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class WriteError(MoodthemeError):
    """The disk, or whatever takes a result, does not take it: full, failing, or gone."""


class BusyError(MoodthemeError):
    """Another process is writing what this one was to write."""


# --- audio -----------------------------------------------------------------------------------


class AudioError(FileError):
    """A file could not be used as audio."""


class MissingAudioError(AudioError):
    """There is no such file, or it cannot be opened for reading."""


class NotAudioError(AudioError):
    """The file holds no audio that any decoder here recognises."""


class EmptyAudioError(AudioError):
    """The file, or its audio stream, holds nothing."""


class TooShortError(AudioError):
    """The audio is shorter than a model can judge."""


class SilentAudioError(AudioError):
    """The audio never rises above the silence threshold."""


class DecodeError(AudioError):
    """Decoding broke off and what was decoded is not enough."""


# --- features ----------------------------------------------------------------------------------


class FeatureFileError(AudioError):
    """A track's file of features is missing or cannot be used."""


class PlotError(UsageError):
    """A spectrogram plot cannot be drawn as asked."""


class ExtractionError(MoodthemeError):
    """Extracting features broke off for a reason that is not a file's."""


# --- tags of files -----------------------------------------------------------------------------


class TagFileError(FileError):
    """The tags of a file could not be changed, or changed back."""


class UnsupportedTagsError(TagFileError):
    """The file's form has no tags that can be changed without harm to the rest of it.

    Its reason is given as a clause.
    """

    _form = "tags are not written: {}; leave it out, or convert a copy"


class ChangedFileError(TagFileError):
    """The file is not as it was when its tags were planned or written."""


class TagJournalError(MoodthemeError):
    """A journal of written tags is missing, damaged or of another version."""


# --- models and downloads ----------------------------------------------------------------------


class BundleError(MoodthemeError):
    """A model bundle is damaged, or does not fit this version of moodtheme."""


class DeviceError(UsageError):
    """What is to compute is not there, or this installation cannot use it."""


class ModelNotFoundError(UsageError):
    """No model of that name is known, or it is known but not here yet."""


class ReferenceMusicError(UsageError):
    """Results of tagging cannot be what others are ranked among."""


class LibraryError(MoodthemeError):
    """A library file is damaged, of another version, or something else."""


class QueryError(UsageError):
    """What is searched for cannot be understood, or is not in the library."""


class DownloadError(MoodthemeError):
    """A file could not be fetched."""


class HashMismatchError(MoodthemeError):
    """A file is not the one it should be."""


class WeightsError(MoodthemeError):
    """A file of pretrained weights does not hold what the network needs."""


class TrainingError(MoodthemeError):
    """A training run cannot begin, go on or be used as it is."""


class ReproductionError(MoodthemeError):
    """A reproduction cannot begin, go on or be read as it is."""


# --- data, evaluation --------------------------------------------------------------------------


class DatasetError(MoodthemeError):
    """A table of tracks, a split or an archive is not what it should be."""


class EvaluationError(MoodthemeError):
    """Truth and scores cannot be compared as given."""


class EvaluationWarning(UserWarning):
    """A figure is undefined and left out; the message names the tag."""
