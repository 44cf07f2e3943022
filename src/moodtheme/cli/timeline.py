"""``moodtheme timeline``: one piece over time, with its changes and peaks."""

import json
import sys
import textwrap
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moodtheme.cli.options import DEFAULT_MODEL, Model, Output, OwnMusic, Theme
from moodtheme.cli.streams import printable, say_warnings
from moodtheme.errors import UsageError, needing_extra

if TYPE_CHECKING:
    from moodtheme.tagging.answers import TrackTags
    from moodtheme.tagging.tagger import Tagger


class Form(StrEnum):
    """What a timeline is written as."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    LABELS = "labels"
    LRC = "lrc"
    VTT = "vtt"


_FORMS = {
    ".json": Form.JSON,
    ".csv": Form.CSV,
    ".txt": Form.LABELS,
    ".lrc": Form.LRC,
    ".vtt": Form.VTT,
}


_TITLE = 110  # letters that fit above a picture


def timeline(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A piece of music.")],
    *,
    model: Model = DEFAULT_MODEL,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format",
            help="Form of the results; by the end of the output's name unless given (.txt: "
            "labels for Audacity), else a table.",
        ),
    ] = None,
    every: Annotated[
        float, typer.Option(min=0.25, max=30, metavar="SECONDS", help="Length of a step.")
    ] = 2.0,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Only the N foremost tags of each stretch; all by default, 5 in a table.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg|png", help="Also draw waveform, spectrogram and curves."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="NAME",
            help="A tag to draw; may be given several times. Those that stand out by default.",
        ),
    ] = None,
    theme: Annotated[
        Theme, typer.Option(help="The page that a PNG is for; an SVG takes both.")
    ] = "light",
    relative_to: OwnMusic = None,
    output: Output = None,
) -> None:
    """Follow one piece over time: where its mood changes, and where each tag peaks.

    A step's tags are what the model hears in the 6 s about its middle, so a change is a slope of
    about 6 s on the curves; the change itself is placed in the middle of it.
    """
    from moodtheme.cli.outputs import claimed, require_output
    from moodtheme.cli.progress import progress_bar
    from moodtheme.cli.tag_inputs import load_tagger
    from moodtheme.tagging.answers import track_tags

    form = form or (Form.TABLE if output is None else _FORMS.get(output.suffix.lower(), Form.TABLE))
    require_output(output, inputs=[file, relative_to])
    if picture is not None:
        require_output(picture, inputs=[file, relative_to, output], suffixes=(".svg", ".png"))
        with needing_extra("drawing a timeline", "plots"):
            import matplotlib  # noqa: F401 - before the piece is heard
    elif tag:
        raise UsageError("--tag says what to draw; add --picture FILE.svg")
    with claimed(output):
        tagger = load_tagger(model, relative_to, quiet=False)
        unknown = [name for name in tag or () if name not in tagger.tags]
        if unknown:
            raise UsageError(
                f"--tag {printable(unknown[0])}: no such tag; choose from {', '.join(tagger.tags)}"
            )
        with progress_bar("Listening", unit="s") as progress:
            heard = tagger.listen(file, timeline=True, hop_s=every, progress=progress)
        result = track_tags(heard, timeline=True)
        if form is not Form.TABLE:
            say_warnings(file, result.warnings)
        _write(result, tagger, form, top, output)
    if picture is not None:
        _draw(result, picture, tag or [], theme)


def _write(
    result: "TrackTags", tagger: "Tagger", form: Form, top: int | None, output: Path | None
) -> None:
    from moodtheme.cli.outputs import result_stream
    from moodtheme.timelines import audacity_labels, csv_curves, lrc, webvtt

    assert result.timeline is not None
    own = tagger.relative_to is not None
    with result_stream(output, is_json=form is Form.JSON) as stream:
        match form:
            case Form.TABLE:
                text = _table(result, tagger, top, output)
            case Form.JSON:
                text = json.dumps(_record(result, top), ensure_ascii=False) + "\n"
            case Form.CSV:
                text = csv_curves(result.timeline)
            case Form.LABELS:
                text = audacity_labels(result.timeline, by_standing=own)
            case Form.LRC:
                text = lrc(result.timeline, by_standing=own)
            case Form.VTT:
                text = webvtt(result.timeline, by_standing=own)
        stream.write(text)


def _record(result: "TrackTags", top: int | None) -> dict[str, object]:
    """The result as `moodtheme tag` gives it, with curves in place of steps."""
    from moodtheme.cli.results import record, section_record
    from moodtheme.timelines import curves_record

    assert result.timeline is not None
    sections = [section_record(section, top) for section in result.timeline.sections]
    whole = record(replace(result, timeline=None), top)
    return {**whole, "sections": sections, **curves_record(result.timeline)}


def _table(result: "TrackTags", tagger: "Tagger", top: int | None, output: Path | None) -> str:
    """The piece and its stretches as `moodtheme tag` shows them, how it goes, and its peaks."""
    from moodtheme.cli.page import Page
    from moodtheme.cli.tag_table import TABLE_TOP, TableWriter
    from moodtheme.tagging.in_words import timeline_in_words
    from moodtheme.timelines import peaks_that_stand_out
    from moodtheme.work import clock

    assert result.timeline is not None
    own = tagger.relative_to is not None
    paper = Page.of(sys.stdout if output is None else None)
    writer = TableWriter(
        tagger.bundle, [result.path], paper, top=top, relative_to=tagger.relative_to
    )
    told = [f"In short: {timeline_in_words(result.timeline, by_standing=own)}."]
    told += [
        f"most {peak.tag.name} at {clock(peak.moment_s)} "
        f"({clock(peak.start_s)}-{clock(peak.end_s)})"
        for peak in peaks_that_stand_out(result.timeline, by_standing=own)[: top or TABLE_TOP]
    ]
    lines = [f"{line}\n" for text in told for line in paper.prose(text, paper.cells)]
    return "".join([writer.begin(), writer.add(result), *lines, writer.end()])


def _draw(result: "TrackTags", picture: Path, tags: list[str], theme: Theme) -> None:
    from moodtheme.audio import open_audio
    from moodtheme.features.overview import overview
    from moodtheme.tagging.in_words import timeline_in_words
    from moodtheme.timelines.picture import save_picture

    assert result.timeline is not None
    with open_audio(result.path, sample_rate=16_000) as stream:
        sound = overview(stream, sample_rate=16_000)
    words = timeline_in_words(result.timeline, by_standing=result.relative_to is not None)
    save_picture(
        picture,
        result.timeline,
        sound,
        title=textwrap.shorten(f"{Path(result.path).name}: {words}", _TITLE, placeholder=" …"),
        tags=tags,
        dark=theme == "dark",
    )
