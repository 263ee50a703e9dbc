"""What a user does in Dagster's UI, by what it shows."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NotShown

from tests.e2e.deployment import STACKS
from tests.waiting import eventually

ENDED = re.compile("^(Success|Failure|Canceled)$")


def row_of_run(page: Page, *said: str) -> Locator:
    """The row of an ended run in the list of Runs; that asks for news four times a minute, so it is opened anew."""
    rows = page.locator("[class*=VirtualizedTable_row]").filter(has=page.get_by_text(ENDED))
    for text in said:
        rows = rows.filter(has_text=text)

    def look() -> Locator | None:
        page.goto("/runs?view=runs")
        return rows.first if is_shown(rows.first) else None

    return eventually(look, f"an ended run: {said}")


def is_shown(what: Locator, within_ms: float = 4_000) -> bool:
    """Whether a page shows it, after a moment at most."""
    try:
        what.wait_for(timeout=within_ms)
    except NotShown:
        return False
    return True


def status(page: Page) -> Locator:
    """The status of the run that the page is of, once it has ended."""
    found = page.get_by_text(ENDED).first
    expect(found).to_be_visible()
    return found


def launch(page: Page, choice: str, button: str) -> None:
    """Materialise everything in the partitions of a choice, by the buttons of the graph."""
    page.goto("/asset-groups")
    page.get_by_role("button", name="Materialize all").click()
    # What it opens itself is inside.
    dialog = page.get_by_role("dialog").first
    if choice in STACKS:
        dialog.get_by_text("Select a partition").click()
        page.get_by_text(choice, exact=True).filter(visible=True).last.click()
        page.keyboard.press("Escape")
    else:
        dialog.get_by_role("button", name=choice, exact=True).click()
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_be_hidden()


def re_execute(page: Page, choice: str = "All steps in root run") -> None:
    """Start a run anew by the menu of its page; the page is of the new one then."""
    before = page.url
    page.get_by_role("button", name="Re-execute").locator("xpath=following::button[1]").click()
    page.get_by_text(choice, exact=True).click()
    page.wait_for_url(lambda url: url != before)
    # Until then it shows the other one's status.
    expect(page.get_by_text(page.url.rpartition("/")[2][:8], exact=True).first).to_be_visible()


def open_partition(page: Page, asset: str, stack: str) -> None:
    """Open the page of an asset of a stack."""
    page.goto(f"/assets/{asset}?view=partitions&partition={stack}")
    expect(page.get_by_text("summary", exact=True)).to_be_visible()


def open_check(page: Page, asset: str, check: str, stack: str) -> None:
    """Open what a check says of a stack."""
    page.goto(f"/assets/{asset}?view=checks&checkDetail={check}")
    # The first tab of this name is the asset's.
    page.get_by_role("tab", name="Partitions").nth(1).click()
    page.get_by_text(stack, exact=True).filter(visible=True).last.click()


def markdown(page: Page, entry: str) -> Locator:
    """Open a text of the metadata."""
    row = page.get_by_role("row").filter(has=page.get_by_text(entry, exact=True)).last
    row.get_by_text("[Show Markdown]").click()
    return page.get_by_role("dialog")


def see_alert(page: Page, stack: str, subject: str) -> None:
    """Look for an alert of a stack among the events of their asset."""
    # The link of what is open leads to a page of the stack.
    entries = page.get_by_text(stack, exact=True).filter(visible=True).and_(page.locator(":not(a)"))

    def look() -> bool:
        page.goto("/assets/alerts?view=events")
        if is_shown(entries.first):
            for entry in entries.all():
                entry.click()
                if is_shown(page.get_by_text(subject, exact=True), 1_000):
                    return True
        return False

    eventually(look, f"the alert: {subject}")
