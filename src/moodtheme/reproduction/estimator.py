"""Estimates of how long each stage will take here, and how much disk and memory."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from moodtheme.datasets import Split, TrackTable
from moodtheme.feature_store import FeatureStore, describe_extractor
from moodtheme.feature_store.append_store import STORE
from moodtheme.recipes import NINE_SYSTEMS, ExtractedView, Recipe, SoundView, View
from moodtheme.reproduction import names
from moodtheme.reproduction.estimates import Estimate, Estimates
from moodtheme.reproduction.models import FUSED, exportable, has_nine
from moodtheme.reproduction.selection import without_weights
from moodtheme.reproduction.speed import (
    TrainingSpeed,
    bootstrap_speed,
    decoding_speed,
    export_cost,
    feature_speed,
    training_speed,
)
from moodtheme.training.audio_cache import plan_cache
from moodtheme.training.kinds import kind_of

_BASE_BYTES = 700_000_000  # Python with PyTorch and Lightning, before they do anything
_PATIENCES = 2  # after how many patiences a training that ends early is taken to end
_OTHER_ROWS = 6  # popularity and five fusions
_FLOAT_BYTES = 4
_CHECKPOINTS = 4  # copies of the weights in a stage: the best, and the last with its optimiser's


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be estimated.

    Attributes
    ----------
    recipes
        By system.
    table
        All tracks.
    device, jobs
        Where networks compute, and how many files are decoded at once.
    audio, features
        Folders of decoded audio and of features.
    resamples
        Of the bootstrap.
    configurations
        How often each CRNN is trained: 1, or the sweep's number of configurations.
    done
        Whether a stage, by name, is done.
    """

    recipes: Mapping[str, Recipe]
    table: TrackTable
    device: torch.device
    jobs: int
    audio: Path
    features: Path
    resamples: int
    configurations: int
    done: Callable[[str], bool]


def estimate(work: Work, *, report: Callable[[str], None]) -> Estimates:
    """Time a little of everything and multiply.

    Parameters
    ----------
    work
        What is to come.
    report
        Called with a line for each thing that is timed.
    """
    estimator = _Estimator(work, report)
    stages = [
        *estimator.decoding(),
        *estimator.features(),
        *estimator.training(),
        *estimator.prediction(),
        *estimator.exports(),
        *estimator.evaluation(),
    ]
    return Estimates(
        stages=tuple(stages),
        disk_bytes=estimator.disk_bytes,
        memory_bytes=max(estimator.memory.values(), default=0),
        memory_of=max(estimator.memory, key=lambda s: estimator.memory[s], default=""),
    )


