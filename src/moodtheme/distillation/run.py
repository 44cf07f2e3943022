"""A whole distillation, from plan to bundle; labels and training go on where they stopped."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from moodtheme.distillation.bundle import NAME, Made, write_student
from moodtheme.distillation.continuing import Continuation, continue_student
from moodtheme.distillation.fit import Schedule, fit_student, load_student
from moodtheme.distillation.hearing import hear_tracks, read_answers
from moodtheme.distillation.labels import make_material
from moodtheme.distillation.official import Official
from moodtheme.distillation.plan import NO_MUSIC, Part, Plan, make_plan, read_music_table
from moodtheme.distillation.quality import Quality, measure_quality
from moodtheme.distillation.readings import make_small
from moodtheme.distillation.teachers import BASELINE, PACKAGED, TAGGERS, Teachers
from moodtheme.exporting.conformance import write_conformance
from moodtheme.fetched.weights import MEDIAEVAL_BASELINE, MUSICNN
from moodtheme.fetched.weights import TAGGERS as PUBLISHED_TAGGERS
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES, SAMPLE_RATE
from moodtheme.records import write_record
from moodtheme.tagging.tagger import Tagger
from moodtheme.work import Report


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What a distillation is made of; everything else follows from it.

    Attributes
    ----------
    table
        CSV of music, see `read_music_table`.
    group_column
        Tracks with one value here stay in one part.
    teachers
        Folder with the teachers' state dicts, ``NAME.pth``, and musicnn's wheel; None fetches them.
        Taggers that are not in the folder are left out.
    answers
        CSV with ``path`` and the nine feelings: what listeners said of some of the tracks.
    official
        The official test set, for probabilities and decisions.
    windows_per_excerpt
        Random windows for every excerpt's length of training music.
    schedule
        Of the student's training.
    seed
        Of the split and the windows.
    device
        ``cpu`` or ``cuda``.
    student
        A trained student, ``student.pt`` of another run: only what is read from it is made anew.
    continuation
        How the trained student goes on first, learning from itself and from teachers that it has
        not learned from yet; None does not.
    """

    table: Path
    group_column: str
    teachers: Path | None = None
    answers: Path | None = None
    official: Official | None = None
    windows_per_excerpt: float = 6.0
    schedule: Schedule = dataclasses.field(default_factory=Schedule)
    seed: int = 0
    device: str = "cpu"
    student: Path | None = None
    continuation: Continuation | None = None


