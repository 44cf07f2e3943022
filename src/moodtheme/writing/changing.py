"""Plan, write and undo: the tags of one file at a time, checked before anybody sees them."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from moodtheme.audio import audio_identity, open_audio, probe
from moodtheme.errors import AudioError, ChangedFileError, TagFileError
from moodtheme.files import FileState, sha256_of
from moodtheme.writing.beside import beside, failed, require_replaceable, take_place
from moodtheme.writing.edits import Edit, Field, Source, Values, edited, in_order, inverse
from moodtheme.writing.forms import find_form
from moodtheme.writing.journal import Journal, Written
from moodtheme.writing.moods import Choice, Said, persons, record_of, wanted

_AUDIO_ALONE = "a1:"
"""How identities begin that are of the audio and of nothing else."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be changed in a file.

    Attributes
    ----------
    path
        As it was named.
    form
        Name of the form of its tags.
    present
        What the fields hold now.
    changes
        Fields that change, and to what; empty where all is as it should be.
    kept
        A person's own moods, which stay.
    state
        Of the file that this was found in.
    """

    path: Path
    form: str
    present: Mapping[Field, Values]
    changes: Mapping[Field, Values]
    kept: Values
    state: FileState


class Undone(StrEnum):
    """How a file came to be as it was before a journal."""

    WRITTEN = "written back"
    ALREADY = "already as it was"


def plan_tags(path: Path, new: Said, choice: Choice | None = None) -> Plan:
    """See what a file's tags hold and what must change.

    Parameters
    ----------
    path
        The file; nothing is written.
    new
        What there is to write about it.
    choice
        What of it is wanted.

    Raises
    ------
    TagFileError
        Its tags cannot be read, or not changed safely.
    """
    choice = choice or Choice()
    try:
        state = FileState.of(path)
        with Source(path) as source:
            form = find_form(source)
    except OSError as error:
        raise TagFileError(
            path, f"cannot be read ({error.strerror or error}); check its name and permissions"
        ) from error
    present = form.values
    kept = () if choice.replace else persons(present.get(Field.MOOD, ()), record_of(present))
    return Plan(
        path=path,
        form=form.name,
        present=present,
        changes=wanted(present, new, choice),
        kept=kept,
        state=state,
    )


def write_tags(
    plan: Plan, journal: Journal, *, keep_time: bool = False, part_links: bool = False
) -> None:
    """Write what was planned: beside the file, checked, told to the journal, then in its place.

    Parameters
    ----------
    plan
        Of `plan_tags`.
    journal
        Is told before the file is touched.
    keep_time
        Leave the time of the file's last change.
    part_links
        Write files with several names too.

    Raises
    ------
    TagFileError
        The file cannot be written, has changed, or does not read back as planned. It is as it was.
    WriteError
        The journal cannot be written.
    """
    place = require_replaceable(plan.path, part_links=part_links)
    try:
        with Source(place) as source:
            if FileState.of(place) != plan.state:
                raise ChangedFileError(
                    plan.path, "was written by another program meanwhile; try again"
                )
            edits = in_order(find_form(source).edits(plan.changes))
            back = inverse(source, edits)
        before = sha256_of(place)
        with beside(place, edited(place, edits)) as (temporary, after):
            _check(plan, place, temporary, back, before)
            journal.add(
                Written(
                    path=str(place),
                    before=before,
                    after=after,
                    modified_ns=plan.state.mtime_ns,
                    edits=tuple((e.start, e.end, zlib.compress(e.content, 9)) for e in back),
                )
            )
            time = plan.state.mtime_ns if keep_time else None
            take_place(temporary, place, plan.state, time)
    except OSError as error:
        raise failed(plan.path, error) from error


def undo(line: Written, *, part_links: bool = False) -> Undone:
    """Give a file the bytes that it had, and the time of its last change.

    Raises
    ------
    TagFileError
        It is not there, has changed since, or cannot be written. It is as it was.
    """
    path = Path(line.path)
    try:
        state, now = FileState.of(path), sha256_of(path)
        if now == line.before:
            return Undone.ALREADY
        if now != line.after:
            raise ChangedFileError(
                path, "has changed since its tags were written, and is left; see to it by hand"
            )
        place = require_replaceable(path, part_links=part_links)
        with beside(place, edited(place, line.back)) as (temporary, after):
            if after != line.before:
                raise TagFileError(path, "would not be as it was, and is left; keep the journal")
            take_place(temporary, place, state, line.modified_ns)
    except FileNotFoundError as error:
        raise TagFileError(path, "is no longer there; move it back and undo again") from error
    except OSError as error:
        raise failed(path, error) from error
    return Undone.WRITTEN


def _check(plan: Plan, place: Path, new: Path, back: list[Edit], before: str) -> None:
    """See that a new file says what was planned, is the old one otherwise, and can become it."""
    from moodtheme.writing.checking import tags_of, told_apart

    undone = hashlib.sha256()
    for piece in edited(new, back):
        undone.update(piece)
    if undone.hexdigest() != before:
        raise _wrong(plan.path, "it could not be undone")
    with Source(new) as source:
        found = find_form(source)
    expected = {n: v for n, v in {**plan.present, **plan.changes}.items() if v}
    if dict(found.values) != expected:
        raise _wrong(plan.path, "fields differ from what was planned")
    now, others = told_apart(tags_of(new, found.name), found.name)
    if any(now.get(name, ()) != texts for name, texts in plan.changes.items()):
        raise _wrong(plan.path, "another reader finds other values")
    _, before_others = told_apart(tags_of(place, plan.form), plan.form)
    if any(others.get(key) != value for key, value in before_others.items()):
        raise _wrong(plan.path, "another reader finds other fields changed")
    audio = audio_identity(place)
    if audio.startswith(_AUDIO_ALONE) and audio != audio_identity(new):
        raise _wrong(plan.path, "the audio differs")
    if _heard(place) != _heard(new):
        raise _wrong(plan.path, "it plays differently")


def _heard(path: Path) -> tuple[object, ...] | None:
    """What a decoder says of a file, and its first and last second; None where none takes it."""
    try:
        info = probe(path)
        ends = {0.0, max((info.duration_s or 0.0) - 1.0, 0.0)}
        pieces = []
        for start in sorted(ends):
            with open_audio(path, start_s=start, duration_s=1.0) as stream:
                pieces += [block.tobytes() for block in stream]
    except AudioError:
        return None
    return (info.codec, info.sample_rate, info.channels, info.duration_s, *pieces)


def _wrong(path: Path, what: str) -> TagFileError:
    return TagFileError(
        path, f"is left as it was: written on trial, {what}; report it, with the file if you may"
    )
