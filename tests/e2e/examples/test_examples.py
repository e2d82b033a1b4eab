"""The pages of examples/ in Chromium: `make test-examples`."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]  # a page of a thousand packages takes minutes to build


def test_use_chat_talks_is_loaded_again_and_asks_for_approval(open_example: Callable[[str], Page]) -> None:
    page = open_example("use-chat")
    answers = page.locator('section[data-role="assistant"]')

    def say(words: str) -> None:
        page.get_by_label("Message").fill(words)
        page.get_by_role("button", name="Send").click()

    say("say: Hello from another origin")
    expect(answers.last).to_have_text("Hello from another origin", timeout=30_000)
    page.reload()
    expect(answers).to_have_count(1)
    expect(answers.last).to_have_text("Hello from another origin")
    say('tool: delete_file {"name": "a.txt"}')
    page.get_by_role("button", name="Yes").click()
    expect(answers.last).to_contain_text("Result: kept")  # that tool takes the word "yes" alone
    say("fail: secret words")
    expect(page.get_by_role("alert")).to_contain_text("model")


def test_copilotkit_talks_and_carries_out_the_pages_tool(open_example: Callable[[str], Page]) -> None:
    page = open_example("copilotkit")

    def say(words: str) -> None:
        page.locator("textarea").fill(words)
        page.locator("textarea").press("Enter")

    say("say: Hello from CopilotKit")
    expect(page.get_by_text("Hello from CopilotKit", exact=True)).to_be_visible(timeout=30_000)
    say('tool: paint {"color": "rgb(1, 2, 3)"}')
    expect(page.get_by_text("Result: The page is rgb(1, 2, 3) now.")).to_be_visible(timeout=30_000)
    assert page.evaluate("document.body.style.backgroundColor") == "rgb(1, 2, 3)"
