"""What stages are called, and which there are for a set of recipes."""

from collections.abc import Mapping

from moodtheme.errors import ReproductionError
from moodtheme.recipes import ExtractedView, Recipe
from moodtheme.records import Records

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
    views = [recipe.view.sound for recipe in recipes.values()]
    return tuple(dict.fromkeys(view.sample_rate for view in views if view))


def feature_stages(recipes: Mapping[str, Recipe]) -> dict[ExtractedView, str]:
    """Views of the systems that hear features, each once, with what their extraction is called."""
    stages: dict[ExtractedView, str] = {}
    for recipe in recipes.values():
        view = recipe.view.extracted
        if view is None or view in stages:
            continue
        name = f"extract {view.extractor} features of {view.window_s:g} s"
        alike = sum(other.startswith(name) for other in stages.values())
        stages[view] = f"{name}, {alike + 1}" if alike else name
    return stages


def swept(recipes: Mapping[str, Recipe]) -> tuple[str, ...]:
    """Systems that a sweep is for: the CRNNs, for which the paper names what it tried."""
    return tuple(system for system in recipes if system.startswith("crnn-"))
