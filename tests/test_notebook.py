"""The notebook runs from top to bottom on the demo corpus, without Jupyter."""

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "toolkit.ipynb"


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in cells), "committed without outputs"
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    assert names["predicted"].scores.shape == (len(names["test"]), len(names["table"].tags))
    assert names["figures"].figures["roc_auc_macro"].value is not None
    assert (tmp_path / "model" / "README.md").is_file() and len(names["tags"])
