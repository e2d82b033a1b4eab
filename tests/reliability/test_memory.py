"""Sessions of any size are answered, or refused by the message that is too much, within a function's memory."""

import json
import os
import subprocess
import sys
import tomllib
import uuid
from typing import Any

import psycopg
import pytest

from api.attachments import attachment_id as find_id
from api.content_blocks import MAXIMUM_CONTENT_BYTES
from session_store.encoding import encode
from session_store.postgresql import PostgreSQLStore
from tests.contract.records import add_session, message
from tests.support.http_api import ALICE, ROOT

OWNER = f"iam:{ALICE}"
MESSAGES, MESSAGE_BYTES = int(os.environ.get("MEMORY_MESSAGES", "24")), 4_800_000
SHARE = 0.6
BEGIN = {"session_id": "large", "agent_id": "default", "lease_seconds": 30}
TURN = {"prompt": "say: hi", "session_id": "large"}
FUNCTIONS = tomllib.loads((ROOT / "functions/functions.toml").read_text())["functions"]


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the most memory of a program is read from /proc")


@pytest.fixture
def large_url(store: PostgreSQLStore, database_url: str) -> str:
    add_session(store, OWNER, session_id="large")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            """
            INSERT INTO messages
            SELECT session_key, agent_id, message_id,
                   ('{"role":"user","content":[{"text":"' || repeat('x', %s) || '"}]}')::json, NULL, '2026', '2026'
            FROM agents, generate_series(0, %s) AS message_id
            """,
            (MESSAGE_BYTES, MESSAGES - 1),
        )
        connection.execute("UPDATE agents SET message_count = %s", (MESSAGES,))
    return database_url


def measure(
    url: str, function: str, method: str, route: str, query: str = "", body: Any = None, attachment_id: str = ""
) -> dict[str, Any]:
    environment = os.environ | {
        "SESSION_BACKEND_URL": url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }
    arguments = [function, method, route, query, json.dumps(body) if body else "", attachment_id]
    child = subprocess.run(
        [sys.executable, "-m", "tests.reliability.memory", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2_000:]
    measured = json.loads(child.stdout.splitlines()[-1])
    print(function, method, route, measured)
    assert measured["peak_mb"] < SHARE * FUNCTIONS[function]["memory_mb"]
    return measured


def test_large_messages_are_paged_and_a_window_of_them_is_refused_within_a_functions_memory(large_url: str) -> None:
    history = measure(large_url, "sessions", "GET", "/sessions/{session_id}/history", "limit=100")
    assert (history["status"], '"next_cursor":1,' in history["body"]) == (200, True)
    assert measure(large_url, "sessions", "GET", "/sessions/{session_id}/export")["status"] == 200
    begun = measure(large_url, "session_backend", "POST", "/api/v1/runs", "", {**BEGIN, "run_id": str(uuid.uuid4())})
    turn = measure(large_url, "process", "POST", "/process", "", TURN)
    for refused in (begun, turn):
        assert refused["status"] == 413
        assert "message 6" in refused["body"]

    with psycopg.connect(large_url) as connection:  # the largest window that is taken
        connection.execute("DELETE FROM messages WHERE message_id > 5")
        connection.execute("UPDATE agents SET message_count = 6")
    assert measure(large_url, "process", "POST", "/process", "", TURN)["status"] == 200


def test_the_largest_attachment_is_streamed_within_a_functions_memory(
    store: PostgreSQLStore, database_url: str
) -> None:
    content = bytes(MAXIMUM_CONTENT_BYTES)
    body = {"role": "user", "content": [{"video": {"format": "mp4", "source": {"bytes": content}}}]}
    add_session(store, OWNER, session_id="large")
    store.messages.create(OWNER, "large", "default", message(0)._replace(message=encode("message", body)), None)
    route = "/sessions/{session_id}/attachments/{attachment_id}"
    read = measure(database_url, "run_events", "GET", route, attachment_id=find_id(0, content))
    assert (read["status"], read["body"]) == (200, f"{len(content)} bytes")
