"""For everybody: by keyboard alone, on a phone, in the dark, with a screen reader."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from local.gateway.event import Owner
from tests.e2e.console.conftest import Open
from tests.e2e.console.console import Console
from tests.e2e.console.stored import store_conversation
from tests.e2e.console.test_console_files import PNG, give

pytestmark = pytest.mark.chromium

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
WIDE_ANSWER = (
    "say: # Heading\nsay: | a | b |\nsay: `" + "code" * 60 + "`\n"
    'tool: calculator {"expression": "'
    + "1+" * 60
    + '1"}\nthen\nsay: '
    + "long" * 60
    + " and [link](https://example.org)"
)


WIDE_TABLE = """
| Department | First quarter | Second quarter | Third quarter | Responsible |
|---|---:|---:|---:|---|
| Engineering | 1,204,112 | 1,300,441 | 1,500,000 | Alexandra |

5. and then
"""


def assert_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def assert_fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert page.locator("#thread").evaluate("thread => thread.scrollWidth <= thread.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_console: Open, scheme: str) -> None:
    console = open_console(color_scheme=scheme)
    assert_accessible(console.page)
    console.ask(WIDE_ANSWER)
    console.page.locator("details.tool summary").click()
    console.say("fail: on purpose")
    expect(console.problem).to_be_visible()
    console.button("Details").click()
    expect(console.page.get_by_text("Database round trips")).to_be_visible()
    assert_accessible(console.page)
    console.button("Session actions").click()
    assert_accessible(console.page)
    console.button("Name and tags…").click()
    expect(console.page.get_by_role("dialog")).to_be_visible()
    assert_accessible(console.page)
    console.button("Cancel").click()
    give(console, "paste", "picture.png", "image/png", PNG)
    give(console, "drop", "program.exe", "application/octet-stream", b"\xff")
    console.page.locator(".history").get_by_role("button", name="Edit").press("Enter")
    console.page.get_by_label("Search sessions").fill("heading")
    expect(console.page.locator("#found-messages mark")).to_be_visible()
    assert_accessible(console.page)


def test_it_fits_a_phone(open_console: Open) -> None:
    console = open_console(**PHONE)
    assert_fits(console.page)
    console.ask(WIDE_ANSWER)
    assert_fits(console.page)
    expect(console.page.get_by_role("navigation")).to_be_hidden()
    console.button("Sessions").click()
    expect(console.page.get_by_role("navigation")).to_be_visible()
    assert_accessible(console.page)
    console.sessions.first.click()
    expect(console.page.get_by_role("navigation")).to_be_hidden()
    console.button("Details").click()
    expect(console.page.get_by_text("Database round trips")).to_be_visible()
    assert_fits(console.page)
    assert_accessible(console.page)


def test_a_wide_table_is_scrolled_and_not_broken_inside_its_words_and_lists_keep_their_numbers(
    open_console: Open, address: str, owner: Owner, console_database_url: str
) -> None:
    store_conversation(console_database_url, f"iam:{owner.user}", "table", [WIDE_TABLE])
    console = open_console(f"{address}#/table", **PHONE)
    expect(console.answers).to_be_visible()
    assert_fits(console.page)
    table = console.page.locator(".prose table")
    assert table.evaluate("table => table.scrollWidth > table.clientWidth")
    expect(table).to_have_attribute("tabindex", "0")
    number = console.page.get_by_role("cell", name="1,204,112")
    expect(number).to_have_css("text-align", "right")
    expect(console.page.locator("ol")).to_have_attribute("start", "5")
    assert number.evaluate("cell => cell.clientHeight") < 40  # one line
    assert_accessible(console.page)


def test_on_a_phone_an_open_panel_is_all_that_one_reaches(open_console: Open) -> None:
    console = open_console(**PHONE)
    for opens, panel in (("Sessions", "navigation"), ("Details", "complementary")):
        console.button(opens).click()
        expect(console.page.get_by_role(panel)).to_be_visible()
        assert_accessible(console.page)
        reached = [tab(console.page) for _ in range(12)]
        assert "Message" not in reached
        assert "Session actions" not in reached
        beside = {"navigation": 350, "complementary": 10}[panel]
        console.page.touchscreen.tap(beside, 400)
        expect(console.page.get_by_role(panel)).to_be_hidden()
        expect(console.button(opens)).to_be_focused()


def test_the_keyboard_is_never_left_without_a_place(console: Console, page: Page) -> None:
    message = page.get_by_label("Message")
    console.button("What can you help me with?").click()
    expect(message).to_be_focused()
    message.press("Enter")
    expect(console.answers).to_have_count(1)
    console.wait_until_idle()
    console.say("fail: on purpose")
    expect(message).to_be_focused()
    console.button("Dismiss").press("Enter")
    expect(message).to_be_focused()
    at = page.url
    page.get_by_role("link", name="Skip to the message field").press("Enter")
    expect(message).to_be_focused()
    assert page.url == at
    expect(console.answers).to_have_count(1)


def test_all_of_it_goes_by_keyboard(console: Console, page: Page, go_on: Callable[[int], Path]) -> None:
    expect(page.get_by_label("Message")).to_be_focused()
    page.keyboard.type("say: first")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type(f"wait-for: {go_on(1)}")
    page.keyboard.press("Enter")
    expect(console.answers).to_have_text("first")
    go_on(1).touch()
    console.wait_until_idle()

    page.keyboard.press("Alt+n")
    page.keyboard.type("say: second")
    page.keyboard.press("Enter")
    expect(console.sessions).to_have_count(2)
    page.keyboard.press("Alt+ArrowDown")
    expect(console.answers).to_have_text("first")

    page.keyboard.press("Control+k")
    page.keyboard.press("Tab")  # over the search's own field to the list
    expect(console.sessions.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(console.answers).to_have_text("second")

    focus(page, "Session actions")
    page.keyboard.press("Enter")
    focus(page, "Delete…")
    page.keyboard.press("Enter")
    expect(console.button("Keep it")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(console.sessions).to_have_count(1)


def focus(page: Page, name: str) -> None:
    """Tabs there, as one does who has no mouse."""
    for _ in range(30):
        if tab(page) == name:
            return
    pytest.fail(f"{name} is not reached with the Tab key")


def tab(page: Page) -> str:
    """One step further; what is reached, by its name."""
    page.keyboard.press("Tab")
    active = "document.activeElement"
    return page.evaluate(
        f"{active}.getAttribute('aria-label') ?? {active}.labels?.[0]?.textContent ?? {active}.textContent"
    )


def test_an_answer_is_read_out_when_it_is_whole(console: Console, go_on: Callable[[int], Path]) -> None:
    console.say(f"say: half\nwait-for: {go_on(1)}\nsay: an answer")
    expect(console.answers).to_have_text("half")
    status = console.page.locator("#announcement")
    expect(status).to_have_text("")
    expect(console.page.locator(".live")).to_have_attribute("aria-busy", "true")
    go_on(1).touch()
    expect(status).to_contain_text("an answer")
