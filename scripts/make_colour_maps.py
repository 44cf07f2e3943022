"""Write the table of colour maps that spectrogram plots are coloured with.

    python scripts/make_colour_maps.py [FILE]

Every colour map that the installed matplotlib knows by name is sampled at each of its own entries
and rounded to 8 bits, as matplotlib's Agg renderer rounds. Reversed maps (``…_r``) are left out:
the reader turns the plain ones round. Run it again when matplotlib has gained colour maps.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt

TABLE = Path(__file__).parents[1] / "src" / "moodtheme" / "features" / "colour_maps.npz"


def sample_colour_maps() -> dict[str, npt.NDArray[np.uint8]]:
    """Sample every plain colour map: name to uint8 RGB (entries, 3)."""
    tables = {}
    for name in sorted(name for name in matplotlib.colormaps if not name.endswith("_r")):
        colour_map = matplotlib.colormaps[name]
        colours = colour_map(np.arange(colour_map.N))[:, :3]
        tables[name] = np.floor(255.0 * colours + 0.5).astype(np.uint8)
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=TABLE)
    arguments = parser.parse_args()
    tables = sample_colour_maps()
    np.savez_compressed(
        arguments.file,
        names=np.array(list(tables)),
        entries=np.array([len(table) for table in tables.values()], dtype=np.int32),
        colours=np.concatenate(list(tables.values())),
    )
    print(f"{arguments.file}: {len(tables)} colour maps of matplotlib {matplotlib.__version__}")


if __name__ == "__main__":
    main()
