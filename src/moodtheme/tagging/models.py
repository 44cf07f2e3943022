"""Which models there are, and where their bundles lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path

from moodtheme.errors import BundleError, ModelNotFoundError
from moodtheme.fetched import cache_dir
from moodtheme.fetched.weights import MEDIAEVAL_BASELINE, PublishedWeights
from moodtheme.tagging.bundle import MANIFEST, Bundle
from moodtheme.tagging.bundle_files import read_manifest, recover

DEFAULT_MODEL = "moodtheme-small"

FETCHABLE: dict[str, PublishedWeights] = {"mtg-baseline": MEDIAEVAL_BASELINE}
"""Published models by name, which `models get` fetches and makes a bundle of."""


class ModelState(StrEnum):
    """Where a model is."""

    EMBEDDED = "embedded"
    INSTALLED = "installed"
    AVAILABLE = "available"


@dataclass(frozen=True)
class KnownModel:
    """A model `moodtheme models` knows by name.

    Attributes
    ----------
    folder
        Its bundle; None while it is only available.
    """

    name: str
    state: ModelState
    folder: Path | None
    licence: str
    origin: str


def embedded_folder() -> Path:
    """Folder of the bundles that come with the package."""
    return Path(str(resources.files("moodtheme"))) / "bundles"


def models_folder() -> Path:
    """Folder of the bundles that were fetched or exported under a name."""
    return cache_dir() / "models"


def known_models() -> Iterator[KnownModel]:
    """All models: embedded, installed in the cache, and those `models get` can bring."""
    seen = set()
    places = ((ModelState.EMBEDDED, embedded_folder()), (ModelState.INSTALLED, models_folder()))
    for state, place in places:
        for manifest in sorted(place.glob(f"*/{MANIFEST}")):
            folder = manifest.parent
            if folder.name in seen or folder.name.startswith("."):
                continue
            seen.add(folder.name)
            try:
                bundle = read_manifest(folder)
                licence, origin = bundle.licence, bundle.origin
            except BundleError as error:
                licence, origin = "unknown", f"damaged: {error}"
            yield KnownModel(folder.name, state, folder, licence, origin)
    for name, weights in FETCHABLE.items():
        if name not in seen:
            yield KnownModel(name, ModelState.AVAILABLE, None, weights.licence, weights.origin)


def find_model(name_or_path: str | Path) -> Path:
    """Folder of a bundle given by name or by path.

    A name goes before a folder of the same name in the working directory; write ``./NAME`` for
    the folder.

    Raises
    ------
    ModelNotFoundError
        If there is no such model or folder, or the model must be fetched first.
    """
    models = {model.name: model for model in known_models()}
    if model := models.get(str(name_or_path)):
        if model.folder is None:
            raise ModelNotFoundError(
                f"the model {model.name} is not here yet; "
                f"fetch it once with: moodtheme models get {model.name}"
            )
        return model.folder
    folder = Path(name_or_path)
    recover(folder)
    if folder.is_dir():
        return folder
    raise ModelNotFoundError(
        f"no model or bundle folder is called {str(name_or_path)!r}; known models: "
        f"{', '.join(models)} (see: moodtheme models list)"
    )


def verify_model(folder: Path) -> Bundle:
    """Read a bundle, check every file's hash, load every graph and run the conformance cases.

    Raises
    ------
    BundleError
        With what does not fit.
    """
    from moodtheme.tagging.conformance import check_conformance
    from moodtheme.tagging.session import MemberSession
    from moodtheme.tagging.trial import require_bounded

    bundle = read_manifest(folder)
    require_bounded(folder, bundle)
    sessions = [MemberSession(folder, bundle, member) for member in bundle.members]
    check_conformance(folder, bundle, sessions)
    return bundle


def bundle_bytes(folder: Path) -> int:
    """Size of a bundle's files in bytes."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
