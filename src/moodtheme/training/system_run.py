"""A system's training from a table of tracks to a finished run folder, whatever its recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moodtheme.datasets import Split, TrackTable
from moodtheme.errors import DatasetError
from moodtheme.models.networks import parameter_count, second_bias_parameters
from moodtheme.scores.forms import write_matrix
from moodtheme.training.examples import TrackSet, split_outputs
from moodtheme.training.fit import advice, fit
from moodtheme.training.history import gone_astray, read_best, read_history
from moodtheme.training.kinds import Source, kind_of
from moodtheme.training.run_folder import (
    HISTORY,
    VALIDATION_SCORES,
    VALIDATION_TRUTH,
    Result,
    Run,
    claim,
    fingerprint,
    stage_folder,
)
from moodtheme.training.seen import write_tracks
from moodtheme.training.settings import Settings, is_first_process
from moodtheme.work import Progress, Report, no_progress, some_of


def train_system(
    table: TrackTable,
    settings: Settings,
    folder: Path,
    *,
    report: Report,
    progress: Progress = no_progress,
) -> Result:
    """Train a system on a table's training tracks and choose its best epoch on validation.

    Parameters
    ----------
    table
        With splits; test tracks are not touched.
    settings
        See `Settings`.
    folder
        The run's folder; the same call goes on with a run that was stopped.
    report
        Called with lines about what is done.
    progress
        Called after each prepared track with tracks done and tracks to do.

    Raises
    ------
    DatasetError
        If tracks are missing or unreadable, or there is no room for what is made of them.
    TrainingError
        If the folder holds another run, or the tracks are too few.
    DownloadError, HashMismatchError, WeightsError
        If pretrained weights cannot be had.
    """
    recipe = settings.recipe
    parts = {split: table.part(split) for split in (Split.TRAIN, Split.VALIDATION)}
    kind = kind_of(recipe)
    source = kind.open_source(settings, folder)
    _require_files(source, parts)
    network = source.make_network(len(table.tags) + len(table.dimensions))
    report(
        f"{recipe.system}: {parameter_count(network):,} parameters "
        f"({second_bias_parameters(network):,} of them PyTorch's second bias), "
        f"{source.begins_with}"
    )
    claim(
        folder,
        Run(
            recipe=recipe,
            tags=table.tags,
            seed=settings.seed,
            dataset=settings.dataset,
            data_sha256=fingerprint(table),
            tracks={str(split): len(part) for split, part in parts.items()},
            weights=source.weights,
            n_features=kind.n_features,
            dimensions=table.dimensions,
        ),
    )
    parts = _prepare(source, parts, settings, report=report, progress=progress)
    if is_first_process():
        write_tracks(folder, parts, jobs=settings.jobs, report=report)
    sets = {
        split: TrackSet(
            source.examples(part.files), part.labels, part.rated.shares if part.rated else None
        )
        for split, part in parts.items()
    }
    result = fit(
        lambda: source.make_network(len(table.tags) + len(table.dimensions)),
        recipe,
        training=sets[Split.TRAIN],
        validation=sets[Split.VALIDATION],
        folder=folder,
        seed=settings.seed,
        machine=settings.machine,
    )
    if result.diverged_in is not None:
        report(
            f"{recipe.system}: training diverged in epoch {result.diverged_in} and ended there; "
            f"epoch {result.best_epoch}, the best before, is kept. {advice(recipe).capitalize()}"
        )
    elif astray := gone_astray(read_history(folder / HISTORY)):
        report(
            f"{recipe.system}: training went astray, with a loss of {astray.train_loss:.3g} in "
            f"epoch {astray.epoch}; epoch {result.best_epoch}, the best on validation, is kept. "
            f"{advice(recipe).capitalize()}"
        )
    best = read_best(stage_folder(folder, result.best_stage))
    validation = parts[Split.VALIDATION]
    validation.write_truth(folder / VALIDATION_TRUTH)
    scores, ratings = split_outputs(best["validation_scores"].numpy(), table)
    write_matrix(folder / VALIDATION_SCORES, scores, validation.names, ratings=ratings)
    return result


def _prepare(
    source: Source[Any],
    parts: Mapping[Split, TrackTable],
    settings: Settings,
    *,
    report: Report,
    progress: Progress,
) -> dict[Split, TrackTable]:
    """Make the tracks' inputs; return the tracks that have them."""
    unreadable = source.prepare(
        parts[Split.TRAIN], parts[Split.VALIDATION], report=report, progress=progress
    )
    for error in unreadable:
        report(str(error))
    if unreadable and not settings.skip_unreadable:
        raise DatasetError(
            f"{len(unreadable)} of {sum(map(len, parts.values()))} tracks cannot be decoded, they "
            "are named above; mend them, take them out of the table, or leave them out with "
            "--skip-unreadable"
        )
    if unreadable:
        report(f"{len(unreadable)} tracks are left out")
    failed = {error.path for error in unreadable}
    usable = {
        split: part.select([row for row, file in enumerate(part.files) if file not in failed])
        for split, part in parts.items()
    }
    for split, part in usable.items():
        _report_tags_without_figures(split, part, report)
    return usable


def _require_files(source: Source[Any], parts: Mapping[Split, TrackTable]) -> None:
    files = [file for part in parts.values() for file in part.files]
    missing = source.absent(files)
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(files)} tracks to train and validate on are missing: "
            f"{some_of(missing, most=20)}; mend the paths or take the rows out"
        )


def _report_tags_without_figures(split: Split, part: TrackTable, report: Report) -> None:
    counts = part.labels.sum(axis=0)
    absent = [tag for tag, count in zip(part.tags, counts, strict=True) if count == 0]
    everywhere = [tag for tag, n in zip(part.tags, counts, strict=True) if n == len(part)]
    if split is Split.TRAIN and absent:
        report(f"no training track has the tag {some_of(absent)}: it cannot be learnt")
    if split is Split.VALIDATION and absent + everywhere:
        report(
            f"the tag {some_of(absent + everywhere)} is on no or all validation tracks: left out "
            "of the validation ROC-AUC"
        )
