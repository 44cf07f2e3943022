"""Bundle members as ONNX Runtime sessions: windows of audio in, scores out."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from moodtheme.errors import BundleError
from moodtheme.scores.fusion import fuse
from moodtheme.tagging.bundle import Bundle, Member, read_graph

FloatArray = npt.NDArray[np.float32]


class MemberSession:
    """One member's graph, ready to score windows.

    Thread-safe: several threads may call `score_windows` at once; each call runs on `threads`
    threads of its own.

    Parameters
    ----------
    folder, member
        The bundle's folder and the member in it.
    n_tags
        Number of tags the bundle declares.
    threads
        Threads of one call.

    Raises
    ------
    BundleError
        If the file does not fit its hash, is no ONNX graph, or does not take and return the shapes
        the manifest promises.
    """

    def __init__(self, folder: Path, member: Member, *, n_tags: int, threads: int = 1) -> None:
        self.member = member
        self._n_tags = n_tags
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # what matters is raised; warnings would reach users' stderr
        content = read_graph(folder, member)
        try:
            self._session = ort.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        # ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:
            raise self._refuse(f"ONNX Runtime cannot load it ({error})") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 2:
            raise self._refuse("it must have one input, float32 (batch, samples)")
        if len(outputs) != 1 or outputs[0].type != "tensor(float)":
            raise self._refuse("it must have one output, float32 scores")
        if isinstance(inputs[0].shape[1], int) and inputs[0].shape[1] != member.samples:
            raise self._refuse(f"it takes {inputs[0].shape[1]} samples, not {member.samples}")
        self._input = inputs[0].name
        self._check_output(outputs[0].shape)

    def score_windows(self, windows: FloatArray) -> FloatArray:
        """Scores of each window and system.

        Parameters
        ----------
        windows
            Float32 mono audio at the member's rate, shape (windows, samples).

        Returns
        -------
        ndarray, shape (windows, systems, tags), float32 in [0, 1]
        """
        try:
            (scores,) = self._session.run(None, {self._input: windows})
        except Exception as error:
            raise self._refuse(f"ONNX Runtime cannot run it ({error})") from error
        self._check_output(list(scores.shape))
        shaped: FloatArray = scores.reshape(len(windows), len(self.member.systems), self._n_tags)
        if not np.isfinite(shaped).all():
            raise self._refuse("it returned scores that are not finite")
        return shaped

    def _check_output(self, shape: list[int | str | None]) -> None:
        n_systems = len(self.member.systems)
        wanted: tuple[int, ...] = (n_systems, self._n_tags) if len(shape) == 3 else (self._n_tags,)
        fits = len(shape) in (2, 3) and (len(shape) == 3 or n_systems == 1)
        # Named dimensions are unknown until the first call; only numbers can contradict.
        fits = fits and all(
            not isinstance(size, int) or size == want
            for size, want in zip(shape[1:], wanted, strict=False)
        )
        if not fits:
            raise self._refuse(
                f"it returns scores of shape {tuple(shape)}, the bundle promises "
                f"{n_systems} systems and {self._n_tags} tags"
            )

    def _refuse(self, reason: str) -> BundleError:
        return BundleError(f"graph {self.member.file}: {reason}; get or export the model again")


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
