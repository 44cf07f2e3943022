"""The parts of a reproduction that need no network: selection, stages, figures, checks."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodtheme.datasets import Split, TrackTable
from moodtheme.errors import ReproductionError, UsageError
from moodtheme.evaluation import ScoredSet, evaluate_systems
from moodtheme.recipes import BASELINE, NINE_SYSTEMS, RECIPES, TABLE_1, describe, find_recipe
from moodtheme.reproduction.collection import Collection, require_files, tracks_sha256
from moodtheme.reproduction.inputs import audio_rates, feature_stages
from moodtheme.reproduction.models import choose_examples
from moodtheme.reproduction.results import Kind, read_results
from moodtheme.reproduction.scoring import (
    Pair,
    ScoredRow,
    choose_pairs,
    chosen_together,
    measure,
)
from moodtheme.reproduction.selection import (
    DEFAULT_SYSTEMS,
    Preset,
    Weights,
    changed_values,
    check_sweep,
    choose_recipes,
    choose_systems,
)
from moodtheme.reproduction.stages import Stages, fingerprint


def value_of(recipe: object, name: str) -> tuple[str, str]:
    setting = next(s for s in describe(recipe) if s.name == name)  # type: ignore[arg-type]
    return setting.value, setting.source


# --- selection ---------------------------------------------------------------------------------


def test_systems_are_chosen_by_name_and_group_in_the_papers_order() -> None:
    assert choose_systems([]) == DEFAULT_SYSTEMS == (BASELINE, *NINE_SYSTEMS)
    assert choose_systems(["ds-5s,crnn-gru", "crnn-gru"]) == (
        "crnn-gru",
        "ds-5s-lstm",
        "ds-5s-gru",
        "ds-5s-blstm",
    )
    assert choose_systems(["nine"]) == NINE_SYSTEMS
    assert choose_systems(["ds,baseline"])[0] == BASELINE and len(choose_systems(["ds"])) == 6
    with pytest.raises(UsageError, match="'crnn-tcn' is no system and no group"):
        choose_systems(["crnn-tcn"])


def test_any_choice_of_systems_gets_its_fusion() -> None:
    two = ("crnn-gru", "ds-5s-gru")
    assert chosen_together((BASELINE, *two)) == two
    # The paper's own fusions have their names already, and one system is none.
    for systems in (NINE_SYSTEMS, choose_systems(["crnn"]), ("crnn-gru", BASELINE)):
        assert chosen_together(systems) == ()


def test_the_papers_preset_changes_nothing() -> None:
    recipes = choose_recipes(DEFAULT_SYSTEMS, preset=Preset.PAPER)
    assert recipes == {system: find_recipe(system) for system in DEFAULT_SYSTEMS}
    assert all(changed_values(recipe) == () for recipe in recipes.values())


def test_values_are_set_for_a_system_a_group_or_all_and_say_so() -> None:
    recipes = choose_recipes(
        DEFAULT_SYSTEMS,
        preset=Preset.QUICK,
        values=["all.batch_size=16", "crnn.units=128", "crnn-gru.head.units=32"],
        weights=Weights.RANDOM,
    )
    assert value_of(recipes["crnn-lstm"], "head.units") == ("128", "--set crnn.units=128")
    assert value_of(recipes["crnn-gru"], "head.units") == ("32", "--set crnn-gru.head.units=32")
    assert value_of(recipes["ds-1s-gru"], "head.units") == ("64", "the quick preset")
    assert value_of(recipes[BASELINE], "schedule.batch_size")[0] == "16"
    assert value_of(recipes["ds-5s-gru"], "view.pretrained") == ("false", "--weights random")
    assert "head.units" in changed_values(recipes["ds-1s-gru"])
    assert "head.layers" not in changed_values(recipes["ds-1s-gru"])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("units=3", "is not SCOPE.NAME=VALUE"),
        ("crnn.units", "is not SCOPE.NAME=VALUE"),
        ("cnn.units=3", "is no system and no group"),
        ("crnn.window_s=3", "no system that is trained has a value 'window_s'"),
        ("ds.units=3", "no system that is trained has a value 'units'"),
        ("crnn.units=many", "cannot be 'many'"),
    ],
)
def test_values_that_fit_nothing_are_refused(value: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        choose_recipes(["crnn-gru"], preset=Preset.PAPER, values=[value])


def test_a_sweep_and_its_values_contradict_each_other() -> None:
    check_sweep(["ds.units=3", "crnn.epochs=2"])
    for value in ("crnn.units=3", "all.head.dropout=0.1", "crnn-gru.units=3"):
        with pytest.raises(UsageError, match="contradict"):
            check_sweep([value])


def test_systems_share_decoded_audio_and_features() -> None:
    recipes = choose_recipes(DEFAULT_SYSTEMS, preset=Preset.PAPER)
    assert sorted(audio_rates(recipes)) == [12_000, 16_000]
    assert list(feature_stages(recipes).values()) == [
        "extract vgg16-keras features of 1 s",
        "extract vgg16-keras features of 5 s",
    ]
    other = choose_recipes(NINE_SYSTEMS, preset=Preset.PAPER, values=["ds-1s-gru.layer=fc1"])
    assert len(set(feature_stages(other).values())) == 3


# --- stages ------------------------------------------------------------------------------------


class Lines(list[str]):
    def __call__(self, line: str) -> None:
        self.append(line)


def do(folder: Path, lines: Lines, *, fails: bool = False, **inputs: object) -> list[str]:
    """Do a stage that writes a file; what was done."""
    done = []

    def work() -> None:
        done.append("work")
        if fails:
            raise RuntimeError
        (folder / "made").write_text("x", encoding="utf-8")

    Stages(folder, lines).do("cook a meal", work, inputs=inputs, outputs=[folder / "made"])
    return done


def test_a_stage_is_done_once_and_again_when_something_changed(tmp_path: Path) -> None:
    lines = Lines()
    assert do(tmp_path, lines, rice=1, peas=[1, 2]) == ["work"]
    assert do(tmp_path, lines, peas=[1, 2], rice=1) == []
    assert lines[-1] == "cook a meal: unchanged, skipped"
    assert do(tmp_path, lines, rice=2, peas=[1, 2]) == ["work"]
    assert lines[-2] == "cook a meal: other rice than before, done again"
    (tmp_path / "made").unlink()
    assert do(tmp_path, lines, rice=2, peas=[1, 2]) == ["work"]
    assert lines[-2] == "cook a meal: what it made is gone, done again"


def test_a_stage_that_failed_or_whose_stamp_is_damaged_is_done_again(tmp_path: Path) -> None:
    lines = Lines()
    with pytest.raises(RuntimeError):
        do(tmp_path, lines, fails=True, rice=1)
    assert do(tmp_path, lines, rice=1) == ["work"]
    (stamp,) = (tmp_path / ".stages").iterdir()
    stamp.write_bytes(stamp.read_bytes()[:20])
    assert do(tmp_path, lines, rice=1) == ["work"]
    assert do(tmp_path, lines, rice=1) == []


@given(st.dictionaries(st.text(), st.integers()))
def test_a_fingerprint_depends_on_content_alone(content: dict[str, int]) -> None:
    shuffled = dict(reversed(content.items()))
    assert fingerprint(content) == fingerprint(shuffled)
    assert fingerprint(content) != fingerprint({**content, "one more": 1, "another": 2})


# --- figures -----------------------------------------------------------------------------------


@pytest.fixture
def scored() -> tuple[ScoredSet, ScoredSet]:
    rng = np.random.default_rng(3)

    def one(tracks: int) -> ScoredSet:
        truth = rng.random((tracks, 3)) < 0.4
        truth[:2] = [[True] * 3, [False] * 3]
        scores = {
            name: np.clip(rng.normal(0.4 + 0.2 * truth, 0.2), 0, 1).astype(np.float32)
            for name in ("a", "b")
        }
        return ScoredSet(truth, scores)

    return one(60), one(80)


def test_figures_are_those_of_the_evaluation(scored: tuple[ScoredSet, ScoredSet]) -> None:
    validation, test = scored
    tags = ("x", "y", "z")
    seen = {}

    def pairs(on_validation: dict[str, float | None]) -> list[Pair]:
        seen.update(on_validation)
        return [Pair("b", "a", "why not")]

    rows, (difference,) = measure(
        validation, test, tags=tags, choose_pairs=pairs, resamples=30, seed=7
    )
    expected = evaluate_systems(
        test.truth,
        test.scores,
        tags=tags,
        validation=validation,
        resamples=30,
        seed=7,
        against="a",
    )
    for wanted in expected:
        found = rows[wanted.name].test
        assert (found.figures, found.tags) == (wanted.figures, wanted.tags)
    assert difference.figures == expected[1].difference
    assert (difference.name, difference.against) == ("b", "a")
    assert "f1_macro_validation" in rows["a"].test.figures
    assert "f1_macro_validation" not in rows["a"].validation
    assert seen["a"] == rows["a"].validation["roc_auc_macro"].value


def test_without_resamples_there_are_no_intervals(scored: tuple[ScoredSet, ScoredSet]) -> None:
    rows, _ = measure(*scored, tags=("x", "y", "z"), choose_pairs=lambda _: [], resamples=0, seed=0)
    assert all(figure.low is None for figure in rows["a"].test.figures.values())


def test_pairs_are_chosen_on_validation_and_only_of_rows_that_are_there() -> None:
    systems = [ScoredRow(name, Kind.SYSTEM, name) for name in NINE_SYSTEMS]
    fusions = [ScoredRow(r.name, Kind.FUSION, "f", r.members) for r in TABLE_1[9:]]
    on_validation = {row.name: 0.5 for row in (*systems, *fusions)}
    on_validation |= {"crnn-gru": 0.9, "ds-5s-gru": 0.7, "ds-1s-gru": None}
    pairs = {(p.name, p.against) for p in choose_pairs([*systems, *fusions], on_validation)}
    assert ("all CRNN", "crnn-gru") in pairs and ("all systems", "crnn-gru") in pairs
    assert ("all Deep Spectrum", "ds-5s-gru") in pairs
    assert ("all 1 s Deep Spectrum", "ds-1s-lstm") in pairs
    assert ("all systems", "all Deep Spectrum") in pairs
    assert not any(BASELINE in pair for pair in pairs)
    baseline = ScoredRow(BASELINE, Kind.BASELINE, BASELINE)
    few = choose_pairs([baseline, systems[1]], {BASELINE: 0.6, "crnn-gru": 0.5})
    assert [(p.name, p.against) for p in few] == [("crnn-gru", BASELINE)]


def test_examples_show_different_tags() -> None:
    labels = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1]], bool)
    assert choose_examples(labels, 3) == [0, 1, 3]
    assert choose_examples(labels, 9) == [0, 1, 3]


# --- collections and results -------------------------------------------------------------------


def table(tmp_path: Path) -> TrackTable:
    return TrackTable(
        tracks=("a", "b", "c"),
        paths=("a.wav", "b.wav", "c.wav"),
        tags=("x",),
        labels=np.array([[True], [False], [True]]),
        splits=(Split.TRAIN, Split.VALIDATION, Split.TEST),
        artists=("one", "one", "two"),
        root=tmp_path,
    )


def test_all_missing_files_are_listed(tmp_path: Path) -> None:
    (tmp_path / "b.wav").touch()
    tracks = table(tmp_path)
    collection = Collection(source="t.csv", table=tracks, is_jamendo=False, comparable=False)
    assert collection.shared_artists == 1
    with pytest.raises(ReproductionError, match=r"2 of 3 files are missing: .*a\.wav, .*c\.wav"):
        require_files(collection, tmp_path / "run")
    listed = (tmp_path / "run" / "missing-files.txt").read_text("utf-8").splitlines()
    assert listed == [str(tmp_path / "a.wav"), str(tmp_path / "c.wav")]


def test_a_collection_is_known_by_tracks_labels_and_splits_not_by_its_place(
    tmp_path: Path,
) -> None:
    tracks = table(tmp_path)
    digest = tracks_sha256(tracks)
    assert digest == tracks_sha256(table(tmp_path / "moved"))
    assert digest != tracks_sha256(dataclasses.replace(tracks, labels=~tracks.labels))
    assert digest != tracks_sha256(tracks.with_splits((Split.TRAIN, Split.TEST, Split.TEST)))


def test_results_that_are_missing_damaged_or_of_another_version_are_named(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    with pytest.raises(ReproductionError, match="cannot be read"):
        read_results(tmp_path)
    path.write_text('{"format_version": 1')
    with pytest.raises(ReproductionError, match="is damaged"):
        read_results(tmp_path)
    # Nothing else is looked at: a later version may have other fields altogether.
    path.write_text('{"format_version": 2, "systems": []}')
    with pytest.raises(ReproductionError, match=r"results\.json is of format 2") as caught:
        read_results(tmp_path)
    assert "damaged" not in str(caught.value)


def test_every_recipe_can_be_made_quick() -> None:
    for system in RECIPES:
        recipes = choose_recipes([system], preset=Preset.QUICK)
        assert recipes[system].stages
