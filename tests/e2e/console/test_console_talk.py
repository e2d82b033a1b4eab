"""Talking: tokens as they come, what is still there afterwards, and what one does about what went wrong."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from local.gateway import Gateway
from local.gateway.event import Owner
from tests.e2e.console.conftest import Open
from tests.e2e.console.console import Console
from tests.e2e.console.stored import store_conversation

pytestmark = pytest.mark.chromium

GoOn = Callable[[int], Path]
QUOTED = r"""it's "quoted" for a `shell`: $HOME \n ! % é"""


def test_tokens_arrive_one_after_another_and_are_there_after_a_reload(console: Console, go_on: GoOn) -> None:
    console.say(f"say: one two\nwait-for: {go_on(1)}\nsay: and three\nwait-for: {go_on(2)}\nsay: and four")
    expect(console.answers).to_have_text("one two")
    go_on(1).touch()
    expect(console.answers).to_have_text("one twoand three")
    expect(console.button("Stop")).to_be_visible()
    go_on(2).touch()
    console.wait_until_idle()
    expect(console.page.locator(".history .prose").last).to_contain_text("and four")
    expect(console.page.locator(".summary")).to_contain_text("2 round trips · 2 tokens")

    console.page.reload()
    expect(console.said).to_have_count(1)
    expect(console.answers.last).to_contain_text("and four")
    expect(console.sessions).to_have_count(1)
    expect(console.sessions).to_contain_text("2 messages")


def test_a_message_written_before_the_page_is_ready_is_not_lost(browser: Browser, address: str) -> None:
    page = browser.new_page()
    held: list[Route] = []
    page.route("**/console/console.js*", lambda route: held.append(route))
    page.goto(address, wait_until="commit")
    page.get_by_label("Message").fill("say: early bird")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    held[0].continue_()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message.assistant .prose")).to_have_text("early bird")
    page.close()


def test_an_answer_that_was_under_way_when_the_page_was_reloaded_comes_in(console: Console, go_on: GoOn) -> None:
    console.say(f"say: early\nwait-for: {go_on(1)}\nsay: late")
    expect(console.answers).to_have_text("early")
    console.page.reload()
    expect(console.said).to_have_count(1)
    expect(console.button("Stop")).to_be_visible()
    go_on(1).touch()
    expect(console.answers.last).to_have_text("late")
    expect(console.said).to_have_count(1)


def test_a_turn_goes_on_while_another_session_is_looked_at(console: Console, go_on: GoOn) -> None:
    console.say(f"say: early\nwait-for: {go_on(1)}\nsay: late")
    expect(console.answers).to_have_text("early")
    console.page.keyboard.press("Alt+n")
    console.ask("say: meanwhile")
    console.page.go_back()
    expect(console.answers).to_have_text("early")
    go_on(1).touch()
    console.wait_until_idle()
    expect(console.answers.last).to_have_text("late")


def test_a_second_tab_is_told_that_the_session_is_busy_and_can_try_again(
    console: Console, address: str, go_on: GoOn
) -> None:
    console.ask("say: ready")
    page = console.page.context.new_page()
    with page.expect_response("**/runs?limit=1"):  # it has looked for a run to watch, and found none
        second = Console(page, console.page.url)
    expect(second.answers).to_have_text("ready")
    console.say(f"say: working\nwait-for: {go_on(1)}\nsay: done")
    expect(console.answers.last).to_have_text("working")

    second.say("say: me too")
    expect(second.problem).to_have_accessible_name("Busy")
    expect(second.problem.locator(".wait")).to_contain_text("It asks to wait")
    expect(second.problem.get_by_role("button").first).to_contain_text("Try again (")
    go_on(1).touch()
    console.wait_until_idle()
    second.problem.get_by_role("button").first.click()
    expect(second.answers.last).to_have_text("me too")
    expect(second.problem).to_have_count(0)
    expect(second.answers.filter(has_text="done")).to_have_count(1)
    assert second.errors == []


