"""Explanations: what is hidden, which region is found, what is said of it, and the command."""

import json
import sys
from itertools import product
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from moodtheme import Tagger, explain
from moodtheme.audio import ExcerptPolicy
from moodtheme.errors import MissingExtraError, SilentAudioError, UsageError
from moodtheme.explaining import Described, Descriptor, description, descriptors, sentence
from moodtheme.explaining.descriptors import measure
from moodtheme.explaining.explanation import where
from moodtheme.explaining.hearing import HIDDEN_DB, HeardPiece, drown, hide, readings
from moodtheme.explaining.regions import (
    MOST_SPANS,
    Cells,
    Region,
    _best_runs,
    best_regions,
    elsewhere,
    overlap,
)
from moodtheme.tagging.bundle import Output
from program import Program
from toy_bundle import RATE, make_bundle, make_many_membered_bundle, toy_member

ALL = float("inf")
BURST = Region(((2.0, 4.0),), 600.0, 1200.0)


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(capsys, monkeypatch)


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    """Eight seconds of hardly any noise, and from second 2 to 4 a loud tone at 900 Hz."""
    rng = np.random.default_rng(0)
    time = np.arange(8 * RATE) / RATE
    audio = 0.01 * rng.standard_normal(len(time))
    audio += 0.9 * np.sin(2 * np.pi * 900 * time) * ((time >= 2) & (time < 4))
    soundfile.write(tmp_path / "burst.wav", audio, RATE)
    return tmp_path / "burst.wav"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    make_bundle(tmp_path / "toy")
    return tmp_path / "toy"


# --- regions -----------------------------------------------------------------------------------


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9), st.data())
def test_the_best_runs_are_the_best_of_all(values: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(values)))
    best = -np.inf
    for taken in product([False, True], repeat=len(values)):
        runs = sum(now and not before for before, now in zip((False, *taken), taken, strict=False))
        if sum(taken) == count and runs <= MOST_SPANS:
            best = max(best, sum(v for v, is_taken in zip(values, taken, strict=True) if is_taken))
    total, found = _best_runs(np.array(values), count)
    assert total == pytest.approx(best)
    assert sum(end - start for start, end in found) == count
    assert sum(sum(values[start:end]) for start, end in found) == pytest.approx(best)
    assert 0 < len(found) <= MOST_SPANS


def test_the_region_where_effects_were_planted_comes_first() -> None:
    cells = Cells.of(60.0, 8_000.0, columns=30)
    effects = np.zeros(cells.shape)
    effects[10:16, 3] = 1.0
    best = best_regions(effects, cells, share=1 / 24)[0]
    assert (best.low_hz, best.high_hz) == (600.0, 1200.0)
    assert all(20.0 <= start < end <= 32.0 for start, end in best.spans_s)


@given(st.integers(0, 1000), st.floats(0, 50), st.floats(1, 10), st.integers(0, 5))
def test_a_region_elsewhere_is_as_long_and_as_wide(
    seed: int, start: float, length: float, band: int
) -> None:
    cells = Cells.of(60.0, 8_000.0, columns=10)
    region = Region(((start, start + length),), *cells.edges_hz[band : band + 2])
    other = elsewhere(region, cells, np.random.default_rng(seed))
    assert other.length_s == pytest.approx(region.length_s)
    assert cells.share(other) == pytest.approx(cells.share(region))
    assert all(0 <= a <= b <= 60.0 for a, b in other.spans_s)
    assert 29.9 < other.low_hz < other.high_hz < 8_000.1


def test_overlap_is_what_two_regions_share() -> None:
    cells = Cells.of(60.0, 8_000.0, columns=10)
    one = Region(((0.0, 10.0),), 0.0, ALL)
    assert overlap(one, one, cells) == pytest.approx(1.0)
    assert overlap(one, Region(((5.0, 15.0),), 0.0, ALL), cells) == pytest.approx(1 / 3)
    assert overlap(one, Region(((10.0, 20.0),), 0.0, ALL), cells) == 0.0
    assert overlap(one, Region(((0.0, 10.0),), 0.0, 300.0), cells) < 0.2


# --- hiding ------------------------------------------------------------------------------------


def level(audio: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(audio**2)))


