"""The documentation and `--help` say the same."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer

import moodtheme
from moodtheme.cli.app import app
from moodtheme.scores import Content, Names, write_matrix
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
OUTSIDE = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "examples/emopia/README.md"]
PROGRAM: Any = typer.main.get_command(app)


def all_commands(group: Any, lead: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from all_commands(command, (*lead, name))
        else:
            yield (*lead, name), command


COMMANDS = dict(all_commands(PROGRAM))


def documented_lines(document: Path) -> Iterator[list[str]]:
    """The words of each `moodtheme …` line in a document's code blocks, comments left out."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", document.read_text("utf-8"), re.M | re.S)
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            command = line.removeprefix("$ ")
            if not command.startswith("moodtheme "):
                continue
            lexer = shlex.shlex(command, posix=True, punctuation_chars="|;&<>()")
            lexer.whitespace_split = True
            # Up to the first pipe or redirection.
            yield list(takewhile(lambda word: not set(word) <= set("|;&<>()"), lexer))[1:]


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    group, rest = PROGRAM, list(words)
    while rest and hasattr(group, "commands"):
        if rest[0].startswith("-"):
            return group, rest
        name = rest.pop(0)
        assert name in group.commands, f"there is no command {name!r}"
        group = group.commands[name]
    return group, rest


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documented_commands_and_options_exist(document: Path) -> None:
    for words in documented_lines(document):
        command, rest = command_of(words)
        known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
        known |= {"--help"}
        used = {word.split("=")[0] for word in rest if re.match(r"--?[a-zA-Z]", word)}
        assert used <= known, f"moodtheme {' '.join(words)}: {sorted(used - known)} do not exist"


@pytest.mark.parametrize("name", sorted(COMMANDS), ids=" ".join)
def test_every_command_has_help_and_a_worked_example(name: tuple[str, ...]) -> None:
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        if parameter.name != "help":
            assert getattr(parameter, "help", None), f"{parameter.name} has no help"
    documented = [words for document in DOCUMENTS for words in documented_lines(document)]
    assert any(tuple(words[: len(name)]) == name for words in documented), (
        f"no document shows moodtheme {' '.join(name)}"
    )


def test_documents_link_to_files_that_are_there() -> None:
    for document in [*DOCUMENTS, *OUTSIDE]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_readmes_first_lines_tag_a_file() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "moodtheme tag" in "\n".join(text.splitlines()[:12])


def python_blocks(document: str) -> list[str]:
    text = (ROOT / document).read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def write_library(path: Path) -> None:
    """What the program would say of twenty tracks."""
    bundle = moodtheme.Tagger.load().bundle
    row = {
        "path": "a.mp3",
        "tags": [{"tag": tag, "score": 0.1} for tag in bundle.tags],
        "dimensions": {dimension.name: {"value": 0.0} for dimension in bundle.dimensions},
        "model": {"name": bundle.name, "digest": bundle.digest},
        "error": None,
    }
    path.write_text(f"{json.dumps(row)}\n" * 20, encoding="utf-8")


@pytest.mark.parametrize("document", ["README.md", "docs/api.md"])
def test_examples_in_python_run(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "Music").mkdir()
    for name in ("song.mp3", "Music/a.mp3", "Music/b.mp3"):
        soundfile.write(name, 0.1 * rng.standard_normal((3 * 44_100, 2)), 44_100)
    (tmp_path / "notes.txt").write_text("no music", encoding="utf-8")
    labelled = Names(tags=MOOD_THEME_TAGS, ids=tuple(map(str, range(40))))
    write_matrix(Path("truth.npz"), rng.random((40, 56)) < 0.5, labelled, content=Content.TRUTH)
    for name in ("mine.npz", "theirs.csv"):
        write_matrix(Path(name), rng.random((40, 56), dtype=np.float32), labelled)
    (tmp_path / "songs.tsv").write_text("path\ttags\nsong.mp3\thappy\n", encoding="utf-8")
    write_library(tmp_path / "library.jsonl")
    names: dict[str, Any] = {}
    blocks = python_blocks(document)
    assert blocks
    for block in blocks:
        exec(compile(block, document, "exec"), names)


def test_the_page_on_python_names_all_that_is_public() -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    named = {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"\w+", code)}
    assert set(moodtheme.__all__) - {"__version__"} <= named


def test_the_table_for_contributors_names_every_folder_in_the_order_of_imports() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"^\| `([\w.]+)/?` \|", table, re.M)
    package = ROOT / "src" / "moodtheme"
    there = {path.name for path in package.iterdir() if not path.name.startswith((".", "__"))}
    assert set(named) == there - {"py.typed"} and len(named) == len(set(named))
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = next(c["layers"] for c in settings["contracts"] if c["type"] == "layers")
    levels = {name: level for level, layer in enumerate(layers) for name in layer.split(" | ")}
    order = [levels[name.removesuffix(".py")] for name in named if name != "bundles"]
    assert order == sorted(order, reverse=True)


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {moodtheme.__version__}\n" in citation
