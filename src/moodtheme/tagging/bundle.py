"""The model bundle: a folder with ``bundle.json`` and one ONNX graph a member.

The bundle is the only thing that making a model and using one have in common. A member's graph
takes float32 mono audio ``(batch, samples)`` at its own rate and returns scores ``(batch, tags)``,
or ``(batch, systems, tags)`` when several systems share it.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath
from typing import Annotated

import msgspec

from moodtheme.errors import BundleError
from moodtheme.scores.fusion import FusionMethod

FORMAT_VERSION = 1
MANIFEST = "bundle.json"
_MANIFEST_LIMIT = 4 * 2**20  # bytes; a manifest of 10,000 tags stays far below

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class ExcerptPolicy(StrEnum):
    """Which part of a track a member hears.

    ``CENTRE`` and ``START`` are one excerpt; ``COVER`` is windows over the whole track whose
    scores are averaged.
    """

    CENTRE = "centre"
    START = "start"
    COVER = "cover"


@dataclass(frozen=True, kw_only=True)
class Member:
    """One graph and the view of the audio it needs."""

    file: Name
    sha256: Sha256
    systems: tuple[Name, ...]
    sample_rate: Annotated[int, msgspec.Meta(ge=1000, le=384_000)]
    samples: Annotated[int, msgspec.Meta(ge=1, le=384_000 * 600)]
    policy: ExcerptPolicy

    @property
    def excerpt_s(self) -> float:
        """Length of the excerpt in seconds."""
        return self.samples / self.sample_rate


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """Fusion of the systems, in the members' order; weights only with ``WEIGHTED``.

    ``RANK`` is refused: ranks need many tracks, and a tagger hears one.
    """

    method: FusionMethod = FusionMethod.MEAN
    weights: tuple[Annotated[float, msgspec.Meta(ge=0)], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Per-tag thresholds: a tag is decided present when its score is strictly greater."""

    values: tuple[float, ...]
    method: str
    chosen_on: str


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Per-tag logistic calibration: ``probability = sigmoid(slope · logit(score) + intercept)``."""

    slopes: tuple[float, ...]
    intercepts: tuple[float, ...]
    fitted_on: str


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A figure of quality, and the data and labels it was measured on."""

    measure: str
    value: float
    data: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Everything `bundle.json` says. Compare `Member` for the graphs."""

    format_version: int
    name: Name
    description: str
    tags: tuple[Tag, ...]
    members: tuple[Member, ...]
    fusion: Fusion
    licence: str
    origin: str
    training_data: str
    thresholds: Thresholds | None = None
    calibration: Calibration | None = None
    quality: tuple[Measurement, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of all systems, in the members' order."""
        return tuple(system for member in self.members for system in member.systems)


def read_manifest(folder: Path) -> Bundle:
    """Read and check ``bundle.json``; the graphs are not touched.

    Raises
    ------
    BundleError
        If it is absent, not JSON of the known form, of another format version, or contradicts
        itself.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            content = file.read(_MANIFEST_LIMIT + 1)
    except OSError as error:
        raise BundleError(
            f"{folder} is not a model bundle: {MANIFEST} cannot be read ({error.strerror}); "
            "name a folder that `moodtheme export` or `moodtheme models get` wrote"
        ) from error
    if len(content) > _MANIFEST_LIMIT:
        raise BundleError(f"{path} is larger than {_MANIFEST_LIMIT} bytes; export the model again")
    try:
        version = msgspec.json.decode(content, type=_VersionOnly).format_version
        if version != FORMAT_VERSION:
            raise BundleError(
                f"{path} has format version {version}, this moodtheme reads {FORMAT_VERSION}; "
                "install the moodtheme that wrote it, or export the model again"
            )
        bundle = msgspec.json.decode(content, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{path} is damaged: {error}; get or export the model again") from error
    _check_consistency(bundle, path)
    return bundle


def read_graph(folder: Path, member: Member) -> bytes:
    """Content of a member's graph, verified against its SHA-256.

    Raises
    ------
    BundleError
        If the file is absent, unreadable or not the one the manifest names.
    """
    path = folder / member.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read ({error.strerror}); get or export the model again"
        ) from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != member.sha256:
        raise BundleError(
            f"{path} has SHA-256 {actual[:16]}…, its bundle says {member.sha256[:16]}…; "
            "get or export the model again"
        )
    return content


def write_bundle(folder: Path, bundle: Bundle, graphs: Iterable[Path]) -> None:
    """Write a bundle so that it is there completely or not at all.

    Parameters
    ----------
    folder
        Where the bundle will be; replaced if it is a bundle already.
    bundle
        Its manifest; each member's ``file`` must be the name of one of `graphs`.
    graphs
        Files to copy in.

    Raises
    ------
    BundleError
        If the manifest contradicts itself or the graphs, or `folder` holds something else.
    """
    _check_consistency(bundle, folder / MANIFEST)
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder} exists and is not a model bundle; name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        staged = Path(scratch) / "new"
        staged.mkdir()
        for graph in graphs:
            shutil.copyfile(graph, staged / graph.name)
        for member in bundle.members:
            read_graph(staged, member)
        encoded = msgspec.json.format(msgspec.json.encode(bundle), indent=2)
        (staged / MANIFEST).write_bytes(encoded + b"\n")
        if folder.exists():
            folder.replace(Path(scratch) / "old")
        staged.replace(folder)


@dataclass(frozen=True)
class _VersionOnly:
    format_version: int


def _check_consistency(bundle: Bundle, path: Path) -> None:
    for reason in (*_contradictions(bundle), *_fusion_contradictions(bundle)):
        raise BundleError(f"{path} contradicts itself: {reason}; get or export the model again")


def _contradictions(bundle: Bundle) -> Iterator[str]:
    if not bundle.tags or not bundle.members or not all(m.systems for m in bundle.members):
        yield "it needs at least one tag, one member and one system a member"
    for what, names in (
        ("tag", bundle.tags),
        ("system", bundle.systems),
        ("member's file", tuple(member.file for member in bundle.members)),
    ):
        if len(set(names)) != len(names):
            yield f"a {what} is named twice"
    for member in bundle.members:
        if PurePath(member.file).name != member.file or member.file == MANIFEST:
            yield f"{member.file!r} is not the name of a graph beside it"
    per_tag = {}
    if bundle.thresholds is not None:
        per_tag["thresholds"] = bundle.thresholds.values
    if bundle.calibration is not None:
        per_tag["calibration slopes"] = bundle.calibration.slopes
        per_tag["calibration intercepts"] = bundle.calibration.intercepts
    for what, values in per_tag.items():
        if len(values) != len(bundle.tags):
            yield f"{len(values)} {what} for {len(bundle.tags)} tags"


def _fusion_contradictions(bundle: Bundle) -> Iterator[str]:
    method, weights = bundle.fusion.method, bundle.fusion.weights
    if method is FusionMethod.RANK:
        yield "fusion by rank cannot be done for one track"
    if (method is FusionMethod.WEIGHTED) != (weights is not None):
        yield "fusion weights go with the weighted method and with no other"
    if weights is not None and (len(weights) != len(bundle.systems) or sum(weights) <= 0):
        yield f"{len(weights)} fusion weights for {len(bundle.systems)} systems, or all zero"
