"""Proof that a runtime computes what a bundle promises: windows by formula, expected outputs.

``conformance.json`` beside a manifest lets any other runtime, a browser's included, prove itself
without audio files: it makes each window sample by sample, runs the member's graph on it and
compares. A window is the sum of its parts, computed in float64 and rounded to float32 at the end.
Sample ``n`` of a part is ``amplitude · sin(2π · hertz · n / sample_rate)``, or, for a part with a
seed, ``amplitude · (x[n] / 2³¹ − 1)`` with ``x[0] = seed`` and ``x[n + 1] = (1664525 · x[n] +
1013904223) mod 2³²``. A part with a period sounds only where ``n mod period < on``.
"""

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from moodtheme.arrays import Float64Array, FloatArray
from moodtheme.errors import BundleError
from moodtheme.tagging.bundle import CONFORMANCE, Bundle, Name, Output
from moodtheme.tagging.bundle_files import read_inside
from moodtheme.tagging.session import MemberSession

_LIMIT = 16 * 2**20  # bytes
_MULTIPLIER, _INCREMENT = 1_664_525, 1_013_904_223  # Numerical Recipes' generator


class Sound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a window; see the module."""

    amplitude: float
    hertz: float = 0.0
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] | None = None
    period: Annotated[int, msgspec.Meta(ge=1)] | None = None
    on: int = 0


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A window for one member's graph and what comes out, each output as a flat list."""

    name: str
    member: Name
    sounds: tuple[Sound, ...]
    outputs: dict[Output, tuple[float, ...]]


class Conformance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cases for a bundle.

    Attributes
    ----------
    digest
        Of the bundle.
    tolerance
        By which an output may differ from the expected one.
    how
        The formulas, for readers of the file.
    """

    digest: str
    tolerance: float
    how: str
    cases: tuple[Case, ...]


def make_window(sounds: tuple[Sound, ...], *, samples: int, sample_rate: int) -> FloatArray:
    """The window of a case, float32 (samples,)."""
    number = np.arange(samples)
    window = np.zeros(samples)
    for sound in sounds:
        if sound.seed is None:
            part = np.sin(2 * np.pi * sound.hertz * number / sample_rate)
        else:
            part = _noise(sound.seed, samples)
        if sound.period is not None:
            part = np.where(number % sound.period < sound.on, part, 0.0)
        window += sound.amplitude * part
    return window.astype(np.float32)


def _noise(seed: int, samples: int) -> Float64Array:
    drawn = np.array([seed], np.uint32)
    # Twice as many at a time: a step over n numbers is again a multiplication and an increment.
    multiplier, increment = _MULTIPLIER, _INCREMENT
    while len(drawn) < samples:
        further = drawn * np.uint32(multiplier) + np.uint32(increment)
        drawn = np.concatenate([drawn, further])
        increment = (multiplier * increment + increment) % 2**32
        multiplier = multiplier * multiplier % 2**32
    return drawn[:samples] / 2.0**31 - 1.0


def hear_case(session: MemberSession, sounds: tuple[Sound, ...]) -> dict[Output, FloatArray]:
    """What a member says about a case's window, flat."""
    member = session.member
    window = make_window(sounds, samples=member.samples, sample_rate=member.sample_rate)
    heard = session.hear(window[None])
    return {output: getattr(heard, output).reshape(-1) for output in member.outputs}


def check_conformance(folder: Path, bundle: Bundle, sessions: list[MemberSession]) -> int:
    """Run a bundle's cases, if there are any; say how many.

    Raises
    ------
    BundleError
        If the file is not of this bundle, or an output is another one than expected.
    """
    path = folder / CONFORMANCE
    if not path.is_file():
        return 0
    try:
        content = read_inside(folder, CONFORMANCE, limit=_LIMIT)
        conformance = msgspec.json.decode(content, type=Conformance)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{path} is damaged: {error}; get or export the model again") from error
    if conformance.digest != bundle.digest:
        raise BundleError(f"{path} is of another bundle; get or export the model again")
    by_file = {session.member.file: session for session in sessions}
    for case in conformance.cases:
        if case.member not in by_file:
            raise BundleError(f"{path}: there is no member {case.member}; export the model again")
        found = hear_case(by_file[case.member], case.sounds)
        for output, expected in case.outputs.items():
            values = found.get(output, np.empty(0))
            if len(values) != len(expected):
                raise BundleError(
                    f"{path}: {case.name} expects {len(expected)} {output}, there are "
                    f"{len(values)}; export the model again"
                )
            worst = float(np.abs(values - np.array(expected)).max(initial=0.0))
            if not worst <= conformance.tolerance:
                raise BundleError(
                    f"{path}: on {case.name} {output} differ by {worst:.2g} from what is expected, "
                    f"more than {conformance.tolerance:g}; upgrade ONNX Runtime, or report it with "
                    "the output of `moodtheme doctor`"
                )
    return len(conformance.cases)
