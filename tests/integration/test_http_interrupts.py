"""A tool that asks a human, over HTTP on real runtime processes."""

import uuid
from collections.abc import Callable

import httpx
import pytest

Ask = Callable[..., httpx.Response]
PROMPT = 'tool: delete_file {"name": "a.txt"}'


@pytest.fixture
def ask(client: httpx.Client) -> Ask:
    """Asks in a session of the test's own."""
    session_id = uuid.uuid4().hex

    def post(prompt: object, **headers: str) -> httpx.Response:
        return client.post("/process", json={"prompt": prompt, "session_id": session_id}, headers=headers)

    return post


def answer_to(interrupt_id: str, response: object) -> list[dict[str, object]]:
    return [{"interruptResponse": {"interruptId": interrupt_id, "response": response}}]


def test_an_agent_that_asks_a_human_waits_for_the_answer(ask: Ask) -> None:
    asked = ask(PROMPT).json()
    assert asked["stop_reason"] == "interrupt"
    (interrupt,) = asked["interrupts"]
    assert (interrupt["name"], interrupt["reason"]) == ("approval", {"file": "a.txt"})

    refused = ask("something else")
    assert (refused.status_code, refused.json()["code"]) == (409, "awaiting_response")
    assert refused.json()["interrupt_ids"] == [interrupt["id"]]
    assert ask(answer_to("another", "yes")).json()["code"] == "awaiting_response"

    answered = ask(answer_to(interrupt["id"], "yes"))
    assert answered.status_code == 200
    assert answered.json()["response"] == "Result: deleted a.txt"
    assert ask(answer_to(interrupt["id"], "yes")).json()["code"] == "awaiting_response"


def test_its_run_repeats_the_question(client: httpx.Client, ask: Ask) -> None:
    asked = ask(PROMPT).json()
    run = client.get(f"/runs/{asked['run_id']}").json()
    assert run["status"] == "completed"
    assert run["answer"]["interrupts"] == asked["interrupts"]


def test_words_beside_the_question_are_repeated_too(client: httpx.Client, ask: Ask) -> None:
    prompt, key = f"say: May I?\n{PROMPT}", {"Idempotency-Key": uuid.uuid4().hex}
    asked = ask(prompt, **key)
    assert asked.json()["response"] == "May I?"
    assert ask(prompt, **key).content == asked.content
    run = client.get(f"/runs/{asked.json()['run_id']}").json()
    assert run["answer"].items() <= asked.json().items()
