"""Bringing a published model here: fetched, verified, converted to a bundle."""

from importlib.util import find_spec
from pathlib import Path

from moodtheme.errors import BundleError, MissingExtraError, ModelNotFoundError
from moodtheme.tagging.bundle_files import read_graph, read_manifest
from moodtheme.tagging.models import FETCHABLE, known_models, models_folder
from moodtheme.work import Progress, no_progress


def get_model(
    name: str,
    *,
    from_file: Path | None = None,
    offline: bool = False,
    progress: Progress = no_progress,
) -> Path:
    """Bring a model here: fetch its weights, verify them, convert them to a bundle in the cache.

    Does nothing for a model that is here and intact, unless `from_file` is given.

    Returns
    -------
    Path
        The bundle's folder.

    Raises
    ------
    ModelNotFoundError
        If no model of that name can be fetched.
    MissingExtraError
        If the conversion's packages are not installed; the weights are fetched all the same.
    DownloadError, HashMismatchError
        See `moodtheme.fetched.weights.PublishedWeights.fetch`.
    """
    models = {model.name: model for model in known_models()}
    model = models.get(name)
    if model is None:
        raise ModelNotFoundError(f"no model is called {name!r}; known models: {', '.join(models)}")
    if model.folder is not None and from_file is None:
        try:
            for member in read_manifest(model.folder).members:
                read_graph(model.folder, member)
            return model.folder
        except BundleError:
            if name not in FETCHABLE:
                raise
    if name not in FETCHABLE:
        raise ModelNotFoundError(
            f"{name} is not a model that is fetched; --from goes with: {', '.join(FETCHABLE)}"
        )
    weights = FETCHABLE[name].fetch(from_file=from_file, offline=offline, progress=progress)
    if find_spec("torch") is None or find_spec("onnxscript") is None:
        raise MissingExtraError(f"{name} was fetched and verified; converting it to a bundle")
    from moodtheme.exporting.conversion import convert_mediaeval_baseline

    folder = models_folder() / name
    convert_mediaeval_baseline(weights, folder)
    return folder
