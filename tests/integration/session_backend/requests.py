"""Requests to the session backend: over HTTP as they are written, or as events to the function itself."""

import http.client
import json
from collections.abc import Callable
from typing import Any

from local.gateway import LOCAL_OWNER
from tests.support.http_api import Answer, Context, event_of, load_handler

CALLER = f"iam:{LOCAL_OWNER.user}"
MESSAGE = {"role": "user", "content": [{"text": "Hello"}]}
AGENT = {"agent_id": "default", "state": {}, "conversation_manager_state": {"removed_message_count": 0}}
MESSAGES = "/sessions/s/agents/default/messages"
BEGIN = {"session_id": "s", "agent_id": "a", "run_id": "00000000-0000-4000-8000-000000000001", "lease_seconds": 30}
Ask = Callable[..., Answer]


def ask_at(port: int, method: str, path: str, body: Any = None, *, text: str | None = None) -> Answer:
    """`path` goes out as it is; `body` as JSON, `text` as it is."""
    content = text if body is None else json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, content and content.encode(), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = Answer(response.status, dict(response.headers.items()), response.read().decode())
    connection.close()
    return answer


def add_agent(ask: Ask, *texts: str, session_id: str = "s") -> str:
    """The path of the agent."""
    assert ask("POST", "/sessions", {"session_id": session_id}).status == 201
    assert ask("POST", f"/sessions/{session_id}/agents", AGENT).status == 201
    path = f"/sessions/{session_id}/agents/default"
    for number, text in enumerate(texts):
        body = {"message_id": number, "message": {"role": "user", "content": [{"text": text}]}}
        assert ask("POST", f"{path}/messages", body).status == 201
    return path


def event_at(path: str, user: str | None = "AIDAALICE", query: str = "") -> dict[str, Any]:
    return event_of("GET", "/health", user, query, {}) | {"resource": "/api/v1/{proxy+}", "path": path}


def call_function(event: dict[str, Any]) -> Answer:
    response = load_handler("session_backend")(event, Context())
    return Answer(response["statusCode"], {}, response["body"])