def test_tool_calls_are_folded_with_their_input_and_result(console: Console) -> None:
    call = 'tool: calculator {"expression": "6 * 7"}\ntool: calculator {"expression": "1 / 0"}'
    console.ask(f"{call}\nthen\nsay: There.")
    calls = console.page.locator("details.tool")
    expect(calls).to_have_count(2)
    expect(calls.first.locator("summary")).to_contain_text("calculator6 * 7done")
    expect(calls.last.locator("summary")).to_contain_text("failed")
    expect(calls.first.get_by_label("Result of calculator")).to_be_hidden()
    calls.first.locator("summary").click()
    expect(calls.first.get_by_label("Input of calculator")).to_have_text('{ "expression": "6 * 7" }')
    expect(calls.first.get_by_label("Result of calculator")).to_have_text("42")


def test_the_details_tell_state_timing_and_tokens(console: Console) -> None:
    console.ask('tool: remember_note {"note": "Alice likes tea."}\nthen\nsay: Noted.')
    console.button("Details").click()
    details = console.page.get_by_role("complementary", name="Details")
    expect(details.get_by_label("Agent’s state")).to_contain_text("Alice likes tea.")
    expect(details.locator("dt:text-is('Total') + dd")).to_contain_text("s")
    expect(details.locator("dt:text-is('Database round trips') + dd")).to_have_text("4")
    expect(details.locator("dt:text-is('Tokens') + dd")).to_have_text("2 in · 2 out")


def test_a_failed_turn_is_tried_again_under_the_same_key(console: Console) -> None:
    sent: list[Request] = []
    console.page.on("request", lambda request: sent.append(request) if "process-streaming" in request.url else None)
    console.say("fail: on purpose")
    expect(console.problem).to_have_accessible_name("The model failed")
    expect(console.problem).to_contain_text("model_failed")
    console.button("Try again").click()
    expect(console.page.locator(".live")).to_have_count(0)
    expect(console.problem).to_be_visible()
    assert len(sent) == 2
    assert sent[0].headers["idempotency-key"] == sent[1].headers["idempotency-key"]
    assert sent[0].post_data == sent[1].post_data

    console.button("Edit").click()
    expect(console.page.get_by_label("Message")).to_have_value("fail: on purpose")
    expect(console.problem).to_have_count(0)
    console.ask("say: better")
    assert sent[2].headers["idempotency-key"] != sent[0].headers["idempotency-key"]


def test_an_answer_that_was_lost_on_its_way_is_not_asked_for_twice(console: Console) -> None:
    """The API answered and stored it, but the page heard nothing: the same key brings the stored answer."""
    console.ask("say: ready")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    console.page.route("**/process-streaming", lose, times=1)
    console.say("say: once")
    expect(console.problem).to_have_accessible_name("No connection")
    console.button("Try again").click()
    console.wait_until_idle()
    expect(console.problem).to_have_count(0)
    expect(console.answers).to_have_text(["ready", "once"])
    expect(console.said).to_have_count(2)


def test_a_stopped_turn_is_told_as_stopped(console: Console, go_on: GoOn) -> None:
    console.say(f"say: early\nwait-for: {go_on(1)}\nsay: late")
    expect(console.answers).to_have_text("early")
    console.button("Stop").click()
    expect(console.problem).to_have_accessible_name("Stopped")


def test_older_messages_come_as_one_scrolls_up(
    open_console: Open, address: str, owner: Owner, console_database_url: str
) -> None:
    texts = [f"answer {number}" for number in range(50)]
    store_conversation(console_database_url, f"iam:{owner.user}", "long", texts)
    console = open_console(f"{address}#/long")
    expect(console.answers.last).to_have_text("answer 49")
    expect(console.answers).to_have_count(15)
    for count in (30, 45, 50):
        console.page.get_by_role("region", name="Conversation").press("Home")
        expect(console.answers).to_have_count(count)
    assert [text.strip() for text in console.answers.all_text_contents()] == texts


