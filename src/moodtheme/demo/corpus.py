"""The demo corpus: tracks labelled by construction, on which the whole pipeline can be tried.

Each track is written for one to three moods by one artist. Its labels are those moods, blurred:
the cues are noisy, one of them may point elsewhere, and tags go missing or are added, so that no
tag can be read off a single feature and perfect scores are out of reach.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from moodtheme.datasets.readers import write_table
from moodtheme.datasets.table import Split, TrackTable
from moodtheme.demo.moods import CUE_NAMES, CUES, Cues, Mood, blend, perturb
from moodtheme.demo.pieces import GENERATOR_VERSION, MARK, SAMPLE_RATE, has_mark, render, write_flac
from moodtheme.demo.styles import Style, derived_seed, draw_style, stream
from moodtheme.errors import UsageError
from moodtheme.work import Progress, cores, no_progress, read_ahead

TABLE_NAME = "tracks.csv"
AUDIO_FOLDER = "audio"
_MOODS = tuple(Mood)

# Every fifth track is for validation and every fifth for testing, so that a corpus of any size
# starts with the same tracks.
_SPLIT_CYCLE = (Split.TRAIN, Split.VALIDATION, Split.TRAIN, Split.TEST, Split.TRAIN)
_ARTISTS = dict.fromkeys(Split, 6)  # intervals over fewer than five would be refused

# Choices of this project, set so that tags are learnable and not trivial.
_EXTRA_MOODS = (0.2, 0.45, 0.35)  # probabilities of no, one and two moods beside the first
_FIRST_SHARE = 0.55  # of the first mood in the blend
_NEARNESS = 0.5  # distance between the cues of two moods at which they rarely go together
_CUE_NOISE = 0.12  # standard deviation, on the 0-to-1 scale
_STRAY_CUE = 0.5  # probability that one cue is another mood's
_TAG_MISSING = 0.15  # probability that a mood beside the first goes untagged
_TAG_ADDED = 0.1  # probability of a tag the music was not written for


@dataclass(frozen=True)
class DemoTrack:
    """A track of the corpus before it is rendered.

    Parameters
    ----------
    path
        Relative to the corpus folder.
    written_for
        The moods it expresses, the first the strongest.
    tags
        The labels, sorted.
    split, artist
        Where it belongs, and who plays. No artist is in two splits.
    cues, style, seed
        What is rendered.
    """

    path: Path
    written_for: tuple[Mood, ...]
    tags: tuple[Mood, ...]
    split: Split
    artist: str
    cues: Cues
    style: Style
    seed: int


def _nearness() -> np.ndarray:
    """How readily two moods go together, (moods, moods), 0 on the diagonal."""
    rows = np.array([[getattr(CUES[mood], name) for name in CUE_NAMES] for mood in Mood])
    space = (rows - rows.mean(axis=0)) / rows.std(axis=0)  # each by its spread over the moods
    squares = np.mean((space[:, None] - space[None]) ** 2, axis=2)
    near: np.ndarray = np.exp(-squares / (2 * _NEARNESS**2))
    np.fill_diagonal(near, 0.0)
    return near


def _draw_near(chosen: tuple[Mood, ...], near: np.ndarray, rng: np.random.Generator) -> Mood:
    """Draw one more mood that goes with all chosen ones."""
    weights = np.prod([near[_MOODS.index(mood)] for mood in chosen], axis=0)
    return _MOODS[int(rng.choice(len(_MOODS), p=weights / weights.sum()))]


def _draw_tags(
    written_for: tuple[Mood, ...], near: np.ndarray, rng: np.random.Generator
) -> tuple[Mood, ...]:
    """Label a track as a listener would: not quite as it was meant."""
    first, *others = written_for
    tags = {first} | {mood for mood in others if rng.random() >= _TAG_MISSING}
    if rng.random() < _TAG_ADDED:
        tags.add(_draw_near(written_for, near, rng))
    return tuple(sorted(tags))


def demo_tracks(n_tracks: int, *, seed: int = 0) -> tuple[DemoTrack, ...]:
    """Plan the corpus; track i depends on the seed and i alone.

    Parameters
    ----------
    n_tracks
        How many, at least 1. From 60 on, every tag occurs in every split.
    seed
        Seed of every choice, 0 or more.

    Raises
    ------
    UsageError
        If a number is out of range.
    """
    if n_tracks < 1:
        raise UsageError(f"a corpus of {n_tracks} tracks is empty; ask for at least 1")
    near = _nearness()
    places = dict.fromkeys(Split, 0)  # how many tracks each split has so far
    tracks = []
    for index in range(n_tracks):
        split = _SPLIT_CYCLE[index % len(_SPLIT_CYCLE)]
        place = places[split]
        places[split] += 1
        # Moods take turns, in an order of its own for each split; artists shift against them.
        order = stream(seed, f"order {split}").permutation(len(_MOODS))
        artist = f"{split}-{(place + place // len(_MOODS)) % _ARTISTS[split] + 1}"
        rng = stream(seed, f"track {index}")
        written_for: tuple[Mood, ...] = (_MOODS[order[place % len(_MOODS)]],)
        for _ in range(int(rng.choice(3, p=_EXTRA_MOODS))):
            written_for = (*written_for, _draw_near(written_for, near, rng))
        tracks.append(
            DemoTrack(
                path=Path(AUDIO_FOLDER) / f"track-{index:04d}.flac",
                written_for=written_for,
                tags=_draw_tags(written_for, near, rng),
                split=split,
                artist=artist,
                cues=_draw_cues(written_for, rng),
                style=draw_style(stream(seed, f"artist {artist}")),
                seed=derived_seed(seed, f"track {index}"),
            )
        )
    return tuple(tracks)


def _draw_cues(written_for: tuple[Mood, ...], rng: np.random.Generator) -> Cues:
    """Blend the moods, let one cue stray now and then, and blur all."""
    others = len(written_for) - 1
    weights = dict.fromkeys(written_for, (1 - _FIRST_SHARE) / max(others, 1))
    weights[written_for[0]] = _FIRST_SHARE
    cues = blend(weights)
    if rng.random() < _STRAY_CUE:
        name = CUE_NAMES[int(rng.integers(len(CUE_NAMES)))]
        donor = CUES[_MOODS[int(rng.integers(len(_MOODS)))]]
        cues = replace(cues, **{name: getattr(donor, name)})
    return perturb(cues, amount=_CUE_NOISE, rng=rng)


def make_demo_corpus(
    folder: Path,
    *,
    n_tracks: int = 60,
    duration_s: float = 30.0,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Path:
    """Write the demo corpus; tracks already there from the same request are left alone.

    Parameters
    ----------
    folder
        Made where it is missing; gets the table and a folder of FLAC files.
    n_tracks, duration_s, seed
        How many tracks, how long each (at least 1 s), and the seed of every choice.
    progress
        Called after each track with the number done and the number wanted.

    Returns
    -------
    Path
        The table: a CSV with columns `path` (relative to the folder), `tags` (separated by
        semicolons), `split`, `artist` and `duration` (seconds), written last.
    """
    tracks = demo_tracks(n_tracks, seed=seed)
    (folder / AUDIO_FOLDER).mkdir(parents=True, exist_ok=True)

    def compose(index: int) -> None:
        track = tracks[index]
        path = folder / track.path
        mark = f"{MARK} {GENERATOR_VERSION}: corpus seed {seed}, track {index}, {duration_s} s"
        if not has_mark(path, mark):
            audio = render(
                track.cues,
                track.style,
                seed=track.seed,
                duration_s=duration_s,
                sample_rate=SAMPLE_RATE,
            )
            write_flac(path, audio, title=f"Track {index}", mark=mark)

    with closing(read_ahead(compose, range(len(tracks)), jobs=cores())) as composed:
        for done, _ in enumerate(composed, start=1):
            progress(done, len(tracks))
    table = folder / TABLE_NAME
    write_table(_table(tracks, folder, duration_s), table)
    return table


def _table(tracks: Sequence[DemoTrack], folder: Path, duration_s: float) -> TrackTable:
    tags = tuple(sorted(Mood))
    return TrackTable(
        tracks=tuple(track.path.as_posix() for track in tracks),
        paths=tuple(track.path.as_posix() for track in tracks),
        tags=tags,
        labels=np.array([[tag in track.tags for tag in tags] for track in tracks]),
        artists=tuple(track.artist for track in tracks),
        splits=tuple(track.split for track in tracks),
        durations=np.full(len(tracks), duration_s),
        root=folder,
    )
