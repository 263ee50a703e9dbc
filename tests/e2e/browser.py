"""Headless Chromium as a user of the UI has it: none of its switches is set, and all that it receives is kept."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.waiting import SECONDS

CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENSHOTS = "SECRETS_PIPELINE_SCREENSHOTS"
"""Names the folder of pictures; without it none is taken."""
WIDE, NARROW, HEIGHT = 1440, 1000, 900
_NOT_OF_DAGSTER = re.compile(r"^(?!.*/_next/static/)")
_CUT_OFF = """() => [...document.querySelectorAll('table')].filter(one => one.offsetParent !== null).map(one => {
  let box = one.parentElement;
  while (box !== document.body && getComputedStyle(box).overflowX === 'visible') box = box.parentElement;
  const edge = box.getBoundingClientRect().left + box.clientLeft + box.clientWidth;
  const over = Math.ceil(one.getBoundingClientRect().right - edge);
  return [over, one.innerText.split('\\n', 2).join(' | ')];
})"""
"""By how many pixels each table ends beyond the box that clips or scrolls it, and how the table begins."""


@contextmanager
def chromium(*further: str) -> Iterator[Browser]:
    """Chromium with further arguments; where there is none, the tests skip."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium on this machine; Debian's package has it")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=[*CHROMIUM, *further]) as browser,
    ):
        yield browser


def window(browser: Browser, url: str, received: Path) -> Page:
    """A window on a UI; when its context is closed, `received` is an HTTP archive of what came from there."""
    expect.set_options(timeout=SECONDS * 1000)
    # The files of Dagster's wheel are the same for everybody.
    context = browser.new_context(
        base_url=url,
        viewport={"width": WIDE, "height": HEIGHT},
        record_har_path=received,
        record_har_content="embed",
        record_har_url_filter=_NOT_OF_DAGSTER,
    )
    context.set_default_timeout(SECONDS * 1000)
    return context.new_page()


def texts(received: Path) -> list[str]:
    """Everything that a window received: bodies of answers and messages of its WebSockets."""
    entries: list[dict[str, Any]] = json.loads(received.read_text())["log"]["entries"]
    answers = [entry["response"] for entry in entries if entry["response"]["content"]["mimeType"] == "application/json"]
    # Of a page that is left in the same moment, Chromium keeps no answer.
    assert sum("text" not in one["content"] for one in answers) < len(answers) / 50
    bodies = [_decoded(entry["response"]["content"]) for entry in entries]
    messages = [message["data"] for entry in entries for message in entry.get("_webSocketMessages", ())]
    return [*bodies, *messages]


def _decoded(content: Mapping[str, Any]) -> str:
    text: str = content.get("text", "")
    return base64.b64decode(text).decode(errors="replace") if content.get("encoding") == "base64" else text


def look_at(page: Page, shown: Locator, picture: str = "", *, height: int = HEIGHT, anew: bool = False) -> None:
    """Look at a page in two widths: it never scrolls sideways; keep pictures of it if somebody asks for them.

    Args:
        page: a window of the first width.
        shown: what is looked at.
        picture: its name.
        height: of the window meanwhile, in pixels.
        anew: whether the page is opened in each width, as it fits what it draws to the window that it begins with.
    """
    for width, name in (WIDE, f"{picture}.png"), (NARROW, f"{picture}-{NARROW}.png"):
        page.set_viewport_size({"width": width, "height": height})
        # Where the mouse stands, something may explain itself.
        page.mouse.move(0, 0)
        if anew:
            page.reload()
        expect(shown).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (page.url, width)
        if picture and (folder := os.environ.get(SCREENSHOTS)):
            dialog = page.get_by_role("dialog")
            # What stands behind a dialog says nothing.
            taken = dialog.first if dialog.count() else page
            taken.screenshot(path=Path(folder) / name, animations="disabled")
    page.set_viewport_size({"width": WIDE, "height": HEIGHT})


def tables_fit(page: Page, *widths: int) -> None:
    """Every table ends within the box that would cut it off: the nearest that hides or scrolls what is wider.

    Args:
        page: a window of the first width, as it is afterwards.
        widths: of the window; the first if none is given.
    """
    try:
        for width in widths or (WIDE,):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            tables = page.evaluate(_CUT_OFF)
            assert tables, (page.url, width)
            assert [one for one in tables if one[0] > 0] == [], (page.url, width)
    finally:
        page.set_viewport_size({"width": WIDE, "height": HEIGHT})
