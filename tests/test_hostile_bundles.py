"""Bundles from strangers: what is in a graph is looked at before a runtime sees it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from moodtheme import Tagger
from moodtheme.errors import BundleError
from moodtheme.files import sha256_of
from moodtheme.tagging import trial
from moodtheme.tagging.bundle_files import read_manifest, write_bundle
from moodtheme.tagging.graph_check import objection
from moodtheme.tagging.models import verify_model
from toy_bundle import RATE, make_bundle, write_graph

Change = Callable[[onnx.ModelProto], None]


def hostile(folder: Path, change: Change) -> Path:
    """A toy bundle whose graph was changed, with a manifest that fits."""
    make_bundle(folder / "toy")
    model = onnx.load(folder / "toy" / "toy.onnx")
    change(model)
    graph = folder / "toy.onnx"
    graph.write_bytes(model.SerializeToString())
    bundle = read_manifest(folder / "toy")
    member = msgspec.structs.replace(bundle.members[0], sha256=sha256_of(graph))
    write_bundle(folder / "toy", msgspec.structs.replace(bundle, members=(member,)), [graph])
    return folder / "toy"


def empty_graph() -> onnx.GraphProto:
    constant = helper.make_node("Constant", [], ["x"], value_float=1.0)
    return helper.make_graph(
        [constant], "inner", [], [helper.make_tensor_value_info("x", TensorProto.FLOAT, [])]
    )


def add_branch(model: onnx.ModelProto) -> None:
    node = helper.make_node(
        "If", ["level"], ["y"], then_branch=empty_graph(), else_branch=empty_graph()
    )
    model.graph.node.append(node)


def add_inner_graph(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Relu", ["level"], ["y"], body=empty_graph()))


def use_other_domain(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Gelu", ["level"], ["y"], domain="com.microsoft"))


def import_other_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("org.example", 1))


def define_function(model: onnx.ModelProto) -> None:
    made = helper.make_node("Relu", ["a"], ["b"])
    model.functions.append(
        helper.make_function("", "F", ["a"], ["b"], [made], [helper.make_opsetid("", 17)])
    )


def keep_weights_elsewhere(model: onnx.ModelProto) -> None:
    tensor = next(t for t in model.graph.initializer if t.name == "weights")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    tensor.ClearField("raw_data")


def keep_a_constant_elsewhere(model: onnx.ModelProto) -> None:
    value = numpy_helper.from_array(np.ones(3, np.float32))
    value.external_data.add(key="location", value="../secret")
    model.graph.node.append(helper.make_node("Constant", [], ["y"], value=value))


def draw(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("RandomUniform", [], ["y"], shape=[3]))


def depend_on_values(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("NonZero", ["rectified"], ["y"]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (add_branch, "operation If"),
        (add_inner_graph, "graph inside an operation"),
        (use_other_domain, "com.microsoft"),
        (import_other_domain, r"org\.example"),
        (define_function, "functions of its own"),
        (keep_weights_elsewhere, "data in other files"),
        (keep_a_constant_elsewhere, "data in other files"),
        (draw, "RandomUniform"),
        (depend_on_values, "NonZero"),
    ],
)
def test_a_graph_with_more_than_plain_operations_is_refused_by_name(
    tmp_path: Path, change: Change, reason: str
) -> None:
    folder = hostile(tmp_path, change)
    with pytest.raises(BundleError, match=rf"toy\.onnx: .*{reason}"):
        Tagger.load(folder)


def test_nothing_is_parsed_before_its_hash_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hostile(tmp_path, add_branch)
    (folder / "toy.onnx").write_bytes(b"other")
    monkeypatch.setattr("moodtheme.tagging.session.objection", lambda content: pytest.fail())
    with pytest.raises(BundleError, match="SHA-256"):
        Tagger.load(folder)


@pytest.mark.parametrize(("operation", "reason"), [("Log", "not finite"), ("Exp", "outside")])
def test_scores_that_are_no_scores_are_refused(tmp_path: Path, operation: str, reason: str) -> None:
    def change(model: onnx.ModelProto) -> None:
        last = model.graph.node[-1]
        assert last.op_type == "Sigmoid"
        last.op_type = operation

    folder = hostile(tmp_path, change)
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * RATE).astype(np.float32)
    with pytest.raises(BundleError, match=reason):
        Tagger.load(folder).score(audio, RATE)


def make_the_window(model: onnx.ModelProto, nodes: list[onnx.NodeProto], **values: object) -> None:
    """Put nodes before the graph's own that turn ``level`` into what its next node takes."""
    at = next(i for i, node in enumerate(model.graph.node) if "level" in node.output)
    model.graph.node[at].output[0] = "first"
    for offset, node in enumerate(nodes, start=1):
        model.graph.node.insert(at + offset, node)
    for name, value in values.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def allocate(size: int) -> Change:
    """Four bytes times the size, twice."""

    def change(model: onnx.ModelProto) -> None:
        nodes = [
            helper.make_node("Expand", ["first", "size"], ["many"]),
            helper.make_node("Neg", ["many"], ["changed"]),  # copied, not seen through
            helper.make_node("ReduceMax", ["changed"], ["peak"], keepdims=1),
            helper.make_node("Mul", ["peak", "none"], ["nothing"]),
            helper.make_node("Squeeze", ["nothing"], ["scalar"]),
            helper.make_node("Add", ["first", "scalar"], ["level"]),
        ]
        make_the_window(model, nodes, size=np.array([size, 1]), none=np.float32(0))

    return change


