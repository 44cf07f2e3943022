"""What a reproduction found, as ``results.json`` holds it.

Everything here follows from the data, the settings, the seed and the number of threads: two runs
with the same of these write the same file. What differs from one run to the next is in
`moodtheme.reproduction.stages`. All paths are relative to the run's folder, with ``/``.

Figures are called as in `moodtheme.evaluation.results`; all are fractions, not percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from moodtheme.errors import ReproductionError
from moodtheme.evaluation import Figure, PairedFigure, TagFigures
from moodtheme.recipes.recipe import Setting
from moodtheme.records import Records, read_record

RESULTS = "results.json"
RECORDS = Records(
    error=ReproductionError,
    missing="name the folder of a finished `moodtheme reproduce`",
    again="delete it and run the reproduction again",
)


class Kind(StrEnum):
    """What a row of scores is."""

    POPULARITY = "popularity"
    """The most frequent tag of the training tracks, for every track."""
    BASELINE = "baseline"
    """The MediaEval baseline, trained here."""
    SYSTEM = "system"
    FUSION = "fusion"


@dataclass(frozen=True, kw_only=True)
class ScoreFile:
    """Scores or truth with names, (tracks, tags), rows in the table's order of the split."""

    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table of results.

    Attributes
    ----------
    name
        A system's, a fusion's as `moodtheme.recipes.TABLE_1` calls it, or ``popularity``.
    kind, members
        What it is, and the systems behind a fusion.
    validation, test
        Macro and micro figures of the split. The epoch of each system was chosen on validation,
        so its figures there flatter it; validation has no ``_validation`` figures of decisions.
    tags
        Figures of each tag on test.
    validation_scores, test_scores, bundle
        Where the scores and the model are; no bundle where there is no model.
    """

    name: str
    kind: Kind
    members: tuple[str, ...] = ()
    validation: Mapping[str, Figure]
    test: Mapping[str, Figure]
    tags: tuple[TagFigures, ...]
    validation_scores: ScoreFile
    test_scores: ScoreFile
    bundle: str | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far one row is above another on test, on the same resamples (paired).

    Attributes
    ----------
    name, against
        Names of rows.
    why
        Why the two are compared, for readers.
    figures
        `name` minus `against`, for each macro and micro figure; p-values are corrected for the
        number of differences.
    """

    name: str
    against: str
    why: str
    figures: Mapping[str, PairedFigure]


@dataclass(frozen=True, kw_only=True)
class SystemRun:
    """How a system was trained.

    Attributes
    ----------
    name, folder, history
        The system, its run's folder, as `moodtheme train` makes it, and ``history.csv`` in that,
        with a row an epoch.
    settings
        Every value of the recipe with its source.
    changed
        Names of the values that are not the recipe's own, through a preset, ``--set``, the sweep or
        ``--weights random``.
    parameters
        Numbers in the network, batch normalisation's statistics included.
    weights
        File and SHA-256 of the pretrained weights; None where there are none.
    best_epoch, best_stage, epochs
        Counted from 1; chosen by validation macro ROC-AUC; trained in all.
    selection_roc_auc
        Macro ROC-AUC on validation as training saw it when it chose the epoch.
    moodtheme_version
        That trained it.
    """

    name: str
    folder: str
    history: str
    settings: tuple[Setting, ...]
    changed: tuple[str, ...]
    parameters: int
    weights: str | None
    best_epoch: int
    best_stage: int
    epochs: int
    selection_roc_auc: float
    moodtheme_version: str


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """One configuration that was tried, and whether it was chosen, by validation alone."""

    system: str
    values: Mapping[str, str]
    folder: str
    validation_roc_auc: float
    best_epoch: int
    epochs: int
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Part:
    """One split. `hours` is None where durations are not known."""

    split: str
    tracks: int
    hours: float | None
    artists: int
    positives: tuple[int, ...]
    """Tracks that carry each tag, in the order of `Dataset.tags`."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The collection.

    Attributes
    ----------
    source
        As it was given: ``demo``, a table, ``jamendo:FOLDER``.
    is_jamendo
        Whether the tags and tracks are MTG-Jamendo's official division, or some of its rows.
    comparable
        Whether the test set is the paper's, whole, so that its figures stand beside the paper's.
    tags
        Columns of all scores and truth.
    parts
        Training, validation, test.
    left_out
        Tracks that could not be read and were left out (``--skip-unreadable``), with the reason.
    shared_artists
        Artists with tracks in more than one split.
    sha256
        Of tracks, labels and splits.
    truth
        Label matrices by split: ``train``, ``validation``, ``test``.
    """

    source: str
    is_jamendo: bool
    comparable: bool
    tags: tuple[str, ...]
    parts: tuple[Part, ...]
    left_out: tuple[str, ...]
    shared_artists: int
    sha256: str
    truth: Mapping[str, ScoreFile]

    def tracks_in(self, split: str) -> int:
        """How many tracks a split has."""
        return next((part.tracks for part in self.parts if part.split == split), 0)


@dataclass(frozen=True, kw_only=True)
class TimelineWindow:
    """Scores of a stretch of a track, one a tag in the order of `Dataset.tags`."""

    start_s: float
    end_s: float
    scores: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ExampleTrack:
    """A test track as the exported model hears it.

    Attributes
    ----------
    track, artist, duration_s
        What the table says of it (artist ``""`` and duration None where it does not).
    truth
        Its tags.
    model
        The bundle's folder.
    scores
        Of the whole track, as `moodtheme tag` gives them; one a tag.
    decided
        The tags above the model's thresholds, which were chosen on validation.
    windows
        Scores over time; stretches of silence are left out.
    """

    track: str
    artist: str
    duration_s: float | None
    truth: tuple[str, ...]
    model: str
    scores: tuple[float, ...]
    decided: tuple[str, ...]
    windows: tuple[TimelineWindow, ...]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What was asked for.

    Attributes
    ----------
    command
        The command line that gives these results, without the folder.
    preset, seed, weights, device, threads, systems, values
        As given; what ``auto`` came to; of PyTorch; the chosen ones; ``--set``.
    bootstrap, over
        Resamples behind the intervals, and of what in words: ``327 artists``.
    """

    command: str
    preset: str
    seed: int
    weights: str
    device: str
    threads: int
    systems: tuple[str, ...]
    values: tuple[str, ...]
    bootstrap: int
    over: str = ""


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that was found.

    Attributes
    ----------
    notes
        Sentences for readers: what is not as in the paper, what was shortened, what is missing.
    rows
        Popularity, the MediaEval baseline if it was trained, the systems in the paper's order, the
        fusions whose members are all there.
    differences, runs, sweep, examples, versions
        Pairs worth comparing; one a trained system, the baseline included; empty without
        ``--sweep``; some test tracks; of Python and packages, by name.
    """

    format_version: int = 1
    settings: Settings
    dataset: Dataset
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    runs: tuple[SystemRun, ...]
    sweep: tuple[SweepPoint, ...]
    examples: tuple[ExampleTrack, ...]
    versions: Mapping[str, str]


def read_results(folder: Path) -> Results:
    """Read what was found; errors as of `moodtheme.records.read_record`."""
    return read_record(folder / RESULTS, Results, RECORDS)
