"""Where graphs run: on the processor, or through ONNX Runtime's CUDA provider on a GPU.

The package that people install computes on processors. NVIDIA's provider comes with another build
of ONNX Runtime, ``onnxruntime-gpu``, which is put in its place; nothing else depends on it.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from moodtheme.errors import DeviceError

if TYPE_CHECKING:
    import onnxruntime as ort

CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
# On tensor cores products would keep ten bits of mantissa, and scores three digits.
_CUDA_OPTIONS = {"use_tf32": "0"}
_GET = (
    "put ONNX Runtime's other build in its place with `pip uninstall onnxruntime` and "
    "`pip install onnxruntime-gpu`, see to NVIDIA's driver, CUDA and cuDNN, or use --device cpu"
)


class TaggingDevice(StrEnum):
    """Where graphs run.

    ``AUTO`` is a GPU where ONNX Runtime has its CUDA provider and that finds one, otherwise the
    processor.
    """

    CPU = "cpu"
    CUDA = "cuda"
    AUTO = "auto"


def providers_for(device: TaggingDevice) -> list[Any]:
    """ONNX Runtime's providers to open a session with, the wanted one first.

    Raises
    ------
    DeviceError
        If CUDA is asked for and this ONNX Runtime has no provider of it.
    """
    import onnxruntime as ort  # late, so that the command line can name devices at once

    has_cuda = CUDA in ort.get_available_providers()
    if device is TaggingDevice.CUDA and not has_cuda:
        raise DeviceError(f"ONNX Runtime {ort.__version__} here knows no CUDA; {_GET}")
    if device is TaggingDevice.CPU or not has_cuda:
        return [_CPU]
    return [(CUDA, _CUDA_OPTIONS), _CPU]


def device_of(session: "ort.InferenceSession", wanted: TaggingDevice) -> TaggingDevice:
    """Where a session runs in truth: ONNX Runtime falls back to the processor without a word.

    Raises
    ------
    DeviceError
        If CUDA is asked for and it is not there.
    """
    if session.get_providers()[0] == CUDA:
        return TaggingDevice.CUDA
    if wanted is TaggingDevice.CUDA:
        raise DeviceError(f"ONNX Runtime's CUDA provider finds no GPU it can use; {_GET}")
    return TaggingDevice.CPU
