"""``moodtheme export``: a trained system as a bundle that `moodtheme tag` takes."""

from pathlib import Path
from typing import Annotated

import typer

from moodtheme.errors import MissingExtraError


def export(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="Folder of a finished run.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="The bundle's folder; RUN/bundle by default.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="The bundle's name; the system's by default.", show_default=False),
    ] = None,
    licence: Annotated[
        str,
        typer.Option(help="Terms of the weights, which follow from the music they learnt from."),
    ] = "not stated",
) -> None:
    """Write a trained system as one ONNX graph with its front end inside.

    Thresholds are those with the highest F1 on the run's validation tracks.
    """
    try:
        from moodtheme.system_bundle import export_system
        from moodtheme.training.system_run import (
            VALIDATION_SCORES,
            VALIDATION_TRUTH,
            load_trained,
        )
    except ImportError as error:
        raise MissingExtraError("exporting a trained system") from error
    import numpy as np

    from moodtheme.scores import load_systems, load_truth

    system = load_trained(run)
    folder = output or run / "bundle"
    (scores,) = load_systems([run / VALIDATION_SCORES])
    export_system(
        system,
        folder,
        name=name or system.run.recipe.system,
        licence=licence,
        validation_truth=load_truth(run / VALIDATION_TRUTH),
        validation_scores=np.asarray(scores.values, dtype=np.float32),
    )
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder}: {len(system.run.tags)} tags, {size / 1e6:.1f} MB")
    print(f"next: moodtheme tag PATH... --model {folder}")
