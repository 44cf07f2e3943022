"""What stages are called, and which there are for a set of recipes."""

from collections.abc import Mapping

from moodtheme.errors import ReproductionError
from moodtheme.files import Records
from moodtheme.recipes import BaselineView, CrnnView, DeepSpectrumView, OpenSmileView, Recipe

RECORDS = Records(
    error=ReproductionError,
    missing="name the folder of a finished `moodtheme reproduce`",
    again="delete it and run the reproduction again",
)

TRY = "try the test tracks"
FUSE = "fuse"
EVALUATE = "evaluate"
EXAMPLES = "example tracks"
REPORT = "report"


def slug(stage: str) -> str:
    """A stage's name as the name of a file."""
    return stage.replace(",", "").replace(" ", "-")


def decode(sample_rate: int) -> str:
    """Decoding of training and validation audio."""
    return f"decode at {sample_rate} Hz"


def train(system: str) -> str:
    """Training of a system."""
    return f"train {system}"


def predict(system: str) -> str:
    """Scores of a system on validation and test."""
    return f"predict {system}"


def export(name: str) -> str:
    """Export of a system or a fusion."""
    return f"export {name}"


def audio_rates(recipes: Mapping[str, Recipe]) -> tuple[int, ...]:
    """Rates in Hz of the systems that hear audio, each once."""
    views = [recipe.view for recipe in recipes.values()]
    return tuple(
        dict.fromkeys(v.sample_rate for v in views if isinstance(v, CrnnView | BaselineView))
    )


def feature_stages(
    recipes: Mapping[str, Recipe],
) -> dict[DeepSpectrumView | OpenSmileView, str]:
    """Views of the systems that hear features, each once, with what their extraction is called."""
    stages: dict[DeepSpectrumView | OpenSmileView, str] = {}
    for recipe in recipes.values():
        view = recipe.view
        if not isinstance(view, DeepSpectrumView | OpenSmileView) or view in stages:
            continue
        kind = view.image_network if isinstance(view, DeepSpectrumView) else view.feature_set.value
        name = f"extract {kind} features of {view.window_s:g} s"
        alike = sum(other.startswith(name) for other in stages.values())
        stages[view] = f"{name}, {alike + 1}" if alike else name
    return stages


def swept(recipes: Mapping[str, Recipe]) -> tuple[str, ...]:
    """Systems that a sweep is for: the CRNNs, for which the paper names what it tried."""
    return tuple(s for s, recipe in recipes.items() if isinstance(recipe.view, CrnnView))
