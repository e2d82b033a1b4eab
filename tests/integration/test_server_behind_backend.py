"""The API and the session backend as two servers, as the seed has them: one holds the agent, the other the database."""

from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest

from session_store import PostgreSQLSessionRepository, StoreSettings
from session_store.errors import ConfigurationError
from session_store.http import HttpStore
from tests.support.issuer import AUDIENCE, publishing
from tests.support.server import serving


def test_an_agent_keeps_its_sessions_behind_a_session_backend_that_knows_it_by_its_token(
    database_url: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    with publishing() as issuer:
        token.write_text(f"{issuer.sign(sub='system:serviceaccount:default:agent')}\n")
        verified = {"JWT_ISSUER": issuer.url, "JWT_AUDIENCE": AUDIENCE}
        with serving(tmp_path, database_url, "api.session_backend", **verified) as backend:
            known = {"SESSION_BACKEND_TOKEN_FILE": str(token)}
            with serving(tmp_path, backend.url, **known) as server, httpx.Client(base_url=server.url) as client:
                converse(client)
            check_library(backend.url, token)
    with psycopg.connect(database_url) as connection:
        owners = [owner for (owner,) in connection.execute("SELECT DISTINCT owner FROM sessions").fetchall()]
    assert {owner.partition("|")[2] for owner in owners} == {
        "system:serviceaccount:default:agent",
        "system:serviceaccount:default:agent/iam:AIDALOCALOWNER",
    }


def converse(client: httpx.Client) -> None:
    body = {"prompt": "Hello, my name is Alice", "session_id": "user-123"}
    assert client.post("/process", json=body, timeout=60).json()["response"] == "You said: Hello, my name is Alice"
    assert "RUN_FINISHED" in client.post("/process-streaming", json=body, timeout=60).text
    assert client.get("/sessions").json()["sessions"][0]["message_count"] == 4
    assert len(client.get("/sessions/user-123/history").json()["messages"]) == 4
    converse_from_stock_clients(client)
    assert client.get("/health/ready").status_code == 200
    assert client.post("/runs", json=body).json()["code"] == "route_not_found"  # it needs the database itself


def converse_from_stock_clients(client: httpx.Client) -> None:
    chat = {"id": "chat", "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}]}
    for _ in range(2):  # the second time it is the same question again, which takes the first one's place
        assert client.post("/chat", json=chat, timeout=60).text.endswith("data: [DONE]\n\n")
    assert len(client.get("/sessions/chat/ui-messages").json()["messages"]) == 2
    thread = {"threadId": "thread", "runId": "run-1", "messages": [{"id": "m1", "role": "user", "content": "Hello"}]}
    assert "RUN_FINISHED" in client.post("/ag-ui", json=thread, timeout=60).text
    shown = client.post("/ag-ui", json={"threadId": "thread", "runId": "run-2", "messages": []}, timeout=60).text
    assert "You said: Hello" in shown


def check_library(url: str, token: Path) -> None:
    known, unknown, mistaken = (
        HttpStore(StoreSettings(url=url, token_file=file)) for file in (str(token), None, "/none")
    )
    with closing(known), closing(unknown), closing(mistaken):
        with PostgreSQLSessionRepository(store=known).run("library"):
            pass
        with pytest.raises(ConfigurationError, match="refuses this caller"):
            unknown.sessions.read("default", "library")
        with pytest.raises(ConfigurationError, match="SESSION_BACKEND_TOKEN_FILE"):
            mistaken.sessions.read("default", "library")
