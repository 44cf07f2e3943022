"""From a PyTorch module to an ONNX graph a bundle can hold."""

import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from moodtheme.files import replacing

OPSET = 20  # the highest without STFT-era surprises in the runtimes we care about


class Scores(nn.Module):
    """A network's logits as scores in [0, 1].

    Parameters
    ----------
    network
        Takes audio ``(batch, samples)``, returns logits ``(batch, …)``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, audio: Tensor) -> Tensor:
        """Scores, of the logits' shape."""
        return torch.sigmoid(self.network(audio))


def export_graph(
    module: nn.Module, path: Path, *, samples: int, half_weights: str | None = None
) -> None:
    """Write `module` as a graph ``audio (batch, samples) -> scores (batch, …)`` with free batch.

    Parameters
    ----------
    module
        Takes float32 audio ``(batch, samples)``, returns scores in [0, 1]; exported in evaluation
        mode with constants folded.
    path
        The ``.onnx`` file to write, whole or not at all.
    samples
        Excerpt length, fixed in the graph.
    half_weights
        Part of `module`, as in its state dict's keys, whose weight matrices and filters are kept as
        float16 in the file. Runtimes compute in float32 all the same.
    """
    model = to_onnx(module.eval(), torch.zeros(2, samples), input_name="audio", opset=OPSET)
    _forget_origin(model)
    if half_weights is not None:
        _halve_weights(model.graph, f"{half_weights}.")
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def to_onnx(
    module: nn.Module, example: Tensor, *, input_name: str, opset: int | None = None
) -> onnx.ModelProto:
    """A module as an ONNX model with one input, one output ``scores`` and a free batch.

    Parameters
    ----------
    module
        In the mode, training or evaluation, that is wanted.
    example
        An input of two.
    input_name
        What the input is called.
    opset
        Version of ONNX's operators; the exporter's choice by default.
    """
    # The exporter reports on optional packages it looked for; none of it concerns the graph.
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                opset_version=opset,
                input_names=[input_name],
                output_names=["scores"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    finally:
        noisy.setLevel(level)
    if program is None:
        raise RuntimeError("the exporter returned no program")
    model: onnx.ModelProto = program.model_proto
    return model


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes, which hold the paths of this machine's source files."""
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del value.metadata_props[:]
        value.doc_string = ""


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
