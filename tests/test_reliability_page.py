"""The page of promises: each has a test, and every test that it names is where it says."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"`(tests/test_\w+\.py)`|`(test_\w+)`( \(slow)?")


@cache
def cases_in(file: str) -> dict[str, bool]:
    """Names of tests in a file, and whether they are slow."""
    there = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    all_slow = any(
        isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "pytestmark"
        and "mark.slow" in ast.unparse(node.value)
        for node in there
    )
    return {
        node.name: all_slow or any("mark.slow" in ast.unparse(m) for m in node.decorator_list)
        for node in there
        if isinstance(node, ast.FunctionDef)
    }


def test_each_promise_has_its_tests_where_the_page_says() -> None:
    promises = file = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| ") or line.startswith(("| promise", "| ---")):
            continue
        promises += "."
        named = list(NAMED.finditer(line))
        assert any(match[2] for match in named), f"no test: {line}"
        for match in named:
            if match[1]:
                file = match[1]
            else:
                slow = cases_in(file).get(match[2])
                assert slow is not None, f"{match[2]} is not in {file}"
                assert slow == bool(match[3]), f"{match[2]}: slow on the page or in {file} alone"
    assert len(promises) > 50


def test_the_documents_lead_to_the_page() -> None:
    assert "reliability.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "docs/reliability.md" in (ROOT / "README.md").read_text(encoding="utf-8")
