"""The bundle format: what is written is read back, and nothing damaged gets in."""

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moodtheme.errors import BundleError
from moodtheme.scores.fusion import FusionMethod
from moodtheme.tagging.bundle import (
    MANIFEST,
    Bundle,
    Fusion,
    Measurement,
    Thresholds,
    read_graph,
    read_manifest,
    write_bundle,
)
from moodtheme.tagging.models import verify_model
from toy_bundle import make_bundle


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "toy"
    make_bundle(folder, decided=True)
    return folder


def copy_with(folder: Path, target: Path, manifest: bytes) -> Path:
    target.mkdir(exist_ok=True)
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    (target / MANIFEST).write_bytes(manifest)
    return target


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "toy", decided=True)
    assert read_manifest(tmp_path / "toy") == bundle
    assert verify_model(tmp_path / "toy") == bundle


def test_a_bundle_replaces_a_bundle_and_nothing_else(tmp_path: Path) -> None:
    make_bundle(tmp_path / "toy")
    second = make_bundle(tmp_path / "toy", decided=True)
    assert read_manifest(tmp_path / "toy") == second
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "song.mp3").write_bytes(b"precious")
    with pytest.raises(BundleError, match="not a model bundle"):
        make_bundle(tmp_path / "music")
    assert (tmp_path / "music" / "song.mp3").read_bytes() == b"precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["music", "toy", "toy.onnx"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format_version": 2}, "format version 2"),
        ({"tags": ["loud", "loud", "steady"]}, "named twice"),
        ({"tags": ["loud"]}, "3 thresholds for 1 tags"),
        ({"members": []}, "at least one"),
        ({"name": "../../evil"}, "damaged"),
        ({"fusion": {"method": "weighted", "weights": None}}, "fusion weights"),
        ({"fusion": {"method": "weighted", "weights": [1, 1]}}, "2 fusion weights for 1 systems"),
        ({"fusion": {"method": "rank", "weights": None}}, "one track"),
        ({"tags": "loud"}, "damaged"),
        ({"thresholds": {"values": [0.5], "method": "x", "chosen_on": "y"}}, "1 thresholds"),
    ],
)
def test_a_manifest_that_cannot_be_true_is_refused_with_the_reason(
    folder: Path, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes()) | change
    with pytest.raises(BundleError, match=reason):
        read_manifest(copy_with(folder, tmp_path / "b", json.dumps(manifest).encode()))


@pytest.mark.parametrize("name", ["../toy.onnx", "/etc/passwd", "a/b.onnx", "", ".", "bundle.json"])
def test_a_member_cannot_point_out_of_its_bundle(folder: Path, tmp_path: Path, name: str) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["members"][0]["file"] = name
    with pytest.raises(BundleError):
        read_manifest(copy_with(folder, tmp_path / "b", json.dumps(manifest).encode()))


def test_a_changed_graph_is_refused(folder: Path, tmp_path: Path) -> None:
    target = copy_with(folder, tmp_path / "b", (folder / MANIFEST).read_bytes())
    member = read_manifest(target).members[0]
    graph = target / member.file
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    with pytest.raises(BundleError, match="SHA-256"):
        read_graph(target, member)
    graph.unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        read_graph(target, member)


def test_a_graph_of_other_shape_is_refused(folder: Path, tmp_path: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["members"][0]["samples"] += 1
    with pytest.raises(BundleError, match="samples"):
        verify_model(copy_with(folder, tmp_path / "a", json.dumps(manifest).encode()))
    manifest["members"][0]["samples"] -= 1
    manifest |= {"tags": ["loud", "quiet"], "thresholds": None, "calibration": None}
    with pytest.raises(BundleError, match=r"promises 1 systems and 2 tags"):
        verify_model(copy_with(folder, tmp_path / "b", json.dumps(manifest).encode()))


def test_a_graph_that_is_no_graph_is_refused(folder: Path, tmp_path: Path) -> None:
    bundle = read_manifest(folder)
    junk = tmp_path / "toy.onnx"
    junk.write_bytes(b"not a graph")
    import hashlib

    member = dataclasses.replace(
        bundle.members[0], sha256=hashlib.sha256(b"not a graph").hexdigest()
    )
    write_bundle(tmp_path / "b", dataclasses.replace(bundle, members=(member,)), [junk])
    with pytest.raises(BundleError, match="cannot load it"):
        verify_model(tmp_path / "b")


def test_missing_and_oversized_manifests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a model bundle"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_bytes(b" " * (5 * 2**20))
    with pytest.raises(BundleError, match="larger"):
        read_manifest(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_give_a_bundle_or_a_bundle_error(folder: Path, data: st.DataObject) -> None:
    content = bytearray((folder / MANIFEST).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[position] = data.draw(st.integers(0, 255))
        else:
            del content[position : position + data.draw(st.integers(1, 60))]
        if not content:
            break
    target = folder.parent / "damaged"
    copy_with(folder, target, bytes(content))
    try:
        bundle = verify_model(target)
    except BundleError as error:
        assert str(error).count("\n") <= 30
    else:
        assert isinstance(bundle, Bundle)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from([f.name for f in dataclasses.fields(Bundle)]), value=_json)
def test_any_value_in_any_field_gives_a_bundle_or_a_bundle_error(
    folder: Path, field: str, value: object
) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes()) | {field: value}
    target = folder.parent / "strange"
    copy_with(folder, target, json.dumps(manifest).encode())
    try:
        assert read_manifest(target).tags
    except BundleError as error:
        assert str(target) in str(error)


names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
floats = st.floats(0, 1, width=32)


@given(
    tags=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True),
    value=floats,
    notes=st.dictionaries(names, st.text(max_size=20), max_size=3),
)
def test_manifests_survive_json(
    folder: Path, tags: list[str], value: float, notes: dict[str, str]
) -> None:
    bundle = dataclasses.replace(
        read_manifest(folder),
        tags=tuple(tags),
        calibration=None,
        thresholds=Thresholds(values=(value,) * len(tags), method="youden", chosen_on="validation"),
        quality=(Measurement(measure="m", value=value, data="d", interval=(0.0, value)),),
        fusion=Fusion(method=FusionMethod.WEIGHTED, weights=(1.0,)),
        provenance=notes,
    )
    assert msgspec.json.decode(msgspec.json.encode(bundle), type=Bundle) == bundle