def test_what_is_hidden_is_quieter_and_nothing_else_changes() -> None:
    time = np.arange(6 * RATE) / RATE
    low, high = np.sin(2 * np.pi * 200 * time), np.sin(2 * np.pi * 2_000 * time)
    audio = (0.2 * low + 0.2 * high).astype(np.float32)
    hidden = hide(audio, Region(((2.0, 4.0),), 0.0, 600.0), RATE)
    inside, outside = slice(round(2.2 * RATE), round(3.8 * RATE)), slice(round(4.2 * RATE), None)
    assert level(hidden[inside] - 0.2 * high[inside]) == pytest.approx(
        level(0.2 * low[inside]) - HIDDEN_DB, abs=0.1
    )
    np.testing.assert_allclose(hidden[outside], audio[outside], atol=1e-6)


def test_hiding_follows_the_pieces_time_and_leaves_other_windows_alone() -> None:
    audio = np.ones(2 * RATE, np.float32)
    assert hide(audio, BURST, RATE, start_s=6.0) is audio
    assert hide(audio, BURST, RATE, start_s=2.0) is not audio


def test_only_windows_that_a_region_touches_are_heard_again(bundle: Path, piece: Path) -> None:
    heard = HeardPiece(Tagger.load(bundle), piece)
    assert (heard.windows, heard.windows_heard) == (4, 4)
    heard.without(Region(((2.5, 3.5),), 0.0, ALL))
    assert heard.windows_heard == 5


def test_a_part_alone_has_what_the_rest_lacks(bundle: Path, piece: Path) -> None:
    heard = HeardPiece(Tagger.load(bundle), piece)
    whole, without, only = map(readings, (heard.listening, heard.without(BURST), heard.only(BURST)))
    assert whole[0] - without[0] > 0.1
    assert only[0] == pytest.approx(whole[0], abs=0.02)


def test_noise_in_its_place_is_as_loud(bundle: Path, piece: Path) -> None:
    audio = soundfile.read(piece, dtype="float32")[0]
    drowned = drown(audio, BURST, RATE)
    burst = slice(round(2.2 * RATE), round(3.8 * RATE))
    assert level(drowned[burst]) == pytest.approx(level(audio[burst]), abs=0.5)
    assert abs(np.corrcoef(drowned[burst], audio[burst])[0, 1]) < 0.3
    # The toy goes by loudness, so it hardly matters what the sound is.
    heard = HeardPiece(Tagger.load(bundle), piece)
    whole, noise, without = map(
        readings, (heard.listening, heard.drowned(BURST), heard.without(BURST))
    )
    assert abs(whole[0] - noise[0]) < 0.3 * (whole[0] - without[0])


def test_the_piece_is_heard_as_the_tagger_hears_it(bundle: Path, piece: Path) -> None:
    tagger = Tagger.load(bundle)
    found = explain(tagger, piece, tags=["loud"], budget=500)
    told = {tag.name: tag.score for tag in tagger.tag(piece).tags}
    assert found.explanations[0].of.score == pytest.approx(told["loud"], abs=1e-6)  # type: ignore[union-attr]


# --- explanations ------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ExcerptPolicy)
def test_what_raises_and_what_lowers_is_found(
    tmp_path: Path, piece: Path, policy: ExcerptPolicy
) -> None:
    make_bundle(tmp_path / "toy", policy=policy)
    found = explain(Tagger.load(tmp_path / "toy"), piece, tags=["loud", "quiet"], budget=2_000)
    loud, quiet = found.explanations
    if policy is not ExcerptPolicy.COVER:  # the first two seconds, or seconds 3 to 5
        return
    assert loud.raises is not None and loud.raises.is_real
    assert loud.raises.region == BURST
    assert loud.raises.effect > 0.1
    assert quiet.lowers is not None and quiet.lowers.region == BURST
    assert quiet.lowers.effect < -0.1
    assert "mostly 0:02–0:04, 600 Hz to 1.2 kHz; with that hidden its score falls" in sentence(loud)
    assert "held down mostly by 0:02–0:04" in sentence(quiet)


def test_another_seed_names_the_same_region(bundle: Path, piece: Path) -> None:
    tagger = Tagger.load(bundle)
    one, two = (explain(tagger, piece, tags=["loud"], seed=seed) for seed in (0, 1))
    first, second = one.explanations[0].raises, two.explanations[0].raises
    assert first is not None and second is not None
    assert first.region == second.region and first.effect == second.effect
    assert first.elsewhere != second.elsewhere


