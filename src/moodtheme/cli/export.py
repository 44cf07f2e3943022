"""``moodtheme export``: trained systems as a bundle that `moodtheme tag` takes."""

from pathlib import Path
from typing import Annotated

import typer

from moodtheme.cli.options import ImageWeights, Offline
from moodtheme.errors import UsageError, needing_extra


def export(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Folders of finished runs on one dataset; several are fused by their mean.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="The bundle's folder; RUN/bundle by default."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="The bundle's name; by default the system's, or the folder's for several runs."
        ),
    ] = None,
    licence: Annotated[
        str,
        typer.Option(help="Terms of the weights, which follow from the music they learnt from."),
    ] = "not stated",
    half: Annotated[
        bool,
        typer.Option(
            "--half",
            help="Keep image networks' weights as float16, at half the size; refused where that "
            "changes scores of test music by more than 0.002.",
        ),
    ] = False,
    weights: ImageWeights = None,
    offline: Offline = False,
) -> None:
    """Write trained systems as ONNX graphs with their front ends inside.

    Thresholds are those with the highest F1 on the runs' validation tracks, and scores are
    calibrated to probabilities there. The model card has the figures of the runs' test tracks
    where `moodtheme evaluate RUN` has scored them, else those of validation. Deep Spectrum systems
    of one window length share a graph.
    """
    if output is None and len(runs) > 1:
        raise UsageError("several runs make one bundle; say where with --output DIR")
    with needing_extra("exporting a trained system"):
        from moodtheme.exporting.bundles import export_fused, mean_ratings_against
        from moodtheme.training.prediction import read_tests
        from moodtheme.training.trained import load_trained, load_validation

    systems = [load_trained(run) for run in runs]
    truth, found = load_validation(runs)
    folder = output or runs[0] / "bundle"
    bundle = export_fused(
        systems,
        folder,
        name=name or (systems[0].run.recipe.system if len(runs) == 1 else folder.resolve().name),
        licence=licence,
        validation_truth=truth.values,
        validation_scores=[system.values.astype("float32") for system in found],
        artists=truth.names.artists,
        rated=mean_ratings_against(truth, found),
        tested=read_tests(runs),
        half_images=half,
        weights=weights,
        offline=offline,
    )
    size = sum(file.stat().st_size for file in folder.iterdir())
    graphs = f"{len(bundle.members)} graph{'s' if len(bundle.members) > 1 else ''}"
    print(f"{folder}: {len(bundle.tags)} tags, {graphs}, {size / 1e6:.1f} MB")
    print(f"next: moodtheme tag PATH... --model {folder}")
