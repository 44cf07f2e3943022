"""Colour maps against the installed matplotlib."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from make_colour_maps import TABLE, sample_colour_maps
from moodtheme.errors import PlotError
from moodtheme.features.colour_maps import colour_map


def test_the_table_is_what_the_script_makes_of_the_installed_matplotlib() -> None:
    made = sample_colour_maps()
    assert set(np.load(TABLE)["names"]) == set(made)
    for name, colours in made.items():
        np.testing.assert_array_equal(colour_map(name), colours, err_msg=name)


def test_the_script_writes_a_table_like_the_one_here(tmp_path) -> None:
    script = TABLE.parents[3] / "scripts" / "make_colour_maps.py"
    subprocess.run([sys.executable, script, tmp_path / "table.npz"], check=True)
    with np.load(TABLE) as ours, np.load(tmp_path / "table.npz") as made:
        assert ours.files == made.files
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], made[name])


@pytest.mark.parametrize("name", sorted(matplotlib.colormaps))
def test_every_value_has_matplotlibs_colour(name: str) -> None:
    """Reversed maps that matplotlib computes anew may be 1 of 255 off."""
    values = np.linspace(0.0, 1.0, 5_001, dtype=np.float32)
    colours = colour_map(name)
    entries = np.minimum((values * len(colours)).astype(int), len(colours) - 1)
    theirs = np.floor(255 * matplotlib.colormaps[name](values)[:, :3] + 0.5)
    difference = np.abs(colours[entries].astype(int) - theirs)
    assert difference.max() <= (1 if name.endswith("_r") else 0)


def test_colours_cannot_be_changed() -> None:
    for name in ("magma", "magma_r"):
        with pytest.raises(ValueError, match="read-only"):
            colour_map(name)[0] = 0


@pytest.mark.parametrize(
    ("name", "advice"), [("magna", "magma"), ("Viridis", "viridis"), ("", "magma")]
)
def test_an_unknown_name_gets_advice(name: str, advice: str) -> None:
    with pytest.raises(PlotError, match=f"{name!r}; try .*{advice}"):
        colour_map(name)
