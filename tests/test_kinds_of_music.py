"""Where a model fails, by kind of music: how pieces are divided and what is said of a kind."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from kinds import GAMES, OTHER, PIANO, chosen, divided, kind_of, line, said_in
from listened_models import Ours


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("music/naev-data/usr/ambient1.ogg", "space, war: electronic, ambient"),
        ("music/of-someone/battle.ogg", OTHER),
        ("emotify/emotifymusic/rock/2.mp3", "songs, rock"),
        ("emotify/emotifymusic/rock/1.mp3", None),
        ("clips/Q3_a.flac", PIANO),
    ],
)
def test_a_piece_is_of_the_kind_that_its_place_says(path: str, kind: str | None) -> None:
    assert kind_of(Path(path)) == kind


def test_no_package_is_of_two_kinds() -> None:
    packages = " ".join(GAMES.values()).split()
    assert len(packages) == len(set(packages))


@pytest.fixture(scope="module")
def model() -> Ours:
    return Ours("moodtheme-small")


def _result(folder: Path, model: Ours, package: str, *, out: tuple[str, ...], note: str) -> dict:
    path = folder / package / "piece.wav"
    path.parent.mkdir(parents=True)
    soundfile.write(path, np.zeros(16_000), 16_000)
    tags = [
        {"tag": tag, "score": 0.5, "standing": 0.99 if tag in out else 0.5, "probability": 0.1,
         "decision": tag in out}
        for tag in sorted(model.tags, key=lambda tag: tag not in out)
    ]  # fmt: skip
    values = {name: {"value": 0.1, "standing": 0.5} for name in ("valence", "arousal")}
    notes = [note] if note else []
    return {
        "path": str(path), "duration_s": 40.0, "tags": tags, "dimensions": values, "notes": notes
    }  # fmt: skip


def test_a_kind_is_told_by_what_stands_out_and_what_is_noted(tmp_path: Path, model: Ours) -> None:
    rows = [
        _result(tmp_path, model, "widelands-data", out=("sad",), note=""),
        _result(tmp_path, model, "0ad-data", out=(), note="hardly music: it sounds like noise"),
        _result(tmp_path, model, "naev-data", out=("happy", "dark"), note=""),
    ]
    held_out = {Path(rows[0]["path"])}
    kinds = divided(rows, held_out)
    assert len(kinds["history, fantasy: orchestra, folk"]) == 2
    assert len(kinds["all games"]) == len(kinds["games, mono"]) == 3
    assert kinds["games never trained on"] == rows[:1]
    pieces, none, groups, _, noted = line(model, kinds["history, fantasy: orchestra, folk"])
    assert (pieces, groups) == ("2", "0")
    assert none.startswith("50%")
    assert noted.startswith("1 of 2")
    said = said_in(model, rows)
    assert said.logits is not None
    assert said.logits.shape == (3, len(model.tags))
    assert chosen(rows, held_out, 1) == ([Path(rows[0]["path"])], 1)
