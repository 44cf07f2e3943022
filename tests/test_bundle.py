"""The bundle format: what is written is read back, and nothing damaged gets in."""

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moodtheme.errors import BundleError
from moodtheme.scores.fusion import FusionMethod
from moodtheme.tagging.bundle import MANIFEST, Bundle, Fusion, Measurement, Thresholds
from moodtheme.tagging.bundle_files import _old, read_graph, read_manifest, write_bundle
from moodtheme.tagging.models import find_model, verify_model
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_kill_at_any_step_of_writing_leaves_the_old_bundle_or_the_new(tmp_path: Path) -> None:
    """A forked process ends itself before its n-th look at or change to the file system."""
    folder = tmp_path / "toy"
    seen = []
    for step in range(1000):
        old = make_bundle(folder)
        process = os.fork()
        if not process:
            left = step

            def count(event: str, arguments: tuple[object, ...]) -> None:
                nonlocal left
                if event.startswith(("os.", "shutil.", "tempfile.", "open")):
                    left -= 1
                    if left < 0:
                        os._exit(9)

            sys.addaudithook(count)
            try:
                make_bundle(folder, decided=True)
            finally:
                os._exit(0)
        status = os.waitpid(process, 0)[1]
        seen.append(_old(folder).exists() and not folder.exists())
        found = read_manifest(find_model(folder))
        assert found == old or found.thresholds is not None
        read_graph(folder, found.members[0])
        if not status:
            break
    assert found.thresholds is not None and any(seen)
    make_bundle(folder)
    assert not _old(folder).exists()


