"""A run's stream, found again: on real runtime processes and on a server, the model scripted by the prompt."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import httpx
import psycopg
import pytest

from local.gateway import Gateway, Owner
from tests.support.streams import streaming
from tests.support.waiting import wait_until

TOOL_THEN_WORDS = 'say: Let me see.\ntool: calculator {"expression": "6*7"}\nthen\nsay: It is 42.'


def frames(response: httpx.Response) -> Iterator[str]:
    """Whole frames with their ids, without heartbeats."""
    frame: list[str] = []
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            frame.append(line)
        elif frame:
            yield "\n".join(frame)
            frame = []


def ask(client: httpx.Client, session_id: str, prompt: str, **headers: str) -> tuple[str, list[str]]:
    with streaming(client, session_id, prompt, **headers) as response:
        return response.headers["run-id"], list(frames(response))


def watch(client: httpx.Client, run_id: str, after: int = 0) -> list[str]:
    with client.stream("GET", f"/runs/{run_id}/events", headers={"Last-Event-ID": str(after)}) as response:
        assert response.status_code == 200
        return list(frames(response))


def kind(frame: str) -> str:
    return json.loads(frame.partition("data: ")[2])["type"]


@pytest.fixture
def client(streaming_client: httpx.Client) -> httpx.Client:
    return streaming_client


def test_finished_run_is_read_as_it_was_streamed_from_any_event_on(client: httpx.Client, session_id: str) -> None:
    run_id, streamed = ask(client, session_id, TOOL_THEN_WORDS)
    assert kind(streamed[-1]) == "RUN_FINISHED"
    assert watch(client, run_id) == streamed
    assert watch(client, run_id, 3) == streamed[3:]
    assert watch(client, run_id, len(streamed)) == []
    assert watch(client, run_id, 10**6) == []
    query = client.get(f"/runs/{run_id}/events", params={"after": len(streamed) - 1})
    assert (query.headers["run-id"], query.headers["session-id"]) == (run_id, session_id)
    assert query.text.strip() == streamed[-1]


def test_run_is_rejoined_after_a_hang_up_while_it_goes_on(
    client: httpx.Client, session_id: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with streaming(client, session_id, f"say: one two\nwait-for: {gate}\nsay: three") as response:
        run_id, seen = response.headers["run-id"], list(islice(frames(response), 3))
    with client.stream("GET", f"/runs/{run_id}/events", headers={"Last-Event-ID": "3"}) as response:
        rest = frames(response)
        seen.append(next(rest))
        gate.touch()
        seen += rest
    assert seen == watch(client, run_id)
    assert [kind(frame) for frame in seen[-2:]] == ["TEXT_MESSAGE_END", "RUN_FINISHED"]


def test_failed_run_ends_for_watchers_as_it_did_for_its_caller(client: httpx.Client, session_id: str) -> None:
    run_id, streamed = ask(client, session_id, "say: so far\nfail: secret words")
    assert kind(streamed[-1]) == "RUN_ERROR"
    assert watch(client, run_id) == streamed
    assert watch(client, run_id, len(streamed)) == []


def test_request_that_interrupts_ends_the_running_one_where_any_other_is_refused(
    client: httpx.Client, session_id: str, tmp_path: Path
) -> None:
    with streaming(client, session_id, f"say: one\nwait-for: {tmp_path / 'never'}") as response:
        rest = frames(response)
        assert kind(next(rest)) == "RUN_STARTED"
        body = {"prompt": "say: two", "session_id": session_id}
        refused = client.post("/process", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")
        assert client.post("/process", json={**body, "if_busy": "interrupt"}).json()["response"] == "two"
        assert json.loads(list(rest)[-1].partition("data: ")[2])["code"] == "run_cancelled"


def test_request_that_waits_goes_on_with_what_the_running_one_stores(
    client: httpx.Client, session_id: str, shared_database_url: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with (
        ThreadPoolExecutor(1) as pool,
        streaming(client, session_id, f"say: one\nwait-for: {gate}") as response,
        psycopg.connect(shared_database_url, autocommit=True) as database,
    ):
        rest = frames(response)
        assert kind(next(rest)) == "RUN_STARTED"
        body = {"prompt": "echo-history", "session_id": session_id, "if_busy": "wait"}
        waiting = pool.submit(client.post, "/process", json=body)
        queue = "SELECT FROM waiting_runs JOIN sessions USING (session_key) WHERE session_id = %s"
        wait_until(lambda: database.execute(queue, [session_id]).fetchall())
        gate.touch()
        assert kind(list(rest)[-1]) == "RUN_FINISHED"
        answer = waiting.result().json()
    history = client.get(f"/sessions/{session_id}/history").json()["messages"]
    texts = [each["message"]["content"][0]["text"] for each in history]
    assert answer["response"].startswith("2: say: one")
    assert texts[1:] == ["one", "echo-history", answer["response"]]


def test_bare_text_breaks_off_where_the_run_failed(client: httpx.Client, session_id: str) -> None:
    run_id, _ = ask(client, session_id, "say: just these words")
    answer = client.get(f"/runs/{run_id}/events", headers={"Accept": "text/plain"})
    assert (answer.headers["content-type"], answer.text) == ("text/plain; charset=utf-8", "just these words")
    failed_id, _ = ask(client, session_id, "say: so far\nfail: secret words")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"/runs/{failed_id}/events", headers={"Accept": "text/plain"})


def test_run_of_a_killed_process_ends_as_interrupted(
    gateway_client: httpx.Client, session_id: str, scripted_gateway: Gateway, shared_database_url: str, tmp_path: Path
) -> None:
    with streaming(gateway_client, session_id, f"say: one\nwait-for: {tmp_path / 'never'}") as response:
        run_id, seen = response.headers["run-id"], list(islice(frames(response), 3))
        wait_until(lambda: stored_count(shared_database_url, run_id))
        scripted_gateway.restart_functions()
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("UPDATE sessions SET lease_until = clock_timestamp() WHERE session_id = %s", [session_id])
    watched = watch(gateway_client, run_id)
    assert watched[:-1] == seen
    assert json.loads(watched[-1].partition("data: ")[2])["code"] == "interrupted"
    assert watched[-1].startswith("id: 4\n")


def test_request_that_is_sent_again_with_the_last_event_goes_on_and_asks_no_model(
    client: httpx.Client, session_id: str
) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    run_id, streamed = ask(client, session_id, "say: one two three", **key)
    assert ask(client, session_id, "say: one two three", **key, **{"Last-Event-ID": "4"}) == (run_id, streamed[4:])
    assert ask(client, session_id, "say: one two three", **{"Last-Event-ID": "4"}) == (run_id, streamed[4:])
    unknown = client.post("/process-streaming", json={"prompt": "say: other"}, headers={"Last-Event-ID": "1"})
    assert (unknown.status_code, unknown.json()["code"]) == (409, "rejoin_refused")


def test_events_that_are_gone_or_were_never_kept_are_410_with_the_history(
    client: httpx.Client, session_id: str, shared_database_url: str
) -> None:
    run_id, _ = ask(client, session_id, "say: hi")
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("DELETE FROM run_events WHERE run_id = %s", [run_id])
    plain = client.post("/process", json={"prompt": "say: hi", "session_id": session_id}).json()
    for gone_id in (run_id, plain["run_id"]):
        gone = client.get(f"/runs/{gone_id}/events")
        assert (gone.status_code, gone.json()["code"]) == (410, "events_gone")
        assert gone.json()["history"] == f"/sessions/{session_id}/history"


def test_events_are_nobody_elses(gateway_client: httpx.Client, session_id: str, scripted_gateway: Gateway) -> None:
    run_id, _ = ask(gateway_client, session_id, "say: hi")
    port = scripted_gateway.listen(owner=Owner("AIDABOB"))
    foreign = httpx.get(f"http://127.0.0.1:{port}/runs/{run_id}/events")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "run_not_found")
    for after in ("-1", "x", "1.5"):
        refused = gateway_client.get(f"/runs/{run_id}/events", params={"after": after})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "after")


def test_deleted_session_takes_its_events_along(
    client: httpx.Client, session_id: str, shared_database_url: str
) -> None:
    run_id, _ = ask(client, session_id, "say: hi")
    assert client.delete(f"/sessions/{session_id}").status_code == 204
    assert client.get(f"/runs/{run_id}/events").status_code == 404
    assert stored_count(shared_database_url, run_id) == 0


def stored_count(url: str, run_id: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM run_events WHERE run_id = %s", [run_id]).fetchone()
        return row[0] if row else 0


def test_redacted_message_takes_its_words_out_of_the_events(
    client: httpx.Client, session_id: str, shared_database_url: str
) -> None:
    run_id, _ = ask(client, session_id, "say: a secret")
    with psycopg.connect(shared_database_url) as connection:
        connection.execute(
            "UPDATE messages m SET redact_message = m.message FROM sessions s"
            " WHERE s.session_key = m.session_key AND s.session_id = %s",
            [session_id],
        )
    assert stored_count(shared_database_url, run_id) == 0
    assert client.get(f"/runs/{run_id}/events").status_code == 410


def test_what_a_guardrail_takes_back_is_not_kept(
    client: httpx.Client, session_id: str, shared_database_url: str
) -> None:
    run_id, streamed = ask(client, session_id, "say: a secret\nredact")
    assert kind(streamed[-1]) == "RUN_FINISHED"
    assert stored_count(shared_database_url, run_id) == 0
