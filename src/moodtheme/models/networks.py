"""The network of every recipe."""

from torch import nn

from moodtheme.models.crnn import Crnn
from moodtheme.models.feature_network import FeatureNetwork
from moodtheme.models.mediaeval_baseline import Baseline
from moodtheme.recipes import BaselineView, CrnnView, Recipe


def make_network(recipe: Recipe, *, n_tags: int, n_features: int | None) -> nn.Module:
    """A recipe's network with initial values; what it takes of pretrained ones is loaded later.

    Parameters
    ----------
    recipe
        View and head count.
    n_tags
        Number of logits.
    n_features
        Width of a window's features; None for a system that hears audio.

    Returns
    -------
    Module
        A `moodtheme.training.module.Network`: audio ``(batch, samples)``, or features ``(batch,
        windows, n_features)``, to logits ``(batch, n_tags)``.
    """
    view, head = recipe.view, recipe.head
    if isinstance(view, BaselineView):
        return Baseline(n_tags=n_tags)
    if head is None:
        raise ValueError(f"the recipe of {recipe.system} has no recurrent part")
    if isinstance(view, CrnnView):
        return Crnn(view, head, n_tags=n_tags)
    if n_features is None:
        raise ValueError(f"{recipe.system} hears features; how many is not given")
    return FeatureNetwork(head, n_features=n_features, n_tags=n_tags)
