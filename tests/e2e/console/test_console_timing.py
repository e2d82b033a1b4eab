"""What comes early, late or not at all: the script, an answer, another tab's doing."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from local.gateway.event import Owner
from session_store.postgresql import PostgreSQLStore
from session_store.records import SessionRecord
from session_store.settings import StoreSettings
from tests.e2e.console.conftest import Open
from tests.e2e.console.console import Console

pytestmark = pytest.mark.chromium

GoOn = Callable[[int], Path]


def hold(console: Console, pattern: str) -> list[Route]:
    """The next request that fits waits in the list until the test lets it go."""
    held: list[Route] = []
    console.page.route(pattern, lambda route: held.append(route), times=1)
    return held


def test_a_page_without_its_script_says_so(open_console: Open, address: str) -> None:
    console = open_console()
    console.page.route("**/console/console.js*", lambda route: route.fulfill(status=429, body=""), times=1)
    console.page.route("**/", _name_another_version, times=1)  # the browser has this one
    console.page.goto(address)
    expect(console.page.get_by_text("The page has not started yet")).to_be_visible()
    console.page.reload()
    expect(console.page.get_by_role("heading", name="A new session")).to_be_visible()


def _name_another_version(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace("?version=", "?version=0"))


def test_a_message_sent_before_the_history_came_is_shown_once_and_below_it(console: Console) -> None:
    console.ask("say: first")
    held = hold(console, "**/history?order=desc*")
    with console.page.expect_request("**/history?order=desc*"):
        console.page.reload(wait_until="commit")
    console.say("say: second")
    expect(console.said).to_have_text(["say: second"])
    held[0].continue_()
    expect(console.answers).to_have_text(["first", "second"])
    console.wait_until_idle()
    console.ask("say: third")
    expect(console.said).to_have_text(["say: first", "say: second", "say: third"])


def test_a_message_that_is_stored_already_is_not_shown_twice_after_a_reload(console: Console, go_on: GoOn) -> None:
    console.say(f'tool: calculator {{"expression": "1+1"}}\nthen\nwait-for: {go_on(1)}\nsay: end')
    expect(console.page.locator("details.tool.done")).to_have_count(1)
    console.page.reload()
    expect(console.page.locator("details.tool.done")).to_have_count(1)
    expect(console.button("Stop")).to_be_visible()
    expect(console.page.locator(".live")).to_have_count(1)
    expect(console.said).to_have_count(1)
    go_on(1).touch()
    expect(console.answers).to_have_text("end")


def test_an_answer_that_grows_elsewhere_leaves_what_one_reads_where_it_is(console: Console, go_on: GoOn) -> None:
    console.ask("\n".join(f"say: line {number}" for number in range(60)))
    console.page.keyboard.press("Alt+n")
    console.say(f"say: early\nwait-for: {go_on(1)}\nsay: late")
    expect(console.answers).to_have_text("early")
    expect(console.sessions).to_have_count(2)
    console.page.keyboard.press("Alt+ArrowDown")
    expect(console.answers.last).to_have_text("line 59")
    thread = console.page.get_by_role("region", name="Conversation")
    thread.evaluate("thread => thread.scrollTop = 0")
    go_on(1).touch()
    expect(console.sessions.first).to_contain_text("2 messages")
    assert thread.evaluate("thread => thread.scrollTop") == 0


def test_a_message_that_failed_while_one_looked_elsewhere_is_still_there(console: Console, go_on: GoOn) -> None:
    console.ask("say: ready")
    second = Console(console.page.context.new_page(), console.page.url)
    expect(second.answers).to_have_text("ready")
    console.say(f"say: working\nwait-for: {go_on(1)}\nsay: done")
    expect(console.answers.last).to_have_text("working")
    held = hold(second, "**/process-streaming")
    with second.page.expect_request("**/process-streaming"):
        second.say("say: precious words")
    second.page.keyboard.press("Alt+n")
    expect(second.said).to_have_count(0)
    held[0].continue_()
    second.ask("say: elsewhere")
    second.page.go_back()
    expect(second.problem).to_have_accessible_name("Busy")
    expect(second.said.last).to_have_text("say: precious words")
    second.problem.get_by_role("button", name="Edit").click()
    expect(second.page.get_by_label("Message")).to_have_value("say: precious words")
    go_on(1).touch()


def test_a_turn_that_is_stopped_before_it_began_stops(console: Console, go_on: GoOn) -> None:
    held = hold(console, "**/process-streaming")
    with console.page.expect_request("**/process-streaming"):
        console.say(f"say: early\nwait-for: {go_on(1)}\nsay: late")
    console.button("Stop").click()
    held[0].continue_()
    expect(console.problem).to_have_accessible_name("Stopped")


def test_a_list_that_broke_off_is_read_on_and_forgets_what_was_deleted_elsewhere(
    open_console: Open, owner: Owner, console_database_url: str
) -> None:
    caller = f"iam:{owner.user}"
    with contextlib.closing(PostgreSQLStore(StoreSettings(url=console_database_url))) as store:
        for number in range(60):
            now = f"2026-11-22T10:00:{number:02}+00:00"
            store.sessions.create(caller, SessionRecord(f"session-{number:02}", "AGENT", now, now))
        console = open_console()
        console.page.route("**/sessions?*cursor=*", lambda route: route.abort(), times=1)
        console.page.reload()
        console.page.get_by_role("navigation").get_by_role("link", name="session-10").scroll_into_view_if_needed()
        expect(console.page.get_by_text("Older sessions could not be read")).to_be_visible()
        console.button("Read the list again").click()
        expect(console.sessions).to_have_count(60)
        store.sessions.delete(caller, "session-55")
    console.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(console.sessions).to_have_count(59)
