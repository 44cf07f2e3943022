"""From a PyTorch module to an ONNX graph a bundle can hold."""

import logging
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

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


def export_graph(module: nn.Module, path: Path, *, samples: int) -> None:
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
    """
    example = torch.zeros(2, samples)
    module = module.eval()
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
                opset_version=OPSET,
                input_names=["audio"],
                output_names=["scores"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    finally:
        noisy.setLevel(level)
    if program is None:
        raise RuntimeError("the exporter returned no program")
    model = program.model_proto
    _forget_origin(model)
    partial = path.with_suffix(".partial")
    partial.write_bytes(model.SerializeToString())
    partial.replace(path)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes, which hold the paths of this machine's source files."""
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del value.metadata_props[:]
        value.doc_string = ""
