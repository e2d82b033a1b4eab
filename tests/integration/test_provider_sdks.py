"""Real SDKs of providers in warm runtime processes, against servers that speak their protocols."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from local.gateway import Gateway

TURNS = 3


@dataclass
class Provider:
    """Answers each request with its number. connections: the client's port of each request."""

    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    connections: list[int] = field(default_factory=list[int])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def do_POST(self) -> None:
        self.provider.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.provider.connections.append(self.client_address[1])
        answer = f"answer {len(self.provider.requests)}"
        body = "".join((_openai if "completions" in self.path else _anthropic)(answer)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


def _anthropic(text: str) -> Iterator[str]:
    """docs.anthropic.com/en/docs/build-with-claude/streaming"""
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [], "usage": usage}
    for event in (
        {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ):
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _openai(text: str) -> Iterator[str]:
    """platform.openai.com/docs/api-reference/chat-streaming"""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "x"}
    for choice in (
        {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ):
        yield f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n"
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    yield f"data: {json.dumps({**chunk, 'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"


@pytest.fixture
def provider() -> Iterator[tuple[Provider, str]]:
    made = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"provider": made}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_a_warm_process_asks_its_model_once_a_turn(
    name: str, provider: tuple[Provider, str], database_url: str
) -> None:
    served, url = provider
    environment = {
        "SESSION_BACKEND_URL": database_url,
        "MODEL_PROVIDER": name,
        "MODEL_ID": "some-model",
        "ANTHROPIC_API_KEY": "none",
        "ANTHROPIC_BASE_URL": url,
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{url}/v1",
        "NO_PROXY": "127.0.0.1",
    }
    with (
        Gateway(environment, port=0, backend_port=0) as gateway,
        httpx.Client(base_url=gateway.url, timeout=60) as client,
    ):
        for route in ("/process", "/process-streaming"):
            for _ in range(TURNS):
                answer = client.post(route, json={"prompt": "Hello", "session_id": "s"})
                assert f"answer {len(served.requests)}" in answer.text
    assert len(served.requests) == 2 * TURNS
    assert len(served.requests[-1]["messages"]) >= 4 * TURNS - 1  # all of the session


def test_a_service_that_does_not_let_this_one_in_is_a_misconfiguration(database_url: str) -> None:
    """Without credentials, which the SDK finds out by itself."""
    environment = {
        "SESSION_BACKEND_URL": database_url,
        "MODEL_PROVIDER": "bedrock",
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_CONFIG_FILE": "/dev/null",
    }
    with (
        Gateway(environment, port=0, backend_port=0) as gateway,
        httpx.Client(base_url=gateway.url, timeout=60) as client,
    ):
        answer = client.post("/process", json={"prompt": "Hello"})
    assert (answer.status_code, answer.json()["code"]) == (500, "misconfigured")
