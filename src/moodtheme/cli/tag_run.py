"""A run of `moodtheme tag`: files to results, as they come or to a file that can be resumed."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from moodtheme.audio import audio_identity
from moodtheme.cli.journal import Journal, Settings
from moodtheme.cli.outputs import result_stream
from moodtheme.cli.progress import TaggingProgress
from moodtheme.cli.results import Format, JsonLinesWriter, Writer
from moodtheme.cli.streams import say
from moodtheme.engines import Engine, Workers, run_units
from moodtheme.errors import AudioError
from moodtheme.tagging.answers import TrackTags
from moodtheme.tagging.batch import RemoteTagger, name_of, tag_file, tag_files
from moodtheme.tagging.own_music import reference_digest
from moodtheme.tagging.tagger import Tagger
from moodtheme.work import read_ahead

_FILES_AT_ONCE = 4  # that go to a worker together: a second or two of work

Found = Path | AudioError
"""A file to tag, or what is wrong with one."""


@dataclass(frozen=True)
class Run:
    """What is to be done, by whom, and how results are told.

    `model` is how the tagger's model is called where workers are.
    """

    tagger: Tagger
    model: str
    found: Sequence[Found]
    workers: Workers
    timeline: bool
    windows: int | None
    tell: Callable[[TrackTags], None]

    def results(self) -> Generator[TrackTags]:
        """One for each file, in order."""
        if self.workers.engine is Engine.RAY:
            return self.on_ray(self.found)
        jobs, timeline, windows = self.workers.jobs, self.timeline, self.windows
        return tag_files(self.tagger, self.found, jobs=jobs, timeline=timeline, windows=windows)

    def on_ray(self, files: Sequence[Found]) -> Generator[TrackTags]:
        """Results of files, in order, from a Ray cluster, which gets some at a time."""
        remote = RemoteTagger(
            model=self.model,
            digest=self.tagger.bundle.digest,
            relative_to=self.tagger.relative_to,
            timeline=self.timeline,
            windows=self.windows,
        )
        starts = range(0, len(files), _FILES_AT_ONCE)
        units = [tuple(files[start : start + _FILES_AT_ONCE]) for start in starts]
        for results in run_units(remote, units, self.workers):
            yield from results


def tag_to_stream(run: Run, output: Path | None, form: Format, writer: Writer) -> None:
    """Write results as they come, in the order of the inputs."""
    is_json = form in {Format.JSON, Format.JSONL}
    with result_stream(output, is_json=is_json) as out, closing(run.results()) as results:
        try:
            out.write(writer.begin())
            for result in results:
                out.write(writer.add(result))
                out.flush()
                run.tell(result)
        except OSError:
            raise  # nothing more can be written
        except BaseException:
            results.close()
            out.write(writer.end())
            raise
        out.write(writer.end())


def tag_to_journal(
    run: Run, output: Path, *, top: int | None, resume: bool, progress: TaggingProgress
) -> None:
    """Put each result on the disk as soon as it is there; write the file at the end."""
    bundle, own = run.tagger.bundle, run.tagger.relative_to
    settings = Settings(
        model=bundle.digest,
        tags=len(bundle.tags) if top is None else min(top, len(bundle.tags)),
        timeline=run.timeline,
        windows=run.windows,
        relative_to=None if own is None else reference_digest(own),
    )
    writer = JsonLinesWriter(top)
    with Journal.open(output, settings, resume=resume) as journal:

        def is_current(found: Found) -> bool:
            """Whether there is a row of before, which is taken over."""
            if journal.has_rows and isinstance(found, Path):
                try:
                    return journal.take_over(found, audio_identity(found))
                except AudioError:
                    pass  # it fails below, where that is told
            return False

        def kept(result: TrackTags) -> TrackTags:
            journal.add(result.path, writer.add(result), failed=result.error is not None)
            return result

        def work(found: Found) -> TrackTags | None:
            """None where the row of before is current."""
            if is_current(found):
                return None
            return kept(tag_file(run.tagger, found, timeline=run.timeline, windows=run.windows))

        jobs = run.workers.jobs
        if run.workers.engine is Engine.LOCAL:
            for result in read_ahead(work, run.found, jobs=jobs, ahead=4 * jobs):
                if result is None:
                    progress.add(duration_s=None, failed=False)
                else:
                    run.tell(result)
        else:
            current = read_ahead(is_current, run.found, jobs=jobs)
            left = [found for found, there in zip(run.found, current, strict=True) if not there]
            for _ in range(len(run.found) - len(left)):
                progress.add(duration_s=None, failed=False)
            with closing(run.on_ray(left)) as results:
                for result in results:
                    run.tell(kept(result))
        journal.finish([name_of(found) for found in run.found])
    if journal.kept:
        say(f"{journal.kept} results kept from before")
    for reason, count in journal.redone.items():
        say(f"{count} results of before were made anew: {reason}")
    for difference, count in journal.differing.items():
        say(f"{count} results of music not named this time stay as they were: {difference}")
    if journal.left_out:
        say(f"{journal.left_out} lines of before are not results and were left out")
