"""Networks as ONNX models."""

import logging
import warnings
from collections.abc import Sequence

import onnx
import torch
from torch import Tensor, nn

SCORES = "scores"
"""What a graph's output is called."""


def to_onnx(
    module: nn.Module,
    example: Tensor,
    *,
    input_name: str,
    output_names: Sequence[str] = (SCORES,),
    opset: int | None = None,
) -> onnx.ModelProto:
    """A module as an ONNX model with one input, named outputs and a free batch.

    Parameters
    ----------
    module
        In the mode, training or evaluation, that is wanted.
    example
        An input of two.
    input_name
        What the input is called.
    output_names
        What the outputs are called.
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
                output_names=list(output_names),
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    finally:
        noisy.setLevel(level)
    if program is None:
        raise RuntimeError("the exporter returned no program")
    model: onnx.ModelProto = program.model_proto
    return model
