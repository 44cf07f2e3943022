"""Build the wheel, install it into a new environment, and tag a generated file with it.

``python scripts/smoke_wheel.py``, from anywhere; what people do who install moodtheme, and nothing
of the repository or of this environment is within reach while it is done. Only pip must be there.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
TONE = """
import sys
import numpy as np, soundfile
time_s = np.arange(5 * 44_100) / 44_100
soundfile.write(sys.argv[1], 0.2 * np.sin(2 * np.pi * 220 * time_s) * np.cos(3 * time_s), 44_100)
"""


def run(*command: object, folder: Path) -> str:
    """Run a command; return what it printed, or end with what went wrong."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MOODTHEME"))}
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit status {done.returncode}")
    return done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="moodtheme-smoke-") as name:
        folder = Path(name)
        constraints = ROOT / "constraints.txt"
        pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
        venv.create(folder / "venv", with_pip=True)
        binaries = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        python, program = binaries / "python", binaries / "moodtheme"
        run(python, *pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, folder=folder)
        (wheel,) = folder.glob("moodtheme-*.whl")
        run(python, *pip, "install", "-c", constraints, wheel, folder=folder)
        run(python, "-c", TONE, folder / "song.flac", folder=folder)
        (result,) = json.loads(run(program, "tag", "song.flac", "--format", "json", folder=folder))
        scores = [tag["score"] for tag in result["tags"]]
        if result["error"] or len(scores) != 56 or not all(0 <= score <= 1 for score in scores):
            sys.exit(f"the installed wheel tags wrongly: {result}")
        run(program, "doctor", folder=folder)
        print(f"{wheel.name}: installed, and it tags a file with {result['tags'][0]['tag']} first")


if __name__ == "__main__":
    main()
