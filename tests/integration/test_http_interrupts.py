"""A tool that asks a human, over HTTP on real runtime processes."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.waiting import wait_until

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


@pytest.mark.parametrize("path", ["/ag-ui", "/chat"])
def test_an_answer_that_comes_twice_does_not_cancel_the_run_that_goes_on_with_it(
    client: httpx.Client, shared_database_url: str, session_id: str, tmp_path: Path, path: str
) -> None:
    gate = tmp_path / "gate"
    prompt = f"{PROMPT}\nthen\nwait-for: {gate}\nsay: done"
    asked = client.post("/process", json={"prompt": prompt, "session_id": session_id}).json()
    body = answer_of_client(path, session_id, asked["interrupts"][0]["id"])
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(client.post, path, json=body("1"))
        wait_until(lambda: newest_run(client, session_id)["status"] == "running")
        second = threads.submit(client.post, path, json=body("2"))
        wait_until(lambda: has_waiting_run(shared_database_url))
        assert not newest_run(client, session_id)["cancel_requested"]
        gate.touch()
        assert "done" in first.result().text
        assert (second.result().status_code, second.result().json()["code"]) == (409, "awaiting_response")


def has_waiting_run(database_url: str) -> bool:
    with psycopg.connect(database_url) as connection:
        return bool(connection.execute("SELECT FROM waiting_runs").fetchall())


def newest_run(client: httpx.Client, session_id: str) -> Any:
    return client.get(f"/sessions/{session_id}/runs").json()["runs"][0]


def answer_of_client(path: str, session_id: str, interrupt_id: str) -> Callable[[str], Any]:
    if path == "/ag-ui":
        resume = [{"interruptId": interrupt_id, "status": "resolved", "payload": "yes"}]
        return lambda run_id: {"threadId": session_id, "runId": run_id, "messages": [], "resume": resume}
    approval = {"id": interrupt_id, "approved": True}
    part = {"type": "tool-delete_file", "toolCallId": "t", "state": "approval-responded", "approval": approval}
    return lambda _: {"id": session_id, "messages": [{"id": "m", "role": "assistant", "parts": [part]}]}
