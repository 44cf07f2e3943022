"""The model card of a bundle: ``README.md`` as model hubs read it, YAML above and prose below.

Everything in it is what ``bundle.json`` says; what that does not say is named as not stated.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moodtheme.tagging.bundle import Bundle, Measurement

CARD = "README.md"
"""The card's name in the bundle's folder, which hubs look for."""

_HUB_LICENCES = frozenset(
    {
        "apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0",
        "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "cc-by-nd-4.0", "cc-by-3.0", "cc-by-sa-3.0",
        "bsd-3-clause", "gpl-3.0", "agpl-3.0", "lgpl-3.0", "odbl", "unlicense",
    }
)  # fmt: skip
"""Identifiers of licences that hubs know; any other is ``other`` with its name."""


def model_card(bundle: Bundle) -> str:
    """Text of a bundle's card."""
    return f"---\n{''.join(_yaml(_front_matter(bundle)))}---\n\n{_prose(bundle)}"


def _front_matter(bundle: Bundle) -> dict[str, Any]:
    """The fields that hubs read."""
    licence = bundle.licence.lower()
    known = licence in _HUB_LICENCES
    return {
        "license": licence if known else "other",
        **({} if known else {"license_name": bundle.licence}),
        "library_name": "moodtheme",
        "pipeline_tag": "audio-classification",
        "tags": ["music", "mood", "audio-tagging", "onnx", "moodtheme"],
        "model-index": [
            {
                "name": bundle.name,
                "results": [
                    {
                        "task": {"type": "audio-classification", "name": "Music mood tagging"},
                        "dataset": {"name": one.data, "type": "not stated"},
                        "metrics": [
                            {
                                "type": one.measure,
                                "value": round(one.value, 6),
                                "name": _figure(one),
                            }
                        ],
                    }
                    for one in bundle.quality
                ],
            }
        ],
    }


def _prose(bundle: Bundle) -> str:
    tags = ", ".join(bundle.tags)
    parts = [
        f"# {bundle.name}",
        f"{bundle.description}. It hears music and gives each tag a score from 0 to 1"
        + (
            "; and values of "
            + ", ".join(f"{d.name} ({d.lowest:g} to {d.highest:g})" for d in bundle.dimensions)
            if bundle.dimensions
            else ""
        )
        + ".",
        "```\npip install moodtheme\nmoodtheme tag PATH... --model FOLDER\n```",
        f"Tags: {tags}.",
        "## Data",
        f"Trained on {bundle.training_data}. Origin: {bundle.origin}.",
        "## Figures",
        "\n".join(f"- {_figure(one)}, on {one.data}" for one in bundle.quality)
        or "No figure was measured.",
        "## Decisions and probabilities",
        "\n".join(_chosen(bundle)) or "The scores are given as they are.",
        "## Licence",
        f"{bundle.licence}. Terms of the weights follow from the music and labels that they "
        "learned from.",
        "## Limits",
        "Figures hold for music and labels like those they were measured on. Moods are opinions; "
        "scores say what a listener of that collection might have said, not what is so.",
        f"Digest of the bundle: `{bundle.digest}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _chosen(bundle: Bundle) -> Iterator[str]:
    if bundle.thresholds is not None:
        yield (
            f"A tag is decided above its own threshold, by {bundle.thresholds.method}, chosen on "
            f"{bundle.thresholds.chosen_on}."
        )
    if bundle.calibration is not None:
        yield f"Probabilities are calibrated on {bundle.calibration.fitted_on}."


def _figure(one: Measurement) -> str:
    interval = ""
    if one.interval is not None:
        interval = f" (95 % interval {one.interval[0]:.4f} to {one.interval[1]:.4f})"
    return f"{one.measure} {one.value:.4f}{interval}"


def _yaml(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Lines of YAML; texts are written as JSON's, which YAML reads."""
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield f"{indent}{key}:\n"
            yield from _yaml(item, indent + "  ")
        elif isinstance(item, list) and item and isinstance(item[0], Mapping):
            yield f"{indent}{key}:\n"
            for one in item:
                first, *others = _yaml(one, indent + "  ")
                yield f"{indent}- {first.removeprefix(indent + '  ')}"
                yield from others
        else:
            yield f"{indent}{key}: {json.dumps(item, ensure_ascii=False)}\n"
