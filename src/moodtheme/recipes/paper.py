"""What the paper found: its Table 1, as data.

Amiriparian et al., "Emotion and Themes Recognition in Music Utilising Convolutional and Recurrent
Neural Networks", MediaEval 2019, Table 1: macro ROC-AUC in percent of nine systems and of five
fusions by plain mean.
"""

from dataclasses import dataclass

from moodtheme.recipes.systems import BASELINE

CRNN = ("crnn-lstm", "crnn-gru", "crnn-blstm")
DS_1S = ("ds-1s-lstm", "ds-1s-gru", "ds-1s-blstm")
DS_5S = ("ds-5s-lstm", "ds-5s-gru", "ds-5s-blstm")


@dataclass(frozen=True)
class PaperRow:
    """A line of Table 1.

    Attributes
    ----------
    name
        A system, or what is fused.
    members
        The systems behind it; one for a system itself.
    validation, test
        Macro ROC-AUC in percent as printed; None where the table has a dash.
    """

    name: str
    members: tuple[str, ...]
    validation: float | None
    test: float


TABLE_1: tuple[PaperRow, ...] = (
    PaperRow("crnn-lstm", ("crnn-lstm",), 71.4, 69.4),
    PaperRow("crnn-gru", ("crnn-gru",), 72.6, 69.5),
    PaperRow("crnn-blstm", ("crnn-blstm",), 71.9, 68.2),
    PaperRow("ds-1s-lstm", ("ds-1s-lstm",), 70.1, 70.0),
    PaperRow("ds-1s-gru", ("ds-1s-gru",), 68.4, 69.8),
    PaperRow("ds-1s-blstm", ("ds-1s-blstm",), 69.2, 71.0),
    PaperRow("ds-5s-lstm", ("ds-5s-lstm",), 69.0, 70.3),
    PaperRow("ds-5s-gru", ("ds-5s-gru",), 68.8, 69.9),
    PaperRow("ds-5s-blstm", ("ds-5s-blstm",), 68.4, 70.8),
    PaperRow("all CRNN", CRNN, None, 70.7),
    PaperRow("all 1 s Deep Spectrum", DS_1S, None, 71.5),
    PaperRow("all 5 s Deep Spectrum", DS_5S, None, 71.6),
    PaperRow("all Deep Spectrum", DS_1S + DS_5S, None, 72.6),
    PaperRow("all systems", CRNN + DS_1S + DS_5S, None, 74.2),
)
"""The table, in its order."""

PAPER_BASELINE = PaperRow("MediaEval baseline", (BASELINE,), None, 72.5)
"""The table's caption: the baseline's macro ROC-AUC on test."""
