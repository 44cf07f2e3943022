"""Bundles from strangers: what is in a graph is looked at before a runtime sees it."""

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
from moodtheme.tagging.bundle_files import read_manifest, write_bundle
from moodtheme.tagging.graph_check import objection
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