class _Estimator:
    def __init__(self, work: Work, report: Callable[[str], None]) -> None:
        self._work = work
        self._report = report
        self._counts = {part: len(work.table.part(part)) for part in Split}
        self._speeds: dict[str, TrainingSpeed] = {}
        self._decoding: dict[int, float] = {}
        self._exports: dict[View, tuple[float, int]] = {}
        self._at_once = min(work.jobs, os.cpu_count() or 1)
        self.disk_bytes = 0
        self.memory: dict[str, int] = {}

    def decoding(self) -> list[Estimate]:
        """Audio of the systems that hear audio; the test tracks' excerpts are only tried."""
        table, found = self._work.table, []
        learnt = [row for row, part in enumerate(table.splits) if part is not Split.TEST]
        learnt_from = table.select(learnt)
        for rate in names.audio_rates(self._work.recipes):
            stage = names.decode(rate)
            if self._work.done(stage):
                continue
            # Where the table states no duration the file's header does.
            plan = plan_cache(
                self._work.audio,
                learnt_from.files,
                sample_rate=rate,
                durations=learnt_from.durations.tolist(),
            )
            if not plan.missing:
                continue
            music_s = plan.needed / (2 * rate)
            self.disk_bytes += plan.needed
            speed = self._decoding_speed(rate)
            found.append(
                Estimate(
                    stage=stage,
                    seconds=music_s / speed / self._at_once,
                    work=f"{music_s / 3600:.2f} h of music at {speed:.0f}× real time a file, "
                    f"{self._at_once} at once",
                )
            )
        return found

    def features(self) -> list[Estimate]:
        """Features of every track that is not known to have them."""
        found = []
        for view, stage in names.feature_stages(self._work.recipes).items():
            if self._work.done(stage) or not (tracks := self._without_features(view)):
                continue
            self._report(f"timing {stage}")
            rate = feature_speed(view, device=str(self._work.device))
            windows = tracks * view.windows
            decoding = self._excerpts_s(tracks, view)
            self.disk_bytes += windows * _n_features(view) * _FLOAT_BYTES
            found.append(
                Estimate(
                    stage=stage,
                    seconds=windows / rate + decoding,
                    work=f"{windows:,} windows at {rate:.1f} a second, and decoding",
                )
            )
        return found

    def training(self) -> list[Estimate]:
        """All epochs, as far as they can be known."""
        found = []
        for system, recipe in self._work.recipes.items():
            if self._work.done(names.train(system)):
                continue
            speed = self._training_speed(system)
            schedule = recipe.schedule
            steps = max(1, self._counts[Split.TRAIN] // schedule.batch_size)
            validation_s = self._counts[Split.VALIDATION] * speed.track_s
            seconds, epochs, most = 0.0, 0, 0
            for stage, step_s in zip(recipe.stages, speed.step_s, strict=True):
                likely = stage.epochs
                if schedule.patience is not None:
                    likely = min(likely, _PATIENCES * schedule.patience)
                seconds += likely * (steps * step_s + validation_s)
                epochs, most = epochs + likely, most + stage.epochs
            times = self._work.configurations if system in names.swept(self._work.recipes) else 1
            self.disk_bytes += (
                times * len(recipe.stages) * _CHECKPOINTS * speed.parameters * _FLOAT_BYTES
            )
            self.memory[system] = speed.memory_bytes + (
                _BASE_BYTES if self._work.device.type == "cpu" else 0
            )
            found.append(
                Estimate(
                    stage=names.train(system),
                    seconds=times * seconds,
                    work=(f"{times} configurations of " if times > 1 else "")
                    + f"{epochs} epochs"
                    + (f" (at most {most}, if it ends early)" if most > epochs else "")
                    + f" of {steps} steps",
                )
            )
        return found

    def prediction(self) -> list[Estimate]:
        """Scores of validation and test tracks; decoding included where audio is heard."""
        found = []
        tracks = self._counts[Split.VALIDATION] + self._counts[Split.TEST]
        for system, recipe in self._work.recipes.items():
            if self._work.done(names.predict(system)):
                continue
            speed = self._training_speed(system)
            seconds = tracks * speed.track_s
            if sound := recipe.view.sound:
                seconds += self._excerpts_s(tracks, sound)
            found.append(
                Estimate(stage=names.predict(system), seconds=seconds, work=f"{tracks:,} tracks")
            )
        return found

    def exports(self) -> list[Estimate]:
        """Models of the systems, and of the nine, of which those with one view share a graph."""
        recipes, done = self._work.recipes, self._work.done
        models = {system: [system] for system in exportable(recipes)}
        if has_nine(recipes):
            shared = {
                kind_of(recipe).shares_graph(None) or system: system
                for system, recipe in recipes.items()
                if system in NINE_SYSTEMS
            }
            models[FUSED] = list(shared.values())
        found = []
        for model, graphs in models.items():
            if done(names.export(model)):
                continue
            costs = [self._export_cost(system) for system in graphs]
            self.disk_bytes += sum(size for _, size in costs)
            work = f"{len(graphs)} graph{'s' if len(graphs) > 1 else ''}"
            seconds = sum(seconds for seconds, _ in costs)
            found.append(Estimate(stage=names.export(model), seconds=seconds, work=work))
        return found

    def evaluation(self) -> list[Estimate]:
        """The bootstrap."""
        if self._work.done(names.EVALUATE) or not self._work.resamples:
            return []
        rows = len(self._work.recipes) + _OTHER_ROWS
        tracks = self._counts[Split.TEST] + self._counts[Split.VALIDATION]
        each = bootstrap_speed(self._counts[Split.TEST], len(self._work.table.tags))
        seconds = each * rows * self._work.resamples * tracks / self._counts[Split.TEST]
        return [
            Estimate(
                stage=names.EVALUATE,
                seconds=seconds,
                work=f"{self._work.resamples} resamples of {rows} rows, on validation and test",
            )
        ]

    def _without_features(self, view: ExtractedView) -> int:
        """Tracks that are not known to have such features; neither audio nor weights are read."""
        folder, files = self._work.features, self._work.table.files
        named = describe_extractor(without_weights(view)).view
        for description in sorted(folder.glob(f"*/{STORE}")):
            store = FeatureStore(description.parent)
            stored = store.info.view
            if without_weights(stored) == named and stored.pretrained == view.pretrained:
                return sum(not store.knows(file) for file in files)
        return len(files)

    def _export_cost(self, system: str) -> tuple[float, int]:
        """Seconds and bytes of a system's graph, found once for all with its view."""
        recipe = self._work.recipes[system]
        if recipe.view not in self._exports:
            self._report(f"timing {names.export(system)}")
            self._exports[recipe.view] = export_cost(
                recipe, n_tags=len(self._work.table.tags), n_features=kind_of(recipe).n_features
            )
        return self._exports[recipe.view]

    def _training_speed(self, system: str) -> TrainingSpeed:
        if system not in self._speeds:
            self._report(f"timing {names.train(system)}")
            recipe = self._work.recipes[system]
            self._speeds[system] = training_speed(
                recipe,
                n_tags=len(self._work.table.tags),
                n_features=kind_of(recipe).n_features,
                device=self._work.device,
            )
        return self._speeds[system]

    def _decoding_speed(self, rate: int) -> float:
        if rate not in self._decoding:
            self._report(f"timing {names.decode(rate)}")
            self._decoding[rate] = decoding_speed(self._work.table.files, rate)
        return self._decoding[rate]

    def _excerpts_s(self, tracks: int, view: SoundView | ExtractedView) -> float:
        """Seconds to decode an excerpt of each track."""
        music_s = tracks * view.samples / view.sample_rate
        return music_s / self._decoding_speed(view.sample_rate) / self._at_once


def _n_features(view: ExtractedView) -> int:
    return describe_extractor(without_weights(view)).n_features
