"""From a student's readings to its bundle: graph, reference, probabilities, decisions, figures."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch

from moodtheme import __version__
from moodtheme.arrays import Float64Array
from moodtheme.audio import ExcerptPolicy
from moodtheme.distillation.combination import feeling_readings
from moodtheme.distillation.official import Official, cross_validated, reliability
from moodtheme.distillation.plan import MusicTrack
from moodtheme.distillation.quality import Quality
from moodtheme.distillation.readings import DIMENSIONS
from moodtheme.distillation.reference import (
    calibrate_by_standing,
    learn_doubts,
    make_reference,
    synonym_groups,
)
from moodtheme.distillation.teachers import PACKAGED
from moodtheme.exporting.graph import export_graph
from moodtheme.files import sha256_of
from moodtheme.models.moodtheme_small import EMBEDDING, EXCERPT_SAMPLES, SAMPLE_RATE, Small
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS
from moodtheme.tagging.bundle import (
    FORMAT_VERSION,
    Bundle,
    Dimension,
    Fusion,
    Measurement,
    Member,
    Output,
)
from moodtheme.tagging.bundle_files import write_bundle

NAME = "moodtheme-small"
_LICENCE = (
    "Apache-2.0; teachers: Apache-2.0 (MediaEval baseline; tag metadata it was trained on: "
    "CC BY-NC-SA 4.0) and MIT (taggers)"
)
_LICENCE_PACKAGED = " and ISC (musicnn)"


@dataclass(frozen=True)
class Made:
    """What a bundle is written from.

    Attributes
    ----------
    small
        The module.
    tracks, shares
        The reference's tracks, and how much each counts.
    heard
        Embeddings of their windows.
    no_music
        Sounds that are none, among those heard.
    official
        The official test set, if there is one.
    provenance
        What is to be said of the run.
    """

    small: Small
    tracks: Sequence[MusicTrack]
    shares: Float64Array
    heard: Mapping[Path, Float64Array]
    no_music: Sequence[Path]
    official: Official | None
    provenance: Mapping[str, str]


def write_student(
    folder: Path,
    made: Made,
    teachers: Sequence[str],
    *,
    answers: bool,
    quality: Quality | None = None,
) -> None:
    """Write the bundle.

    Parameters
    ----------
    folder
        Where.
    made
        What of.
    teachers
        Names of all that the student learned from.
    answers
        Whether listeners' answers were learned from.
    quality
        Measured, if it has been.
    """
    scores, dimensions = track_outputs(made)
    calibration = thresholds = None
    provenance = {
        "teachers": ", ".join(teachers),
        **made.provenance,
        "made_by": f"moodtheme {__version__}",
    }
    listened = feeling_readings().max(axis=1) > 0 if answers else None
    if made.official is not None:
        official = made.official
        calibration, thresholds = calibrate_by_standing(
            official, scores, made.shares, listened=listened
        )
        before, after = (
            reliability(official, said).error[0]
            for said in (official.scores, cross_validated(official))
        )
        provenance["expected_calibration_error"] = (
            f"{before:.4f} before, {after:.4f} after, on the official test split, folds by artist"
        )
    doubts = None
    if made.no_music:
        reference = [track.path for track in made.tracks]
        doubts = learn_doubts(made.heard, reference, made.shares, made.no_music)
    licence = _LICENCE + _LICENCE_PACKAGED * any(name in PACKAGED for name in teachers)
    people = "; valence, arousal and a share of the tags from listeners' answers" if answers else ""
    bundle = Bundle(
        format_version=FORMAT_VERSION,
        name=NAME,
        description=f"Small: imitates {len(teachers)} teachers; hears whole tracks",
        tags=MOOD_THEME_TAGS,
        synonyms=synonym_groups(MOOD_THEME_TAGS, scores),
        dimensions=tuple(Dimension(name=name, lowest=-1.0, highest=1.0) for name in DIMENSIONS),
        members=(),
        fusion=Fusion(),
        licence=licence + ("; listeners' answers: their publisher's terms" if answers else ""),
        origin="moodtheme; distilled with `moodtheme distil`",
        training_data=(
            f"{made.provenance['training_music']}, labelled by {len(teachers)} teachers, not by "
            f"people{people}"
        ),
        calibration=calibration,
        thresholds=thresholds,
        reference=make_reference(scores, dimensions, made.shares, music=_music(made.tracks)),
        doubts=doubts,
        quality=() if quality is None else _measurements(quality),
        provenance=provenance,
    )
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / f"{NAME}.onnx"
        outputs = (Output.SCORES, Output.DIMENSIONS, Output.EMBEDDING)
        export_graph(
            made.small, graph, samples=EXCERPT_SAMPLES, outputs=outputs, half_weights="network"
        )
        member = Member(
            file=graph.name,
            sha256=sha256_of(graph),
            systems=(NAME,),
            sample_rate=SAMPLE_RATE,
            samples=EXCERPT_SAMPLES,
            policy=ExcerptPolicy.COVER,
            outputs=outputs,
            embedding_size=EMBEDDING,
        )
        write_bundle(folder, msgspec.structs.replace(bundle, members=(member,)), [graph])


def track_outputs(made: Made) -> tuple[Float64Array, Float64Array]:
    """Scores and dimensions of the reference's tracks, means over windows."""
    scores, dimensions = [], []
    for track in made.tracks:
        windows = torch.from_numpy(made.heard[track.path]).float()
        with torch.no_grad():
            scores.append(torch.sigmoid(made.small.tags(windows)).double().mean(dim=0).numpy())
            said = torch.tanh(made.small.dimensions(windows)).double()
        dimensions.append(said.mean(dim=0).numpy())
    return np.stack(scores), np.stack(dimensions)


def _music(tracks: Sequence[MusicTrack]) -> str:
    """What the reference is, in words."""
    counts = Counter(track.reference or "training music" for track in tracks)
    kinds = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    return f"{len(tracks)} tracks: {kinds}" + ("; each kind weighs the same" * (len(counts) > 1))


def _measurements(quality: Quality) -> tuple[Measurement, ...]:
    data = (
        f"{quality.tracks} tracks of {quality.groups} groups never trained on; "
        "compared with the baseline, not with people"
    )
    return (
        Measurement(
            measure="spearman_with_teacher_median_over_tags",
            value=quality.spearman_median,
            interval=quality.spearman_median_interval,
            data=data,
        ),
        Measurement(
            measure="top5_overlap_with_teacher",
            value=quality.top5_overlap,
            interval=quality.top5_overlap_interval,
            data=data,
        ),
        Measurement(
            measure="loudness_spearman_lowest",
            value=quality.loudness_spearman_lowest,
            data=f"{data}; played at -30, -20 and -10 dBFS RMS",
        ),
    )
