"""Sentences that readers of the results need before they look at the figures."""

from moodtheme.datasets import Split
from moodtheme.fetched.weights import SOUNDNET
from moodtheme.recipes import NINE_SYSTEMS
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.selection import Preset, Weights
from moodtheme.training.kinds import kind_of


def notes_on(job: Job) -> list[str]:
    """What is not as in the paper, what was shortened, what is missing."""
    request, collection = job.request, job.collection
    notes = []
    if request.preset is Preset.QUICK:
        notes.append(
            "The quick preset: small networks, short excerpts, few epochs. It shows that "
            "everything works; its figures say nothing about the systems."
        )
        if any(kind_of(recipe).published == SOUNDNET for recipe in job.recipes.values()):
            notes.append(
                "The CRNNs hear with SoundNet's convolutions, which the paper names, not with "
                "VGGish's, which the authors' code loads."
            )
    if request.weights is Weights.RANDOM:
        notes.append(
            "Random weights where the recipes have pretrained ones: no figure is the systems'."
        )
    if request.values:
        notes.append(f"Set for this run: {', '.join(request.values)}.")
    if not collection.comparable:
        notes.append(
            "The test tracks are not the paper's, so its figures are no measure for these."
            if not collection.is_jamendo
            else "Another division of MTG-Jamendo, or only some of its tracks: the paper's figures "
            "are no measure for these."
        )
    test = len(job.table.part(Split.TEST))
    notes.append(
        f"Intervals are over the {test} test tracks as drawn; another training run would move the "
        "figures too."
    )
    if collection.shared_artists:
        notes.append(
            f"Artists with tracks in more than one split: {collection.shared_artists}. That "
            "flatters every figure."
        )
    missing = [system for system in NINE_SYSTEMS if system not in job.recipes]
    if missing:
        notes.append(f"Not trained: {', '.join(missing)}.")
    return notes
