"""What systems begin with: pretrained weights, and stages that decode audio and make features."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from moodtheme.audio import ExcerptPolicy, read_excerpt
from moodtheme.datasets import Split
from moodtheme.errors import AudioError, DownloadError, ReproductionError
from moodtheme.feature_store import build_features
from moodtheme.fetched.weights import PublishedWeights
from moodtheme.recipes import ExtractedView, Recipe
from moodtheme.records import read_record, write_record
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.results import RECORDS
from moodtheme.reproduction.stages import slug
from moodtheme.tagging.windows import MINIMUM_S
from moodtheme.training.audio_cache import build_cache, rate_folder
from moodtheme.training.kinds import kind_of
from moodtheme.work import Progress, read_ahead

_UNREADABLE = "unreadable"
_WORTH_A_PROCESS = 2000  # windows; a process of its own takes longer to begin than fewer do
_TRIED_S = 20.0  # of the middle of a test track, before anything is trained


@dataclass(frozen=True)
class Unreadable:
    """A track that cannot be used, and why."""

    track: str
    reason: str


def needed_weights(recipes: Mapping[str, Recipe]) -> dict[PublishedWeights, list[str]]:
    """Files of pretrained weights that some recipes begin with, and the systems that do."""
    needed: dict[PublishedWeights, list[str]] = {}
    for system, recipe in recipes.items():
        if file := kind_of(recipe).published:
            needed.setdefault(file, []).append(system)
    return needed


def check_weights(file: PublishedWeights, systems: Sequence[str], *, offline: bool) -> str:
    """Say that a file is here or can be fetched, without fetching it.

    Raises
    ------
    ReproductionError
        If it is neither.
    """
    if file.path.is_file():
        return f"{file.file}: here"
    reason = "the network is off" if offline else file.source.obstacle()
    if reason:
        raise ReproductionError(
            f"{file.file}, which {', '.join(systems)} begin with, is not here and cannot be "
            f"fetched from {file.source.where} ({reason}); fetch it elsewhere and copy it to "
            f"{file.path}, or begin with --weights random"
        )
    return f"{file.file}: to be fetched from {file.source.where}"


def fetch_weights(recipes: Mapping[str, Recipe], *, offline: bool) -> None:
    """Fetch what recipes begin with, or find it; hashes are checked either way.

    Raises
    ------
    DownloadError, HashMismatchError
        If something cannot be had.
    """
    for file, systems in needed_weights(recipes).items():
        try:
            file.fetch(offline=offline)
        except DownloadError as error:
            raise DownloadError(
                f"{error}; {', '.join(systems)} begin with it: leave them out with --systems, or "
                "begin with --weights random"
            ) from error


def audio_rates(recipes: Mapping[str, Recipe]) -> tuple[int, ...]:
    """Rates in Hz of the systems that hear audio, each once."""
    views = [recipe.view.sound for recipe in recipes.values()]
    return tuple(dict.fromkeys(view.sample_rate for view in views if view))


def decode_stage(sample_rate: int) -> str:
    """What the stage is called that decodes training and validation audio."""
    return f"decode at {sample_rate} Hz"


def feature_stages(recipes: Mapping[str, Recipe]) -> dict[ExtractedView, str]:
    """Views of the systems that hear features, each once, with what their extraction is called."""
    stages: dict[ExtractedView, str] = {}
    for recipe in recipes.values():
        view = recipe.view.extracted
        if view is None or view in stages:
            continue
        name = f"extract {view.extractor} features of {view.window_s:g} s"
        alike = sum(other.startswith(name) for other in stages.values())
        stages[view] = f"{name}, {alike + 1}" if alike else name
    return stages


def make_inputs(job: Job) -> Job:
    """Decode and extract what the systems need.

    Test tracks of the systems that hear audio are only tried here: their scores are computed from
    their files, long after, and a broken file is better met before the training.

    Returns
    -------
    Job
        Without the tracks that cannot be read.

    Raises
    ------
    ReproductionError
        If there are such tracks and they are not to be left out.
    DatasetError
        If there is not enough room.
    """
    rates = audio_rates(job.recipes)
    lists = [_decode(job, rate) for rate in rates]
    if rates:
        lists.append(_try_test_tracks(job, rates[0]))
    lists += [_extract(job, view, stage) for view, stage in feature_stages(job.recipes).items()]
    found = {bad.track: f"{bad.track}: {bad.reason}" for unreadable in lists for bad in unreadable}
    if not found:
        return job
    for line in found.values():
        job.console.say(line)
    if not job.request.skip_unreadable:
        raise ReproductionError(
            f"{len(found)} of {len(job.table)} tracks cannot be read, they are named above; mend "
            "them, take them out of the table, or leave them out with --skip-unreadable"
        )
    job.console.say(f"{len(found)} tracks are left out")
    kept = [row for row, track in enumerate(job.table.tracks) if track not in found]
    return replace(
        job,
        collection=replace(job.collection, table=job.table.select(kept), comparable=False),
        left_out=tuple(found.values()),
    )


def _decode(job: Job, rate: int) -> tuple[Unreadable, ...]:
    """Decode training and validation tracks."""
    learnt = (Split.TRAIN, Split.VALIDATION)
    tracks = job.tracks_of(*learnt)

    def work(progress: Progress) -> Sequence[AudioError]:
        return build_cache(
            job.audio,
            tracks.files,
            sample_rate=rate,
            durations=tracks.durations.tolist(),
            jobs=job.request.jobs,
            progress=progress,
        )

    inputs = {**job.inputs_of(*learnt), "cache": job.request.cache}
    return _do(job, decode_stage(rate), work, inputs, makes=[rate_folder(job.audio, rate)])


def _try_test_tracks(job: Job, rate: int) -> tuple[Unreadable, ...]:
    files = job.tracks_of(Split.TEST).files

    def attempt(file: Path) -> AudioError | None:
        try:
            read_excerpt(
                file,
                sample_rate=rate,
                length_s=_TRIED_S,
                policy=ExcerptPolicy.CENTRE,
                minimum_s=MINIMUM_S,
            )
        except AudioError as error:
            return error
        return None

    def work(progress: Progress) -> Sequence[AudioError]:
        failures = []
        attempts = read_ahead(attempt, files, jobs=job.request.jobs)
        for done, error in enumerate(attempts, start=1):
            if error is not None:
                failures.append(error)
            progress(done, len(files))
        return failures

    return _do(job, "try the test tracks", work, job.inputs_of(Split.TEST))


def _extract(job: Job, view: ExtractedView, stage: str) -> tuple[Unreadable, ...]:
    """Extract the features of every track."""

    def work(progress: Progress) -> Sequence[AudioError]:
        _, failures = build_features(
            job.features,
            job.table.files,
            view,
            offline=job.request.offline,
            device=str(job.device),
            jobs=min(job.request.jobs, 1 + len(job.table) * view.windows // _WORTH_A_PROCESS),
            report=job.console.say,
            progress=progress,
        )
        return failures

    inputs = {**job.inputs_of(*Split), "view": view, "cache": job.request.cache}
    return _do(job, stage, work, inputs, makes=[job.features])


def _do(
    job: Job,
    stage: str,
    work: Callable[[Progress], Sequence[AudioError]],
    inputs: Mapping[str, object],
    *,
    makes: Sequence[Path] = (),
) -> tuple[Unreadable, ...]:
    """Do a stage that leaves a list of the tracks it has no use for; returns that."""
    path = job.folder / _UNREADABLE / f"{slug(stage)}.json"

    def do() -> None:
        with job.console.bar(stage) as progress:
            failures = work(progress)
        track_of = dict(zip(map(str, job.table.files), job.table.tracks, strict=True))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_record(path, [Unreadable(track_of[str(e.path)], e.reason) for e in failures])

    job.stages.do(stage, do, inputs=inputs, outputs=[*makes, path])
    return read_record(path, tuple[Unreadable, ...], RECORDS)
