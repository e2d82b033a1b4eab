"""The real BedrockModel and client against a small server that speaks ConverseStream's event-stream framing."""

import gc
import json
import struct
import threading
from binascii import crc32
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError, EventStreamError
from strands import Agent, ModelRetryStrategy
from strands.types.exceptions import ModelThrottledException
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from agent.models import build_model
from tests.support.agent import TOOLS

# A stream that breaks is left by Strands to the garbage collector; the fixture sees to it that it comes in that test.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

MODEL_ID = "eu.anthropic.claude-haiku-4-5-v1:0"
Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Refusal:
    """Answers with an HTTP error."""

    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Breaks:
    """Streams some events, then an error frame, or a cut connection when there is no code."""

    events: list[Event]
    code: str | None = None


@dataclass(frozen=True)
class Stalls:
    """Streams some events and then nothing, until the client has had enough."""

    events: list[Event]


Answer = list[Event] | Refusal | Breaks | Stalls


@dataclass
class BedrockServer:
    url: str
    answers: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bedrock: BedrockServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bedrock.requests.append((unquote(self.path), body))
        match self.bedrock.answers.pop(0):
            case Refusal(status, code, message):
                self._refuse(status, code, message)
            case Breaks(events, code):
                self._stream(events)
                if code:
                    self._chunk(_frame("exception", code, {"message": "broken off"}))
                    self._chunk(b"")
                self.close_connection = True
            case Stalls(events):
                self._stream(events)
                self.rfile.read(1)
                self.close_connection = True
            case list(events):
                self._stream(events)
                self._chunk(b"")

    def log_message(self, *args: object) -> None: ...

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"message": message}).encode()
        self.send_response(status)
        self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: list[Event]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.amazon.eventstream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for kind, payload in events:
            self._chunk(_frame("event", kind, payload))

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def _frame(message_type: str, kind: str, payload: dict[str, Any]) -> bytes:
    """One message of docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html, as in all AWS streams."""
    names = {":message-type": message_type, f":{message_type}-type": kind, ":content-type": "application/json"}
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in names.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + body
    return message + struct.pack("!I", crc32(message))


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[BedrockServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    Handler.bedrock = BedrockServer(url)
    for name, value in {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Handler.bedrock
    server.shutdown()
    thread.join()
    server.server_close()
    gc.collect()


def test_text_is_streamed_word_by_word(bedrock: BedrockServer) -> None:
    bedrock.answers = [_text("It is a fine day")]
    heard: list[str] = []

    result = _agent(lambda **event: heard.append(event["data"]) if "data" in event else None)("How is the weather?")

    assert heard == ["It ", "is ", "a ", "fine ", "day "]
    assert result.stop_reason == "end_turn"
    assert result.metrics.accumulated_usage["totalTokens"] == 13
    [(path, request)] = bedrock.requests
    assert path == f"/model/{MODEL_ID}/converse-stream"
    assert request["messages"][0]["content"] == [{"text": "How is the weather?"}]
    assert {tool["toolSpec"]["name"] for tool in request["toolConfig"]["tools"]} >= {"calculator", "remember_note"}


def test_a_tool_request_is_carried_out_and_its_result_sent_back(bedrock: BedrockServer) -> None:
    bedrock.answers = [_tool("calculator", {"expression": "17 * 23"}), _text("It is 391")]

    result = _agent()("What is 17 times 23?")

    assert "391" in str(result)
    sent_back = bedrock.requests[1][1]["messages"][-1]["content"][0]["toolResult"]
    assert sent_back["toolUseId"] == "tooluse_1"
    assert sent_back["content"] == [{"text": "391"}]


def test_one_throttled_attempt_is_made_up_for_by_the_client(bedrock: BedrockServer) -> None:
    bedrock.answers = [Refusal(429, "ThrottlingException", "slow down"), _text("Hello")]
    assert "Hello" in str(_agent()("Hi"))
    assert len(bedrock.requests) == 2


def test_lasting_throttling_is_told_as_such(bedrock: BedrockServer) -> None:
    bedrock.answers = [Refusal(429, "ThrottlingException", "slow down")] * 2
    with pytest.raises(ModelThrottledException, match="slow down"):
        _agent()("Hi")
    assert bedrock.answers == []


def test_a_refused_request_is_not_tried_again(bedrock: BedrockServer) -> None:
    bedrock.answers = [Refusal(403, "AccessDeniedException", "no access to the model")]
    with pytest.raises(ClientError, match="no access to the model"):
        _agent()("Hi")


@pytest.mark.parametrize("code", ["modelStreamErrorException", "internalServerException"])
def test_an_error_midway_fails_the_call(bedrock: BedrockServer, code: str) -> None:
    bedrock.answers = [Breaks(_text("It is a fine day")[:3], code)]
    with pytest.raises(EventStreamError, match="broken off"):
        _agent()("Hi")
    assert len(bedrock.requests) == 1


def test_a_cut_connection_fails_the_call(bedrock: BedrockServer) -> None:
    bedrock.answers = [Breaks(_text("It is a fine day")[:3])]
    agent = _agent()
    with pytest.raises(ProtocolError, match="ended prematurely"):
        agent("Hi")
    assert [message["role"] for message in agent.messages] == ["user"]


def test_a_silent_service_fails_the_call(bedrock: BedrockServer) -> None:
    bedrock.answers = [Stalls(_text("It is a fine day")[:3])]
    with pytest.raises(ReadTimeoutError):
        _agent(read_timeout_seconds=0.3)("Hi")


def _agent(callback: Callable[..., None] | None = None, read_timeout_seconds: float = 20) -> Agent:
    model = build_model("bedrock", MODEL_ID, read_timeout_seconds=read_timeout_seconds)
    retry = ModelRetryStrategy(max_attempts=1)
    return Agent(model=model, tools=list(TOOLS), callback_handler=callback, retry_strategy=retry)


def _text(text: str) -> list[Event]:
    deltas: list[Event] = [
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": f"{word} "}}) for word in text.split()
    ]
    return [("messageStart", {"role": "assistant"}), *deltas, *_end("end_turn")]


def _tool(name: str, arguments: dict[str, Any]) -> list[Event]:
    start = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": name}}}
    text = json.dumps(arguments)
    deltas: list[Event] = [
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": text[at : at + 5]}}})
        for at in range(0, len(text), 5)
    ]
    return [("messageStart", {"role": "assistant"}), ("contentBlockStart", start), *deltas, *_end("tool_use")]


def _end(reason: str) -> list[Event]:
    usage = {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13}
    return [
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": reason}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 7}}),
    ]
