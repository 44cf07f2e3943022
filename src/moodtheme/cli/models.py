"""``moodtheme models``: which models there are, fetching them, checking them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moodtheme.cli.streams import say
from moodtheme.errors import BundleError

if TYPE_CHECKING:
    from moodtheme.tagging.bundle import Bundle, Thresholds

app = typer.Typer(
    name="models", help="List, fetch and check models.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[
    str, typer.Argument(metavar="NAME|DIR", help="A model's name, or a bundle's folder.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(json: Json = False) -> None:
    """List all models by name, with where they are, their licence and origin."""
    from moodtheme.tagging.models import known_models

    models = list(known_models())
    if json:
        _print_json([asdict(model) for model in models])
        return
    width = max(len(model.name) for model in models)
    for model in models:
        typer.echo(f"{model.name:<{width}}  {model.state:<9}  {model.licence}")
        typer.echo(f"{'':<{width}}  {'':<9}  {model.origin}")
        if model.folder is None:
            typer.echo(f"{'':<{width}}  {'':<9}  fetch it with: moodtheme models get {model.name}")


@app.command()
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model that can be fetched.")],
    from_file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Use these downloaded weights.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Never touch the network; say what is missing.")
    ] = False,
) -> None:
    """Fetch a model's weights, verify them and make a bundle of them.

    Turning a checkpoint into a bundle needs the `train` extra, once; tagging with it does not.
    """
    from moodtheme.cli.progress import progress_bar
    from moodtheme.exporting.conversion import get_model

    with progress_bar(name, unit="bytes") as progress:
        folder = get_model(name, from_file=from_file, offline=offline, progress=progress)
    typer.echo(f"{name}: {folder}")


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|DIR]...", help="Models to check; all that are here by default."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check hashes, load every graph, compare expected outputs; exit 1 if any does not fit."""
    from moodtheme.tagging.models import find_model, known_models, verify_model

    chosen = names or [model.name for model in known_models() if model.folder is not None]
    rows: list[dict[str, Any]] = []
    for name in chosen:
        folder = find_model(name)
        try:
            verify_model(folder)
            error = None
        except BundleError as problem:
            error = str(problem)
            say(f"{name}: {error}")
        rows.append({"name": name, "folder": str(folder), "error": error})
        if not json:
            typer.echo(f"{name}: {'damaged' if error else 'verified'}")
    if json:
        _print_json(rows)
    if any(row["error"] for row in rows):
        raise typer.Exit(1)


@app.command()
def info(name: Name = "moodtheme-small", json: Json = False) -> None:
    """Say what a model hears, what it was trained on, how good it is, and its terms."""
    import msgspec

    from moodtheme.tagging.bundle_files import read_manifest
    from moodtheme.tagging.models import bundle_bytes, find_model

    folder = find_model(name)
    bundle = read_manifest(folder)
    if json:
        _print_json({"folder": str(folder), **msgspec.to_builtins(bundle)})
        return
    typer.echo(f"{bundle.name}: {bundle.description}")
    for label, text in _facts(bundle, bundle_bytes(folder)):
        typer.echo(f"  {label:<14} {text}")


def _facts(bundle: "Bundle", size: int) -> list[tuple[str, str]]:
    facts = [
        ("licence", bundle.licence),
        ("origin", bundle.origin),
        ("trained on", bundle.training_data),
    ]
    for member in bundle.members:
        heard = f"{member.excerpt_s:.1f} s at {member.sample_rate} Hz, policy {member.policy}"
        facts.append(("hears", f"{heard}: {', '.join(member.systems)}"))
    for measured in bundle.quality:
        span = ""
        if measured.interval is not None:
            span = f" [{measured.interval[0]:.3f}, {measured.interval[1]:.3f}]"
        facts.append(("measured", f"{measured.measure} {measured.value:.3f}{span}"))
        facts.append(("", f"on {measured.data}"))
    thresholds, calibration = bundle.thresholds, bundle.calibration
    facts += [
        ("thresholds", f"{thresholds.method}, {thresholds.chosen_on}" if thresholds else "none"),
        *([("", _evidence(thresholds))] if thresholds and thresholds.evidence else []),
        ("calibration", calibration.fitted_on if calibration else "none"),
        ("size", f"{size / 1e6:.1f} MB"),
        ("tags", f"{len(bundle.tags)}: {', '.join(bundle.tags)}"),
    ]
    return facts


def _evidence(thresholds: "Thresholds") -> str:
    """How often what stands out is right, in a line."""
    rows = zip(thresholds.values, thresholds.evidence, strict=True)
    lifts = sorted(evidence.lift for value, evidence in rows if value < 1)
    middle = f"{lifts[len(lifts) // 2]:.1f} times in the middle" if lifts else "never"
    return (
        f"{len(lifts)} tags can stand out; they are carried more often than in any track, "
        f"{middle} ({thresholds.evidence_from})"
    )


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
