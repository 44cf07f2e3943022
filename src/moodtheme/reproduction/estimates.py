"""How long each stage will take here, and how much disk and memory: a little of each is timed."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from moodtheme.datasets import Split
from moodtheme.feature_store import FeatureStore, describe_extractor
from moodtheme.feature_store.append_store import STORE
from moodtheme.models.image_networks import IMAGE_NETWORKS
from moodtheme.recipes import NINE_SYSTEMS, ExtractedView
from moodtheme.reproduction import names
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.models import FUSED, exportable, has_nine
from moodtheme.reproduction.selection import without_weights
from moodtheme.reproduction.speed import (
    TrainingCost,
    decoding_speed,
    resample_s,
    training_cost,
    windows_a_second,
)
from moodtheme.reproduction.training import CONFIGURATIONS
from moodtheme.training.audio_cache import plan_cache
from moodtheme.training.kinds import kind_of
from moodtheme.work import cores

_BASE_BYTES = 700_000_000  # Python with PyTorch and Lightning, before they do anything
_PATIENCES = 2  # after how many patiences a training that ends early is taken to end
_CHECKPOINTS = 4  # copies of the weights in a stage: the best, and the last with its optimiser's
_OTHER_ROWS = 6  # popularity and five fusions
# Seconds to trace a graph and to write a copy of one, measured on a core of a cloud machine: 3 for
# a CRNN's, 12 for three Deep Spectrum systems'; the music makes no difference.
_GRAPH_S, _COPY_S = 8.0, 0.3


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A stage: its name, how long it will take, and what the estimate multiplies, in words."""

    stage: str
    seconds: float
    work: str


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """All stages that are to come, and what they need.

    Attributes
    ----------
    stages
        In order; those that are done are left out.
    disk_bytes
        Decoded audio, features, checkpoints and models.
    memory_bytes
        Of the hungriest training, on `memory_of`'s device; 0 where all is trained.
    memory_of
        That system.
    """

    stages: tuple[Estimate, ...]
    disk_bytes: int
    memory_bytes: int
    memory_of: str

    @property
    def seconds(self) -> float:
        """All stages together."""
        return sum(stage.seconds for stage in self.stages)


def estimate(job: Job) -> Estimates:
    """Time a little of everything that is to be done, and multiply."""
    coming = _Coming(job)
    stages = [
        stage
        for part in (
            coming.decoding, coming.features, coming.training, coming.prediction, coming.exports,
            coming.evaluation,
        )
        for stage in part()
    ]  # fmt: skip
    hungriest = max(coming.memory, key=lambda system: coming.memory[system], default="")
    return Estimates(
        stages=tuple(stages),
        disk_bytes=coming.disk_bytes,
        memory_bytes=coming.memory.get(hungriest, 0),
        memory_of=hungriest,
    )


