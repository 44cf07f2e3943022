"""From a PyTorch module to an ONNX graph a bundle can hold."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from moodtheme.files import replacing
from moodtheme.models.networks import SCORES, to_onnx
from moodtheme.scores.ratings import Dimension

OPSET = 20  # the highest without STFT-era surprises in the runtimes we care about


class Scores(nn.Module):
    """A network's logits as scores in [0, 1], and as values on dimensions' own scales.

    Parameters
    ----------
    network
        Takes audio ``(batch, samples)``, returns logits ``(batch, …)``, or those of several systems
        as a tuple.
    dimensions
        What the last logits are, in order, where not all are of tags; of one system alone.
    """

    lowest: Tensor
    span: Tensor

    def __init__(self, network: nn.Module, dimensions: Sequence[Dimension] = ()) -> None:
        super().__init__()
        self.network = network
        self._dimensions = len(dimensions)
        lowest = torch.tensor([dimension.lowest for dimension in dimensions])
        highest = torch.tensor([dimension.highest for dimension in dimensions])
        self.register_buffer("lowest", lowest)
        self.register_buffer("span", highest - lowest)

    def forward(self, audio: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Scores, of the logits' shape; with dimensions ``(batch, tags)``, and the values."""
        logits = self.network(audio)
        if isinstance(logits, tuple):
            return tuple(torch.sigmoid(of_system) for of_system in logits)
        shares = torch.sigmoid(logits)
        if (count := self._dimensions) == 0:
            return shares
        return shares[:, :-count], self.lowest + self.span * shares[:, -count:]


def export_graph(
    module: nn.Module,
    path: Path,
    *,
    samples: int,
    outputs: Sequence[str] = (SCORES,),
    half_weights: str | None = None,
    systems: Sequence[str] = (),
) -> None:
    """Write `module` as a graph from ``audio (batch, samples)`` to named outputs, with free batch.

    Parameters
    ----------
    module
        Takes float32 audio ``(batch, samples)``, returns scores in [0, 1], or a tuple of outputs;
        exported in evaluation mode with constants folded.
    path
        The ``.onnx`` file to write, whole or not at all.
    samples
        Excerpt length, fixed in the graph.
    outputs
        What the module returns, in order: ``scores``, ``dimensions``, ``embedding``.
    half_weights
        Part of `module`, as in its state dict's keys, whose weight matrices and filters are kept as
        float16 in the file. Runtimes compute in float32 all the same.
    systems
        Names of the outputs of a module that has several; they become one, ``(batch, systems,
        tags)``, and `take_system` can take each out again.
    """
    names = [_inner(system) for system in systems] or list(outputs)
    model = to_onnx(
        module.eval(),
        torch.zeros(2, samples),
        input_name="audio",
        output_names=names,
        opset=OPSET,
    )
    _forget_origin(model)
    if systems:
        _stack_outputs(model.graph)
    if half_weights is not None:
        _halve_weights(model.graph, f"{half_weights}.")
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def take_system(shared: Path, system: str, path: Path) -> None:
    """Write what one of the systems in a graph of several needs as a graph of its own.

    Parameters
    ----------
    shared
        From `export_graph`, with `systems`.
    system
        One of these.
    path
        The ``.onnx`` file to write, whole or not at all, with ``scores (batch, tags)``.
    """
    model = onnx.load(shared)
    graph, wanted = model.graph, _inner(system)
    (output,) = (info for info in graph.value_info if info.name == wanted)
    needed, nodes = {wanted}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
            node.output[:] = [SCORES if name == wanted else name for name in node.output]
    output.name = SCORES
    del graph.output[:]
    graph.output.append(output)
    kept = nodes[::-1]
    for values, left in (
        (graph.node, kept),
        (graph.initializer, [value for value in graph.initializer if value.name in needed]),
        (graph.value_info, [value for value in graph.value_info if value.name in needed]),
    ):
        copies = [type(value).FromString(value.SerializeToString()) for value in left]
        del values[:]
        values.extend(copies)
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes, which hold the paths of this machine's source files."""
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del value.metadata_props[:]
        value.doc_string = ""


def _inner(system: str) -> str:
    """What a system's scores are called inside a graph of several."""
    return f"{SCORES} of {system}"


def _stack_outputs(graph: onnx.GraphProto) -> None:
    """Make one output ``scores`` of several; these become values inside."""
    outputs = list(graph.output)
    batch, tags = outputs[0].type.tensor_type.shape.dim
    axis = onnx.numpy_helper.from_array(np.array([1], np.int64), f"{SCORES} axis")
    graph.initializer.append(axis)
    rows = [f"{output.name}, a row" for output in outputs]
    for output, row in zip(outputs, rows, strict=True):
        graph.node.append(onnx.helper.make_node("Unsqueeze", [output.name, axis.name], [row]))
    graph.node.append(onnx.helper.make_node("Concat", rows, [SCORES], axis=1))
    shape = [batch.dim_param, len(outputs), tags.dim_value]
    graph.value_info.extend(outputs)
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info(SCORES, onnx.TensorProto.FLOAT, shape))


def _halve_weights(graph: onnx.GraphProto, prefix: str) -> None:
    """Store weights as float16 and cast them back where they are used.

    Runtimes fold the casts when they load the graph, so that no run is slower for it. Biases and
    batch normalisation's numbers are few, and some too small for float16: they stay.
    """
    casts = []
    for tensor in graph.initializer:
        is_float = tensor.data_type == onnx.TensorProto.FLOAT
        if is_float and tensor.name.startswith(prefix) and len(tensor.dims) > 1:
            name, half = tensor.name, f"{tensor.name}.half"
            values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, half))
            casts.append(onnx.helper.make_node("Cast", [half], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