def test_dimensions_are_explained_in_their_own_unit(tmp_path: Path, piece: Path) -> None:
    outputs = (Output.SCORES, Output.DIMENSIONS)
    members = [toy_member("a", ExcerptPolicy.COVER, outputs=outputs),
               toy_member("b", ExcerptPolicy.COVER)]  # fmt: skip
    make_many_membered_bundle(tmp_path / "many", members)
    found = explain(Tagger.load(tmp_path / "many"), piece, dimensions=["level"], budget=2_000)
    (explanation,) = found.explanations
    assert explanation.raises is not None
    # Of four windows one has a sine of 0.9, whose mean size is 0.573.
    assert explanation.raises.effect == pytest.approx(0.573 / 4, abs=0.01)


def test_where_nothing_stands_out_nothing_is_explained(bundle: Path, piece: Path) -> None:
    assert explain(Tagger.load(bundle), piece).explanations == ()


def test_noise_alone_has_no_reason(bundle: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    soundfile.write(tmp_path / "noise.wav", 0.2 * rng.uniform(-1, 1, 20 * RATE), RATE)
    found = explain(Tagger.load(bundle), tmp_path / "noise.wav", tags=["loud"])
    (explanation,) = found.explanations
    assert explanation.raises is not None and not explanation.raises.is_real
    assert "no part of the piece" in sentence(explanation)


def test_progress_ends_where_it_said(bundle: Path, piece: Path) -> None:
    told: list[tuple[int, int | None]] = []
    found = explain(
        Tagger.load(bundle), piece, tags=["loud"], budget=400,
        progress=lambda done, of: told.append((done, of)),
    )  # fmt: skip
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert all(of is not None and done <= of <= 400 for done, of in told)
    assert found.windows_heard <= 400


def test_what_cannot_be_explained_is_named(bundle: Path, piece: Path, tmp_path: Path) -> None:
    tagger = Tagger.load(bundle)
    with pytest.raises(UsageError, match="no tag 'sad'"):
        explain(tagger, piece, tags=["sad"])
    with pytest.raises(UsageError, match="no dimension 'arousal'"):
        explain(tagger, piece, dimensions=["arousal"])
    with pytest.raises(UsageError, match="a budget of 20 windows is too small"):
        explain(tagger, piece, tags=["loud"], budget=20)
    soundfile.write(tmp_path / "silence.wav", np.zeros(3 * RATE), RATE)
    with pytest.raises(SilentAudioError):
        explain(tagger, tmp_path / "silence.wav", tags=["loud"])


# --- words -------------------------------------------------------------------------------------


def test_regions_in_words() -> None:
    cells = Cells.of(100.0, 8_000.0, columns=10)
    assert where(Region(((0.0, 100.0),), 0.0, 300.0), cells) == "below 300 Hz, throughout"
    assert where(Region(((40.0, 70.0),), 2400.0, ALL), cells) == "0:40–1:10, above 2.4 kHz"
    spans = ((0.0, 10.0), (20.0, 30.0), (90.0, 100.0))
    assert where(Region(spans, 0.0, ALL), cells) == (
        "0:00–0:10, 0:20–0:30 and 1:30–1:40, at all frequencies"
    )


def test_a_description_says_what_sets_a_piece_apart_and_that_it_is_no_cause() -> None:
    values = {"tempo": 0.1, "register": 0.5, "brightness": 0.15, "mode": 0.999}
    described = Described(
        tuple(Descriptor(name, 1.0, standing) for name, standing in values.items()), "test music", 9
    )
    said = description(described)
    assert "slower than 90, darker in timbre than 85, more major than 99 of 100 pieces" in said
    assert "register" not in said and "not why" in said


@pytest.mark.parametrize("folder", ["cache", "file/cache"])
def test_what_librosa_compiles_is_made_by_one_process_at_a_time_where_that_can_be_seen_to(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()  # in which no folder can be
    monkeypatch.setenv("MOODTHEME_CACHE", str(tmp_path / folder))
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 44100), 22050)
    first = librosa.feature.chroma_stft
    locks = []

    def noted(**options: Any) -> Any:
        locks.append((tmp_path / folder / ".librosa.lock").exists())
        return first(**options)

    monkeypatch.setattr(librosa.feature, "chroma_stft", noted)
    descriptors._compile.cache_clear()
    measure(tmp_path / "a.wav")
    assert locks == [folder == "cache", False]


