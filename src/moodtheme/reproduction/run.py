"""From a collection to Table 1 and models: checks, then every stage in turn."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from moodtheme import __version__
from moodtheme.datasets import Split, leaks
from moodtheme.errors import ReproductionError
from moodtheme.files import sha256_of
from moodtheme.models.networks import choose_device
from moodtheme.records import write_record
from moodtheme.reproduction.collection import DEMO, open_collection, require_files
from moodtheme.reproduction.estimates import Estimate, check_memory, check_room, estimate
from moodtheme.reproduction.inputs import (
    check_weights,
    fetch_weights,
    make_inputs,
    needed_weights,
)
from moodtheme.reproduction.job import Console, Job, Request
from moodtheme.reproduction.models import export_models, hear_examples
from moodtheme.reproduction.outcome import write_results
from moodtheme.reproduction.page import PAGE, write_report
from moodtheme.reproduction.results import RESULTS, Results, read_results
from moodtheme.reproduction.scoring import fuse_rows, predict, write_truth
from moodtheme.reproduction.selection import check_sweep, choose_recipes
from moodtheme.reproduction.stages import TIMINGS, Stages, Timings
from moodtheme.reproduction.training import require_own_runs, train_systems
from moodtheme.training.run_folder import HISTORY
from moodtheme.work import in_words


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A reproduction that was looked at before it is started.

    Attributes
    ----------
    job
        Ready to run.
    estimates
        How long what is left of it takes.
    problems
        What keeps it from being started.
    """

    job: Job
    estimates: Sequence[Estimate]
    problems: tuple[str, ...] = ()


def prepare(
    request: Request, folder: Path, console: Console, *, stop_at_problems: bool = True
) -> Prepared:
    """Check everything and estimate every stage; nothing but the demo corpus is made.

    A run on the demo corpus is over before an estimate of it would have paid: only a dry run of it
    is estimated.

    Parameters
    ----------
    request
        What is asked for.
    folder
        The run's; need not exist.
    console
        Is told what is found.
    stop_at_problems
        Whether the first problem is raised; otherwise all are gathered.

    Raises
    ------
    ReproductionError
        If files are missing, weights cannot be had, a folder holds another run, or there is too
        little room or memory.
    DatasetError, UsageError
        If the collection or a value is wrong.
    """
    problems: list[str] = []

    def check(look: Callable[[], str | None]) -> None:
        try:
            if found := look():
                console.say(found)
        except ReproductionError as error:
            if stop_at_problems:
                raise
            problems.append(str(error))

    if request.sweep:
        check_sweep(request.values)
    recipes = choose_recipes(
        request.systems, preset=request.preset, values=request.values, weights=request.weights
    )
    collection = open_collection(request, folder, console)
    tracks, tags = collection.table, len(collection.table.tags)
    counts = ", ".join(f"{len(tracks.part(part))} {part}" for part in Split)
    console.say(f"{request.source}: {counts} tracks, {tags} tags")
    check(lambda: require_files(collection, folder if stop_at_problems else None))
    for leak in leaks(collection.table, jobs=request.jobs, report=console.say):
        console.say(leak)
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    device = choose_device(request.device)
    job = Job(
        request=request,
        folder=folder,
        collection=collection,
        recipes=recipes,
        device=device,
        stages=Stages(folder, console.say),
        console=console,
    )
    check(lambda: require_own_runs(job))
    for file, systems in needed_weights(recipes).items():
        check(partial(check_weights, file, systems, offline=request.offline))
    estimates = [] if stop_at_problems and request.source == DEMO else estimate(job)
    if any(stage.disk_bytes for stage in estimates):
        check(lambda: check_room(estimates, folder))
    if any(stage.memory_bytes for stage in estimates):
        check(lambda: check_memory(estimates, device=device.type))
    return Prepared(job=job, estimates=estimates, problems=tuple(problems))


def reproduce(prepared: Prepared) -> Results:
    """Do every stage that is not done yet.

    Parameters
    ----------
    prepared
        From `prepare`.

    Returns
    -------
    Results
        As in ``results.json``.

    Raises
    ------
    ReproductionError, DatasetError, TrainingError
        If a track cannot be read or a stage cannot be done.
    """
    job = prepared.job
    # Whatever is fetched is fetched first, so that nothing is missed hours later.
    fetch_weights(job.recipes, offline=job.request.offline)
    job = make_inputs(job)
    write_truth(job)
    job, sweep = train_systems(job)
    for system in job.recipes:
        predict(job, system)
    fuse_rows(job)
    export_models(job)
    write_results(job, sweep, hear_examples(job))
    write_record(
        job.folder / TIMINGS, Timings(machine=_machine(job.device), stages=job.stages.timings())
    )
    _write_page(job)
    return read_results(job.folder)


def table_of(estimates: Sequence[Estimate]) -> Sequence[tuple[str, str, str]]:
    """Rows of stage, time and what the time is for, with a last one for all."""
    rows = [(stage.stage, in_words(stage.seconds), stage.work) for stage in estimates]
    total = sum(stage.seconds for stage in estimates)
    return [*rows, ("all of these", in_words(total), "one after the other")]


def _machine(device: torch.device) -> str:
    processor = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}; {processor}"
    return processor


def _write_page(job: Job) -> None:
    def work() -> None:
        write_report(job.folder)

    job.stages.do(
        "report",
        work,
        inputs={
            "results": sha256_of(job.folder / RESULTS),
            "timings": sha256_of(job.folder / TIMINGS),
            "histories": [sha256_of(job.system_folder(s) / HISTORY) for s in job.recipes],
            "version": __version__,
        },
        outputs=[job.folder / PAGE],
    )
