"""Where MTG-Jamendo's lists come from: its repository at a fixed commit, or a folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from moodtheme.errors import DatasetError, DownloadError
from moodtheme.fetched.cache import cache_dir
from moodtheme.fetched.downloads import fetch

COMMIT = "1b4fa8c32e076c73b5175c1703ae805b4109309d"
REPOSITORY_DATA = f"https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/{COMMIT}/data"

# Of the official files at that commit. The other lists are vouched for by the commit in their
# address and by the encrypted connection.
SHA256: Mapping[str, str] = MappingProxyType(
    {
        "splits/split-0/autotagging_moodtheme-train.tsv": (
            "e5e9e798364b34bd241b773e5011809b24429edf471f27cf21dd8181077ba2d4"
        ),
        "splits/split-0/autotagging_moodtheme-validation.tsv": (
            "ecaa279367153476884d84d686479e566234cef1814bd6892a8755ba0a550dbf"
        ),
        "splits/split-0/autotagging_moodtheme-test.tsv": (
            "4341b5586bb3e5a80a882ce9ef33cb8b1bdaa7df856246ecc5de188dfe1cf394"
        ),
        "download/autotagging_moodtheme_audio_sha256_tars.txt": (
            "cab7bd1b599a000a296f4aab03fa0ce37422a18fa2820338ec39c7fb47eca8b0"
        ),
        "download/autotagging_moodtheme_audio-low_sha256_tars.txt": (
            "4d88ed2e461bd58de90b50632075d110ef8fab72fc8e83c90c2ffc21f0c12cb1"
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """
    The lists of the dataset.

    Parameters
    ----------
    folder
        Take them from here: the repository's ``data`` folder, the whole repository, or a folder
        with ``split-0`` to ``split-4`` and the other files beside them. They are read as they
        are. None: fetch them once and keep them in `moodtheme.fetched.cache.cache_dir`.
    base_url
        The address of the repository's ``data`` folder.
    sha256
        Known SHA-256 of the fetched files, by name.
    """

    folder: Path | None = None
    base_url: str = REPOSITORY_DATA
    sha256: Mapping[str, str] = field(default_factory=lambda: SHA256)

    def file(self, name: str) -> Path:
        """Return a list's place on this machine; ``name`` is relative to ``data``."""
        if self.folder is None:
            return self._fetched(name)
        without_kind = PurePosixPath(*PurePosixPath(name).parts[1:])
        for candidate in (self.folder / "data" / name, self.folder / name):
            if candidate.is_file():
                return candidate
        if (self.folder / without_kind).is_file():
            return self.folder / without_kind
        raise DatasetError(
            f"{self.folder}: holds neither {name} nor {without_kind}; give the folder «data» of a "
            "copy of the MTG-Jamendo repository, or leave --metadata out to have it fetched"
        )

    def _fetched(self, name: str) -> Path:
        target = cache_dir() / "mtg-jamendo" / COMMIT / name
        try:
            return fetch([f"{self.base_url}/{name}"], target, sha256=self.sha256.get(name))
        except DownloadError as error:
            raise DownloadError(
                f"{error}; without a connection, give a copy of the repository's folder «data» "
                "with --metadata"
            ) from error
