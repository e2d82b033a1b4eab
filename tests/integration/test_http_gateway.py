"""The API as a client meets it: HTTP, the local gateway, real runtime processes."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from local.gateway import Gateway, Owner
from tests.support.http_api import BOB


@pytest.fixture
def bob(scripted_gateway: Gateway) -> Iterator[httpx.Client]:
    port = scripted_gateway.listen(owner=Owner(BOB))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


def test_the_seeds_six_requests(client: httpx.Client) -> None:
    first = client.post("/process", json={"prompt": "Hello, my name is Alice", "session_id": "user-123"})
    second = client.post("/process", json={"prompt": "echo-history:", "session_id": "user-123"})
    listed = client.get("/sessions")
    history = client.get("/sessions/user-123/history")
    told = client.post("/process-streaming", json={"prompt": "Tell me a story", "session_id": "user-123"})
    deleted = client.delete("/sessions/user-123")

    assert [answer.status_code for answer in (first, second, listed, history, told, deleted)] == [200] * 5 + [204]
    assert first.headers["Content-Type"] == "application/json"
    assert second.json()["response"].startswith("2: Hello, my name is Alice")
    assert "user-123" in [session["session_id"] for session in listed.json()["sessions"]]
    assert [item["message"]["role"] for item in history.json()["messages"]] == ["user", "assistant"] * 2
    assert told.headers["Content-Type"].startswith("text/event-stream")
    assert client.get("/sessions/user-123/history").status_code == 404


@pytest.mark.parametrize("session_id", ["a/b", "50%25", "100%", "a?b#c&d", "käse 🧀", "'\"\\"])
def test_any_session_id_keeps_its_name_on_the_whole_way(client: httpx.Client, session_id: str) -> None:
    path = f"/sessions/{quote(session_id, safe='')}"
    client.post("/process", json={"prompt": "Hello", "session_id": session_id})
    assert client.get(f"{path}/history").json()["session_id"] == session_id
    assert client.delete(path).status_code == 204


def test_one_owner_sees_nothing_of_the_other(client: httpx.Client, bob: httpx.Client) -> None:
    asked = client.post("/process", json={"prompt": "the marmalade", "session_id": "mine"}).json()
    cursor = client.get("/sessions?limit=1").json()["next_cursor"] or "none"
    forged = {"X-Amzn-Iam-User": "AIDALOCALOWNER", "Authorization": "AIDALOCALOWNER"}
    for method, path in (
        ("GET", "/sessions/mine/history"),
        ("GET", "/sessions/mine/export"),
        ("GET", f"/runs/{asked['run_id']}"),
        ("POST", f"/runs/{asked['run_id']}/cancel"),
        ("DELETE", "/sessions/mine"),
        ("GET", f"/sessions?cursor={cursor}"),
    ):
        answer = bob.request(method, path, headers=forged)
        assert (answer.status_code, "marmalade" in answer.text) == (404, False), path
    assert "mine" not in bob.get("/sessions").text
    assert client.get("/sessions/mine/history").status_code == 200


def test_a_lone_surrogate_and_a_nul_survive_the_wire(client: httpx.Client) -> None:
    body = json.dumps({"prompt": "a\ud800b\0c", "session_id": "odd"})
    answer = client.post("/process", content=body, headers={"Content-Type": "application/json"})
    assert json.loads(answer.text)["response"] == "You said: a\ud800b\0c"
    history = json.loads(client.get("/sessions/odd/history").text)
    assert history["messages"][0]["message"]["content"] == [{"text": "a\ud800b\0c"}]


def test_bytes_that_are_not_utf8_are_refused_or_replaced_by_the_gateway(client: httpx.Client) -> None:
    answer = client.post("/process", content=b'\xff{"prompt":"a"}', headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_the_reference_page_is_complete_in_itself(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "/sessions/{session_id}/history" in page.text
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
