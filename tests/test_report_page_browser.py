"""The report as a browser shows it, on a phone and a desk, in light and dark, and on paper."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from install_browser import NAMES
from moodtheme.reproduction.page import write_report
from toy_results import HOSTILE, some_tags, write_run

api = pytest.importorskip(
    "playwright.sync_api", reason="no browser: the report was not looked at (no playwright)"
)

PHONE, DESK = 375, 1280
READABLE, VISIBLE = 4.5, 3.0
"""Contrast that WCAG 2 asks of text (1.4.3) and of drawings (1.4.11)."""

COLOURS = """
(selectors) => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) return colour;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const contrast = (colour, element) => {
    const pair = [luminance(parse(colour)), luminance(behind(element))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  };
  const found = [];
  if (selectors) {
    for (const element of document.querySelectorAll(selectors)) {
      const style = getComputedStyle(element);
      const colour = element.matches(".line, .ring") ? style.stroke : style.fill;
      found.push([contrast(colour, element), element.outerHTML.slice(0, 80)]);
    }
    return found;
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const colour = element.closest("svg") ? style.fill : style.color;
    found.push([contrast(colour, element), walker.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as driver:
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        path = next(filter(None, map(shutil.which, NAMES)), None)
        try:
            # Chromium refuses its sandbox to root, which is who runs in a container.
            made = driver.chromium.launch(
                executable_path=path, args=["--no-sandbox"] if is_root else []
            )
        except api.Error as error:
            pytest.skip(f"no browser: the report was not looked at ({str(error).splitlines()[0]})")
        yield made
        made.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    whole, hostile = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("hostile")
    write_run(whole, jamendo=True, tags=some_tags(20), resamples=20)
    write_run(
        hostile, systems=["crnn-gru"], names=HOSTILE, resamples=5,
        tags=(HOSTILE, "a" * 200, *some_tags(6)),
    )  # fmt: skip
    return {"whole": write_report(whole), "hostile": write_report(hostile)}


class Shown:
    """A report opened in the browser, with everything it did meanwhile."""

    def __init__(self, browser: Any, path: Path, width: int, scheme: str) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.page.set_default_timeout(600_000)
        self.said: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.goto(path.as_uri())
        self.page.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)")

    def close(self) -> None:
        self.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["whole", "hostile"])
def test_on_a_phone_nothing_leaves_the_page_and_everything_can_be_read(
    browser: Any, reports: dict[str, Path], name: str, scheme: str
) -> None:
    shown = Shown(browser, reports[name], PHONE, scheme)
    wide, room = shown.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= room == PHONE
    # Tables that are too wide scroll in their own boxes, by keyboard too.
    boxes = shown.page.evaluate(
        "[...document.querySelectorAll('.scroll')].map((e) => [e.scrollWidth > e.clientWidth, "
        "getComputedStyle(e).overflowX, e.tabIndex, e.getAttribute('aria-label')])"
    )
    assert any(wider for wider, *_ in boxes)
    assert all((overflow, tab) == ("auto", 0) and label for _, overflow, tab, label in boxes)
    texts = shown.page.evaluate(COLOURS, None)
    assert len(texts) > 200
    assert min(texts)[0] >= READABLE, min(texts)
    marks = shown.page.evaluate(COLOURS, ".dot, .line, .ring, .above")
    assert len(marks) > 10
    assert min(marks)[0] >= VISIBLE, min(marks)
    assert shown.said == []
    assert shown.requested == [reports[name].as_uri()]
    shown.close()


def test_light_and_dark_differ_and_letters_are_large_enough(
    browser: Any, reports: dict[str, Path]
) -> None:
    papers = set()
    for scheme in ("light", "dark"):
        shown = Shown(browser, reports["whole"], PHONE, scheme)
        papers.add(shown.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        sizes = shown.page.evaluate(
            "[...document.querySelectorAll('td, th, p, li, dd, dt, text, figcaption')]"
            ".map((e) => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= 11
        shown.close()
    assert len(papers) == 2


def test_on_a_desk_the_tables_fit(browser: Any, reports: dict[str, Path]) -> None:
    shown = Shown(browser, reports["whole"], DESK, "light")
    wider = shown.page.evaluate(
        "[...document.querySelectorAll('section:not(#provenance) .scroll')]"
        ".filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.getAttribute('aria-label'))"
    )
    assert wider == []
    shown.close()


def test_the_keyboard_reaches_the_contents_and_every_table(
    browser: Any, reports: dict[str, Path]
) -> None:
    shown = Shown(browser, reports["hostile"], PHONE, "light")
    reached = set()
    for _ in range(40):
        shown.page.keyboard.press("Tab")
        reached.add(
            shown.page.evaluate(
                "document.activeElement.getAttribute('href') || document.activeElement.className"
            )
        )
    assert {"#table-1", "#settings", "scroll"} <= reached
    shown.close()


def test_on_paper_nothing_is_folded_and_the_ground_is_white(
    browser: Any, reports: dict[str, Path]
) -> None:
    shown = Shown(browser, reports["whole"], DESK, "dark")
    shown.page.evaluate("document.querySelectorAll('details').forEach((d) => d.open = false)")
    folded = (
        "[...document.querySelectorAll('details > *:not(summary)')]"
        ".map((e) => e.checkVisibility({contentVisibilityAuto: true}))"
    )
    assert not any(shown.page.evaluate(folded))
    shown.page.emulate_media(media="print")
    # Styles follow with the next frame, which a busy machine takes its time to draw.
    shown.page.wait_for_function(f"{folded}.every(Boolean)")
    assert shown.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    shown.close()