def test_a_writer_that_fails_between_puts_the_old_bundle_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_bundle(tmp_path / "toy")
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        make_bundle(tmp_path / "toy", decided=True)
    assert read_manifest(tmp_path / "toy") == old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["toy", "toy.onnx"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format_version": 3}, "format version 3"),
        ({"format_version": 0}, "damaged"),
        ({"mood_rules": []}, "mood_rules"),
        ({"tags": ["loud", "loud", "steady"]}, "named twice"),
        ({"tags": ["loud"]}, "3 thresholds for 1 tags"),
        ({"members": []}, "at least one"),
        ({"name": "../../evil"}, "damaged"),
        ({"fusion": {"method": "weighted", "weights": None}}, "fusion weights"),
        ({"fusion": {"method": "weighted", "weights": [1, 1]}}, "2 fusion weights for 1 systems"),
        ({"fusion": {"method": "rank", "weights": None}}, "one track"),
        ({"tags": "loud"}, "damaged"),
        ({"thresholds": {"values": [0.5], "method": "x", "chosen_on": "y"}}, "1 thresholds"),
        (
            {
                "thresholds": {
                    "values": [0.5, 0.5, 0.5],
                    "method": "x",
                    "chosen_on": "y",
                    "evidence": [
                        {"standing": 0.9, "tracks": 9, "carry": 3, "lift": 2, "interval": [1, 3]}
                    ],
                }
            },
            "1 rows of evidence for 3 tags",
        ),
        (
            {
                "thresholds": {
                    "values": [0.5, 0.5, 0.5],
                    "method": "x",
                    "chosen_on": "y",
                    "without": ["gone"],
                }
            },
            "no threshold for gone, which is none of its tags",
        ),
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
    with pytest.raises(BundleError, match=r"returns scores of shape .* promises 1 × 2"):
        verify_model(copy_with(folder, tmp_path / "b", json.dumps(manifest).encode()))


def test_a_graph_that_is_no_graph_is_refused(folder: Path, tmp_path: Path) -> None:
    bundle = read_manifest(folder)
    junk = tmp_path / "toy.onnx"
    junk.write_bytes(b"not a graph")
    import hashlib

    member = msgspec.structs.replace(
        bundle.members[0], sha256=hashlib.sha256(b"not a graph").hexdigest()
    )
    write_bundle(tmp_path / "b", msgspec.structs.replace(bundle, members=(member,)), [junk])
    with pytest.raises(BundleError, match="no ONNX graph"):
        verify_model(tmp_path / "b")


def test_missing_and_oversized_manifests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a model bundle"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_bytes(b" " * (33 * 2**20))
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
@given(field=st.sampled_from([f.name for f in msgspec.structs.fields(Bundle)]), value=_json)
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
    bundle = msgspec.structs.replace(
        read_manifest(folder),
        tags=tuple(tags),
        calibration=None,
        thresholds=Thresholds(values=(value,) * len(tags), method="youden", chosen_on="validation"),
        quality=(Measurement(measure="m", value=value, data="d", interval=(0.0, value)),),
        fusion=Fusion(method=FusionMethod.WEIGHTED, weights=(1.0,)),
        provenance=notes,
    )
    assert msgspec.json.decode(msgspec.json.encode(bundle), type=Bundle) == bundle


def test_a_newer_format_is_told_before_anything_else_is_looked_at(
    folder: Path, tmp_path: Path
) -> None:
    for content in ({"format_version": 3}, {"members": "in a form to come", "format_version": 99}):
        target = copy_with(folder, tmp_path / "b", json.dumps(content).encode())
        with pytest.raises(BundleError, match=r"has format version \d+, and this moodtheme reads"):
            read_manifest(target)


def test_a_bundle_of_format_1_is_still_read(folder: Path, tmp_path: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    for field in ("synonyms", "dimensions", "reference"):
        del manifest[field]
    for field in ("outputs", "embedding_size"):
        del manifest["members"][0][field]
    del manifest["calibration"]["method"]
    manifest |= {"format_version": 1, "remark": "this format was free to hold anything"}
    target = copy_with(folder, tmp_path / "b", json.dumps(manifest).encode())
    first = verify_model(target)
    assert first.format_version == 1
    assert msgspec.structs.replace(first, format_version=2) == read_manifest(folder)
    write_bundle(tmp_path / "again", first, [folder / "toy.onnx"])
    assert read_manifest(tmp_path / "again") == read_manifest(folder)


def full(folder: Path) -> dict[str, object]:
    """The toy's manifest with everything that a graph does not have to bear out."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    return manifest | {
        "synonyms": [["loud", "steady"]],
        "dimensions": [{"name": "valence", "lowest": -1, "highest": 1}],
        "members": [{**manifest["members"][0], "outputs": ["scores", "dimensions"]}],
        "reference": {
            "levels": [0, 0.5, 1],
            "tags": [[0, 0.2, 1]] * 3,
            "dimensions": [[-1, 0, 1]],
            "music": "noise",
            "tracks": 9,
        },
    }


def with_reference(manifest: dict[str, object], **changes: object) -> dict[str, object]:
    return {"reference": {**manifest["reference"], **changes}}  # type: ignore[dict-item]


def test_what_format_2_adds_must_agree_with_itself(folder: Path, tmp_path: Path) -> None:
    whole = full(folder)
    read_manifest(copy_with(folder, tmp_path / "b", json.dumps(whole).encode()))
    member = whole["members"][0]  # type: ignore[index]
    for change, reason in (
        ({"synonyms": [["loud", "soft"]]}, "'loud, soft' is not a group"),
        ({"synonyms": [["loud"]]}, "not a group"),
        ({"synonyms": [["loud", "steady"], ["loud", "quiet"]]}, "named twice"),
        ({"dimensions": [{"name": "valence", "lowest": 1, "highest": 1}]}, "from 1 to 1"),
        ({"dimensions": []}, "dimensions that have no names"),
        ({"members": [{**member, "outputs": ["scores"]}]}, "no member returns"),
        ({"members": [{**member, "outputs": ["dimensions"]}]}, "outputs of toy.onnx"),
        ({"members": [{**member, "outputs": ["scores", "tempo"]}]}, "damaged"),
        ({"members": [{**member, "embedding_size": 4}]}, "embedding of toy.onnx"),
        (with_reference(whole, levels=[0, 0, 1]), "levels"),
        (with_reference(whole, tags=[[0, 0.2, 1]] * 2), "2 rows of reference quantiles"),
        (with_reference(whole, tags=[[0, 0.2, 0.1]] * 3), "does not rise"),
        (with_reference(whole, dimensions=[]), "0 rows of reference quantiles for 1 dim"),
        ({"calibration": {"slopes": [1e300] * 3, "intercepts": [0] * 3, "fitted_on": ""}}, "slope"),
    ):
        target = copy_with(folder, tmp_path / "b", json.dumps(whole | change).encode())
        with pytest.raises(BundleError, match=reason):
            read_manifest(target)


def test_the_digest_is_of_what_the_manifest_says(folder: Path, tmp_path: Path) -> None:
    whole = full(folder)
    target = tmp_path / "b"
    digest = read_manifest(copy_with(folder, target, json.dumps(whole).encode())).digest
    spread = json.dumps(dict(reversed(whole.items())), indent=7) + "\n\n"
    sparse = {key: value for key, value in whole.items() if value not in (None, [], {})}
    for same in (spread, json.dumps(sparse)):
        assert read_manifest(copy_with(folder, target, same.encode())).digest == digest
    others = {digest}
    member = {**whole["members"][0], "sha256": "0" * 64}  # type: ignore[index]
    for change in ({"members": [member]}, with_reference(whole, tracks=10), {"licence": "x"}):
        changed = json.dumps(whole | change).encode()
        others.add(read_manifest(copy_with(folder, target, changed)).digest)
    assert len(others) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and few links in folders there")
@pytest.mark.parametrize("file", [MANIFEST, "toy.onnx"])
def test_what_is_no_file_of_the_bundle_is_refused(folder: Path, tmp_path: Path, file: str) -> None:
    target = copy_with(folder, tmp_path / "b", (folder / MANIFEST).read_bytes())
    inside = target / "kept"
    (target / file).rename(inside)
    (target / file).symlink_to(inside)
    verify_model(target)
    for make in (
        lambda: (target / file).symlink_to(folder / file),
        lambda: (target / file).symlink_to("/dev/zero"),
        lambda: os.mkfifo(target / file),
    ):
        (target / file).unlink()
        make()
        with pytest.raises(BundleError, match=f"{file} (leads out of|is a device)"):
            verify_model(target)


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    make_bundle(tmp_path / "toy")
    os.truncate(tmp_path / "toy" / "toy.onnx", 2**40)  # takes no room on the disk
    with pytest.raises(BundleError, match="larger than"):
        read_graph(tmp_path / "toy", read_manifest(tmp_path / "toy").members[0])
