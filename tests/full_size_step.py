"""One training step of a feature system at full size, in a process of its own for its memory.

``full_size_step.py SYSTEM`` prints parameters, peak memory of two steps and their losses, as JSON.
"""

import json
import sys

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from moodtheme.models.networks import parameter_count
from moodtheme.recipes import DeepSpectrumView, find_recipe
from moodtheme.training.examples import TrackSet
from moodtheme.training.kinds import kind_of
from moodtheme.training.module import SystemModule
from moodtheme.training.settings import peak_memory
from toy_training import Sequences

TRACKS, FEATURES, TAGS = 32, 4096, 56  # the paper's batch, VGG16's fc2, MTG-Jamendo's tags


def peak_bytes() -> int:
    found = peak_memory()
    assert found is not None
    return found


def main(system: str) -> None:
    torch.set_num_threads(1)
    recipe = find_recipe(system)
    assert isinstance(recipe.view, DeepSpectrumView)
    rng = np.random.default_rng(0)
    labels = rng.random((TRACKS, TAGS)) < 0.05
    # As sparse as activations after a ReLU.
    values = np.maximum(rng.normal(0, 3, (TRACKS, recipe.view.windows, FEATURES)), 0)
    inputs, targets = torch.from_numpy(values).float(), torch.from_numpy(labels).float()
    before = peak_bytes()
    network = kind_of(recipe).make_network(n_tags=TAGS, n_features=FEATURES)
    module = SystemModule(
        network,
        schedule=recipe.schedule,
        stage=recipe.stages[0],
        training=TrackSet(Sequences(np.empty((0, 1, 1), np.float32)), labels),
        validation=TrackSet(Sequences(np.empty((0, 1, 1), np.float32)), labels),
        seed=0,
        first_epoch=0,
    )
    optimiser = module.configure_optimizers()
    losses = []
    for _ in range(2):
        logits = network(inputs, torch.zeros(TRACKS, dtype=torch.long))
        assert logits.shape == (TRACKS, TAGS)
        loss = binary_cross_entropy_with_logits(logits, targets)
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    print(
        json.dumps(
            {
                "windows": recipe.view.windows,
                "parameters": parameter_count(network),
                "peak_bytes": peak_bytes() - before,
                "losses": losses,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
