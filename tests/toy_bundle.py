"""Small bundles made on the spot: a graph whose scores are known in closed form."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from moodtheme.files import sha256_of
from moodtheme.tagging.bundle import (
    FORMAT_VERSION,
    Bundle,
    Calibration,
    Dimension,
    ExcerptPolicy,
    Fusion,
    Member,
    Output,
    Thresholds,
)
from moodtheme.tagging.bundle_files import write_bundle

TAGS = ("loud", "quiet", "steady")
RATE = 8_000
SAMPLES = 16_000  # 2 s


def write_graph(
    path: Path,
    *,
    n_tags: int = 3,
    samples: int = SAMPLES,
    systems: int = 0,
    outputs: tuple[Output, ...] = (Output.SCORES,),
) -> None:
    """``sigmoid(mean(|audio|) · w)`` with ``w = 1, -1, 0.5, …``; with systems, each twice as steep.

    `systems` 0 gives scores ``(batch, tags)``, otherwise ``(batch, systems, tags)``. The one
    dimension is the mean of ``|audio|``, the embedding that and its negative.
    """
    weights = np.array([1.0, -1.0, 0.5] + [0.1] * n_tags, dtype=np.float32)[:n_tags]
    if systems:
        weights = np.stack([weights * 2**i for i in range(systems)])
    shape = ["batch", *([systems] if systems else []), n_tags]
    axes = [1, 2] if systems else [1]
    nodes = [
        helper.make_node("Abs", ["audio"], ["rectified"]),
        helper.make_node("ReduceMean", ["rectified"], ["level"], axes=[1], keepdims=0),
        helper.make_node("Unsqueeze", ["level", "axes"], ["column"]),
        helper.make_node("Mul", ["column", "weights"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]
    described = {Output.SCORES: shape}
    if Output.DIMENSIONS in outputs:
        nodes.append(helper.make_node("Unsqueeze", ["level", "one"], ["dimensions"]))
        described[Output.DIMENSIONS] = ["batch", 1]
    if Output.EMBEDDING in outputs:
        nodes += [
            helper.make_node("Unsqueeze", ["level", "one"], ["positive"]),
            helper.make_node("Neg", ["positive"], ["negative"]),
            helper.make_node("Concat", ["positive", "negative"], ["embedding"], axis=1),
        ]
        described[Output.EMBEDDING] = ["batch", 2]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["batch", samples])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, described[name])
            for name in outputs
        ],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array(axes, dtype=np.int64), "axes"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def make_bundle(
    folder: Path,
    *,
    policy: ExcerptPolicy = ExcerptPolicy.COVER,
    decided: bool = False,
    systems: int = 0,
    fusion: Fusion | None = None,
) -> Bundle:
    """Write a toy bundle and return its manifest."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    graph = folder.parent / "toy.onnx"
    write_graph(graph, systems=systems)
    bundle = Bundle(
        format_version=FORMAT_VERSION,
        name="toy",
        description="A toy",
        tags=TAGS,
        members=(
            Member(
                file=graph.name,
                sha256=sha256_of(graph),
                systems=tuple(f"toy-{i}" for i in range(max(systems, 1))),
                sample_rate=RATE,
                samples=SAMPLES,
                policy=policy,
            ),
        ),
        fusion=fusion or Fusion(),
        licence="Apache-2.0",
        origin="made in a test",
        training_data="none",
        thresholds=Thresholds(values=(0.5, 0.5, 0.5), method="fixed", chosen_on="nothing")
        if decided
        else None,
        calibration=Calibration(
            slopes=(1.0, 2.0, 1.0), intercepts=(0.0, 0.0, 1.0), fitted_on="nothing"
        )
        if decided
        else None,
    )
    write_bundle(folder, bundle, [graph])
    graph.unlink()
    return bundle


def make_many_membered_bundle(folder: Path, members: Sequence[Member]) -> Bundle:
    """Write a bundle of several toys, each with its own view of the audio.

    `members` are without hashes; their graphs return what they state.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    graphs, hashed = [], []
    for member in members:
        graph = folder.parent / member.file
        systems = len(member.systems) if len(member.systems) > 1 else 0
        write_graph(graph, samples=member.samples, systems=systems, outputs=member.outputs)
        graphs.append(graph)
        hashed.append(msgspec.structs.replace(member, sha256=sha256_of(graph)))
    dimensions = any(Output.DIMENSIONS in member.outputs for member in members)
    bundle = Bundle(
        format_version=FORMAT_VERSION,
        name="many",
        description="Several toys",
        tags=TAGS,
        dimensions=(Dimension(name="level", lowest=0.0, highest=1.0),) if dimensions else (),
        members=tuple(hashed),
        fusion=Fusion(),
        licence="Apache-2.0",
        origin="made in a test",
        training_data="none",
    )
    write_bundle(folder, bundle, graphs)
    for graph in graphs:
        graph.unlink()
    return bundle


def toy_member(name: str, policy: ExcerptPolicy, **changes: Any) -> Member:
    """A member of a toy, without its hash."""
    values: dict[str, Any] = {
        "file": f"{name}.onnx",
        "sha256": "0" * 64,
        "systems": (name,),
        "sample_rate": RATE,
        "samples": SAMPLES,
        "policy": policy,
    }
    return Member(**(values | changes))
