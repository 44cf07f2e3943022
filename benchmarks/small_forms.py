"""Smaller forms of a bundle's graph: how fast each is and how alike it ranks pieces.

    python benchmarks/small_forms.py MUSIC... [--model NAME|DIR] [--windows N] [--rounds N]

Forms of ONNX Runtime: the graph as it is, all of it in half precision, and its products and
convolutions in 8-bit integers, with ranges of activations taken as it runs (dynamic: matrix
products alone, for which it has fast kernels; and convolutions as well) or from windows of other
pieces beforehand (static: the network's convolutions; front end and readings stay as they are). One
thread; forms take turns, and the least processor time of some rounds counts. Fidelity: Spearman of
a tag's scores over the windows with those of the graph as it is, the median over tags and the
least, and the greatest difference in valence or arousal.
"""

import argparse
import logging
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from moodtheme.audio import find_audio_files, read_audio
from moodtheme.distillation.quality import spearman_per_tag
from moodtheme.errors import AudioError
from moodtheme.tagging.bundle import Member
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.models import find_model

CALIBRATION = 8  # windows


class Windows(CalibrationDataReader):
    """Windows one after another, as ONNX Runtime asks for them."""

    def __init__(self, name: str, windows: np.ndarray) -> None:
        self._left = iter([{name: window[None]} for window in windows])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next window, None after the last."""
        return next(self._left, None)


def some_windows(paths: list[Path], member: Member, wanted: int) -> np.ndarray:
    """A window from the middle of each of some files spread over the list."""
    files, _ = find_audio_files(paths)
    windows = []
    for file in files[:: max(1, len(files) // (wanted + CALIBRATION))]:
        try:
            audio = read_audio(file, sample_rate=member.sample_rate, duration_s=60.0).samples
        except AudioError:
            continue
        start = max(0, (len(audio) - member.samples) // 2)
        windows.append(np.resize(audio[start : start + member.samples], member.samples))
    return np.stack(windows)


def float32_stored(graph: Path, folder: Path) -> Path:
    """The graph with weights kept as float32, which the quantisers want."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "plain.onnx")
    onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    return folder / "plain.onnx"


def forms(graph: Path, windows: np.ndarray, folder: Path) -> dict[str, Path]:
    """Files of all forms that could be made."""
    made = {"as it is": graph}
    plain = float32_stored(graph, folder)
    name = onnx.load(plain).graph.input[0].name

    def attempt(title: str, file: str, make: object) -> None:
        try:
            make(folder / file)  # type: ignore[operator]
            onnxruntime.InferenceSession(str(folder / file), providers=["CPUExecutionProvider"])
            made[title] = folder / file
        except Exception as error:  # whatever the converters raise
            print(f"{title}: cannot be made ({str(error).splitlines()[0][:120]})")

    def half(to: Path) -> None:
        from onnxruntime.transformers.float16 import convert_float_to_float16

        onnx.save(convert_float_to_float16(onnx.load(plain), keep_io_types=True), to)

    def static(to: Path) -> None:
        network = [
            node.name for node in onnx.load(plain).graph.node if node.op_type == "Conv"
        ]  # fmt: skip
        quantize_static(
            str(plain), str(to), Windows(name, windows), quant_format=QuantFormat.QDQ,
            per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            nodes_to_quantize=network,
        )  # fmt: skip

    attempt("half precision", "half.onnx", half)
    attempt(
        "int8 dynamic, products", "products.onnx",
        lambda to: quantize_dynamic(str(plain), str(to), op_types_to_quantize=["MatMul", "Gemm"]),
    )  # fmt: skip
    attempt(
        "int8 dynamic, convolutions too", "dynamic.onnx",
        lambda to: quantize_dynamic(str(plain), str(to), weight_type=QuantType.QUInt8),
    )  # fmt: skip
    attempt("int8 static, convolutions", "static.onnx", static)
    return made


def main() -> None:
    """Print a line a form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("music", nargs="+", type=Path)
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # of the quantisers, about steps that were left out on purpose
    folder = find_model(arguments.model)
    member = read_manifest(folder).members[0]
    every = some_windows(arguments.music, member, arguments.windows)
    heard, rest = every[CALIBRATION:], every[:CALIBRATION]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as scratch:
        files = forms(folder / member.file, rest, Path(scratch))
        sessions = {
            title: onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
            for title, file in files.items()
        }
        said: dict[str, list[list[np.ndarray]]] = {title: [] for title in sessions}
        times = {title: np.full(len(heard), np.inf) for title in sessions}
        for number, window in enumerate(heard):
            for turn in range(arguments.rounds):
                for title, session in sessions.items():
                    started = time.process_time()
                    outputs = session.run(
                        ["scores", "dimensions"], {session.get_inputs()[0].name: window[None]}
                    )
                    spent = time.process_time() - started
                    times[title][number] = min(times[title][number], spent)
                    if turn == 0:
                        said[title].append([output[0] for output in outputs])
        first = next(iter(sessions))
        plain = np.stack([row[0] for row in said[first]])
        dims = np.stack([row[1] for row in said[first]])
        print(f"{len(heard)} windows of {member.samples / member.sample_rate:.1f} s")
        for title, file in files.items():
            rho = spearman_per_tag(plain, np.stack([row[0] for row in said[title]]))
            off = np.abs(np.stack([row[1] for row in said[title]]) - dims).max()
            ms = 1000 * np.median(times[title])
            share = np.median(times[title] / times[first])
            print(
                f"{title:32} {file.stat().st_size / 1e6:5.1f} MB  {ms:6.1f} ms  {share:.2f} of the "
                f"time  Spearman {np.nanmedian(rho):.4f} ({np.nanmin(rho):.3f})  off by {off:.3f}"
            )


if __name__ == "__main__":
    main()
