"""POST /runs on real runtime processes: the gateway answers at once, and its queue works."""

import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
import psycopg

from local.gateway import Gateway
from session_store.background_runs import MAXIMUM_BODY_BYTES, is_awaited, is_background, new_run_id
from tests.support.waiting import wait_until


def accept(client: httpx.Client, session_id: str, prompt: Any, **headers: str) -> dict[str, str]:
    answer = client.post("/runs", json={"prompt": prompt, "session_id": session_id}, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (202, answer.json()["run"])
    return answer.json()


def end_of(client: httpx.Client, run: dict[str, str]) -> dict[str, Any]:
    wait_until(lambda: client.get(run["run"]).json()["status"] not in ("queued", "running"))
    return client.get(run["run"]).json()


def test_run_goes_on_with_nobody_connected_and_is_found_at_every_moment(
    client: httpx.Client, session_id: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    accepted = accept(client, session_id, f"say: one\nwait-for: {gate}\nsay: two")
    queued = client.get(accepted["run"])
    assert (queued.status_code, queued.json()["run_id"]) == (200, accepted["run_id"])
    with client.stream("GET", accepted["events"]) as response:
        gate.touch()
        events = response.read().decode()
    assert events.startswith('id: 1\ndata: {"type":"RUN_STARTED"')
    assert '"type":"RUN_FINISHED"' in events
    run = end_of(client, accepted)
    assert (run["status"], run["session_id"], run["answer"]["response"]) == ("completed", session_id, "onetwo")
    assert run["usage"]["total_tokens"] == 2
    assert run["timings"]["round_trips"] == 2
    assert client.get(accepted["events"]).text == events.replace(": heartbeat\n", "")
    runs = client.get(f"/sessions/{session_id}/runs").json()["runs"]
    assert [run["run_id"] for run in runs] == [accepted["run_id"]]


def test_what_cannot_begin_is_refused_where_its_caller_looks_for_it(client: httpx.Client, session_id: str) -> None:
    answered = [{"interruptResponse": {"interruptId": "v1:x", "response": "yes"}}]
    for prompt, code in (("", "invalid_request"), (answered, "awaiting_response")):
        accepted = accept(client, session_id, prompt)
        run = end_of(client, accepted)
        assert (run["status"], run["error_code"], run["problem"]["code"]) == ("refused", code, code)
    assert '"type":"RUN_ERROR"' in client.get(accept(client, session_id, "")["events"]).text


def test_same_key_is_the_same_run(client: httpx.Client, session_id: str) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = end_of(client, accept(client, session_id, "echo-history", **key))
    again = end_of(client, accept(client, session_id, "echo-history", **key))
    assert again == first


def test_request_that_no_queue_takes_is_refused_before_it_is_accepted(client: httpx.Client, session_id: str) -> None:
    body = {"prompt": "x" * MAXIMUM_BODY_BYTES, "session_id": session_id}
    refused = client.post("/runs", json=body)
    assert (refused.status_code, refused.json()["code"]) == (413, "payload_too_large")
    assert f"POST /runs takes {MAXIMUM_BODY_BYTES:,} bytes" in refused.json()["title"]


def test_deleted_run_is_not_found_and_one_that_was_never_accepted_neither(
    client: httpx.Client, session_id: str
) -> None:
    accepted = accept(client, session_id, "say: hi")
    end_of(client, accepted)
    client.delete(f"/sessions/{session_id}")
    for address in (accepted["run"], accepted["events"], f"/runs/{uuid.uuid4()}"):
        assert client.get(address).status_code == 404


def test_event_whose_first_try_began_the_run_begins_no_second_one(
    client: httpx.Client, session_id: str, scripted_gateway: Gateway, shared_database_url: str, tmp_path: Path
) -> None:
    accepted = accept(client, session_id, f"say: one\nwait-for: {tmp_path / 'never'}")
    wait_until(lambda: client.get(accepted["run"]).json()["status"] == "running")
    scripted_gateway.restart_functions()
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("UPDATE sessions SET lease_until = clock_timestamp() WHERE session_id = %s", [session_id])
    assert end_of(client, accepted)["status"] == "interrupted"
    assert client.get(f"/sessions/{session_id}/history").json()["messages"] == []


def test_id_of_a_background_run_says_when_it_was_accepted() -> None:
    run_id = new_run_id(str(uuid.uuid4()), 1764169500120)
    assert uuid.UUID(run_id).version == 8
    assert run_id.endswith("176416950012")
    assert is_background(run_id)
    assert not is_awaited(run_id, 60)
    assert not is_background(str(uuid.uuid4()))


def test_script_of_the_documentation_leaves_runs_and_finds_them_again(scripted_gateway: Gateway) -> None:
    script = Path(__file__).parents[2] / "docs/rejoin.py"
    ran = subprocess.run([sys.executable, script, scripted_gateway.url], capture_output=True, text=True, check=True)
    left, *watched, last = ran.stdout.splitlines()
    assert left.endswith("after event 3")
    assert [line.split()[0] for line in watched] == [str(number) for number in range(4, 4 + len(watched))]
    assert watched[-1].endswith("RUN_FINISHED")
    assert last == "in the background: You said: Hello"
