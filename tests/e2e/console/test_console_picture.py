"""The pictures. `make picture` takes the README's, and eight states of the page to look at, light, dark and on a phone.

Otherwise only the README's is taken, so that the target keeps working.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local.gateway.event import Owner
from tests.e2e.console.conftest import Open
from tests.e2e.console.console import Console
from tests.e2e.console.picture import BILL, CODE, OTHERS, REMEMBER
from tests.e2e.console.stored import store_conversation
from tests.e2e.console.test_console_files import PNG, give

pytestmark = pytest.mark.chromium

LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True},
}


def test_the_readmes_picture_can_be_taken(open_console: Open, tmp_path: Path) -> None:
    console = open_console(viewport={"width": 1320, "height": 700}, color_scheme="light")
    for prompt in OTHERS:
        console.ask(prompt)
        console.page.keyboard.press("Alt+n")
    console.ask(REMEMBER)
    console.ask(BILL)
    console.page.locator("details.tool summary").last.click()
    console.button("Details").click()
    expect(console.page.get_by_label("Agent’s state")).to_contain_text("allergic to nuts")
    expect(console.page.get_by_text("Database round trips")).to_be_visible()
    expect(console.sessions).to_have_count(4)
    console.page.locator("#thread").evaluate("thread => thread.scrollTop = thread.scrollHeight")
    picture = Path(os.environ.get("CONSOLE_PICTURE") or tmp_path / "console.png")
    console.page.screenshot(path=picture)
    assert picture.stat().st_size > 10_000


@pytest.mark.skipif("CONSOLE_STATES" not in os.environ, reason="make picture takes them, to be looked at")
@pytest.mark.parametrize("look", LOOKS)
def test_eight_states_are_taken(
    open_console: Open, address: str, owner: Owner, console_database_url: str, look: str
) -> None:
    store_conversation(console_database_url, f"iam:{owner.user}", "code", [CODE])
    console = open_console(**LOOKS[look])
    page, folder = console.page, Path(os.environ["CONSOLE_STATES"])

    def take(number: int, state: str) -> None:
        page.wait_for_timeout(300)
        page.screenshot(path=folder / f"{number}-{state}-{look}.png")

    take(1, "welcome")
    console.ask(REMEMBER)
    console.ask(BILL)
    page.locator("details.tool summary").last.click()
    take(2, "conversation")
    console.button("Details").click()
    take(3, "details")
    page.keyboard.press("Escape")
    console.say("fail: the model is away")
    expect(console.problem).to_be_visible()
    take(4, "problem")
    console.button("Dismiss").click()
    _stop(console)
    take(5, "stopped")
    console.button("Dismiss").click()
    give(console, "paste", "receipt.png", "image/png", PNG)
    page.locator(".history").get_by_role("button", name="Rewind to here").first.press("Enter")
    give(console, "drop", "menu.txt", "text/plain", b"Soup")
    take(6, "rewind-and-files")
    page.goto(f"{address}#/code")
    expect(page.locator(".code").first).to_be_visible()
    take(7, "code")
    page.keyboard.press("Control+k")
    page.keyboard.type("return")
    expect(page.locator("#found-messages a").first).to_be_visible()
    take(8, "search")


def _stop(console: Console) -> None:
    console.say("say: One moment\nwait-for: /nothing")
    expect(console.answers.last).to_have_text("One moment")
    console.button("Stop").click()
    expect(console.problem).to_have_accessible_name("Stopped")
