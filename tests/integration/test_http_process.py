"""POST /process with a scripted model, called with REST proxy events and over ASGI, on a real database."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from session_store.postgresql import PostgreSQLStore
from tests.contract.runs import begin, commit, request
from tests.support.http_api import ALICE, BOB, Answer, HttpApi, load_handler
from tests.support.scripted_model import REDACTED, read_calls
from tests.support.waiting import wait_until

HISTORY = "/sessions/{session_id}/history"


def log_here(api: HttpApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A logger takes the stdout of its making, one a name: this makes one inside the test that reads it."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", tmp_path.name)
    api.handlers["process"] = load_handler("process")


def texts(api: HttpApi, session_id: str) -> list[str]:
    messages = api.call("GET", HISTORY, session_id=session_id).json["messages"]
    return [block["text"] for item in messages for block in item["message"]["content"] if "text" in block]


def test_a_turn_is_answered_and_remembered(api: HttpApi) -> None:
    first = api.call("POST", "/process", body={"prompt": "my name is Alice", "session_id": "user-123"})
    second = api.call("POST", "/process", body={"prompt": "echo-history: ", "session_id": "user-123"})

    assert first.status == 200
    assert first.json["session_id"] == "user-123"
    assert first.json["response"] == "You said: my name is Alice"
    assert first.json["stop_reason"] == "end_turn"
    assert first.json["usage"] == {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    assert "my name is Alice" in second.json["response"]
    assert texts(api, "user-123")[:2] == ["my name is Alice", "You said: my name is Alice"]


def test_without_a_session_id_a_new_session_begins(api: HttpApi) -> None:
    answers = [api.call("POST", "/process", body={"prompt": "Hello"}).json for _ in range(2)]
    ids = {answer["session_id"] for answer in answers}
    assert len(ids) == 2
    assert {session["session_id"] for session in api.call("GET", "/sessions").json["sessions"]} == ids


def test_two_owners_with_one_session_id_have_two_sessions(api: HttpApi) -> None:
    for user in (ALICE, BOB):
        api.call("POST", "/process", user=user, body={"prompt": f"I am {user}", "session_id": "shared"})
    answer = api.call("POST", "/process", user=BOB, body={"prompt": "echo-history:", "session_id": "shared"}).json
    assert ALICE not in answer["response"]
    assert texts(api, "shared") == [f"I am {ALICE}", f"You said: I am {ALICE}"]


def test_metadata_is_taken_and_part_of_what_is_asked(api: HttpApi) -> None:
    def send(metadata: object) -> Answer:
        body = {"prompt": "Hello", "metadata": metadata}
        return api.call("POST", "/process", body=body, headers={"Idempotency-Key": "k"})

    assert send({"locale": "de"}).status == 200
    assert send({"locale": "fr"}).code == "idempotency_key_reused"
    assert send("de").json["errors"][0]["field"] == "metadata"


def test_a_services_end_users_have_sessions_of_their_own(api: HttpApi) -> None:
    def send(method: str, resource: str, name: str | None, **more: Any) -> Answer:
        return api.call(method, resource, headers={"End-User": name} if name else {}, **more)

    for name in ("carol", "dave", None):
        send("POST", "/process", name, body={"prompt": f"I am {name}", "session_id": "s"})
    for name in ("carol", "dave", None):
        history = send("GET", HISTORY, name, session_id="s").json["messages"]
        assert [item["message"]["content"][0]["text"] for item in history] == [f"I am {name}", f"You said: I am {name}"]
    assert send("GET", "/sessions", "erin").json["sessions"] == []
    assert send("GET", "/sessions", "x" * 256).code == "invalid_request"


def test_the_same_idempotency_key_gives_the_same_answer_without_a_model(api: HttpApi, calls: Path) -> None:
    def send(prompt: str, user: str = ALICE) -> object:
        headers = {"idempotency-key": "k1"}
        return api.call("POST", "/process", user=user, body={"prompt": prompt}, headers=headers)

    first, again = send("Hello"), send("Hello")
    assert first == again
    assert len(read_calls(calls)) == 1
    assert send("Other").code == "idempotency_key_reused"
    assert send("Hello", user=BOB).json["run_id"] != first.json["run_id"]


def test_a_redacted_prompt_is_redacted_in_history_and_preview(api: HttpApi) -> None:
    api.call("POST", "/process", body={"prompt": "my secret\nsay: I cannot\nredact:", "session_id": "user-123"})
    page = api.call("GET", HISTORY, session_id="user-123")
    assert page.json["messages"][0]["redacted"] is True
    assert page.json["messages"][0]["message"]["content"][0]["text"] == REDACTED
    assert "secret" not in page.body + api.call("GET", "/sessions").body


def test_a_run_tells_what_became_of_it(api: HttpApi) -> None:
    answer = api.call("POST", "/process", body={"prompt": "say: Hi", "session_id": "user-123"}).json
    run = api.call("GET", "/runs/{run_id}", run_id=answer["run_id"]).json
    assert (run["status"], run["session_id"], run["error_code"]) == ("completed", "user-123", None)
    assert run["answer"] == {name: answer[name] for name in ("response", "stop_reason", "usage")}
    for method, resource in (("GET", "/runs/{run_id}"), ("POST", "/runs/{run_id}/cancel")):
        assert api.call(method, resource, user=BOB, run_id=answer["run_id"]).code == "run_not_found"
    assert api.call("POST", "/runs/{run_id}/cancel", run_id=answer["run_id"]).json["status"] == "completed"


def test_a_failing_model_is_502_without_its_words_anywhere(
    api: HttpApi,
    capfd: pytest.CaptureFixture[str],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    log_here(api, monkeypatch, tmp_path)
    body = {"prompt": "fail: the marmalade is secret", "session_id": "user-123"}
    answer = api.call("POST", "/process", body=body)
    assert (answer.status, answer.code) == (502, "model_failed")
    logs = "".join(capfd.readouterr())
    assert "ModelFailedError" in logs
    assert "marmalade" not in answer.body + logs
    with psycopg.connect(database_url) as connection:  # a 502 does not name its run
        (run_id,) = connection.execute("SELECT run_id::text FROM runs").fetchall()[0]
    assert api.call("GET", "/runs/{run_id}", run_id=run_id).json["error_code"] == "model_failed"
    assert api.call("POST", "/process", body={"prompt": "Hello", "session_id": "user-123"}).status == 200


def test_neither_prompt_nor_answer_is_logged(
    api: HttpApi, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log_here(api, monkeypatch, tmp_path)
    answer = api.call("POST", "/process", body={"prompt": "say: Pamplemousse"}).json
    assert answer["response"] == "Pamplemousse"
    logs = "".join(capfd.readouterr())
    assert "POST /process" in logs
    assert "amplemousse" not in logs


def test_a_busy_session_is_409_before_the_model_is_called(api: HttpApi, calls: Path, store: PostgreSQLStore) -> None:
    from session_store.repository import PostgreSQLSessionRepository

    with PostgreSQLSessionRepository(store=store, owner=f"iam:{ALICE}").run("user-123") as run:
        answer = api.call("POST", "/process", body={"prompt": "Hello", "session_id": "user-123"})
        assert (answer.status, answer.code, answer.json["run_id"]) == (409, "session_busy", run.run_id)
        assert answer.headers["Retry-After"] in ("1", "2")  # a guess, whatever is left of the lease
    assert read_calls(calls) == []


def test_a_wait_without_time_left_for_a_turn_is_409_with_its_place_in_the_queue(
    api: HttpApi, calls: Path, store: PostgreSQLStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUN_TIMEOUT_SECONDS", "6")
    api.handlers["process"] = load_handler("process")
    holder = request("user-123")
    begin(store, f"iam:{ALICE}", holder)
    body = {"prompt": "say: never", "session_id": "user-123", "if_busy": "wait"}
    with psycopg.connect(database_url, autocommit=True) as database, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.call, "POST", "/process", body=body)
        wait_until(lambda: waiting.done() or database.execute("SELECT FROM waiting_runs").fetchall())
        assert not waiting.done()
        answer = waiting.result()
        assert not database.execute("SELECT FROM waiting_runs").fetchall()
    assert (answer.status, answer.code, answer.json["run_id"]) == (409, "session_busy", holder.run_id)
    assert answer.json["position"] == 1
    assert answer.headers["Retry-After"] in ("1", "2")
    assert read_calls(calls) == []
    store.runs.write(f"iam:{ALICE}", commit(holder))
    again = {"prompt": "say: now", "session_id": "user-123"}
    assert api.call("POST", "/process", body=again).json["response"] == "now"


def test_what_a_tool_was_given_is_not_logged_when_it_fails(
    api: HttpApi, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log_here(api, monkeypatch, tmp_path)
    prompt = 'tool: calculator {"expression": "marmalade("}\nthen\nsay: done'
    assert api.call("POST", "/process", body={"prompt": prompt}).json["response"] == "done"
    logging.getLogger("strands.tools").error("the library tells", exc_info=ValueError("marmalade"))
    logs = "".join(capfd.readouterr())
    assert '"kinds":["ValueError"]' in logs
    assert "marmalade" not in logs


def test_a_tool_request_that_is_not_json_is_not_logged(
    api: HttpApi, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log_here(api, monkeypatch, tmp_path)
    assert api.call("POST", "/process", body={"prompt": "broken-tool: calculator the marmalade"}).status == 200
    logging.getLogger("strands.hooks").error("made of marmalade")
    logs = "".join(capfd.readouterr())
    assert "failed to parse tool input json" in logs
    assert "strands.hooks:" in logs
    assert "marmalade" not in logs


@pytest.mark.parametrize("text", ["\x00", "a\ud800b", "🧀" * 100, "a\u2028b", "x" * 100_000])
def test_any_text_is_a_prompt_and_is_kept_as_it_is(api: HttpApi, text: str) -> None:
    answer = api.call("POST", "/process", body={"prompt": text, "session_id": "user-123"})
    assert answer.status == 200
    assert answer.json["response"] == f"You said: {text}"
    answer.body.encode()
    assert texts(api, "user-123")[0] == text


def test_an_interrupt_answer_that_nobody_waits_for_is_409(api: HttpApi) -> None:
    prompt = [{"interruptResponse": {"interruptId": "i", "response": True}}]
    answer = api.call("POST", "/process", body={"prompt": prompt, "session_id": "user-123"})
    assert (answer.status, answer.code) == (409, "awaiting_response")
