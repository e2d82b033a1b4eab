"""Where things stand on the page, and how often it asks for them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FloatRect, Locator, expect

from tests.e2e.console.conftest import Open
from tests.e2e.console.console import Console

pytestmark = pytest.mark.chromium

MAXIMUM_REQUESTS = 6
# The letters' own box: a button's is larger than what one sees.
BOX_OF_TEXT = """node => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const { x, y, width, height } = range.getBoundingClientRect();
    return { x, y, width, height };
}"""


def box(locator: Locator) -> FloatRect:
    found = locator.bounding_box()
    assert found is not None
    return found


def gap_below(above: Locator, below: Locator) -> float:
    return box(below)["y"] - box(above)["y"] - box(above)["height"]


def test_nothing_moves_when_an_answer_is_stored(console: Console, go_on: Callable[[int], Path]) -> None:
    card = console.page.locator("details.tool")
    console.say(f'tool: calculator {{"expression": "1+1"}}\nthen\nwait-for: {go_on(1)}\nsay: end')
    expect(console.page.locator(".live details.tool.done")).to_have_count(1)
    live = gap_below(console.said, card)
    go_on(1).touch()
    expect(console.page.locator(".history details.tool")).to_have_count(1)
    assert gap_below(console.said, card) == pytest.approx(live, abs=1)


@pytest.mark.parametrize("width", [1280, 360])
def test_the_field_is_as_wide_as_the_text_above_it(open_console: Open, width: int) -> None:
    console = open_console(viewport={"width": width, "height": 700})
    console.ask("\n".join(f"say: line {number}" for number in range(60)))
    if width > 1000:
        console.button("Details").click()
        expect(console.page.get_by_text("Database round trips")).to_be_visible()
    text, field = box(console.answers.last), box(console.page.locator("#composer .line"))
    assert field["x"] == pytest.approx(text["x"], abs=1)
    assert field["width"] == pytest.approx(text["width"], abs=1)
    if width > 1000:
        ids = console.page.locator("#details button.id")
        expect(ids).to_have_count(2)
        assert {round(box(each)["height"]) for each in ids.all()} == {round(box(ids.first)["height"])}
        assert box(ids.first)["height"] < 30  # one line
        centers = [middle(each) for each in (console.page.locator("#title"), console.button("Details"))]
        assert centers[0] == pytest.approx(centers[1], abs=0.6)


def middle(locator: Locator) -> float:
    found = locator.evaluate(BOX_OF_TEXT)
    return found["y"] + found["height"] / 2


def test_a_page_load_makes_few_requests_and_asks_for_no_script_that_it_has(console: Console) -> None:
    console.ask("say: hello")
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url))
    console.page.reload()
    expect(console.answers).to_have_text("hello")
    console.page.wait_for_load_state("networkidle")
    assert len(asked) <= MAXIMUM_REQUESTS, asked
    script = console.page.evaluate(
        "performance.getEntriesByType('resource').find(({ name }) => name.includes('.js')).transferSize"
    )
    assert script == 0  # from the browser's cache


def test_a_failed_first_message_is_offered_again(console: Console) -> None:
    console.page.route("**/process-streaming", lambda route: route.abort(), times=1)
    console.say("say: at last")
    expect(console.problem).to_have_accessible_name("No connection")
    console.page.reload()
    expect(console.said).to_have_text("say: at last")
    console.button("Try again").click()
    expect(console.answers).to_have_text("at last")

    console.page.keyboard.press("Alt+n")
    console.say("fail: on purpose")
    expect(console.problem).to_be_visible()
    expect(console.sessions.first).to_contain_text("failed")
    console.page.reload()
    expect(console.said).to_have_text("fail: on purpose")
    console.button("Dismiss").click()
    console.page.reload()
    expect(console.page.get_by_text("Nothing of this session is stored yet")).to_be_visible()
