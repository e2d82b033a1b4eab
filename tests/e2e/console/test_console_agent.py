"""What the agent is, and what its runs did."""

import re
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from local.gateway.event import Owner
from tests.e2e.console.console import Console
from tests.e2e.console.test_console_access import assert_accessible

pytestmark = pytest.mark.chromium

IMAGE = "<img src=x onerror=window.ran=1>"
STEPS = ["Restore", "scripted", "Write", "calculator", "Write", "scripted", "Commit"]


def steps(page: Page) -> Locator:
    return page.get_by_label("What the run did").get_by_role("listitem")


def bars(page: Page) -> list[dict[str, float]]:
    return [bar.bounding_box() for bar in steps(page).locator(".length").all()]  # type: ignore[misc]


def open_details(console: Console) -> None:
    console.button("Details").press("Enter")
    expect(console.page.get_by_role("heading", name="What happened")).to_be_visible()


def test_a_new_session_shows_what_the_agent_is_and_suggestions_fill_the_field(console: Console, page: Page) -> None:
    agent = page.get_by_role("region", name="The agent")
    expect(agent).to_contain_text("scripted")
    calculator = agent.locator("summary", has_text="calculator")
    expect(calculator).to_contain_text("Compute.")
    calculator.press("Enter")
    expect(agent.get_by_label("Input of calculator")).to_contain_text('"expression"')
    agent.locator("summary", has_text="System prompt").press("Enter")
    expect(agent).to_contain_text("Be brief.")
    assert_accessible(page)
    console.button("What can you help me with?").press("Enter")
    expect(page.get_by_label("Message")).to_have_value("What can you help me with?")
    expect(page.get_by_label("Message")).to_be_focused()
    expect(console.said).to_have_count(0)


def test_a_run_is_shown_step_by_step_also_after_a_reload(
    console: Console, page: Page, owner: Owner, console_database_url: str
) -> None:
    console.ask('tool: calculator {"expression": "6 * 7"}\nthen\nsay: It is 42.')
    open_details(console)
    for is_reloaded in (False, True):
        if is_reloaded:
            page.reload()
            open_details(console)
        expect(steps(page)).to_have_count(len(STEPS))
        shown = [re.findall("[A-Za-z]+", step)[0] for step in steps(page).all_text_contents()]
        assert shown in (STEPS, [*STEPS[:4], "scripted", "Write", "Commit"])  # both begin once the tool has ended
        expect(steps(page).nth(1)).to_contain_text("1 in · 1 out · ")
        expect(steps(page).nth(1)).to_contain_text("tool use")
        expect(page.locator("#details dt:text-is('Cost') + dd")).to_have_text("$0.036")
    lefts = [bar["x"] for bar in bars(page)]
    assert lefts == sorted(lefts)
    track, last = steps(page).first.locator(".track").bounding_box(), bars(page)[-1]
    assert track
    assert last["x"] + last["width"] == pytest.approx(track["x"] + track["width"], abs=2.5)

    console.say("fail: on purpose")
    expect(page.get_by_label("Run", exact=True).locator("option")).to_have_count(2)
    expect(steps(page).nth(1)).to_contain_text("error")
    page.get_by_label("Run", exact=True).select_option(index=1)
    expect(steps(page)).to_have_count(len(STEPS))

    with psycopg.connect(console_database_url) as connection:  # as the expiry does after a day
        connection.execute("DELETE FROM runs WHERE owner = %s", [f"iam:{owner.user}"])
    console.button("Dismiss").click()
    page.reload()
    open_details(console)
    expect(page.get_by_text("The run itself is no longer kept")).to_be_visible()
    expect(steps(page)).to_have_count(2)
    expect(steps(page).first).to_contain_text("1 in · 1 out")


def span(kind: str, name: str, start: float, end: float | None, **more: Any) -> dict[str, Any]:
    none = dict.fromkeys(("node", "status", "first_token_ms", "input_tokens", "output_tokens", "cost_dollars"))
    return {"kind": kind, "name": name, "start_ms": start, "end_ms": end, **none, **more}


def test_nodes_and_hostile_names_are_text_and_slow_steps_stand_out(console: Console, page: Page) -> None:
    spans = [
        span("restore", "restore", 0, 5),
        span("node", IMAGE, 10, 90),
        span("tool", IMAGE, 20, 80, node=IMAGE, status=IMAGE),
        span("tool", "waits", 85, None),
    ]
    trace = {"run_id": IMAGE, "status": IMAGE, "total_ms": 100, "spans": spans, "omitted": 7, "cost_dollars": None}
    tools = [{"name": IMAGE, "description": IMAGE, "input_schema": {"type": IMAGE}}]
    words = dict.fromkeys(("node", "description", "provider", "model_id", "system_prompt"), IMAGE)
    agent = {"agents": [{**words, "tools": tools}], "suggestions": [IMAGE]}
    page.route("**/trace", lambda route: route.fulfill(json=trace))
    page.route("**/agent", lambda route: route.fulfill(json=agent))
    page.reload()
    expect(page.get_by_role("region", name=IMAGE)).to_be_visible()
    console.ask("say: hello")
    open_details(console)
    expect(steps(page)).to_have_count(5)
    expect(steps(page).nth(2)).to_have_text("7 steps not kept")
    expect(steps(page).nth(3)).to_contain_text(IMAGE)
    expect(steps(page).nth(4)).to_contain_text("not ended")
    expect(steps(page).filter(has_text="slow")).to_have_count(1)
    expect(page.locator("img:not(.brand img)")).to_have_count(0)
    assert page.evaluate("window.ran") is None
