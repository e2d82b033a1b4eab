"""Change it and try again: edit, ask again, rewind, fork; names, tags and search; by mouse and by keyboard."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from local.gateway.event import Owner
from tests.e2e.console.conftest import Open
from tests.e2e.console.console import Console
from tests.e2e.console.stored import store_conversation

pytestmark = pytest.mark.chromium


def press(console: Console, name: str, place: int = -1) -> None:
    """With the keyboard, on the last message that has it, or another."""
    console.page.locator(".history").get_by_role("button", name=name, exact=True).nth(place).press("Enter")


def test_a_prompt_is_edited_and_asked_again_and_what_followed_is_replaced(console: Console, page: Page) -> None:
    for words in ("one", "two", "three"):
        console.ask(f"say: {words}")
    press(console, "Edit", 1)
    field = page.get_by_label("Message")
    expect(field).to_be_focused()
    expect(field).to_have_value("say: two")
    expect(page.locator(".to-be-replaced")).to_have_count(4)
    page.keyboard.press("Escape")
    expect(page.locator(".to-be-replaced")).to_have_count(0)

    press(console, "Edit", 1)
    field.fill("say: second")
    page.keyboard.press("Enter")
    expect(console.answers).to_have_text(["one", "second"])
    console.wait_until_idle()
    press(console, "Ask again")
    expect(page.locator(".summary")).to_have_count(0)
    console.wait_until_idle()
    expect(console.answers).to_have_text(["one", "second"])
    page.reload()
    expect(console.said).to_have_text(["say: one", "say: second"])
    expect(console.answers).to_have_text(["one", "second"])


def test_a_turn_that_fails_replaces_nothing(console: Console, page: Page) -> None:
    console.ask("say: kept")
    press(console, "Edit")
    page.get_by_label("Message").fill("fail: on purpose")
    page.keyboard.press("Enter")
    expect(console.problem).to_be_visible()
    expect(console.answers).to_have_text("kept")
    console.problem.get_by_role("button", name="Edit").click()
    expect(page.locator(".to-be-replaced")).to_have_count(2)
    page.get_by_label("Message").fill("say: replaced")
    page.keyboard.press("Enter")
    expect(console.answers).to_have_text(["replaced"])


def test_a_fork_and_a_rewind_go_on_from_an_answer(console: Console, page: Page) -> None:
    console.ask("say: one")
    console.ask("say: two")
    press(console, "Fork here", 0)
    expect(console.sessions).to_have_count(2)
    expect(console.answers).to_have_text("one")
    console.ask("say: in the fork")

    page.go_back()
    expect(console.answers).to_have_text(["one", "two"])
    press(console, "Rewind to here", 0)
    expect(page.locator(".to-be-replaced")).to_have_count(2)
    page.keyboard.type("say: another way")
    page.keyboard.press("Enter")
    expect(console.answers).to_have_text(["one", "another way"])


def test_another_tab_shows_what_a_rewind_left(console: Console, page: Page) -> None:
    console.ask("say: one")
    console.ask("say: two")
    second = Console(page.context.new_page(), page.url)
    expect(second.answers).to_have_text(["one", "two"])
    press(console, "Edit")
    page.get_by_label("Message").fill("say: second")
    page.keyboard.press("Enter")
    expect(console.answers).to_have_text(["one", "second"])
    console.wait_until_idle()
    second.ask("say: three")
    expect(second.answers).to_have_text(["one", "second", "three"])
    assert second.errors == []


def test_a_session_gets_a_name_and_tags_and_is_found_by_them_and_by_what_was_said(
    open_console: Open, address: str, owner: Owner, console_database_url: str
) -> None:
    answers = ["The heron stood in the shallows", *(f"more {number}" for number in range(40))]
    store_conversation(console_database_url, f"iam:{owner.user}", "birds/marsh", answers)
    console = open_console(f"{address}#/birds%2Fmarsh")
    page = console.page
    expect(console.answers.last).to_have_text("more 39")
    console.menu("Name and tags…")
    page.get_by_label("Title").fill("Birds of the marsh")
    page.get_by_label("Tags, one a line").fill("project: fens\nstage: draft")
    page.get_by_label("Title").press("Enter")
    expect(page.get_by_role("heading", name="Birds of the marsh")).to_be_visible()
    expect(console.sessions).to_contain_text("project: fens")
    console.menu("Name and tags…")
    page.get_by_label("Tags, one a line").fill("project: fens")
    console.button("Save").click()
    expect(console.sessions).not_to_contain_text("stage")

    page.keyboard.press("Alt+n")
    page.keyboard.press("Control+k")
    page.keyboard.type("fens")
    expect(console.sessions).to_have_count(1)
    page.keyboard.press("Control+k")
    page.keyboard.type("heron")
    expect(console.sessions).to_have_count(0)
    found = page.locator("#found-messages a")
    expect(found.locator("mark")).to_have_text("heron")
    found.press("Enter")
    expect(page.locator(".message:focus")).to_contain_text("The heron stood in the shallows")
    expect(page.locator(".message:focus")).to_be_in_viewport()


def test_answers_code_and_ids_are_copied_with_one_click(
    open_console: Open, address: str, owner: Owner, console_database_url: str
) -> None:
    code = "def f(x):\n    return x + 1  # <b>"
    answer = f"Look:\n\n```python\n{code}\n```"
    store_conversation(console_database_url, f"iam:{owner.user}", "a-long-name-of-a-session", [answer])
    console = open_console(f"{address}#/a-long-name-of-a-session", permissions=["clipboard-read", "clipboard-write"])
    block = console.page.locator(".code")
    expect(block.locator("figcaption span")).to_have_text("python")
    expect(block.locator(".hljs-keyword").first).to_have_text("def")
    console.button("Details").click()
    whole = console.page.locator(".message.assistant > footer")
    for button, copied in (
        (block.get_by_role("button", name="Copy"), code),
        (whole.get_by_role("button", name="Copy"), answer),
        (console.page.get_by_role("button", name="Copy session id"), "a-long-name-of-a-session"),
    ):
        button.click()
        assert console.page.evaluate("navigator.clipboard.readText()") == copied


def test_the_theme_is_kept(open_console: Open) -> None:
    console = open_console(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = console.page.evaluate(background)
    for expected in ("Theme: light", "Theme: dark"):
        console.page.get_by_role("button", name=re.compile("Theme")).click()
        expect(console.button(expected)).to_be_visible()
    dark = console.page.evaluate(background)
    assert dark != light
    console.page.reload()
    expect(console.button("Theme: dark")).to_be_visible()
    assert console.page.evaluate(background) == dark


def test_stopping_is_said_in_one_quiet_line(console: Console, go_on: Callable[[int], Path]) -> None:
    console.say(f"say: early\nwait-for: {go_on(1)}\nsay: late")
    expect(console.answers).to_have_text("early")
    console.button("Stop").click()
    expect(console.problem).to_have_accessible_name("Stopped")
    assert console.problem.evaluate("problem => problem.clientHeight") < 50
    expect(console.problem).not_to_contain_text("run_cancelled")
