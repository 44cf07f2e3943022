"""Colour maps by matplotlib's names, without matplotlib.

The table beside this module is made by ``scripts/make_colour_maps.py``, which asks the installed
matplotlib for each map's colours and rounds them to 8 bits. The maps themselves are others' work:
viridis, magma, inferno and plasma (Smith, van der Walt, Firing) are CC0; those named after
ColorBrewer (Brewer, Harrower and Pennsylvania State University) Apache-2.0; the others come with
matplotlib, under its BSD-compatible licence.
"""

import difflib
from functools import cache
from importlib import resources

import numpy as np

from moodtheme.arrays import ByteArray
from moodtheme.errors import PlotError

_REVERSED = "_r"


@cache
def colour_map(name: str) -> ByteArray:
    """Colours of a map from its lowest to its highest value.

    A reversed map is the plain one turned round; matplotlib computes some anew, whose colours then
    differ by 1 of 255 where the value lies halfway.

    Parameters
    ----------
    name
        As in matplotlib: ``magma``, ``viridis``, ``gray_r``, ….

    Returns
    -------
    ndarray
        Read-only, RGB ``(entries, 3)``: 256 entries, or as many as the map has.

    Raises
    ------
    PlotError
        No map is called that.
    """
    tables = _tables()
    if name in tables:
        return tables[name]
    plain = name.removesuffix(_REVERSED)
    if plain in tables:
        reversed_colours = tables[plain][::-1].copy()
        reversed_colours.flags.writeable = False
        return reversed_colours
    close = difflib.get_close_matches(plain, tables, n=3, cutoff=0.4) or ["magma", "viridis"]
    raise PlotError(f"there is no colour map {name!r}; try {' or '.join(close)}")


@cache
def _tables() -> dict[str, ByteArray]:
    file = resources.files("moodtheme.features").joinpath("colour_maps.npz")
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        names, entries, colours = arrays["names"], arrays["entries"], arrays["colours"]
    colours.flags.writeable = False
    ends = np.cumsum(entries)
    return {
        str(name): colours[end - count : end]
        for name, count, end in zip(names, entries, ends, strict=True)
    }
