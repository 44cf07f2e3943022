"""A timeline in the formats of other programs: tables, labels, captions.

All are functions from a timeline to text. Times are seconds from the beginning of the track.
"""

import math
from typing import Any

from moodtheme.files import csv_line, short
from moodtheme.tagging.in_words import changed, findings, section_in_words
from moodtheme.tagging.timeline import Section, TagPeak, Timeline


def csv_curves(timeline: Timeline) -> str:
    """One row a step: ``start_s``, ``end_s``, the dimensions, then every tag's score."""
    bundle = timeline.bundle
    placed = () if timeline.dimensions is None else bundle.dimensions
    lines = [csv_line(("start_s", "end_s", *(d.name for d in placed), *bundle.tags))]
    for row, (start_s, end_s) in enumerate(zip(timeline.starts_s, timeline.ends_s, strict=True)):
        numbers = () if timeline.dimensions is None else timeline.dimensions[row]
        values = map(short, (*numbers, *timeline.scores[row]))
        lines.append(csv_line((round(float(start_s), 3), round(float(end_s), 3), *values)))
    return "".join(lines)


def curves_record(timeline: Timeline) -> dict[str, Any]:
    """Curves and peaks for JSON: a list of numbers for each tag and dimension, one a step."""
    bundle = timeline.bundle
    tags = zip(bundle.tags, timeline.scores.T, strict=True)
    placed = () if timeline.dimensions is None else timeline.dimensions.T
    dimensions = zip(bundle.dimensions, placed, strict=False)
    return {
        "hop_s": timeline.steps.hop_s,
        "heard_s": timeline.steps.span_s,
        "steady": timeline.is_steady,
        "changes_s": [round(change, 3) for change in timeline.changes_s],
        "peaks": [
            {
                "tag": peak.tag.name,
                "moment_s": round(peak.moment_s, 3),
                "start_s": round(peak.start_s, 3),
                "end_s": round(peak.end_s, 3),
                "score": short(peak.tag.score),
                "standing": None if peak.tag.standing is None else short(peak.tag.standing),
            }
            for peak in timeline.peaks
        ],
        "curves": {
            "start_s": [round(float(start), 3) for start in timeline.starts_s],
            "end_s": [round(float(end), 3) for end in timeline.ends_s],
            "dimensions": {d.name: list(map(short, curve)) for d, curve in dimensions},
            "tags": {tag: list(map(short, curve)) for tag, curve in tags},
        },
    }


def audacity_labels(timeline: Timeline, *, by_standing: bool = False) -> str:
    """A label track for Audacity: a span for each section, and one for each peak that stands out.

    Parameters
    ----------
    timeline
        The track's.
    by_standing
        As for `moodtheme.tagging.in_words.findings`.
    """
    labels = [(s.start_s, s.end_s, _said(timeline, s, by_standing)) for s in timeline.sections]
    peaks = peaks_that_stand_out(timeline, by_standing=by_standing)
    labels += [(peak.start_s, peak.end_s, f"peak: {peak.tag.name}") for peak in peaks]
    return "".join(
        f"{start:.6f}\t{end:.6f}\t{_one_line(text)}\n" for start, end, text in sorted(labels)
    )


def lrc(timeline: Timeline, *, by_standing: bool = False) -> str:
    """Timed lines as players show lyrics: one for each section, at its beginning."""
    return "".join(
        f"[{_lrc_time(section.start_s)}]{_one_line(_said(timeline, section, by_standing))}\n"
        for section in timeline.sections
    )


def webvtt(timeline: Timeline, *, by_standing: bool = False) -> str:
    """Captions for the web: a cue for each section."""
    cues = ["WEBVTT\n"]
    for section in timeline.sections:
        text = _one_line(_said(timeline, section, by_standing))
        for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(sign, escaped)
        cues.append(f"{_vtt_time(section.start_s)} --> {_vtt_time(section.end_s)}\n{text}\n")
    return "\n".join(cues)


def peaks_that_stand_out(timeline: Timeline, *, by_standing: bool = False) -> tuple[TagPeak, ...]:
    """Peaks of the tags that stand out where they peak, one for each group of synonyms.

    Where the model cannot say what stands out there are none.
    """
    peaks = {peak.tag.name: peak for peak in timeline.peaks}
    found = findings(
        [peak.tag for peak in timeline.peaks], timeline.bundle.synonyms, by_standing=by_standing
    )
    return tuple(peaks[finding.names[0]] for finding in found or ())


def _said(timeline: Timeline, section: Section, by_standing: bool) -> str:
    """What a section is, and what changed with it."""
    words = section_in_words(timeline.bundle, section, by_standing=by_standing)
    change = changed(section)
    return words if change in {"", words} else f"{words} ({change})"


def _one_line(text: str) -> str:
    """Text that no line break or tab takes apart."""
    return " ".join(text.split())


def _lrc_time(seconds: float) -> str:
    """Minutes, seconds and hundredths, cut and not rounded: a line must not come too late."""
    hundredths = math.floor(seconds * 100)
    return f"{hundredths // 6000:02}:{hundredths // 100 % 60:02}.{hundredths % 100:02}"


def _vtt_time(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}.{thousandths % 1000:03}"
