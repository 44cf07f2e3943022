"""Sentences that the figures must not be read without."""

from moodtheme.reproduction.page.formats import count, plural
from moodtheme.reproduction.page.inputs import Inputs

FEW_TRACKS = 500
"""Below so many test tracks the page says that intervals are wide: a choice of this project."""


def notes(inputs: Inputs) -> list[str]:
    """The results' own notes, then what holds for every run, then what is missing."""
    results = inputs.results
    tracks = {part.split: part.tracks for part in results.dataset.parts}
    said = list(results.notes)
    said.append(
        f"Trained on {plural(tracks.get('train', 0), 'track')} of {results.dataset.source}, epochs "
        f"and thresholds chosen on {count(tracks.get('validation', 0))}, tested on "
        f"{count(tracks.get('test', 0))}. The figures are about such music and such labels; other "
        "collections may differ."
    )
    if tracks.get("test", 0) < FEW_TRACKS:
        said.append(
            f"{plural(tracks.get('test', 0), 'test track')} are few: look at the intervals before "
            "comparing figures."
        )
    if results.settings.bootstrap:
        said.append(
            f"The intervals are 95 % percentile intervals of {count(results.settings.bootstrap)} "
            "resamples. Tracks by one artist are drawn as if they were independent, which makes "
            "the intervals a little too narrow."
        )
    said.append(
        "Each system's epoch was chosen on validation, so validation figures flatter. What is "
        "called oracle used the test labels to choose thresholds, as the task's official script "
        "does: such figures flatter, and nobody has such thresholds in use."
    )
    return [*said, *inputs.absent]