def distil(settings: Settings, run: Path, *, jobs: int, report: Report) -> Quality:
    """Make a student's bundle in ``run/NAME`` and measure it.

    Parameters
    ----------
    settings
        What to do.
    run
        Folder for everything this makes; a run that was stopped goes on.
    jobs
        Tracks at work at once, and threads of the training.
    report
        Called with lines of progress.

    Raises
    ------
    DatasetError
        If a table is not what it should be, or the folder holds another run.
    DownloadError, WeightsError
        If a teacher is not to be had.
    """
    teachers = Teachers(teacher_files(settings.teachers))
    tracks = read_music_table(settings.table, group_column=settings.group_column)
    plan = make_plan(
        tracks,
        window_s=EXCERPT_SAMPLES / SAMPLE_RATE,
        windows_per_excerpt=settings.windows_per_excerpt,
        seed=settings.seed,
    )
    for part in Part:
        report(f"{part}: {len(plan.of(part))} tracks, {plan.rows(part)} windows")

    def tell(what: str, unit: str) -> Callable[[int, int, str | None], None]:
        def told(done: int, of: int, problem: str | None) -> None:
            if problem is not None or done % 20 == 0 or done == of:
                report(f"{what}: {done} of {of} {unit}" + (f"; {problem}" if problem else ""))

        return told

    if settings.student is not None:
        student = load_student(settings.student)
        if settings.continuation is not None:
            _report_teachers(teachers, student.teachers, report)
            student = continue_student(
                student, teachers, plan.of(Part.TRAIN), run, settings.continuation,
                threads=jobs, report=report,
            )  # fmt: skip
    else:
        _report_teachers(teachers, (), report)
        material = run / "material"
        make_material(
            material, plan, teachers, seed=settings.seed, jobs=jobs, device=settings.device,
            report=tell("labels", "shards"),
        )  # fmt: skip
        student = fit_student(
            material, run, teachers.columns, settings.schedule, device=settings.device,
            threads=jobs, report=report,
        )  # fmt: skip
    answers = read_answers(settings.answers) if settings.answers is not None else {}
    reference = [track for track in tracks if track.reference]
    reference = reference or [planned.track for planned in plan.of(Part.TRAIN)]
    no_music = [track.path for track in tracks if track.reference == NO_MUSIC]
    reference = [track for track in reference if track.reference != NO_MUSIC]
    wanted = dict.fromkeys([*(track.path for track in reference), *no_music, *answers])
    heard = hear_tracks(
        student.network, list(wanted), run / "heard", jobs=jobs, report=tell("heard", "tracks")
    )
    reference = [track for track in reference if track.path in heard]
    groups = [track.reference for track in reference]
    shares = np.array([1.0 / groups.count(group) for group in groups])
    small = make_small(student, heard, [track.path for track in reference], shares, answers)
    no_music = [path for path in no_music if path in heard]
    provenance = description(settings, plan)
    made = Made(small, reference, shares, heard, no_music, settings.official, provenance)
    folder = run / NAME
    write_student(folder, made, student.teachers, answers=bool(answers))
    quality = measure_quality(
        Tagger.load(folder), teachers.to("cpu"), [p.track for p in plan.of(Part.TEST)],
        report=tell("quality", "tracks"),
    )  # fmt: skip
    write_record(run / "quality.json", quality)
    write_student(folder, made, student.teachers, answers=bool(answers), quality=quality)
    write_conformance(folder)
    return quality


def _report_teachers(teachers: Teachers, learned: Sequence[str], report: Report) -> None:
    """Say whom the student is going to learn from, and whose weights are not there."""
    new = [name for name in (BASELINE, *TAGGERS, *PACKAGED) if name not in learned]
    there = [name for name in new if name == BASELINE or name in teachers.names]
    absent = [name for name in new if name not in there]
    report(
        f"{'further teachers' if learned else 'teachers'}: {', '.join(there) or 'none'}"
        + (f"; left out, not in the folder: {', '.join(absent)}" if absent else "")
    )


def teacher_files(folder: Path | None) -> dict[str, Path]:
    """Weights by teacher's name, from a folder or fetched and verified.

    The folder has ``NAME.pth`` of the baseline and of any `TAGGERS`, and the wheel of `PACKAGED` or
    not.
    """
    if folder is None:
        published = {BASELINE: MEDIAEVAL_BASELINE, **PUBLISHED_TAGGERS}
        published |= dict.fromkeys(PACKAGED, MUSICNN)
        return {name: weights.fetch() for name, weights in published.items()}
    files = {name: folder / f"{name}.pth" for name in (BASELINE, *TAGGERS)}
    files |= dict.fromkeys(PACKAGED, folder / MUSICNN.file)
    return {name: file for name, file in files.items() if name == BASELINE or file.is_file()}


def description(settings: Settings, plan: Plan) -> dict[str, str]:
    """What a bundle's provenance says of a run."""
    training = plan.of(Part.TRAIN)
    hours = sum(planned.track.duration_s for planned in training) / 3600
    return {
        "training_music": f"{len(training)} tracks, {hours:.1f} h",
        "training_groups": ", ".join(sorted({planned.track.group for planned in training})),
        "test_groups": ", ".join(sorted({p.track.group for p in plan.of(Part.TEST)})),
        "windows": str(plan.rows(Part.TRAIN)),
        "seed": str(settings.seed),
        "schedule": msgspec.json.encode(settings.schedule).decode(),
    }
