"""What is said of the stages before anything starts."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One stage.

    Attributes
    ----------
    stage
        Its name.
    seconds
        How long it will take.
    work
        What the estimate multiplies, in words.
    """

    stage: str
    seconds: float
    work: str


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """All stages that are to come, and what they need.

    Attributes
    ----------
    stages
        In order; those that are done are left out.
    disk_bytes
        Decoded audio, features, checkpoints and models.
    memory_bytes
        Of the hungriest training, on `memory_of`'s device; 0 where all is trained.
    memory_of
        That system.
    """

    stages: tuple[Estimate, ...]
    disk_bytes: int
    memory_bytes: int
    memory_of: str

    @property
    def seconds(self) -> float:
        """All stages together."""
        return sum(stage.seconds for stage in self.stages)
