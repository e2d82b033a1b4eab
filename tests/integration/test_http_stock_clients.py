"""What `/ag-ui` and `/chat` refuse, repeat and rejoin, at both edges; `clients/` has what real clients make of them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentMessage
from session_store.settings import StoreSettings
from tests.contract.records import message
from tests.contract.runs import begin, commit, request
from tests.integration.stock_clients import chat, events, open_api, run, said
from tests.support.http_api import BOB, HttpApi
from tests.support.scripted_model import read_calls
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", params=["api_gateway", "asgi"])
def api(request: pytest.FixtureRequest, shared_database_url: str, calls: Path) -> Iterator[HttpApi]:
    with open_api(request.param, shared_database_url, SCRIPTED_MODEL_CALLS=str(calls)) as api:
        yield api


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls") / "calls.jsonl"


@pytest.fixture(scope="module")
def store(shared_database_url: str) -> Iterator[PostgreSQLStore]:
    store = PostgreSQLStore(StoreSettings(url=shared_database_url))
    yield store
    store.close()


@pytest.fixture(scope="module")
def watch(shared_database_url: str) -> "Iterator[psycopg.Connection[Any]]":
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def thread(request: pytest.FixtureRequest, api: HttpApi) -> str:
    return f"{api.edge} {request.node.name}"[:200]


def stored(number: int, text: str, role: str = "user") -> AgentMessage:
    body = {"role": role, "content": [{"text": text}], "tracking_id": f"message-{number}"}
    return AgentMessage("default", message(number)._replace(message=json.dumps(body)))


TOOL = {"name": "confirm", "description": "Ask.", "parameters": {"type": "object"}}
RESULT = {"id": "t", "role": "tool", "toolCallId": "unknown", "content": "yes"}
URL = {"type": "image", "source": {"type": "url", "value": "https://example.com/a.png"}}


@pytest.mark.parametrize(
    ("messages", "more", "field"),
    [
        ([said([URL])], {}, "messages[0].content[0].source.type"),
        ([said("")], {}, "messages[0].content"),
        ([{"id": "a", "role": "assistant", "content": "hi"}], {}, "messages"),
        ([{"id": "t", "role": "tool", "content": "hi"}], {}, "messages[0].toolCallId"),
        ([said("hi")], {"state": ["a"]}, "state"),
        ([said("hi")], {"tools": [{"name": "no name", "description": ""}]}, "tools[0].name"),
        ([said("hi")], {"tools": [{**TOOL, "name": "calculator"}]}, "tools[0].name"),
        ([said("hi")], {"tools": [{**TOOL, "name": "remember-note"}]}, "tools[0].name"),
        ([said("hi")], {"tools": [{**TOOL, "name": "a_b"}, {**TOOL, "name": "a-b"}]}, "tools[1].name"),
        ([said("hi")], {"tools": [{**TOOL, "parameters": {"type": "string"}}]}, "tools[0].parameters"),
        ([said("hi")], {"tools": [{**TOOL, "parameters": {"properties": 1}}]}, "tools[0].parameters"),
        ([said("hi")], {"tools": [{**TOOL, "parameters": {"properties": {"a": 1}}}]}, "tools[0].parameters"),
        ([RESULT, {**RESULT, "id": "u"}], {}, "messages"),
        ([], {"resume": [{"interruptId": "i", "status": "maybe"}]}, "resume[0].status"),
        ([said("hi")], {"runId": ""}, "runId"),
        ([said("hi")], {"threadId": ".."}, "threadId"),
    ],
)
def test_a_refusal_names_the_field_as_ag_ui_does(
    api: HttpApi, thread: str, messages: list[Any], more: dict[str, Any], field: str
) -> None:
    answer = run(api, thread, *messages, **more)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)
    assert api.call("GET", "/sessions/{session_id}/history", session_id=thread).json.get("messages", []) == []


def test_a_result_of_a_call_that_nobody_made_is_refused(api: HttpApi, thread: str) -> None:
    answer = run(api, thread, RESULT)
    assert (answer.status, answer.code) == (409, "awaiting_response")
    assert (
        chat(api, thread, {"type": "tool-x", "toolCallId": "u", "state": "output-available"}, role="assistant").status
        == 409
    )


def test_the_same_run_sent_again_is_repeated_and_asks_no_model(api: HttpApi, thread: str, calls: Path) -> None:
    first = events(run(api, thread, said("say: once")))
    asked = len(read_calls(calls))
    again = events(run(api, thread, said("say: once")))
    assert len(read_calls(calls)) == asked
    assert [event["runId"] for event in (first[0], again[0], again[-1])] == ["run-1"] * 3
    assert again[-1]["result"]["run_id"] == first[-1]["result"]["run_id"]
    assert run(api, thread, said("say: other")).code == "idempotency_key_reused"
    assert events(run(api, f"{thread}'s other", said("say: other")))[-1]["result"]["response"] == "other"


def test_a_lost_stream_is_rejoined_by_the_same_request(api: HttpApi, thread: str) -> None:
    first = run(api, thread, said("say: one two three"))
    rejoined = run(api, thread, said("say: one two three"), headers={"Last-Event-ID": "4"})
    assert first.body.endswith(rejoined.body)
    assert rejoined.body.startswith("id: 5\n")
    unknown = run(api, thread, said("say: new"), run_id="run-2", headers={"Last-Event-ID": "4"})
    assert (unknown.status, unknown.code) == (409, "rejoin_refused")


def test_the_same_question_of_two_runs_at_once_is_stored_once(
    api: HttpApi, thread: str, store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    """The second one waits while the first one, which it takes the place of, commits all the same."""
    run(api, thread, said("say: one"))
    ((owner,),) = watch.execute("SELECT owner FROM sessions WHERE session_id = %s", (thread,))
    first = request(thread)
    begin(store, owner, first)
    with ThreadPoolExecutor(1) as pool:
        list_of_both = said("say: one"), said("say: two", 2)
        second = pool.submit(run, api, thread, *list_of_both, run_id="run-2")
        wait_until(lambda: watch.execute("SELECT FROM waiting_runs").fetchall())
        store.runs.write(owner, commit(first, messages=[stored(2, "say: two"), stored(3, "first answer", "assistant")]))
        assert events(second.result())[-1]["result"]["response"] == "two"
    *_, snapshot, _ = events(run(api, thread, run_id="run-3"))
    assert [each["content"] for each in snapshot["messages"]] == ["say: one", "one", "say: two", "two"]


def test_words_sent_while_a_tool_of_the_clients_waits_keep_their_ids(api: HttpApi, thread: str) -> None:
    """So do its results."""
    asked = run(api, thread, said('tool: confirm {"n": 1}\ntool: confirm {"n": 2}'), tools=[TOOL])
    first, _ = [each["toolCallId"] for each in events(asked) if each["type"] == "TOOL_CALL_START"]
    question = [said("never mind"), {**RESULT, "toolCallId": first, "id": "result-1"}, said("say: on", 2)]
    assert events(run(api, thread, *question, run_id="run-2", tools=[TOOL]))[-1]["result"]["response"] == "on"
    *_, snapshot, _ = events(run(api, thread, run_id="run-3"))
    shown = [each["id"] for each in snapshot["messages"]]
    assert (shown[0], shown[2], shown[4], len(shown)) == ("message-1", "result-1", "message-2", 6)
    again = run(api, thread, *question, run_id="run-4", tools=[TOOL])
    assert (again.status, again.json["errors"][0]["field"]) == (422, "messages")
    assert events(run(api, thread, said("say: more", 3), run_id="run-5"))[-1]["result"]["response"] == "more"


def test_another_callers_thread_is_as_one_that_never_was(api: HttpApi, thread: str) -> None:
    run(api, thread, said("say: secret"))
    started, _, snapshot, _ = events(run(api, thread, run_id="run-2", user=BOB))
    assert (started["threadId"], snapshot["messages"]) == (thread, [])


def test_a_snapshot_has_more_than_text(api: HttpApi, thread: str) -> None:
    run(api, thread, said('tool: calculator {"expression": "1+1"}\nthen\nsay: two'))
    *_, snapshot, _ = events(run(api, thread, run_id="run-2"))
    user, asked, result, answer = snapshot["messages"]
    assert (user["id"], user["role"]) == ("message-1", "user")
    assert asked["toolCalls"][0]["function"] == {"name": "calculator", "arguments": '{"expression": "1+1"}'}
    assert (result["toolCallId"], result["content"]) == (asked["toolCalls"][0]["id"], "2")
    assert answer["content"] == "two"


def test_chat_refuses_what_is_no_prompt(api: HttpApi, thread: str) -> None:
    for parts, field in (
        ([{"type": "file", "url": "https://example.com/a.png", "mediaType": "image/png"}], "messages[0].parts[0].url"),
        ([{"type": "text", "text": " "}], "messages[0].parts"),
    ):
        answer = chat(api, thread, *parts)
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)
    assert chat(api, thread, {"type": "text", "text": "hi"}, role="assistant").json["errors"][0]["field"] == "messages"


def test_chat_refuses_two_answers_to_one_question(api: HttpApi, thread: str) -> None:
    asked = {"type": "tool-x", "toolCallId": "t"}
    approvals = [{**asked, "state": "approval-responded", "approval": {"id": "i", "approved": each}} for each in (0, 1)]
    outputs = [{**asked, "state": "output-available", "output": each} for each in (0, 1)]
    for parts in (approvals, outputs):
        answer = chat(api, thread, *parts, role="assistant")
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, "messages")


def test_a_chat_without_a_run_in_progress_has_no_stream(api: HttpApi, thread: str) -> None:
    stream = {"method": "GET", "resource": "/chat/{chat_id}/stream", "chat_id": thread}
    assert api.call(**stream).status == 204
    chat(api, thread, {"type": "text", "text": "say: hi"})
    assert api.call(**stream).status == 204
    messages = {"method": "GET", "resource": "/sessions/{session_id}/ui-messages"}
    assert len(api.call(**messages, session_id=thread).json["messages"]) == 2
    assert api.call(**messages, session_id=f"no {thread}").code == "session_not_found"