def multiply(steps: int) -> Change:
    """Two steps are 0.1 s of a processor and 16 MB: products of matrices, one after the other."""

    def change(model: onnx.ModelProto) -> None:
        nodes = [helper.make_node("Expand", ["first", "size"], ["m0"])]
        nodes += [helper.make_node("MatMul", [f"m{i}", "m0"], [f"m{i + 1}"]) for i in range(steps)]
        nodes += [
            helper.make_node("ReduceMax", [f"m{steps}"], ["peak"], keepdims=1),
            helper.make_node("Mul", ["peak", "none"], ["nothing"]),
            helper.make_node("Squeeze", ["nothing"], ["scalar"]),
            helper.make_node("Add", ["first", "scalar"], ["level"]),
        ]
        make_the_window(model, nodes, size=np.array([1024, 1024]), none=np.float32(0))

    return change


@pytest.mark.skipif(sys.platform == "win32", reason="memory is not watched on Windows")
def test_a_graph_that_takes_too_much_memory_is_refused_before_it_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "MOST_BYTES", 2**29)
    folder = hostile(tmp_path, allocate(2**29))
    with pytest.raises(BundleError, match=r"toy\.onnx: it takes more than 0\.5 GB of memory"):
        Tagger.load(folder)
    with pytest.raises(BundleError, match="memory"):
        verify_model(folder)


def test_a_graph_that_computes_too_long_is_refused_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hostile(tmp_path, multiply(20_000))
    monkeypatch.setattr(trial, "MOST_SECONDS", 2.0)
    ended = []
    kill = subprocess.Popen.kill
    monkeypatch.setattr(subprocess.Popen, "kill", lambda self: (kill(self), ended.append(self)))
    with pytest.raises(BundleError, match=r"toy\.onnx: it computes longer than 2 s a window"):
        Tagger.load(folder)
    assert [process.returncode is not None for process in ended] == [True]


def test_a_graph_is_tried_in_another_process_before_it_is_in_this_one_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    folder = hostile(tmp_path, multiply(2))
    monkeypatch.setattr(trial, "_passed", set())
    with monkeypatch.context() as patch:
        patch.setattr("moodtheme.tagging.tagger.MemberSession", lambda *_, **__: pytest.fail())
        patch.setattr(trial, "MOST_SECONDS", 0.0)
        with pytest.raises(BundleError, match="longer"):
            Tagger.load(folder)
    Tagger.load(folder)
    (record,) = (own_cache / "trials").iterdir()
    assert record.stem == read_manifest(folder).digest
    monkeypatch.setattr(trial, "_passed", set())
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail())
        Tagger.load(folder)
    # What was within the limits of then may not be within those of now.
    monkeypatch.setattr(trial, "_passed", set())
    monkeypatch.setattr(trial, "MOST_SECONDS", 0.0)
    with pytest.raises(BundleError, match="longer"):
        Tagger.load(folder)


def test_a_cache_that_cannot_be_written_costs_another_trial_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MOODTHEME_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(trial, "_passed", set())
    Tagger.load(hostile(tmp_path, multiply(1)))


def test_the_embedded_model_needs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail())
    Tagger.load()


@given(data=st.data())
def test_damaged_graphs_are_judged_without_a_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "whole.onnx"
    if not path.exists():
        write_graph(path)
        assert objection(path.read_bytes()) is None
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found = objection(bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert found is None or found.startswith("it ")
