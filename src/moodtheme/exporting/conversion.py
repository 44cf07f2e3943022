"""Bringing a published model here: fetched, verified, converted to a bundle."""

import tempfile
from importlib.util import find_spec
from pathlib import Path

from moodtheme import __version__
from moodtheme.audio import ExcerptPolicy
from moodtheme.errors import BundleError, MissingExtraError, ModelNotFoundError
from moodtheme.fetched.weights import MEDIAEVAL_BASELINE
from moodtheme.files import sha256_of
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS
from moodtheme.tagging.bundle import FORMAT_VERSION, Bundle, Fusion, Measurement, Member
from moodtheme.tagging.bundle_files import read_graph, read_manifest, write_bundle
from moodtheme.tagging.models import FETCHABLE, known_models, models_folder
from moodtheme.work import Progress, no_progress

# "Official results" of the MediaEval 2019 baseline on split 0's test tracks.
_QUALITY = (("roc_auc_macro", 0.725821), ("pr_auc_macro", 0.107734))


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
    folder = models_folder() / name
    convert_mediaeval_baseline(weights, folder)
    return folder


def convert_mediaeval_baseline(checkpoint: Path, folder: Path) -> None:
    """Write the MediaEval baseline as a bundle.

    Parameters
    ----------
    checkpoint
        The organisers' state dict, already verified by its hash.
    folder
        The bundle's folder.

    Raises
    ------
    BundleError
        If the checkpoint's shapes are not the baseline's.
    """
    import torch

    from moodtheme.exporting.conformance import write_conformance
    from moodtheme.exporting.graph import Scores, export_graph
    from moodtheme.models import mediaeval_baseline

    model = mediaeval_baseline.Baseline()
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    try:
        model.network.load_state_dict(state)
    except RuntimeError as error:
        raise BundleError(
            f"{checkpoint} does not hold the baseline's layers ({error}); download it again"
        ) from error
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / "mtg-baseline.onnx"
        export_graph(Scores(model), graph, samples=mediaeval_baseline.EXCERPT_SAMPLES)
        bundle = Bundle(
            format_version=FORMAT_VERSION,
            name="mtg-baseline",
            description="The VGG-ish baseline of MediaEval 2019: 56 moods and themes",
            tags=MOOD_THEME_TAGS,
            members=(
                Member(
                    file=graph.name,
                    sha256=sha256_of(graph),
                    systems=("mtg-baseline",),
                    sample_rate=mediaeval_baseline.SAMPLE_RATE,
                    samples=mediaeval_baseline.EXCERPT_SAMPLES,
                    policy=ExcerptPolicy.CENTRE,
                ),
            ),
            fusion=Fusion(),
            licence=MEDIAEVAL_BASELINE.licence,
            origin=MEDIAEVAL_BASELINE.origin,
            training_data="MTG-Jamendo mood/theme split 0, training tracks",
            quality=tuple(
                Measurement(measure=measure, value=value, data="MTG-Jamendo split 0, test")
                for measure, value in _QUALITY
            ),
            provenance={
                "checkpoint": MEDIAEVAL_BASELINE.source.where,
                "checkpoint_sha256": MEDIAEVAL_BASELINE.sha256,
                "converted_by": f"moodtheme {__version__}, torch {torch.__version__}",
            },
        )
        write_bundle(folder, bundle, [graph])
    write_conformance(folder)
