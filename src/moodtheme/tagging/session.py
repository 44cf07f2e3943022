"""Bundle members as ONNX Runtime sessions: windows of audio in, named outputs out."""

import ctypes
import os
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from moodtheme.arrays import FloatArray
from moodtheme.errors import BundleError
from moodtheme.scores.fusion import fuse
from moodtheme.tagging.bundle import Bundle, Member, Output
from moodtheme.tagging.bundle_files import read_graph
from moodtheme.tagging.device import TaggingDevice, device_of, providers_for
from moodtheme.tagging.graph_check import objection

_ROUNDING = 1e-6  # by which a mean of float32 scores may miss [0, 1]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a member says about windows.

    Attributes
    ----------
    scores
        Float32 in [0, 1], shape (windows, systems, tags).
    dimensions
        Float32 in the bundle's ranges, shape (windows, dimensions); None where the member has none.
    embedding
        Float32, shape (windows, size); None where the member has none.
    """

    scores: FloatArray
    dimensions: FloatArray | None = None
    embedding: FloatArray | None = None


class MemberSession:
    """One member's graph, ready to hear windows.

    Thread-safe: several threads may call `hear` at once; each call runs on `threads` threads of its
    own. A forked process opens the graph again from the folder where it cannot go on with its
    parent's: a fork takes no threads along.

    Parameters
    ----------
    folder, bundle, member
        The bundle's folder, its manifest and the member in it.
    threads
        Threads of one call.
    device
        Where the graph runs; `device` says where it does.

    Raises
    ------
    DeviceError
        If that cannot be had.
    BundleError
        If the file does not fit its hash, is no ONNX graph, holds what `graph_check` refuses, or
        does not take and return the shapes the manifest promises.
    """

    def __init__(
        self,
        folder: Path,
        bundle: Bundle,
        member: Member,
        *,
        threads: int = 1,
        device: TaggingDevice = TaggingDevice.CPU,
    ) -> None:
        self.member = member
        self._providers = providers_for(device)
        self._outputs: dict[str, tuple[int, ...]] = {
            output: _shape(bundle, member, output) for output in member.outputs
        }
        self._ranges = np.array([(d.lowest, d.highest) for d in bundle.dimensions]).reshape(-1, 2)
        self._folder, self._threads = folder.absolute(), threads
        self._turn = threading.Lock()
        self._hearing: set[int] = set()  # threads that are at it
        self._session: ort.InferenceSession | None
        self._session = session = self._opened()
        self.device = device_of(session, device)
        _alive.add(self)
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 2:
            raise self._refuse("it must have one input, float32 (batch, samples)")
        if isinstance(inputs[0].shape[1], int) and inputs[0].shape[1] != member.samples:
            raise self._refuse(f"it takes {inputs[0].shape[1]} samples, not {member.samples}")
        self._input = inputs[0].name
        found = {output.name: output for output in outputs}
        if bundle.format_version == 1 and len(outputs) == 1:
            found = {Output.SCORES: outputs[0]}  # its name did not count
        self._names = [found[name].name for name in self._outputs if name in found]
        if set(found) != set(self._outputs):
            raise self._refuse(
                f"it returns {', '.join(found)}, the bundle promises {', '.join(self._outputs)}"
            )
        for name, value in found.items():
            if value.type != "tensor(float)":
                raise self._refuse(f"its {name} must be float32")
            self._check_shape(name, value.shape)

    def hear(self, windows: FloatArray) -> Heard:
        """All outputs for each window.

        Parameters
        ----------
        windows
            Float32 mono audio at the member's rate, shape (windows, samples).

        Raises
        ------
        BundleError
            If the graph fails, or returns what the manifest does not promise.
        """
        thread = threading.get_ident()
        self._hearing.add(thread)
        try:
            values = self._ready().run(self._names, {self._input: windows})
        except BundleError:
            raise
        except Exception as error:
            raise self._refuse(f"ONNX Runtime cannot run it ({error})") from error
        finally:
            self._hearing.discard(thread)
        found: dict[str, FloatArray] = {}
        for name, value in zip(self._outputs, values, strict=True):
            if len(value) != len(windows):
                raise self._refuse(f"it returns {len(value)} {name} for {len(windows)} windows")
            self._check_shape(name, value.shape)
            if not np.isfinite(value).all():
                raise self._refuse(f"it returned {name} that are not finite")
            found[name] = value.reshape(len(windows), *self._outputs[name])
        scores = found[Output.SCORES]
        if scores.min() < -_ROUNDING or scores.max() > 1 + _ROUNDING:
            raise self._refuse("it returned scores outside [0, 1]")
        found["scores"] = scores.clip(0, 1)
        if Output.DIMENSIONS in found:
            # A linear output may leave its range a little; the range is what was promised.
            low, high = self._ranges.T.astype(np.float32)
            found["dimensions"] = found["dimensions"].clip(low, high)
        return Heard(**found)

    def _opened(self) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what matters is raised; the rest would reach users' stderr
        content = read_graph(self._folder, self.member)
        if reason := objection(content):
            raise self._refuse(reason)
        try:
            return ort.InferenceSession(content, options, providers=self._providers)
        # ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:
            raise self._refuse(f"ONNX Runtime cannot load it ({error})") from error

    def _ready(self) -> ort.InferenceSession:
        with self._turn:
            if self._session is None:
                self._session = self._opened()
            return self._session

    def _forked(self) -> None:
        """In a forked process, before it does anything else: let go of what does not work there.

        Threads of a session's own are gone, and its locks stay held where a thread of the parent
        was amid a call. A session that has neither goes on, and shares its parent's memory.
        """
        others = self._hearing - {threading.get_ident()}
        self._turn = threading.Lock()
        self._hearing = set()
        if self._session is not None and (self._threads > 1 or others):
            # Never freed: that would wait for threads that are not there.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._session))
            self._session = None

    def _check_shape(self, name: str, shape: Sequence[int | str | None]) -> None:
        wanted = self._outputs[name]
        if name == Output.SCORES and len(shape) == 2 and wanted[0] == 1:
            wanted = wanted[1:]  # a graph of one system may leave its axis out
        # Named dimensions are unknown until the first call; only numbers can contradict.
        fits = len(shape) == 1 + len(wanted) and all(
            not isinstance(size, int) or size == want
            for size, want in zip(shape[1:], wanted, strict=True)
        )
        if not fits:
            raise self._refuse(
                f"it returns {name} of shape {tuple(shape)}, the bundle promises "
                f"{' × '.join(map(str, self._outputs[name]))} a window"
            )

    def _refuse(self, reason: str) -> BundleError:
        return BundleError(f"graph {self.member.file}: {reason}; get or export the model again")


_alive: weakref.WeakSet[MemberSession] = weakref.WeakSet()


def _after_fork() -> None:
    for session in list(_alive):
        session._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _shape(bundle: Bundle, member: Member, output: Output) -> tuple[int, ...]:
    """Shape of an output for one window."""
    match output:
        case Output.SCORES:
            return len(member.systems), len(bundle.tags)
        case Output.DIMENSIONS:
            return (len(bundle.dimensions),)
        case Output.EMBEDDING:
            return (member.embedding_size or 0,)


def fuse_systems(bundle: Bundle, scores: FloatArray) -> FloatArray:
    """One score a tag from the scores of all systems, as the bundle's fusion says.

    Parameters
    ----------
    bundle
        The bundle the systems belong to.
    scores
        Shape (systems, tags), systems in the bundle's order.

    Returns
    -------
    ndarray, shape (tags,), float32
    """
    one_track = list(scores[:, None])
    fused = fuse(one_track, method=bundle.fusion.method, weights=bundle.fusion.weights)
    return np.asarray(fused[0])
