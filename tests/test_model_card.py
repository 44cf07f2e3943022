"""Every bundle has a model card in the form that model hubs read."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from moodtheme.tagging.bundle import Bundle, Dimension, Measurement
from moodtheme.tagging.bundle_files import read_manifest, write_bundle
from moodtheme.tagging.model_card import CARD, model_card
from moodtheme.tagging.models import find_model

yaml = pytest.importorskip("yaml")  # mkdocs brings it


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_manifest(find_model("moodtheme-small"))


def front_matter(card: str) -> dict[str, Any]:
    opening, fields, prose = card.split("---\n", 2)
    assert opening == "" and prose.startswith("\n# ")
    found = yaml.safe_load(fields)
    assert isinstance(found, dict)
    return found


def test_the_fields_that_hubs_read(bundle: Bundle) -> None:
    figures = (
        Measurement(measure="roc_auc_macro", value=0.71234, data='a "set": 3 parts',
                    interval=(0.69, 0.73)),
        Measurement(measure="ccc_valence", value=0.5, data="another"),
    )  # fmt: skip
    said = msgspec.structs.replace(bundle, licence="CC-BY-NC-4.0", quality=figures)
    fields = front_matter(model_card(said))
    assert (fields["license"], fields["library_name"]) == ("cc-by-nc-4.0", "moodtheme")
    assert fields["pipeline_tag"] == "audio-classification" and "music" in fields["tags"]
    (model,) = fields["model-index"]
    assert model["name"] == bundle.name
    first, second = model["results"]
    assert first["dataset"]["name"] == 'a "set": 3 parts'
    assert first["metrics"] == [
        {"type": "roc_auc_macro", "value": 0.71234,
         "name": "roc_auc_macro 0.7123 (95 % interval 0.6900 to 0.7300)"},
    ]  # fmt: skip
    assert second["metrics"][0]["name"] == "ccc_valence 0.5000"


def test_what_is_not_stated_is_said_so(bundle: Bundle) -> None:
    said = msgspec.structs.replace(bundle, licence="as the music", quality=())
    card = model_card(said)
    fields = front_matter(card)
    assert (fields["license"], fields["license_name"]) == ("other", "as the music")
    assert fields["model-index"][0]["results"] in (None, [])
    assert "No figure was measured." in card and bundle.training_data in card


def test_a_bundle_is_written_with_its_card(bundle: Bundle, tmp_path: Path) -> None:
    folder = find_model("moodtheme-small")
    graphs = [folder / member.file for member in bundle.members]
    valence = msgspec.structs.replace(
        bundle, dimensions=tuple(Dimension(name=d.name, lowest=0.0, highest=9.0)
                                 for d in bundle.dimensions),
    )  # fmt: skip
    write_bundle(tmp_path / "model", valence, graphs)
    card = (tmp_path / "model" / CARD).read_text("utf-8")
    assert card == model_card(read_manifest(tmp_path / "model"))
    assert "valence (0 to 9)" in card and read_manifest(tmp_path / "model").digest in card
