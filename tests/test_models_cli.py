"""`moodtheme models` and `moodtheme doctor`: what there is, fetching, verifying, and advice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mirror import Mirror, running_mirror
from moodtheme.errors import DownloadError, HashMismatchError, ModelNotFoundError, UsageError
from moodtheme.exporting import conversion
from moodtheme.fetched import weights
from moodtheme.fetched.weights import SOUNDNET, Address
from moodtheme.files import sha256_of
from moodtheme.models.mediaeval_baseline import BaselineNetwork
from moodtheme.tagging import models as model_store
from program import Program
from toy_bundle import make_bundle


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOODTHEME_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint of the baseline's form, with random weights."""
    torch.manual_seed(0)
    path = tmp_path / "checkpoint.pth"
    torch.save(BaselineNetwork().state_dict(), path)
    return path


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with running_mirror() as server:
        yield server


@pytest.fixture
def published(checkpoint: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint, served from this machine as if it were the published one."""
    mirror.files["best_model.pth"] = checkpoint.read_bytes()
    served = replace(
        weights.MEDIAEVAL_BASELINE,
        source=Address(f"{mirror.url}/best_model.pth"),
        sha256=sha256_of(checkpoint),
    )
    monkeypatch.setitem(model_store.FETCHABLE, "mtg-baseline", served)
    return checkpoint


def test_the_list_names_every_model_with_licence_and_origin(program: Program) -> None:
    code, out, _ = program("models", "list", "--json")
    assert code == 0
    models = {row["name"]: row for row in json.loads(out)}
    assert models["moodtheme-small"]["state"] == "embedded"
    assert models["mtg-baseline"]["state"] == "available"
    assert all(row["licence"] and row["origin"] for row in models.values())
    code, out, _ = program("models", "list")
    assert code == 0
    assert "moodtheme models get mtg-baseline" in out


def test_a_model_is_fetched_verified_converted_and_then_used(
    program: Program, published: Path, mirror: Mirror, cache: Path
) -> None:
    code, out, _ = program("models", "get", "mtg-baseline")
    assert code == 0
    assert str(cache / "models" / "mtg-baseline") in out
    assert (cache / "models" / "mtg-baseline" / "conformance.json").is_file()
    assert program("models", "verify", "mtg-baseline")[0] == 0
    code, out, _ = program("models", "info", "mtg-baseline", "--json")
    info = json.loads(out)
    assert info["members"][0]["policy"] == "centre"
    assert len(info["tags"]) == 56
    asked = len(mirror.requests)
    assert program("models", "get", "mtg-baseline", "--offline")[0] == 0
    assert len(mirror.requests) == asked


def test_a_local_file_does_instead_of_the_network(
    program: Program, published: Path, mirror: Mirror
) -> None:
    code, _, _ = program("models", "get", "mtg-baseline", "--from", published, "--offline")
    assert code == 0
    assert mirror.requests == []


def test_offline_says_what_is_missing_and_asks_nobody(
    program: Program, published: Path, mirror: Mirror
) -> None:
    code, _, err = program("models", "get", "mtg-baseline", "--offline")
    assert code == 1
    assert "mtg-baseline.pth is not in" in err
    assert "--from" in err
    assert mirror.requests == []


def test_a_wrong_file_is_refused_and_nothing_is_left(
    program: Program, tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "other.pth").write_bytes(b"something else")
    code, _, err = program("models", "get", "mtg-baseline", "--from", tmp_path / "other.pth")
    assert code == 1
    assert "not the published file" in err
    assert not [p for p in cache.rglob("*") if p.is_file()]
    code, _, err = program("models", "get", "mtg-baseline", "--from", tmp_path / "gone.pth")
    assert (code, "is not a file" in err) == (2, True)


def test_wrong_bytes_from_the_network_are_refused(
    program: Program, published: Path, mirror: Mirror, cache: Path
) -> None:
    mirror.files["best_model.pth"] = b"x" * len(mirror.files["best_model.pth"])
    code, _, err = program("models", "get", "mtg-baseline")
    assert code == 1
    assert "best_model.pth" in err
    assert not list(cache.rglob("*.onnx"))
    assert not list(cache.rglob("*.pth"))


def test_without_the_train_extra_the_weights_are_kept_and_the_extra_named(
    program: Program, published: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "find_spec", lambda name: None)
    code, _, err = program("models", "get", "mtg-baseline")
    assert code == 2
    assert "pip install 'moodtheme[train]'" in err
    assert sha256_of(cache / "weights" / "mtg-baseline.pth") == sha256_of(published)


def test_an_installed_model_is_tagged_with_by_name_and_damage_is_found(
    program: Program, cache: Path
) -> None:
    make_bundle(cache / "models" / "mine")
    assert model_store.find_model("mine") == cache / "models" / "mine"
    assert program("models", "verify")[0] == 0
    (cache / "models" / "mine" / "toy.onnx").write_bytes(b"damaged")
    code, out, err = program("models", "verify")
    assert code == 1
    assert "mine: damaged" in out
    assert "moodtheme-small: verified" in out
    assert "SHA-256" in err
    code, out, _ = program("doctor", "--json")
    assert code == 1
    assert [f["name"] for f in json.loads(out) if f["status"] == "failed"] == ["mine"]


def test_names_that_are_not_models_are_refused_with_what_is_known() -> None:
    with pytest.raises(ModelNotFoundError, match="moodtheme models get mtg-baseline"):
        model_store.find_model("mtg-baseline")
    for use in (model_store.find_model, conversion.get_model):
        with pytest.raises(ModelNotFoundError, match="moodtheme-small, mtg-baseline"):
            use("nothing")
    with pytest.raises(ModelNotFoundError, match="not a model that is fetched"):
        conversion.get_model("moodtheme-small", from_file=Path("x"))


def test_errors_say_whose_fault_it_is() -> None:
    assert issubclass(ModelNotFoundError, UsageError)
    assert {DownloadError.exit_code, HashMismatchError.exit_code} == {1}


def test_the_doctor_tries_everything_and_advises(program: Program, cache: Path) -> None:
    code, out, _ = program("doctor", "--json")
    assert code == 0
    findings = {(f["topic"], f["name"]): f for f in json.loads(out)}
    for name in ("WAV", "FLAC", "Ogg Vorbis", "Opus", "MP3", "M4A / AAC", "WMA"):
        assert findings["decoder", name]["status"] == "ok"
    assert findings["model", "moodtheme-small"]["status"] == "ok"
    absent = findings["model", "mtg-baseline"]
    assert absent["status"] == "missing"
    assert "moodtheme models get" in absent["advice"]
    assert findings["weights", "vgg16-keras"]["status"] == "missing"
    assert findings["weights", "musicnn"]["status"] == "missing"
    kept = SOUNDNET.path
    kept.parent.mkdir(parents=True)
    kept.touch()
    findings = {(f["topic"], f["name"]): f for f in json.loads(program("doctor", "--json")[1])}
    assert findings["weights", "soundnet"]["detail"] == str(kept)
    unverified = {name for (_, name), found in findings.items() if "unverified" in found["detail"]}
    assert unverified == {"vgg16-keras"}
    code, out, _ = program("doctor")
    assert code == 0
    assert "→ to use it: moodtheme models get mtg-baseline" in out
