"""Where pretrained weights made by others come from: fetched and verified, never shipped."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from moodtheme.errors import DownloadError, HashMismatchError, UsageError
from moodtheme.fetched.cache import cache_dir

_SHA256_DIGITS = 64


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """A file of weights, its address, its hash and its terms.

    Attributes
    ----------
    sha256
        The digest, or, where its publisher states no more, how it begins; empty where the
        publisher states an MD5 alone.
    md5
        The MD5 where there is no SHA-256: enough against damage, not against a forger.
    """

    file: str
    url: str
    sha256: str = ""
    md5: str = ""
    licence: str
    origin: str

    def __post_init__(self) -> None:
        """Refuse a file that nothing could verify."""
        if not (self.sha256 or self.md5):
            raise ValueError(f"{self.file} has no hash")

    def mismatch(self, path: Path) -> str | None:
        """Tell what keeps a file from being this one; None if nothing does."""
        wanted, algorithm = self.sha256 or self.md5, "sha256" if self.sha256 else "md5"
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, algorithm).hexdigest()
        if actual.startswith(wanted):
            return None
        relation = "not" if len(wanted) == len(actual) else "which should begin with"
        return f"{'SHA-256' if self.sha256 else 'MD5'} {actual}, {relation} {wanted}"


MEDIAEVAL_BASELINE = WeightFile(
    file="mtg-baseline.pth",
    url=(
        "https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/"
        "1b4fa8c32e076c73b5175c1703ae805b4109309d/scripts/baseline/models/best_model.pth"
    ),
    sha256="c1d6bee6bc25d78b28cea52bde68a353b3e674687171a78af020fa039d3cbdbe",
    licence="Apache-2.0 (weights); tag metadata they were trained on: CC BY-NC-SA 4.0",
    origin="MediaEval 2019 baseline, MTG-Jamendo repository, Music Technology Group, UPF",
)


VGGISH = WeightFile(
    file="vggish-10086976.pth",
    url="https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth",
    sha256="10086976",
    licence="Apache-2.0",
    origin="VGGish trained on AudioSet, Hershey et al. 2017, ported to PyTorch by torchvggish",
)


VGG16_KERAS = WeightFile(
    file="vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    url=(
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    ),
    md5="64373286793e3c8b2b4e3219cbf3544b",
    licence="CC BY 4.0",
    origin="VGG16 trained on ImageNet, Simonyan and Zisserman 2015, ported to Keras",
)


VGG16_TORCHVISION = WeightFile(
    file="vgg16-397923af.pth",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    licence="BSD-3-Clause",
    origin="VGG16 trained on ImageNet by torchvision",
)


def fetch_weights(
    weights: WeightFile,
    *,
    from_file: Path | None = None,
    offline: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> Path:
    """Path of a weight file in the cache, verified; fetched or copied in if it is not there.

    Parameters
    ----------
    weights
        The file wanted.
    from_file
        A local copy to use instead of the network.
    offline
        Never touch the network.
    progress
        Called with bytes done and bytes in all while downloading.

    Raises
    ------
    HashMismatchError
        If `from_file` is another file.
    DownloadError
        If the file is not here and `offline`, or cannot be fetched.
    UsageError
        If `from_file` does not exist.
    """
    from moodtheme.fetched.downloads import fetch

    target = cache_dir() / "weights" / weights.file
    if from_file is not None:
        if not from_file.is_file():
            raise UsageError(f"{from_file} is not a file; give --from the downloaded weights")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        shutil.copyfile(from_file, partial)
        if mismatch := weights.mismatch(partial):
            partial.unlink()
            raise HashMismatchError(
                f"{from_file} has {mismatch}; it is not the published file: download {weights.url}"
            )
        partial.replace(target)
        return target
    if target.is_file() and weights.mismatch(target) is None:
        return target
    if offline:
        raise DownloadError(
            f"{weights.file} is not in {target.parent} and the network is off; download "
            f"{weights.url} elsewhere and pass it with --from, or leave --offline out"
        )
    if len(weights.sha256) == _SHA256_DIGITS:
        return fetch([weights.url], target, sha256=weights.sha256, progress=progress)
    arrived = target.with_name(target.name + ".unverified")
    arrived.unlink(missing_ok=True)
    fetch([weights.url], arrived, sha256=None, progress=progress)
    if mismatch := weights.mismatch(arrived):
        arrived.unlink()
        raise HashMismatchError(
            f"{weights.url} gave a file with {mismatch}; try again, and report it if it stays so"
        )
    return arrived.replace(target)
