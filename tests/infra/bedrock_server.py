"""Bedrock's ConverseStream on loopback, in its own binary framing: what the real `BedrockModel` of a function talks to.

docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

import binascii
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

_STRING = 7


class BedrockServer(ThreadingHTTPServer):
    """Says `answer` to everything; `models` were asked for it."""

    def __init__(self, answer: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.models: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: BedrockServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        _, _, model, _ = unquote(self.path).split("/", 3)
        self.server.models.append(model)
        body = b"".join(_event(name, payload) for name, payload in _events(self.server.answer))
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.amazon.eventstream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _events(answer: str) -> Iterator[tuple[str, object]]:
    yield "messageStart", {"role": "assistant"}
    yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": answer}}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": "end_turn"}
    usage = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
    yield "metadata", {"usage": usage, "metrics": {"latencyMs": 1}}


def _event(name: str, payload: object) -> bytes:
    """One message: lengths and their checksum, headers, body, checksum of all of it."""
    texts = {":message-type": "event", ":event-type": name, ":content-type": "application/json"}
    headers = b"".join(_header(key, value) for key, value in texts.items())
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + headers + body
    return message + struct.pack("!I", binascii.crc32(message))


def _header(key: str, value: str) -> bytes:
    return struct.pack("!B", len(key)) + key.encode() + struct.pack("!BH", _STRING, len(value)) + value.encode()


@contextmanager
def running_bedrock(answer: str) -> Iterator[BedrockServer]:
    with BedrockServer(answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
