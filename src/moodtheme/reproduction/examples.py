"""The stage that lets an exported model hear some test tracks, for readers of the report."""

import numpy as np
from numpy.typing import NDArray

from moodtheme.datasets import Split, TrackTable
from moodtheme.errors import AudioError
from moodtheme.files import sha256_of
from moodtheme.records import read_record, write_record
from moodtheme.reproduction import names
from moodtheme.reproduction.job import Job
from moodtheme.reproduction.results import ExampleTrack, TimelineWindow
from moodtheme.tagging.answers import TagScore, track_tags
from moodtheme.tagging.tagger import Tagger

_COUNT = 4
_STEP_S = 10.0  # of strips; nine systems with image networks take seconds for one
_FILE = "examples.json"


def hear_examples(job: Job, model: str) -> tuple[ExampleTrack, ...]:
    """Score a few test tracks with an exported model, as a whole and over time.

    Parameters
    ----------
    job
        Where the model is exported.
    model
        Name of the bundle.
    """
    path = job.folder / _FILE
    test = job.table.part(Split.TEST)
    chosen = test.select(choose_examples(test.labels, _COUNT))

    def work() -> None:
        tagger = Tagger.load(job.bundle_folder(model))
        with job.console.bar(names.EXAMPLES) as bar:
            found = []
            for row in range(len(chosen)):
                try:
                    found.append(_hear(job, model, tagger, chosen.select([row])))
                except AudioError as error:  # silence, which training does not mind
                    job.console.say(f"not an example: {error}")
                bar(row + 1, len(chosen))
        write_record(path, found)

    job.stages.do(
        names.EXAMPLES,
        work,
        inputs={
            "tracks": chosen.tracks,
            "audio": job.inputs_of(Split.TEST)["audio"],
            "model": sha256_of(job.bundle_folder(model) / "bundle.json"),
        },
        outputs=[path],
    )
    return read_record(path, tuple[ExampleTrack, ...], names.RECORDS)


def choose_examples(labels: NDArray[np.bool_], count: int) -> list[int]:
    """Rows of tracks that show different tags, always the same ones.

    For each tag, from the most frequent on, the first track with it that was not chosen yet.

    Parameters
    ----------
    labels
        bool (tracks, tags).
    count
        How many; fewer if there are fewer tags or tracks.
    """
    chosen: list[int] = []
    for tag in np.argsort(-labels.sum(axis=0), kind="stable"):
        rows = [int(row) for row in np.flatnonzero(labels[:, tag]) if row not in chosen]
        if rows and len(chosen) < count:
            chosen.append(rows[0])
    return chosen


def _hear(job: Job, model: str, tagger: Tagger, track: TrackTable) -> ExampleTrack:
    file, tags = track.files[0], track.tags
    heard = track_tags(tagger.listen(file, timeline=True, hop_s=_STEP_S), timeline=True)
    duration = heard.duration_s
    return ExampleTrack(
        track=track.tracks[0],
        artist=track.artists[0],
        duration_s=duration,
        truth=tuple(tag for tag, there in zip(tags, track.labels[0], strict=True) if there),
        model=job.relative(job.bundle_folder(model)),
        scores=_in_order(heard.tags, tags),
        decided=tuple(tag for tag in tags for score in heard.tags if _decides(score, tag)),
        windows=tuple(
            TimelineWindow(
                start_s=window.start_s, end_s=window.end_s, scores=_in_order(window.tags, tags)
            )
            for window in heard.timeline or ()
        ),
    )


def _decides(score: TagScore, tag: str) -> bool:
    return score.name == tag and bool(score.decision)


def _in_order(scores: tuple[TagScore, ...], tags: tuple[str, ...]) -> tuple[float, ...]:
    by_tag = {score.name: score.score for score in scores}
    return tuple(by_tag[tag] for tag in tags)
