"""What a library holds, in numbers."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from moodtheme.errors import ReferenceMusicError
from moodtheme.library.database import Database
from moodtheme.library.numbers import Numbers
from moodtheme.library.results import Model
from moodtheme.tagging.bundle import Reference

_OUT = 0.95  # standing from which a tag stands out where a model decides nothing, see `in_words`


@dataclass(frozen=True, kw_only=True)
class Stats:
    """A library in numbers.

    Attributes
    ----------
    tracks
        That the answering model has heard.
    stale
        That only other models have.
    files, missing, failed
        Files that are there, that are gone, and that cannot be used.
    copies
        Files beyond the first of a track.
    hours
        Of music.
    reasons
        Why files cannot be used, with their number, the most frequent first.
    models
        Names of models with the number of their tracks.
    outstanding
        For each tag how many tracks it stands out in, the most frequent first.
    dimensions
        For each dimension the 10th, 50th and 90th percentile.
    bytes
        Of the library file.
    """

    tracks: int
    stale: int
    files: int
    missing: int
    failed: int
    copies: int
    hours: float
    reasons: Mapping[str, int]
    models: Mapping[str, int]
    outstanding: Mapping[str, int]
    dimensions: Mapping[str, tuple[float, float, float]]
    bytes: int


def stats_of(database: Database, models: list[tuple[Model, int]], numbers: Numbers | None) -> Stats:
    """Count; `numbers` are those of the first model, if there is one."""

    def count(condition: str) -> int:
        return int(database.row(f"SELECT count(*) FROM places WHERE {condition}")[0])

    files = count("missing IS NULL AND error IS NULL")
    tracks = int(database.row("SELECT count(DISTINCT track) FROM places WHERE missing IS NULL")[0])
    reasons: Counter[str] = Counter()
    for (reason,) in database.rows(
        "SELECT error FROM places WHERE error IS NOT NULL AND missing IS NULL"
    ):
        reasons[re.split(r"[:(;]", reason, maxsplit=1)[0].strip()] += 1
    outstanding: dict[str, int] = {}
    dimensions: dict[str, tuple[float, float, float]] = {}
    hours = 0.0
    if numbers is not None and len(numbers):
        hours = float(numbers.durations[numbers.durations > 0].sum()) / 3600
        bundle = numbers.model.bundle
        for place, tag in enumerate(bundle.tags):
            if bundle.thresholds is not None:
                out = numbers.values(tag, is_tag=True) > bundle.thresholds.values[place]
            else:
                out = numbers.standings(tag, is_tag=True, reference=bundle.reference) >= _OUT
            outstanding[tag] = int(out.sum())
        for dimension in bundle.dimensions:
            low, middle, high = np.quantile(
                numbers.values(dimension.name, is_tag=False), (0.1, 0.5, 0.9)
            )
            dimensions[dimension.name] = float(low), float(middle), float(high)
    return Stats(
        tracks=0 if numbers is None else len(numbers),
        stale=sum(count for _, count in models[1:]),
        files=files,
        missing=count("missing IS NOT NULL"),
        failed=reasons.total(),
        copies=files - tracks,
        hours=hours,
        reasons=dict(reasons.most_common()),
        models={model.name: number for model, number in models},
        outstanding=dict(sorted(outstanding.items(), key=lambda item: -item[1])),
        dimensions=dimensions,
        bytes=database.size(),
    )


def reference_of_library(numbers: Numbers) -> Reference:
    """The reference that a library's tracks make together, as `Library.reference`.

    Of more than 100,000 a random choice of so many counts, the same every time.
    """
    from moodtheme.tagging.own_music import FEWEST_TRACKS, MOST_TRACKS, reference_of

    file = numbers.database.path
    if len(numbers) < FEWEST_TRACKS:
        raise ReferenceMusicError(
            f"{file} has {len(numbers)} tracks, and a reference needs at least {FEWEST_TRACKS}; "
            "scan more music into it"
        )
    rows = np.arange(len(numbers))
    if len(rows) > MOST_TRACKS:
        rows = np.random.default_rng(0).choice(rows, MOST_TRACKS, replace=False)
    bundle = numbers.model.bundle
    columns = [numbers.values(tag, is_tag=True)[rows] for tag in bundle.tags]
    places = [numbers.values(d.name, is_tag=False)[rows] for d in bundle.dimensions]
    return reference_of(
        np.stack(columns, axis=1),
        np.stack(places, axis=1) if places else np.zeros((len(rows), 0)),
        music=file.name,
        tracks=len(numbers),
    )
