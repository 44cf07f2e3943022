"""A run of `moodtheme tag`: files to results, as they come or to a file that can be resumed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from moodtheme.audio import audio_identity
from moodtheme.cli.journal import Journal, Settings
from moodtheme.cli.outputs import JSON_ESCAPES, PYTHON_ESCAPES, result_stream
from moodtheme.cli.progress import TaggingProgress
from moodtheme.cli.results import Format, JsonLinesWriter, Writer
from moodtheme.cli.streams import say
from moodtheme.errors import AudioError
from moodtheme.tagging.answers import TrackTags
from moodtheme.tagging.batch import failed, tag_file, tag_files
from moodtheme.tagging.own_music import reference_digest
from moodtheme.tagging.tagger import Tagger
from moodtheme.work import read_ahead


@dataclass(frozen=True)
class Run:
    """What is to be done, and how results are told."""

    tagger: Tagger
    files: Sequence[Path]
    problems: Sequence[AudioError]
    jobs: int
    timeline: bool
    windows: int | None
    tell: Callable[[TrackTags], None]


def tag_to_stream(run: Run, output: Path | None, form: Format, writer: Writer) -> None:
    """Write results as they come, in the order of the inputs."""
    is_json = form in {Format.JSON, Format.JSONL}
    results = tag_files(
        run.tagger, run.files, jobs=run.jobs, timeline=run.timeline, windows=run.windows
    )
    with result_stream(output, errors=JSON_ESCAPES if is_json else PYTHON_ESCAPES) as out:
        try:
            out.write(writer.begin())
            for problem in run.problems:
                result = failed(run.tagger, problem.path, problem)
                out.write(writer.add(result))
                run.tell(result)
            for result in results:
                out.write(writer.add(result))
                out.flush()
                run.tell(result)
        except OSError:
            results.close()
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

        def work(path: Path) -> TrackTags | None:
            """None where the row of before is current."""
            if journal.has_rows:
                try:
                    if journal.take_over(path, audio_identity(path)):
                        return None
                except AudioError:
                    pass  # it fails below, where that is told
            result = tag_file(run.tagger, path, timeline=run.timeline, windows=run.windows)
            journal.add(path, writer.add(result), failed=result.error is not None)
            return result

        for problem in run.problems:
            result = failed(run.tagger, problem.path, problem)
            journal.add(result.path, writer.add(result), failed=True)
            run.tell(result)
        for found in read_ahead(work, run.files, jobs=run.jobs, ahead=4 * run.jobs):
            if found is None:
                progress.add(duration_s=None, failed=False)
            else:
                run.tell(found)
        journal.finish([*(problem.path for problem in run.problems), *run.files])
    if journal.kept:
        say(f"{journal.kept} results kept from before")
    for reason, count in journal.redone.items():
        say(f"{count} results of before were made anew: {reason}")
    for difference, count in journal.differing.items():
        say(f"{count} results of music not named this time stay as they were: {difference}")
    if journal.left_out:
        say(f"{journal.left_out} lines of before are not results and were left out")
