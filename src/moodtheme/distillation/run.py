"""A whole distillation: plan, labels, fit, bundle, quality; each step goes on where it stopped."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from moodtheme import __version__
from moodtheme.distillation.fit import Schedule, fit_student
from moodtheme.distillation.labels import Teacher, make_material
from moodtheme.distillation.plan import Part, Plan, make_plan, read_music_table
from moodtheme.distillation.quality import Quality, measure_quality
from moodtheme.errors import UsageError
from moodtheme.exporting.conformance import write_conformance
from moodtheme.exporting.graph import export_graph
from moodtheme.files import sha256_of
from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES, SAMPLE_RATE, Small, SmallNetwork
from moodtheme.records import write_record
from moodtheme.tagging.bundle import (
    FORMAT_VERSION,
    Bundle,
    ExcerptPolicy,
    Fusion,
    Measurement,
    Member,
)
from moodtheme.tagging.bundle_files import read_manifest, write_bundle
from moodtheme.tagging.session import MemberSession
from moodtheme.tagging.tagger import Tagger
from moodtheme.tagging.trial import require_bounded
from moodtheme.work import Report

NAME = "moodtheme-small"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What a distillation is made of; everything else follows from it.

    Attributes
    ----------
    table
        CSV of music with ``path``, ``duration_s`` and the group column.
    group_column
        Tracks with one value here stay in one part.
    teacher
        Folder of the teacher's bundle, which has one member.
    windows_per_excerpt
        Random windows for every excerpt's length of training music.
    schedule
        Of the student's training.
    seed
        Of the split and the windows.
    """

    table: Path
    group_column: str
    teacher: Path
    windows_per_excerpt: float = 6.0
    schedule: Schedule = dataclasses.field(default_factory=Schedule)
    seed: int = 0


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
    UsageError
        If the teacher has several members.
    DatasetError
        If the table is not what it should be, or the folder holds another run.
    """
    teacher_bundle = read_manifest(settings.teacher)
    if len(teacher_bundle.members) != 1:
        raise UsageError(f"{settings.teacher} has several members; choose a teacher with one")
    require_bounded(settings.teacher, teacher_bundle)
    teacher = Teacher(
        MemberSession(settings.teacher, teacher_bundle, teacher_bundle.members[0]),
        len(teacher_bundle.tags),
    )
    plan = make_plan(
        read_music_table(settings.table, group_column=settings.group_column),
        window_s=EXCERPT_SAMPLES / SAMPLE_RATE,
        windows_per_excerpt=settings.windows_per_excerpt,
        seed=settings.seed,
    )
    for part in Part:
        report(f"{part}: {len(plan.of(part))} tracks, {plan.rows(part)} windows")

    def tell(what: str) -> Callable[[int, int, str | None], None]:
        def told(done: int, of: int, problem: str | None) -> None:
            if problem is not None or done % 20 == 0 or done == of:
                report(f"{what}: {done} of {of} tracks" + (f"; {problem}" if problem else ""))

        return told

    material = run / "material"
    make_material(material, plan, teacher, seed=settings.seed, jobs=jobs, report=tell("labels"))
    network = fit_student(material, run, settings.schedule, threads=jobs)
    bundle = _describe(settings, plan, teacher_bundle)
    folder = run / NAME
    _write(folder, bundle, network)
    test = [planned.track for planned in plan.of(Part.TEST)]
    quality = measure_quality(Tagger.load(folder), teacher, test, report=tell("quality"))
    write_record(run / "quality.json", quality)
    _write(folder, msgspec.structs.replace(bundle, quality=_measurements(quality)), network)
    write_conformance(folder)
    return quality


def _describe(settings: Settings, plan: Plan, teacher: Bundle) -> Bundle:
    training = plan.of(Part.TRAIN)
    hours = sum(planned.track.duration_s for planned in training) / 3600
    groups = sorted({planned.track.group for planned in training})
    return Bundle(
        format_version=FORMAT_VERSION,
        name=NAME,
        description=f"A small network that imitates {teacher.name}; hears whole tracks",
        tags=teacher.tags,
        members=(),
        fusion=Fusion(),
        licence=f"Apache-2.0; teacher: {teacher.licence}",
        origin="moodtheme; distilled with `moodtheme distil`",
        training_data=(
            f"{len(training)} freely licensed tracks ({hours:.1f} h) of {len(groups)} groups, "
            f"labelled by the teacher {teacher.name}, not by people"
        ),
        provenance={
            "teacher": f"{teacher.name}, graph SHA-256 {teacher.members[0].sha256}",
            "teacher_training_data": teacher.training_data,
            "training_groups": ", ".join(groups),
            "test_groups": ", ".join(sorted({p.track.group for p in plan.of(Part.TEST)})),
            "windows": str(plan.rows(Part.TRAIN)),
            "seed": str(settings.seed),
            "schedule": str(settings.schedule),
            "made_by": f"moodtheme {__version__}",
        },
    )


def _write(folder: Path, bundle: Bundle, network: SmallNetwork) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / f"{NAME}.onnx"
        export_graph(Small(network), graph, samples=EXCERPT_SAMPLES)
        member = Member(
            file=graph.name,
            sha256=sha256_of(graph),
            systems=(NAME,),
            sample_rate=SAMPLE_RATE,
            samples=EXCERPT_SAMPLES,
            policy=ExcerptPolicy.COVER,
        )
        write_bundle(folder, msgspec.structs.replace(bundle, members=(member,)), [graph])


def _measurements(quality: Quality) -> tuple[Measurement, ...]:
    data = (
        f"{quality.tracks} tracks of {quality.groups} groups never trained on; "
        "compared with the teacher, not with people"
    )
    return (
        Measurement(
            measure="spearman_with_teacher_median_over_tags",
            value=quality.spearman_median,
            interval=quality.spearman_median_interval,
            data=data,
        ),
        Measurement(
            measure="top5_overlap_with_teacher",
            value=quality.top5_overlap,
            interval=quality.top5_overlap_interval,
            data=data,
        ),
        Measurement(
            measure="loudness_spearman_lowest",
            value=quality.loudness_spearman_lowest,
            data=f"{data}; played at -30, -20 and -10 dBFS RMS",
        ),
    )
