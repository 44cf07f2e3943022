"""What a training run is told."""

from dataclasses import dataclass, field
from pathlib import Path

from moodtheme.recipes import Recipe
from moodtheme.training.fit import Machine


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to train, on what, with what.

    Attributes
    ----------
    recipe
        The system.
    dataset
        What the table was read from, for the record.
    seed
        Of every random choice.
    weights
        File of pretrained weights, of a CRNN's convolutions or of the image network; None has them
        fetched, where the recipe wants any.
    offline
        Never touch the network.
    audio_cache
        Folder of decoded audio that runs may share; None keeps it in the run's folder.
    features
        Folder of stored features that runs may share; None keeps it in the run's folder.
    jobs
        Tracks decoded, or their features extracted, at once.
    skip_unreadable
        Leave out tracks that cannot be decoded; otherwise they stop the run before it trains.
    machine
        Where to train.
    """

    recipe: Recipe
    dataset: str
    seed: int = 0
    weights: Path | None = None
    offline: bool = False
    audio_cache: Path | None = None
    features: Path | None = None
    jobs: int = 1
    skip_unreadable: bool = False
    machine: Machine = field(default_factory=Machine)
