"""From the student to its outputs: tags and dimensions as linear readings of the embedding.

The embedding, what it says of the teachers, and what listeners answered about some tracks go in;
two small matrices come out. Nothing here is fitted but one ridge regression on the answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from moodtheme.arrays import Float64Array
from moodtheme.distillation.combination import (
    affect_readings,
    composites,
    feeling_readings,
    label_readings,
)
from moodtheme.distillation.fit import Student
from moodtheme.distillation.tagger_tags import TAGGER_TAGS
from moodtheme.distillation.teachers import BASELINE, Columns
from moodtheme.models.moodtheme_small import Small

DIMENSIONS = ("valence", "arousal")
RIDGE = 1000.0  # chosen by ten-fold cross-validation on the tracks with answers
_STEEPNESS = 0.6  # a dimension is tanh of this times its standing in standard deviations


@dataclass(frozen=True)
class _Reading:
    """Rows of weights on the embedding, and what is added."""

    weights: Float64Array
    bias: Float64Array

    def of_unit_spread(self, embeddings: Float64Array, shares: Float64Array) -> "_Reading":
        """The same with mean 0 and deviation 1 over weighted embeddings."""
        values = self(embeddings)
        mean = shares @ values
        deviation = np.maximum(np.sqrt(shares @ (values - mean) ** 2), 1e-9)
        return _Reading(self.weights / deviation[:, None], (self.bias - mean) / deviation)

    def through(self, matrix: Float64Array) -> "_Reading":
        """Weighted sums of the rows."""
        return _Reading(matrix @ self.weights, matrix @ self.bias)

    def __add__(self, other: "_Reading") -> "_Reading":
        return _Reading(self.weights + other.weights, self.bias + other.bias)

    def __call__(self, embeddings: Float64Array) -> Float64Array:
        return embeddings @ self.weights.T + self.bias


def make_small(
    student: Student,
    heard: Mapping[Path, Float64Array],
    reference: Sequence[Path],
    shares: Float64Array,
    answers: Mapping[Path, Float64Array],
) -> Small:
    """The module to export.

    Parameters
    ----------
    student
        Trained.
    heard
        Embeddings ``(windows, 512)`` by track.
    reference, shares
        Tracks in whose units of spread tags and dimensions are put together, and how much each
        counts.
    answers
        What listeners felt of tracks that were heard, ``(9,)`` each in the order of `FEELINGS`.
        Without them valence and arousal come from the taggers' tags alone.
    """
    embeddings = np.stack([heard[path].mean(axis=0) for path in reference])
    columns = student.columns
    weights, bias = (
        p.detach().double().numpy() for p in (student.labels.weight, student.labels.bias)
    )
    labels = _Reading(weights[: columns.n_logits], bias[: columns.n_logits])
    answered = [path for path in answers if path in heard]
    tags, dimensions = _put_together(
        columns,
        labels,
        embeddings,
        shares / shares.sum(),
        np.array([heard[path].mean(axis=0) for path in answered]),
        np.array([answers[path] for path in answered]),
    )
    own = columns.logits[BASELINE]
    centre, scale = (part[own].double().numpy() for part in (student.centre, student.scale))
    small = Small(student.network, n_tags=own.stop, n_dimensions=len(DIMENSIONS))
    with torch.no_grad():
        small.tags.weight.copy_(torch.from_numpy(tags.weights * scale[:, None]))
        small.tags.bias.copy_(torch.from_numpy(tags.bias * scale + centre))
        small.dimensions.weight.copy_(torch.from_numpy(_STEEPNESS * dimensions.weights))
        small.dimensions.bias.copy_(torch.from_numpy(_STEEPNESS * dimensions.bias))
    return small.eval()


def read_labels(
    columns: Columns, labels: Float64Array, felt: Float64Array
) -> Callable[[Float64Array], tuple[Float64Array, Float64Array]]:
    """What the readings would be of a student that says just what its teachers say.

    Parameters
    ----------
    columns
        What the labels are.
    labels, felt
        The teachers' ``(tracks, columns)`` of tracks about which listeners were asked, and what
        they felt, ``(tracks, 9)``.

    Returns
    -------
    Function from labels to tags ``(tracks, 56)`` and dimensions ``(tracks, 2)``, of unit
    spread over those tracks.
    """
    mean, deviation = labels.mean(axis=0), np.maximum(labels.std(axis=0), 1e-3)
    said = (labels - mean) / deviation
    every = _Reading(np.eye(columns.n_logits, columns.n), np.zeros(columns.n_logits))
    tags, dimensions = _put_together(
        columns, every, said, np.full(len(said), 1 / len(said)), said, felt
    )

    def read(rows: Float64Array) -> tuple[Float64Array, Float64Array]:
        standardised = (rows - mean) / deviation
        return tags(standardised), dimensions(standardised)

    return read


def _put_together(
    columns: Columns,
    labels: _Reading,
    embeddings: Float64Array,
    shares: Float64Array,
    answered: Float64Array,
    felt: Float64Array,
) -> tuple[_Reading, _Reading]:
    """Tags and dimensions, both of unit spread over the embeddings."""
    feelings = None
    if len(answered):
        feelings, dimensions = _fit(embeddings, shares, answered, felt)
        feelings = feelings.of_unit_spread(embeddings, shares)
    else:
        dimensions = labels.through(_dimensions_of_tags(columns))
    dimensions = dimensions.of_unit_spread(embeddings, shares)
    tags = labels.through(label_readings(columns)) + dimensions.through(affect_readings())
    if feelings is not None:
        tags = tags + feelings.through(feeling_readings())
    return tags.of_unit_spread(embeddings, shares), dimensions


def _fit(
    embeddings: Float64Array, shares: Float64Array, answered: Float64Array, felt: Float64Array
) -> tuple[_Reading, _Reading]:
    """Ridge regressions of the nine feelings and of the two dimensions on answered tracks."""
    wanted = np.concatenate([felt, composites(felt)], axis=1)
    wanted = wanted / np.maximum(wanted.std(axis=0), 1e-9)
    mean = shares @ embeddings
    deviation = np.sqrt(shares @ (embeddings - mean) ** 2) + 1e-3
    x = (answered - mean) / deviation
    centred = x - x.mean(axis=0)
    gram = centred @ centred.T + RIDGE * np.eye(len(x))
    weights = np.linalg.solve(gram, wanted - wanted.mean(axis=0)).T @ centred / deviation
    both = _Reading(weights, np.zeros(len(weights)))
    n = felt.shape[1]
    return _Reading(both.weights[:n], both.bias[:n]), _Reading(both.weights[n:], both.bias[n:])


def _mean_of(columns: Columns, collection: str, tag: str) -> Float64Array:
    """Weights on the teachers' standardised logits: a tag's mean over a collection's taggers."""
    weights = np.zeros(columns.n_logits)
    for teacher, part in columns.logits.items():
        if teacher.startswith(f"{collection}-"):
            weights[part.start + TAGGER_TAGS[collection].index(tag)] = 1.0
    return np.asarray(weights / max(weights.sum(), 1.0))


def _dimensions_of_tags(columns: Columns) -> Float64Array:
    """Valence and arousal from what taggers say, for want of listeners."""
    valence = _mean_of(columns, "jamendo", "happy") - 0.5 * _mean_of(columns, "msd", "sad")
    arousal = (
        _mean_of(columns, "mtat", "fast")
        + _mean_of(columns, "mtat", "loud")
        - _mean_of(columns, "mtat", "slow")
        - _mean_of(columns, "mtat", "soft")
        - _mean_of(columns, "mtat", "quiet")
    )
    return np.stack([valence, arousal])
