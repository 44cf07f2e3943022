"""The tagging path stays light, and the base install does all it promises without the extras."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import moodtheme

ROOT = Path(__file__).parents[1]
EXTRAS = (
    "torch",
    "lightning",
    "sklearn",
    "scipy",
    "pandas",
    "matplotlib",
    "onnx",
    "onnxscript",
    "jinja2",
)
RUN = "import sys; sys.argv = ['moodtheme', *{words!r}]; from moodtheme.cli.app import main; main()"


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )


def in_base_install(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the program where nothing of the extras can be imported."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r}))\n"
    return run_python(hide + RUN.format(words=[str(word) for word in words]))


@pytest.fixture
def song(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "song.ogg", 0.1 * rng.standard_normal(16_000 * 3), 16_000)
    return tmp_path / "song.ogg"


@pytest.mark.parametrize("words", [["--help"], ["tag", "--help"], ["tag", "SONG"]])
def test_tagging_and_asking_for_help_load_nothing_heavy(words: list[str], song: Path) -> None:
    words = [str(song) if word == "SONG" else word for word in words]
    report = f"atexit.register(lambda: print(*(set({EXTRAS!r}) & sys.modules.keys())))\n"
    done = run_python("import atexit, sys\n" + report + RUN.format(words=words))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == ""


def test_help_loads_no_numpy_either() -> None:
    done = run_python("import sys, moodtheme.cli.app; print('numpy' in sys.modules)")
    assert done.stdout.strip() == "False"


def test_the_package_loads_nothing_heavy_and_every_public_name_is_there() -> None:
    done = run_python(
        "import sys, moodtheme\n"
        "assert 'numpy' not in sys.modules\n"
        "assert dir(moodtheme) == sorted(moodtheme.__all__)\n"
        "from moodtheme import *\n"
        f"assert not set({EXTRAS!r}) & sys.modules.keys()\n"
        "for package in [m for m in vars().values() if hasattr(m, '__path__')]:\n"
        "    assert all(hasattr(package, name) for name in package.__all__), package\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="taggr"):
        moodtheme.taggr  # noqa: B018


SCRIPTS = [p for d in ("benchmarks", "examples", "scripts") for p in (ROOT / d).rglob("*.py")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_import_what_is_there(script: Path) -> None:
    for node in ast.walk(ast.parse(script.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("moodtheme"):
            module = importlib.import_module(node.module or "")
            for name in node.names:
                if not hasattr(module, name.name):
                    importlib.import_module(f"{node.module}.{name.name}")


def test_the_base_install_tags_and_evaluates(song: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth, scores = tmp_path / "truth.npy", tmp_path / "scores.npy"
    np.save(truth, rng.random((30, 3)) > 0.5)
    np.save(scores, rng.random((30, 3)).astype(np.float32))
    np.save(tmp_path / "other.npy", rng.random((30, 3)).astype(np.float32))
    (tmp_path / "tags.txt").write_text("a\nb\nc\n", encoding="utf-8")
    for words in (
        ("tag", song),
        ("doctor",),
        ("models", "list"),
        ("models", "verify"),
        ("evaluate", "--truth", truth, scores, "--tags", tmp_path / "tags.txt"),
        ("fuse", scores, tmp_path / "other.npy", "--output", tmp_path / "fused.npy"),
        ("decide", scores, "--thresholds", "0.5", "--output", tmp_path / "decisions.npy"),
        ("dataset", "--help"),
    ):
        done = in_base_install(*words)
        assert done.returncode == 0, f"{words}: {done.stderr}"


def test_commands_that_need_an_extra_say_how_to_get_it(tmp_path: Path) -> None:
    done = in_base_install("distil", tmp_path / "music.csv", "--run", tmp_path / "run")
    assert done.returncode == 2
    assert "pip install 'moodtheme[train]'" in done.stderr


@pytest.mark.parametrize("words", [["predict", "RUN", "-o", "scores.npy"], ["export", "RUN"]])
def test_a_trained_system_is_used_without_lightning(words: list[str], tmp_path: Path) -> None:
    words = [str(tmp_path) if word == "RUN" else word for word in words]
    report = "atexit.register(lambda: print(*({'torch', 'lightning'} & sys.modules.keys())))\n"
    done = run_python("import atexit, sys\n" + report + RUN.format(words=words))
    # It has loaded what it works with before it looks for the run.
    assert done.returncode == 1 and "run.json" in done.stderr, done.stderr
    assert done.stdout.split() == ["torch"]


def test_features_are_extracted_without_lightning(tmp_path: Path, song: Path) -> None:
    (tmp_path / "tracks.tsv").write_text("path\ttags\nsong.ogg\ta\n", encoding="utf-8")
    words = ["features", "extract", "--dataset", str(tmp_path / "tracks.tsv"), "--system", "ds-1s"]
    words += ["--weights", "random", "--set", "image_network=efficientnet-lite0"]
    words += ["--set", "duration_s=1", "--output", str(tmp_path / "features")]
    report = "atexit.register(lambda: print(*({'torch', 'lightning'} & sys.modules.keys())))\n"
    done = run_python("import atexit, sys\n" + report + RUN.format(words=words))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "torch"
