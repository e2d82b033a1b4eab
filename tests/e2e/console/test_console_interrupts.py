"""An agent that waits for a human. Its tools are replaced, as whoever takes the project replaces them."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from local.gateway import Gateway
from local.gateway.gateway import ROOT
from tests.e2e.console.conftest import PATIENT, environment
from tests.e2e.console.console import Console

pytestmark = pytest.mark.chromium

AGENT = '''
from strands import Agent, ToolContext, tool


@tool(context=True)
def pay(amount: int, tool_context: ToolContext) -> str:
    """Pay."""
    return f"{tool_context.interrupt('approval', reason={'amount': amount})}: {amount}"


def build_agent(turn):
    return Agent(model=turn.model, tools=[pay], session_manager=turn.session_manager, callback_handler=None)
'''


@pytest.fixture(scope="module")
def gateway(console_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    copied = tmp_path_factory.mktemp("project") / "layers"
    unwanted = shutil.ignore_patterns("dependencies", "__pycache__")
    shutil.copytree(ROOT / "layers", copied, ignore=unwanted)
    (copied / "app/python/paying_agent.py").write_text(AGENT)
    variables = {**environment(console_database_url), "AGENT_FACTORY": "paying_agent:build_agent"}
    with Gateway(variables, port=0, backend_port=0, layers=copied, limits=PATIENT) as running:
        yield running


def test_the_page_shows_what_the_agent_asks_and_takes_the_answer(console: Console) -> None:
    console.ask('tool: pay {"amount": 5}')
    form = console.page.get_by_role("form", name="The agent asks")
    expect(form).to_contain_text("approval")
    expect(form).to_contain_text('"amount": 5')
    expect(console.page.get_by_label("Message")).to_be_disabled()
    expect(console.button("Send")).to_be_disabled()
    expect(form.get_by_role("textbox")).to_be_focused()

    console.page.reload()
    expect(form).to_contain_text('"amount": 5')
    form.get_by_role("textbox").fill("approved")
    form.get_by_role("button", name="Answer").click()
    expect(console.answers.last).to_contain_text("approved: 5")
    expect(form).to_have_count(0)
    expect(console.page.get_by_label("Message")).to_be_focused()


def test_an_answer_that_another_tab_has_given_is_not_waited_for_any_more(console: Console) -> None:
    console.ask('tool: pay {"amount": 6}')
    second = Console(console.page.context.new_page(), console.page.url)
    for each, answer in ((second, "yes"), (console, "no")):
        each.page.get_by_role("form").get_by_role("textbox").fill(answer)
        each.button("Answer").click()
        expect(each.answers.last).to_contain_text("yes: 6")
    expect(console.problem).to_have_accessible_name("Not what the agent waits for")
    console.button("Dismiss").click()
    expect(console.page.get_by_label("Message")).to_be_enabled()
    assert second.errors == []


def test_an_answer_can_be_json(console: Console) -> None:
    console.ask('tool: pay {"amount": 7}')
    form = console.page.get_by_role("form", name="The agent asks")
    form.get_by_label("The answer is JSON").check()
    form.get_by_role("textbox").fill("{broken")
    form.get_by_role("button", name="Answer").click()
    expect(form.get_by_role("textbox")).to_be_focused()
    form.get_by_role("textbox").fill('{"by": ["Ann"]}')
    form.get_by_role("textbox").press("Enter")
    expect(console.answers.last).to_contain_text("{'by': ['Ann']}: 7")
