"""What all stages of a reproduction share: what was asked for, on what, and where it goes."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from moodtheme.datasets import Split, TrackTable
from moodtheme.recipes import Recipe
from moodtheme.reproduction.collection import DEMO, Collection, file_sizes, tracks_sha256
from moodtheme.reproduction.selection import Preset, Weights
from moodtheme.reproduction.stages import Stages
from moodtheme.training.settings import Machine
from moodtheme.work import Progress

LOG = "log.txt"
"""What was said in every sitting."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for.

    Attributes
    ----------
    source
        ``demo``, a table, ``jamendo:FOLDER``.
    systems
        From `moodtheme.reproduction.selection.choose_systems`.
    preset, values, weights
        As for `moodtheme.reproduction.selection.choose_recipes`.
    seed
        Of every random choice.
    split, metadata
        Which of MTG-Jamendo's divisions, and where its lists are; None has them fetched.
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    threads
        Of PyTorch; None leaves the choice to it.
    jobs, workers
        Files decoded at once; processes that read examples in training.
    sweep
        Whether the CRNNs' units and dropout are chosen among the paper's.
    resamples
        Of the bootstrap; 0 for no intervals.
    skip_unreadable
        Leave out tracks that cannot be read.
    offline
        Never touch the network.
    cache
        Folder of decoded audio and features that several reproductions may share; None keeps them
        in the run's folder.
    licence
        Terms of the exported models.
    """

    source: str
    systems: tuple[str, ...]
    preset: Preset
    values: tuple[str, ...] = ()
    weights: Weights = Weights.PUBLISHED
    seed: int = 0
    split: int = 0
    metadata: Path | None = None
    device: str = "auto"
    threads: int | None = None
    jobs: int = 1
    workers: int | None = None
    sweep: bool = False
    resamples: int = 1000
    skip_unreadable: bool = False
    offline: bool = False
    cache: Path | None = None
    licence: str = "not stated"

    @property
    def command(self) -> str:
        """The command line that asks for the same results, with RUN_DIR for the folder."""
        words = ["--dataset", self.source, "--preset", self.preset]
        words += ["--systems", ",".join(self.systems), "--weights", self.weights]
        words += ["--seed", str(self.seed), "--bootstrap", str(self.resamples)]
        if self.split:
            words += ["--split", str(self.split)]
        if self.threads is not None:
            words += ["--threads", str(self.threads)]
        words += ["--sweep"] * self.sweep + ["--skip-unreadable"] * self.skip_unreadable
        words += [word for value in self.values for word in ("--set", value)]
        return f"moodtheme reproduce RUN_DIR {shlex.join(words)}"


@dataclass(frozen=True)
class Console:
    """How a reproduction speaks.

    Attributes
    ----------
    say
        Prints a line and writes it to the log.
    bar
        Given what is being done, a context in which its progress is shown.
    """

    say: Callable[[str], None]
    bar: Callable[[str], AbstractContextManager[Progress]]


def write_log(folder: Path, line: str) -> None:
    """Append a line, with the time, to the log of a run's folder, which is made if it is missing.

    The line is on the disk when this returns, as far as Python can tell.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(f"{now} {line}\n")


@dataclass(frozen=True, kw_only=True)
class Job:
    """A reproduction on its way.

    Attributes
    ----------
    request, folder
        What was asked for, and the run's folder.
    collection
        The tracks; once unreadable ones are left out, without them.
    left_out
        These, each with its reason.
    recipes
        By system; after a sweep those it chose.
    device
        Where networks compute.
    stages, console
        What does the work and says so.
    """

    request: Request
    folder: Path
    collection: Collection
    left_out: tuple[str, ...] = ()
    recipes: Mapping[str, Recipe]
    device: torch.device
    stages: Stages
    console: Console

    @property
    def table(self) -> TrackTable:
        """All tracks."""
        return self.collection.table

    @property
    def cache(self) -> Path:
        """Where decoded audio and features are."""
        return self.request.cache or self.folder

    @property
    def audio(self) -> Path:
        """Folder of decoded audio, a folder a rate in it."""
        return self.cache / "audio"

    @property
    def features(self) -> Path:
        """Folder of feature stores."""
        return self.cache / "features"

    @property
    def machine(self) -> Machine:
        """Where to train."""
        return Machine(
            accelerator=self.device.type,
            threads=self.request.threads,
            workers=self.request.workers,
        )

    def system_folder(self, system: str) -> Path:
        """Folder of a system's training run."""
        return self.folder / "systems" / system

    def bundle_folder(self, name: str) -> Path:
        """Folder of an exported model."""
        return self.folder / "bundles" / name

    def scores_file(self, split: Split, name: str) -> Path:
        """Scores of a row; all rows of a split lie in one folder, as `moodtheme evaluate` likes."""
        return self.folder / "scores" / split / f"{name}.npz"

    def truth_file(self, split: Split) -> Path:
        """Labels of a split."""
        return self.folder / "truth" / f"{split}.npz"

    def relative(self, path: Path) -> str:
        """A path in the run's folder as results name it."""
        return path.relative_to(self.folder).as_posix()

    def tracks_of(self, *splits: Split) -> TrackTable:
        """Tracks of some splits, in the table's order."""
        return self.table.select([r for r, part in enumerate(self.table.splits) if part in splits])

    def inputs_of(self, *splits: Split) -> dict[str, object]:
        """What a stage follows from that works on the audio of some splits."""
        tracks = self.tracks_of(*splits)
        return {"tracks": tracks_sha256(tracks), "audio": file_sizes(tracks)}


def default_preset(source: str) -> Preset:
    """The demo corpus is for trying things out; everything else deserves the paper's recipes."""
    return Preset.QUICK if source == DEMO else Preset.PAPER
