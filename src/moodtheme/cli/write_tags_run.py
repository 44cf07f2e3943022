"""A run of `moodtheme write-tags`: files heard, planned, shown, written; journals undone."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from moodtheme.audio import ScanAccount, audio_identity
from moodtheme.cli.progress import TaggingProgress
from moodtheme.cli.streams import printable, say
from moodtheme.cli.tag_inputs import chosen_files, load_tagger
from moodtheme.errors import AudioError, MoodthemeError, QueryError, TagFileError
from moodtheme.library import Library
from moodtheme.tagging.answers import TrackTags
from moodtheme.tagging.batch import tag_files
from moodtheme.tagging.bundle import Bundle
from moodtheme.tagging.own_music import read_reference
from moodtheme.work import cores, counted
from moodtheme.writing import (
    UNDONE,
    Choice,
    Field,
    Journal,
    Plan,
    Undone,
    last_journal,
    plan_tags,
    read_journal,
    said,
    undo,
    write_tags,
)
from moodtheme.writing.beside import require_replaceable
from moodtheme.writing.moods import record_of


@dataclass
class Run:
    """What is written and how, and how it went.

    Attributes
    ----------
    choice
        What of the results is wanted.
    keep_time, part_links
        As for `moodtheme.writing.write_tags`.
    quiet
        Say nothing but what failed.
    """

    choice: Choice
    keep_time: bool
    part_links: bool
    quiet: bool
    _changed: int = field(default=0, init=False)
    _current: int = field(default=0, init=False)

    def on(self, source: "Source", journal: Path | None, *, dry_run: bool) -> int:
        """Write what the files of a source lack; return how many failed."""
        begun = nullcontext(None) if dry_run else Journal.begun(journal)
        with TaggingProgress(source.total, quiet=self.quiet) as progress, begun as open_journal:
            for result in source.results:
                done = self._one(result, source, open_journal)
                progress.add(duration_s=result.duration_s, failed=not done)
        if not self.quiet:
            say(progress.summary())
            self._tell(open_journal)
            if passed_over := source.account.line():
                say(passed_over)
        return progress.failed

    def _one(self, result: TrackTags, source: "Source", journal: Journal | None) -> bool:
        """Write what a file lacks; False where it failed."""
        try:
            if result.error is not None:
                raise AudioError(result.path, result.error)
            new = said(result, source.bundle.synonyms, self.choice)
            plan = plan_tags(Path(result.path), new, self.choice)
            if not plan.changes:
                self._current += 1
                return True
            if not self.quiet:
                notes = [f"  note: {note}" for note in result.notes]
                print("\n".join([*preview(plan), *notes]), flush=True)
            require_replaceable(plan.path, part_links=self.part_links)
            if journal is not None:
                if not source.is_heard and audio_identity(result.path) != result.audio:
                    raise TagFileError(
                        result.path,
                        "holds other audio than the library heard; run moodtheme library scan",
                    )
                write_tags(plan, journal, keep_time=self.keep_time, part_links=self.part_links)
        except MoodthemeError as error:
            _complain(error)
            return False
        self._changed += 1
        return True

    def _tell(self, journal: Journal | None) -> None:
        current = f"; {self._current} had it all already" if self._current else ""
        if journal is None:
            say(f"{counted(self._changed, 'files')} would be written, none was{current}")
            return
        say(f"{counted(self._changed, 'files')} written{current}")
        if self._changed:
            say(f"to undo it: moodtheme write-tags --undo {printable(journal.path)}")


@dataclass(frozen=True)
class Source:
    """Results to write into their files.

    Attributes
    ----------
    bundle
        Of the model whose they are.
    results
        One for each file, in order.
    total
        How many there are.
    account
        What was passed over in folders.
    is_heard
        Whether files are listened to now; else what a library knows may be of other audio.
    """

    bundle: Bundle
    results: Iterable[TrackTags]
    total: int
    account: ScanAccount
    is_heard: bool


def heard(
    paths: Sequence[str], model: str, relative_to: Path | None, jobs: int | None, *, quiet: bool
) -> Source:
    """Results of files that are listened to as they are asked for; as for `moodtheme tag`."""
    account = ScanAccount()
    found = chosen_files(paths, None, None, account)
    tagger = load_tagger(model, relative_to, quiet=quiet)
    results = tag_files(tagger, found, jobs=jobs or cores())
    return Source(tagger.bundle, results, len(found), account, is_heard=True)


def known(library: Library, paths: Sequence[str], relative_to: Path | None) -> Source:
    """Results that an open library has of files, or of all below folders; of all for no paths."""
    bundle, reference = library.model.bundle, None
    if str(relative_to) == "library":
        reference = library.reference()
    elif relative_to is not None:
        reference = read_reference(relative_to, bundle)
    named = [Path(os.path.realpath(path)) for path in paths]
    found = [
        (track, place)
        for track in library.tracks()
        for place in track.places
        if not named or any(Path(os.path.realpath(place)).is_relative_to(n) for n in named)
    ]
    if not found:
        raise QueryError(
            f"{library.path} knows no file that was named; add them with: moodtheme library scan "
            "FOLDER"
        )
    results = (replace(track.tags(relative_to=reference), path=place) for track, place in found)
    return Source(bundle, results, len(found), ScanAccount(), is_heard=False)


def preview(plan: Plan) -> Iterator[str]:
    """What changes in a file, a line a value: ``+`` comes, ``-`` goes, others stay."""
    yield f"{printable(plan.path)} ({plan.form})"
    for name in Field:
        if name not in plan.changes:
            continue
        old, new = plan.present.get(name, ()), plan.changes[name]
        if name is Field.RECORD:
            record = record_of({name: new})
            if record is not None:
                yield (
                    f"  {'~' if old else '+'} {name} {len(record.scores)} scores by {record.model} "
                    f"{(record.digest or '')[:8]}"
                )
            continue
        for text in old:
            if text not in new:
                yield f"  - {name} {printable(text)}"
        for text in new:
            kept = "  (yours)" if name is Field.MOOD and text in plan.kept else ""
            yield f"  {' ' if text in old else '+'} {name} {printable(text)}{kept}"


def undo_journals(named: Sequence[Path], part_links: bool, *, quiet: bool) -> int:
    """Undo journals, or the last one, newest change first; return how many files failed."""
    all_failed = 0
    for path in named or [last_journal()]:
        lines = read_journal(path)
        counts = dict.fromkeys(Undone, 0)
        failed_here = 0
        for line in reversed(lines):
            try:
                counts[undo(line, part_links=part_links)] += 1
            except MoodthemeError as error:
                _complain(error)
                failed_here += 1
        if not failed_here and not named:
            path.replace(path.with_name(path.name + UNDONE))
        if not quiet:
            say(
                f"{printable(path)}: {counted(counts[Undone.WRITTEN], 'files')} written back, "
                f"{counts[Undone.ALREADY]} {Undone.ALREADY}, {failed_here} failed"
            )
        all_failed += failed_here
    return all_failed


def _complain(error: MoodthemeError) -> None:
    sys.stdout.flush()
    say(printable(str(error)))