def test_two_owners_see_nothing_of_each_other(console: Console, open_console: Open, gateway: Gateway) -> None:
    console.ask("say: a secret of Alice")
    session = console.page.url.partition("#")[2]
    bobs = open_console(f"http://127.0.0.1:{gateway.listen(owner=Owner('AIDABOB'))}/")
    expect(bobs.page.get_by_text("No sessions yet.")).to_be_visible()
    bobs.page.goto(f"{bobs.address}#{session}")
    expect(bobs.problem).to_have_accessible_name("No such session")
    assert "secret" not in bobs.page.content()


def test_a_session_is_deleted_only_when_confirmed(console: Console) -> None:
    console.ask("say: short-lived")
    console.menu("Delete…")
    dialog = console.page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 messages")
    expect(console.button("Keep it")).to_be_focused()
    console.button("Keep it").click()
    expect(console.sessions).to_have_count(1)

    console.menu("Delete…")
    console.button("Delete for good").click()
    expect(console.sessions).to_have_count(0)
    expect(console.page.get_by_role("heading", name="A new session")).to_be_visible()
    console.page.reload()
    expect(console.page.get_by_text("No sessions yet.")).to_be_visible()


def test_export_and_curl_say_the_same_as_the_page(open_console: Open) -> None:
    console = open_console(permissions=["clipboard-read", "clipboard-write"])
    console.ask(f"say: {QUOTED}")
    with console.page.expect_download() as download:
        console.menu("Export as JSON Lines")
    lines = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [line["type"] for line in lines] == ["session", "agent", "message", "message"]

    console.menu("Copy as curl")
    expect(console.page.get_by_text("Command copied.")).to_be_visible()
    command = console.page.evaluate("navigator.clipboard.readText()")
    assert f"curl -N {console.address}process-streaming" in command
    assert lines[0]["session_id"] in command
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert said.stdout == QUOTED

    console.page.reload()
    expect(console.said).to_have_count(2)
    console.menu("Copy as curl")
    expect(console.page.get_by_text("Command copied.")).to_be_visible()
    assert console.page.evaluate("navigator.clipboard.readText()") == command


def test_sessions_are_searched_by_their_beginning(console: Console, page: Page) -> None:
    console.ask("say: about tea")
    page.keyboard.press("Alt+n")
    console.ask("say: about coffee")
    expect(console.sessions).to_have_count(2)
    expect(console.sessions.first).to_contain_text("coffee")
    page.keyboard.press("Control+k")
    page.keyboard.type("TEA")
    expect(console.sessions).to_have_count(1)
    expect(page.get_by_text("1 of 2 match.")).to_be_visible()
    console.sessions.click()
    expect(console.answers).to_have_text("about tea")


def test_a_second_tab_watches_an_answer_that_is_under_way(open_console: Open, console: Console, go_on: GoOn) -> None:
    console.say(f"say: early\nwait-for: {go_on(1)}\nsay: late")
    expect(console.answers).to_have_text("early")
    other = open_console()
    other.sessions.first.click()
    expect(other.answers).to_have_text("early")
    other.button("Stop").click()
    expect(other.button("Stopping…")).to_be_disabled()
    expect(other.problem).to_have_accessible_name("Stopped")


def test_what_is_stored_of_an_answer_under_way_is_shown_once(open_console: Open, console: Console, go_on: GoOn) -> None:
    """A tool's call is stored before the tool runs, and the events that a second tab reads begin with it."""
    call = 'say: before\ntool: calculator {"expression": "6 * 7"}'
    console.say(f"{call}\nthen\nsay: early\nwait-for: {go_on(1)}\nsay: late")
    expect(console.answers).to_have_text(["before", "early"])
    other = open_console(console.page.url)
    expect(other.answers).to_have_text(["before", "early"])
    calls = other.page.locator("details.tool")
    expect(calls).to_have_count(1)
    expect(calls.locator("summary")).to_contain_text("calculator6 * 7done")
    go_on(1).touch()
    other.wait_until_idle()
    expect(other.answers).to_have_text(["before", "early", "late"])
    expect(calls).to_have_count(1)
    expect(other.said).to_have_count(1)