def test_descriptors_tell_fast_clicks_from_a_low_drone(tmp_path: Path) -> None:
    rate = 22_050
    time = np.arange(20 * rate) / rate
    rng = np.random.default_rng(0)
    clicks = rng.standard_normal(len(time)) * np.exp(-40 * (time % 0.5))
    drone = sum(np.sin(2 * np.pi * hz * time) for hz in (110.0, 130.8, 164.8))  # A minor
    for name, audio in (("clicks", clicks), ("drone", drone)):
        soundfile.write(tmp_path / f"{name}.wav", 0.2 * audio / np.abs(audio).max(), rate)
    beat, minor = measure(tmp_path / "clicks.wav"), measure(tmp_path / "drone.wav")
    assert beat["tempo"] == pytest.approx(120, rel=0.03)
    for name in ("percussion", "attack", "brightness", "register"):
        assert beat[name] > minor[name], name
    assert minor["mode"] < 0


# --- the command -------------------------------------------------------------------------------


def test_the_command_prints_a_table_and_a_sentence(
    program: Program, bundle: Path, piece: Path
) -> None:
    status, out, err = program("explain", piece, "--tag", "loud", "--model", bundle)
    assert status == 0, err
    assert "loud, raised" in out and "0:02–0:04" in out and "600 Hz to 1.2 kHz" in out
    assert "loud (a score of" in out


def test_json_has_the_map_and_the_reasons(program: Program, bundle: Path, piece: Path) -> None:
    status, out, err = program(
        "explain", piece, "--tag", "loud", "--model", bundle, "--format", "json"
    )
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    (explanation,) = found["explanations"]
    assert explanation["tag"] == "loud" and explanation["raises"]["is_real"]
    assert explanation["raises"]["spans_s"] == [[2.0, 4.0]]
    edges_s, edges_hz = explanation["map"]["edges_s"], explanation["map"]["edges_hz"]
    assert edges_hz[0] == 0 and edges_hz[-1] is None
    assert np.shape(explanation["map"]["effects"]) == (len(edges_s) - 1, len(edges_hz) - 1)
    assert found["model"]["name"] == "toy" and found["audio"].startswith("a1:")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_pictures_are_drawn_for_light_and_dark(
    program: Program, bundle: Path, piece: Path, tmp_path: Path, kind: str
) -> None:
    drawn = []
    for theme in ("light", "dark"):
        picture = tmp_path / f"{theme}.{kind}"
        status, _, err = program(
            "explain",
            piece,
            "--tag",
            "loud",
            "--model",
            bundle,
            "--picture",
            picture,
            "--theme",
            theme,
        )
        assert status == 0, err
        drawn.append(picture.read_bytes())
    assert drawn[0] != drawn[1]
    assert all(content.startswith(b"\x89PNG") or b"<svg" in content for content in drawn)


def test_without_the_extra_the_command_tells_and_says_which_one_draws(
    program: Program, bundle: Path, piece: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("librosa", "matplotlib"):
        monkeypatch.setitem(sys.modules, module, None)
    status, out, err = program("explain", piece, "--tag", "loud", "--model", bundle)
    assert status == 0 and "loud, raised" in out
    assert "moodtheme[explain]" in err
    picture = tmp_path / "a.png"
    status, _, err = program(
        "explain", piece, "--tag", "loud", "--model", bundle, "--picture", picture
    )
    assert status == 2 and "moodtheme[explain]" in err and not picture.exists()
    with pytest.raises(MissingExtraError):
        measure(piece)


def test_wrong_wishes_are_refused_before_anything_is_heard(
    program: Program, bundle: Path, piece: Path
) -> None:
    for options, told in (
        (("--format", "csv"), "csv"),
        (("--picture", "a.jpg"), ".png or .svg"),
        (("--tag", "sad"), "'sad'"),
        (("-o", str(piece)), "same file"),
    ):
        status, out, err = program("explain", piece, "--model", bundle, *options)
        assert (status, out) == (2, "") and told in err, err