class _Coming:
    """What is to come of a reproduction; nothing is timed twice."""

    def __init__(self, job: Job) -> None:
        self._job, self._done = job, job.stages.is_done
        self._n_tags = len(job.table.tags)
        self._train, self._validation, self._test = (len(job.table.part(part)) for part in Split)
        self._at_once = min(job.request.jobs, cores())
        self._cost = cache(self._training_cost)
        self._decoding_rate = cache(self._decoding_speed)
        self._window_rates: dict[Hashable, float] = {}
        self.disk_bytes, self.memory = 0, dict[str, int]()

    def decoding(self) -> Iterator[Estimate]:
        """Audio of the systems that hear audio; the test tracks' excerpts are only tried."""
        learnt = self._job.tracks_of(Split.TRAIN, Split.VALIDATION)
        for rate in names.audio_rates(self._job.recipes):
            stage, folder = names.decode(rate), self._job.audio
            if self._done(stage):
                continue
            # Where the table states no duration the file's header does.
            durations = learnt.durations.tolist()
            plan = plan_cache(folder, learnt.files, sample_rate=rate, durations=durations)
            if plan.missing:
                self.disk_bytes += plan.needed
                music_s, speed = plan.needed / (2 * rate), self._decoding_rate(rate)
                work = f"{music_s / 3600:.2f} h of music at {speed:.0f}× real time a file, "
                work += f"{self._at_once} at once"
                yield Estimate(stage=stage, seconds=music_s / speed / self._at_once, work=work)

    def features(self) -> Iterator[Estimate]:
        """Features of every track that is not known to have them."""
        for view, stage in names.feature_stages(self._job.recipes).items():
            if self._done(stage) or not (tracks := self._without_features(view)):
                continue
            # Beside an image network it hardly matters how long a window is.
            alike = view.extractor if view.extractor in IMAGE_NETWORKS else view
            if alike not in self._window_rates:
                self._job.console.say(f"timing {stage}")
                self._window_rates[alike] = windows_a_second(view, str(self._job.device))
            windows, rate = tracks * view.windows, self._window_rates[alike]
            n_features = describe_extractor(without_weights(view)).n_features
            self.disk_bytes += windows * n_features * np.dtype(np.float32).itemsize
            yield Estimate(
                stage=stage,
                seconds=windows / rate + self._excerpts_s(tracks, view.samples, view.sample_rate),
                work=f"{windows:,} windows at {rate:.1f} a second, and decoding",
            )

    def training(self) -> Iterator[Estimate]:
        """All epochs, as far as they can be known."""
        for system, recipe in self._job.recipes.items():
            if self._done(names.train(system)):
                continue
            cost, patience = self._cost(system), recipe.schedule.patience
            steps = max(1, self._train // recipe.schedule.batch_size)
            most = [stage.epochs for stage in recipe.stages]
            likely = [min(n, _PATIENCES * patience) if patience is not None else n for n in most]
            swept = self._job.request.sweep and system in names.swept(self._job.recipes)
            times = CONFIGURATIONS if swept else 1
            epochs_s = (steps * step_s + self._validation * cost.track_s for step_s in cost.step_s)
            self.disk_bytes += times * len(most) * _CHECKPOINTS * 4 * cost.parameters
            on_cpu = self._job.device.type == "cpu"
            self.memory[system] = cost.memory_bytes + (_BASE_BYTES if on_cpu else 0)
            early = f" (at most {sum(most)}, if it ends early)" if most != likely else ""
            yield Estimate(
                stage=names.train(system),
                seconds=times * sum(n * s for n, s in zip(likely, epochs_s, strict=True)),
                work=(f"{times} configurations of " if times > 1 else "")
                + f"{sum(likely)} epochs{early} of {steps} steps",
            )

    def prediction(self) -> Iterator[Estimate]:
        """Scores of validation and test tracks; decoding included where audio is heard."""
        tracks = self._validation + self._test
        for system, recipe in self._job.recipes.items():
            if self._done(names.predict(system)):
                continue
            seconds = tracks * self._cost(system).track_s
            if sound := recipe.view.sound:
                seconds += self._excerpts_s(tracks, sound.samples, sound.sample_rate)
            yield Estimate(stage=names.predict(system), seconds=seconds, work=f"{tracks:,} tracks")

    def exports(self) -> Iterator[Estimate]:
        """Models of the systems and of the nine; a graph is made once for all that hold it."""
        recipes, made = self._job.recipes, set[Hashable]()
        models: dict[str, tuple[str, ...]] = {s: (s,) for s in exportable(recipes)}
        models |= {FUSED: NINE_SYSTEMS} if has_nine(recipes) else {}
        for model, systems in models.items():
            if self._done(names.export(model)):
                continue
            kinds = {system: kind_of(recipes[system]) for system in systems}
            graphs = {kind.shares_graph(None) or system: kind for system, kind in kinds.items()}
            new = graphs.keys() - made
            made |= new
            self.disk_bytes += sum(4 * self._cost(system).parameters for system in systems)
            self.disk_bytes += sum(
                IMAGE_NETWORKS[kind.view.extractor].download_bytes
                for kind in graphs.values()
                if kind.images
            )
            number = f"{len(graphs)} graph{'s' if len(graphs) > 1 else ''}"
            yield Estimate(
                stage=names.export(model),
                seconds=_GRAPH_S * len(new) + _COPY_S * len(graphs),
                work=number if len(new) == len(graphs) else f"{number}, {len(new) or 'none'} new",
            )

    def evaluation(self) -> Iterator[Estimate]:
        """The bootstrap."""
        resamples = self._job.request.resamples
        if resamples and not self._done(names.EVALUATE):
            rows = len(self._job.recipes) + _OTHER_ROWS
            parts = 1 + self._validation / self._test
            yield Estimate(
                stage=names.EVALUATE,
                seconds=resample_s(self._test, self._n_tags) * rows * resamples * parts,
                work=f"{resamples} resamples of {rows} rows, on validation and test",
            )

    def _without_features(self, view: ExtractedView) -> int:
        """Tracks that are not known to have such features; neither audio nor weights are read."""
        files = self._job.table.files
        named = describe_extractor(without_weights(view)).view
        for description in sorted(self._job.features.glob(f"*/{STORE}")):
            store = FeatureStore(description.parent)
            stored = store.info.view
            if without_weights(stored) == named and stored.pretrained == view.pretrained:
                return sum(not store.knows(file) for file in files)
        return len(files)

    def _decoding_speed(self, rate: int) -> float:
        self._job.console.say(f"timing {names.decode(rate)}")
        return decoding_speed(self._job.table.files, rate)

    def _training_cost(self, system: str) -> TrainingCost:
        self._job.console.say(f"timing {names.train(system)}")
        recipe = self._job.recipes[system]
        return training_cost(recipe, n_tags=self._n_tags, device=self._job.device)

    def _excerpts_s(self, tracks: int, samples: int, rate: int) -> float:
        """Seconds to decode an excerpt of each track."""
        return tracks * samples / rate / self._decoding_rate(rate) / self._at_once
