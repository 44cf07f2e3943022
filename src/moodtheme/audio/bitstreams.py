"""Coded sound in place of samples: AC-3, E-AC-3 and DTS inside WAV, AIFF or FLAC.

Recorders of digital outputs and discs with surround sound store it so; played as samples it is
noise. Several frames must follow one another at the places that their headers say, so that no
noise, however loud, is taken for it: a single mark of 16 bits comes by chance every 65,536 samples,
three at given places once in 10¹⁴.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

FRAMES_LOOKED_AT = 32_768
"""Of the samples; the longest burst of E-AC-3 has 6,144."""
_FRAMES_IN_A_ROW = 3
_WORDS = np.dtype("<u2")
# IEC 61937's bursts: two words of preamble, then the kind of data in five bits.
_IEC_PREAMBLE = bytes.fromhex("f8724e1f")
_IEC_KINDS = {1: "AC-3", 7: "AAC", 11: "DTS", 12: "DTS", 13: "DTS", 17: "DTS-HD", 21: "E-AC-3"}
_IEC_KINDS |= {4: "MPEG audio", 5: "MPEG audio", 6: "MPEG audio", 22: "TrueHD"}
# The first four bytes of a DTS frame, of 16-bit and of 14-bit words.
_DTS = (bytes.fromhex("7ffe8001"), bytes.fromhex("1fffe800"))
_AC3 = bytes.fromhex("0b77")
# AC-3's frames in words of 16 bits at 48 kHz, by half the code; 44.1 kHz adds by code.
_AC3_RATES = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
)  # fmt: skip


def find_bitstream(samples: npt.NDArray[np.int16]) -> str | None:
    """Name the coded sound that 16-bit samples are, None if they are samples.

    Parameters
    ----------
    samples
        The first `FRAMES_LOOKED_AT` frames with sound, channels interleaved.
    """
    words = np.ascontiguousarray(samples, _WORDS).ravel()
    for data in ((words << 8 | words >> 8).tobytes(), words.tobytes()):
        if name := _iec(data) or _dts(data) or _ac3(data):
            return name
    return None


def _places(data: bytes, mark: bytes) -> list[int]:
    """Where a mark begins, at whole words only."""
    words = np.frombuffer(data, _WORDS)
    first, *rest = np.frombuffer(mark, _WORDS)
    hits = words == first
    if not hits.any():  # in a tenth of the time
        return []
    places = np.flatnonzero(hits[: len(hits) - len(rest)])
    for number, word in enumerate(rest, 1):
        places = places[words[places + number] == word]
    return (2 * places).tolist()


def _evenly(places: list[int]) -> bool:
    """Whether some marks lie at equal distances."""
    there = set(places)
    pairs = pairwise(places)
    return any(
        all(first + step * (second - first) in there for step in range(_FRAMES_IN_A_ROW))
        for first, second in pairs
    )


def _iec(data: bytes) -> str | None:
    places = _places(data, _IEC_PREAMBLE)
    if not _evenly(places):
        return None
    # A pause is a burst too; the first that is none tells.
    kinds = [data[at + 5] & 31 for at in places if at + 6 <= len(data)]
    return next((_IEC_KINDS[kind] for kind in kinds if kind in _IEC_KINDS), "IEC 61937 data")


def _dts(data: bytes) -> str | None:
    return "DTS" if any(_evenly(_places(data, mark)) for mark in _DTS) else None


def _ac3(data: bytes) -> str | None:
    for start in _places(data, _AC3):
        at = start
        for _ in range(_FRAMES_IN_A_ROW):
            length = _ac3_length(data[at : at + 6])
            at += length
            if not length or data[at : at + 2] != _AC3:
                break
        else:
            return "E-AC-3" if data[start + 5] >> 3 > 10 else "AC-3"
    return None


def _ac3_length(head: bytes) -> int:
    """Length in bytes of the AC-3 or E-AC-3 frame that begins so, 0 if none does."""
    if len(head) < 6 or head[:2] != _AC3:
        return 0
    if 10 < head[5] >> 3 <= 16:
        return 2 * ((int.from_bytes(head[2:4], "big") & 0x7FF) + 1)
    rate, code = head[4] >> 6, head[4] & 63
    if head[5] >> 3 > 10 or rate == 3 or code // 2 >= len(_AC3_RATES):
        return 0
    kbps = _AC3_RATES[code // 2]
    words = (2 * kbps, 320 * kbps // 147 + code % 2, 3 * kbps)[rate]
    return 2 * words
