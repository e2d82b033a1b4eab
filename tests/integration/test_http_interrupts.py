"""A tool that asks a human, over HTTP: the user's own `tools.py` in place of ours, on real runtime processes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.gateway import Gateway
from tests.support.http_api import ROOT

TOOLS = '''
from strands import tool
from strands.types.tools import ToolContext


@tool(context=True)
def delete_file(name: str, tool_context: ToolContext) -> str:
    """Delete a file, once a human has agreed."""
    answer = tool_context.interrupt("approval", reason={"file": name})
    return f"deleted {name}" if answer == "yes" else "kept"


TOOLS = [delete_file]
'''
PROMPT = 'tool: delete_file {"name": "a.txt"}'


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    layers = tmp_path / "layers"
    shutil.copytree(ROOT / "layers", layers, ignore=shutil.ignore_patterns("dependencies", "__pycache__"))
    (layers / "app/python/agent/tools.py").write_text(TOOLS)
    environment = {"SESSION_BACKEND_URL": database_url, "MODEL_PROVIDER": "tests.support.scripted_model:build"}
    with (
        Gateway(environment, port=0, backend_port=0, layers=layers) as gateway,
        httpx.Client(base_url=gateway.url, timeout=60) as client,
    ):
        yield client


def ask(client: httpx.Client, prompt: object, **headers: str) -> httpx.Response:
    return client.post("/process", json={"prompt": prompt, "session_id": "user-123"}, headers=headers)


def answer_to(interrupt_id: str, response: object) -> list[dict[str, object]]:
    return [{"interruptResponse": {"interruptId": interrupt_id, "response": response}}]


def test_an_agent_that_asks_a_human_waits_for_the_answer(client: httpx.Client) -> None:
    asked = ask(client, PROMPT).json()
    assert asked["stop_reason"] == "interrupt"
    (interrupt,) = asked["interrupts"]
    assert (interrupt["name"], interrupt["reason"]) == ("approval", {"file": "a.txt"})

    refused = ask(client, "something else")
    assert (refused.status_code, refused.json()["code"]) == (409, "awaiting_response")
    assert refused.json()["interrupt_ids"] == [interrupt["id"]]
    assert ask(client, answer_to("another", "yes")).json()["code"] == "awaiting_response"

    answered = ask(client, answer_to(interrupt["id"], "yes"))
    assert answered.status_code == 200
    assert answered.json()["response"] == "Result: deleted a.txt"
    assert ask(client, answer_to(interrupt["id"], "yes")).json()["code"] == "awaiting_response"


def test_the_question_is_told_again_by_its_run(client: httpx.Client) -> None:
    asked = ask(client, PROMPT).json()
    run = client.get(f"/runs/{asked['run_id']}").json()
    assert run["status"] == "completed"
    assert run["answer"]["interrupts"] == asked["interrupts"]


def test_what_was_said_beside_the_question_is_told_again_too(client: httpx.Client) -> None:
    prompt, key = f"say: May I?\n{PROMPT}", {"Idempotency-Key": "k"}
    asked = ask(client, prompt, **key)
    assert asked.json()["response"] == "May I?"
    assert ask(client, prompt, **key).content == asked.content
    run = client.get(f"/runs/{asked.json()['run_id']}").json()
    assert run["answer"].items() <= asked.json().items()
