"""Writing the conformance file of a bundle."""

from pathlib import Path

from moodtheme.files import short
from moodtheme.records import write_record
from moodtheme.tagging.bundle import CONFORMANCE
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.conformance import Case, Conformance, Sound, hear_case
from moodtheme.tagging.session import MemberSession

_TOLERANCE = 1e-4
"""Of any output. ONNX Runtime without its optimisations, which add up in another order, is within
5e-7 for ``moodtheme-small``; tones 0.3 % too low, as from another sample rate, are 5e-3 and more
off."""
_HOW = (
    "A window is the sum of its sounds, in float64, rounded to float32. Sample n of a sound is "
    "amplitude * sin(2 pi hertz n / sample_rate), or with a seed amplitude * (x[n] / 2^31 - 1), "
    "x[0] = seed, x[n + 1] = (1664525 x[n] + 1013904223) mod 2^32; with a period it sounds where "
    "n mod period < on. Run the member's graph on each window; no output may differ by more than "
    "the tolerance."
)
_CASES: dict[str, tuple[Sound, ...]] = {
    "a chord": tuple(Sound(amplitude=0.2, hertz=hertz) for hertz in (220.0, 277.0, 330.0, 880.0)),
    "noise": (Sound(amplitude=0.3, seed=1),),
    "quiet beats over a hum": (
        Sound(amplitude=0.01, hertz=55.0),
        Sound(amplitude=0.05, seed=2, period=8_000, on=800),
    ),
    "a melody of two notes at full scale": (
        Sound(amplitude=0.9, hertz=440.0, period=12_000, on=6_000),
        Sound(amplitude=0.1, hertz=659.0, period=16_000, on=9_000),
    ),
}


def write_conformance(folder: Path) -> None:
    """Write ``conformance.json`` beside a bundle's manifest, with what ONNX Runtime says here.

    Raises
    ------
    BundleError
        If the bundle is damaged.
    """
    bundle = read_manifest(folder)
    cases = []
    for member in bundle.members:
        session = MemberSession(folder, bundle, member)
        for name, sounds in _CASES.items():
            found = hear_case(session, sounds)
            rounded = {
                output: tuple(map(short, values.tolist())) for output, values in found.items()
            }
            cases.append(Case(name=name, member=member.file, sounds=sounds, outputs=rounded))
    conformance = Conformance(
        digest=bundle.digest, tolerance=_TOLERANCE, how=_HOW, cases=tuple(cases)
    )
    write_record(folder / CONFORMANCE, conformance)
