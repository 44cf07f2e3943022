"""Tags over time as files that other programs read, and as a picture."""

from moodtheme.timelines.exports import (
    audacity_labels,
    csv_curves,
    curves_record,
    lrc,
    peaks_that_stand_out,
    webvtt,
)

__all__ = [
    "audacity_labels",
    "csv_curves",
    "curves_record",
    "lrc",
    "peaks_that_stand_out",
    "webvtt",
]
