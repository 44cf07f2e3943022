"""A reproduction small enough to be repeated: short tones, tiny networks, an epoch or two."""

from pathlib import Path

SMALL = (
    "crnn.units=4",
    "crnn.dense=4",
    "crnn.excerpt_s=1",
    "crnn.frozen_epochs=1",
    "crnn.epochs=1",
    "ds.units=4",
    "ds.dense=4",
    "ds.epochs=2",
    "ds.duration_s=1",
    "all.batch_size=4",
)


def arguments(
    folder: Path, table: Path, *more: object, systems: str = "crnn-gru,ds-1s-gru"
) -> list[object]:
    """Words of the command; the quick preset with random weights, made smaller still."""
    settings = [word for value in SMALL for word in ("--set", value) if _fits(value, systems)]
    quiet = ["--weights", "random", "--device", "cpu", "--threads", 1, "--jobs", 1]
    return [
        "reproduce",
        folder,
        "--dataset",
        table,
        "--preset",
        "quick",
        "--systems",
        systems,
        "--bootstrap",
        20,
        *quiet,
        *settings,
        *more,
    ]


def _fits(value: str, systems: str) -> bool:
    scope = value.partition(".")[0]
    return scope == "all" or scope in systems or systems == "nine"
