"""Recipes: the paper's numbers, their sources, and setting them from text."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from moodtheme.errors import UsageError
from moodtheme.recipes import (
    RECIPES,
    Cell,
    Recipe,
    Stage,
    departures,
    describe,
    find_recipe,
    from_toml,
    to_toml,
    with_values,
)


@pytest.mark.parametrize("system", RECIPES)
def test_every_value_has_a_source_and_every_source_a_value(system: str) -> None:
    recipe = find_recipe(system)
    assert {setting.name for setting in describe(recipe)} == set(recipe.sources)
    assert all(setting.source for setting in describe(recipe))


def test_crnn_values_are_the_papers() -> None:
    recipe = find_recipe("crnn-gru")
    values = {setting.name: setting.value for setting in describe(recipe)}
    assert values["head.units"] == "256"
    assert values["head.dropout"] == "0.3"
    assert values["view.noise_power"] == "0.2"
    assert (recipe.view.sample_rate, recipe.view.samples) == (16_000, 320_000)
    assert recipe.stages == (Stage(20, 1e-3, True), Stage(80, 1e-4, False))
    assert [find_recipe(f"crnn-{cell}").head.cell for cell in Cell] == list(Cell)


def test_without_pretrained_weights_nothing_is_frozen() -> None:
    recipe = with_values(find_recipe("crnn-lstm"), {"pretrained": "false"})
    assert [stage.frozen for stage in recipe.stages] == [False, False]


def test_a_stage_without_epochs_is_left_out() -> None:
    recipe = with_values(find_recipe("crnn-lstm"), {"frozen_epochs": "0", "schedule.epochs": "3"})
    assert recipe.stages == (Stage(3, 1e-4, False),)


def test_values_are_set_by_full_name_or_unique_last_part() -> None:
    recipe = find_recipe("crnn-gru")
    changed = with_values(
        recipe,
        {"units": "64", "head.dropout": "0", "convolutions": "soundnet", "patience": "5"},
    )
    assert (changed.head.units, changed.head.dropout) == (64, 0)
    assert (changed.view.sample_rate, changed.view.samples) == (22_050, 441_000)
    assert changed.schedule.patience == 5
    assert changed.sources["head.units"] == "set for this run"
    assert with_values(changed, {"patience": "none"}).schedule.patience is None
    assert recipe == find_recipe("crnn-gru")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("units", "0"),
        ("units", "many"),
        ("units", "1.5"),
        ("dropout", "1"),
        ("dropout", "none"),
        ("cell", "rnn"),
        ("learning_rate", "-1"),
        ("epochs", "[3]"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"{name} cannot be '"):
        with_values(find_recipe("crnn-gru"), {f"schedule.{name}" if "rate" in name else name: text})


@pytest.mark.parametrize("name", ["unit", "head", "system", "sources", "schedule.units", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="has no value"):
        with_values(find_recipe("crnn-gru"), {name: "1"})


def test_an_unknown_system_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="crnn-lstm, crnn-gru, crnn-blstm"):
        find_recipe("crnn-rnn")


@pytest.mark.parametrize("system", RECIPES)
def test_a_recipe_survives_json(system: str) -> None:
    recipe = with_values(find_recipe(system), {"clip_norm": "2.5"})
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe


def test_what_differs_from_the_paper_without_being_a_value_is_said() -> None:
    crnn, plots = departures(find_recipe("crnn-gru")), departures(find_recipe("ds-1s-gru"))
    assert "18,486" in crnn[0] and "17,982" in crnn[0] and "int16" in crnn[1]
    assert plots == crnn[:1]
    assert departures(find_recipe("opensmile-gru")) == ()
    for system in ("crnn-gru", "ds-1s-gru"):
        assert "Keras 2.2.4" in find_recipe(system).sources["head.dropout"]


@pytest.mark.parametrize("system", RECIPES)
def test_a_recipe_written_as_toml_is_read_back(system: str, tmp_path: Path) -> None:
    recipe = find_recipe(system)
    changed = with_values(recipe, {"batch_size": "7", "schedule.patience": "none"})
    for one in (recipe, changed):
        path = tmp_path / f"{system}.toml"
        path.write_text(to_toml(one), encoding="utf-8")
        again = from_toml(path)
        assert replace(again, sources={}) == replace(one, sources={})
        assert departures(again) == departures(one)
    assert from_toml(path).sources["schedule.batch_size"] == "set for this run"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "names no system"),
        ('system = "crnn-tcn"', "crnn-lstm"),
        ('system = "crnn-gru"\nunits = 3', "units stands outside a table"),
        ('system = "crnn-gru"\n[head]\nunit = 3', "no value 'head.unit'"),
        ('system = "crnn-gru"\n[head]\nunits = "many"', "head.units cannot be"),
        ("system = ", "cannot be read as a recipe"),
    ],
)
def test_a_bad_recipe_file_is_refused_with_a_reason(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint):
        from_toml(path)
