"""Options that several commands share, and what becomes of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moodtheme.engines import Engine
from moodtheme.errors import UsageError
from moodtheme.recipes import Recipe, find_recipe, from_toml, value_names, with_values

if TYPE_CHECKING:
    from moodtheme.datasets import TrackTable


Theme = Literal["light", "dark"]
"""The page that a picture is for."""

ScoreFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="SCORES",
        help="Score files: .npz with names, .csv, .parquet, .npy (tracks, tags), or .npz with a "
        "system a member; FILE.npz:MEMBER picks one.",
    ),
]

Truth = Annotated[
    Path,
    typer.Option(
        "--truth",
        metavar="TRUTH",
        help="Labels, bool (tracks, tags), as `moodtheme dataset truth` writes them; without names "
        "(.npy) rows and columns must be in the scores' order.",
    ),
]

Tags = Annotated[
    Path | None,
    typer.Option(
        "--tags",
        metavar="FILE",
        help="The columns, one tag a line: what files without names have, and the order wanted of "
        "others. Default for 56 columns without names: the official mood and theme tags.",
    ),
]

ThresholdsFrom = Annotated[
    tuple[Path, Path] | None,
    typer.Option(
        "--thresholds-from",
        metavar="VALIDATION_TRUTH VALIDATION_SCORES",
        help="Choose thresholds on this set. VALIDATION_SCORES is a folder whose files "
        "have the stems of the score files, an .npz with their members, or one file for one "
        "score file.",
    ),
]

Bootstrap = Annotated[
    int,
    typer.Option(
        "--bootstrap",
        metavar="N",
        min=0,
        help="Resamples for 95 % intervals, of whole artists where they are known; 0 for none.",
    ),
]

Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random draws.")]

Json = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Also write every figure, per tag too, as JSON."),
]

Division = Annotated[
    int, typer.Option("--split", min=0, max=4, help="Which of MTG-Jamendo's divisions.")
]

TrainingSeed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random choice.")]

Seeds = Annotated[
    int,
    typer.Option(
        "--seeds", metavar="N", min=1, help="Train N times, with --seed and the seeds after it."
    ),
]

Folds = Annotated[
    int,
    typer.Option(
        "--folds",
        metavar="K",
        min=0,
        help="Cross-validation: train K times, each with another K-th of the artists as test and "
        "the next as validation, whatever the table's splits; 0 keeps those.",
    ),
]

Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]

RecipeValues = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set a value of the recipe, such as units=128 or image_network=efficientnet-lite0; "
        "may be repeated.",
    ),
]

DEFAULT_MODEL = "moodtheme-small"
"""Of `moodtheme.tagging.models`, which would load NumPy."""
Model = Annotated[
    str, typer.Option(metavar="NAME|DIR", help="A model's name, or a bundle's folder.")
]
OwnMusic = Annotated[
    Path | None,
    typer.Option(
        "--relative-to",
        metavar="FILE|library",
        help="Say where a piece stands among your own music: what `moodtheme tag --format jsonl` "
        "gave of it, a library's file, or your library.",
    ),
]
FilesAtOnce = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1, metavar="N", help="Files at work at once; the number of cores by default."
    ),
]
Windows = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Hear N windows spread over each track, not all of it; for models that hear whole "
        "tracks.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to FILE, not to standard output."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what failed.")]

Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Processes that read tracks, for each training process; by default none beside a "
        "processor, and beside a GPU as many as there are cores, up to eight.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, help="Threads of PyTorch in a process; its choice by default."
    ),
]

Jobs = Annotated[
    int, typer.Option("--jobs", min=1, help="Tracks decoded, or features extracted, at once.")
]

SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out tracks that cannot be read.")
]

AllowSeen = Annotated[
    bool,
    typer.Option(
        "--allow-seen",
        help="Go on where the system was trained or chosen on the very recordings of the test; "
        "the figures are marked.",
    ),
]


def _known_part(part: str) -> str:
    if part not in {"train", "validation", "test", "all"}:
        raise UsageError(f"--part {part}: is no split; choose train, validation, test or all")
    return part


Part = Annotated[
    str,
    typer.Option("--part", callback=_known_part, help="train, validation, test, or all."),
]

RunFeatures = Annotated[
    Path | None,
    typer.Option(
        "--features",
        metavar="DIR",
        help="Stored features of the runs; by default those in their folders.",
    ),
]

ImageWeights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Weights of the image network, for Deep Spectrum systems; fetched by default.",
    ),
]

Offline = Annotated[bool, typer.Option("--offline", help="Never touch the network.")]

MetadataFolder = Annotated[
    Path | None,
    typer.Option(
        "--metadata",
        help="Take MTG-Jamendo's lists from this copy of its repository (or of its folder data) "
        "instead of fetching them.",
    ),
]

Source = Annotated[
    str,
    typer.Argument(
        help="jamendo, jamendo:FOLDER, deam:FOLDER and others that the documentation names, a CSV "
        "or TSV table, or a folder with a folder a tag."
    ),
]

LibraryFile = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="PATH",
        help="The library file; $MOODTHEME_LIBRARY, or one in your data folder, by default.",
    ),
]

EngineOption = Annotated[
    Engine, typer.Option("--engine", help="What shares out the work: this machine, or Ray.")
]

Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="Ray cluster to use; by default one of --jobs workers is started here.",
    ),
]


def part_of(source: str, part: str, division: int, metadata: Path | None = None) -> "TrackTable":
    """The tracks of a collection that ``--part`` names."""
    from moodtheme.datasets import Metadata, Split, load_dataset

    lists = Metadata(folder=metadata)
    table = load_dataset(source, metadata=lists, split=division, check_files=False)
    return table if part == "all" else table.part(Split(part))


PUBLISHED, RANDOM = "published", "random"
"""Words of ``--weights`` that are no file."""


def chosen_recipe(system: str, settings: Sequence[str], weights: str) -> Recipe:
    """Recipe of a system, or of a file FILE.toml, with the values of ``--set`` and ``--weights``.

    Raises
    ------
    UsageError
        There is no such system or value.
    """
    values = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set {text}: is not NAME=VALUE; write for example units=128")
        values[name] = value
    base = from_toml(Path(system)) if system.endswith(".toml") else find_recipe(system)
    recipe = with_values(base, values)
    if weights == RANDOM and recipe.view.pretrained:
        return with_values(recipe, {"pretrained": "false"})
    return recipe


def with_own_features(recipe: Recipe, features: Path | None) -> Recipe:
    """The recipe with the folder of ``--features``, where it hears features of your own."""
    if features is None or "view.folder" not in value_names(recipe):
        return recipe
    return with_values(recipe, {"view.folder": json.dumps(str(features.absolute()))})


def weights_file(weights: str) -> Path | None:
    """The file that ``--weights`` names, or None."""
    return None if weights in {PUBLISHED, RANDOM} else Path(weights)
