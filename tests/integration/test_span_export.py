"""Spans of turns by OTLP, from real runtime processes to a collector of the test's own."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from local.gateway import Gateway


class Collector:
    """paths: of all requests. spans: by name."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.spans: dict[str, Span] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.paths.append(self.path)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.spans |= {s.name: s for scope in resource.scope_spans for s in scope.spans}
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(shared_database_url: str, collector: Collector) -> Iterator[httpx.Client]:
    environment = {
        "SESSION_BACKEND_URL": shared_database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "OTLP_ENDPOINT": collector.url,
    }
    with (
        Gateway(environment, port=0, backend_port=0) as gateway,
        httpx.Client(base_url=gateway.url, timeout=60) as connected,
    ):
        yield connected


@pytest.mark.parametrize("path", ["/process", "/process-streaming"])
def test_when_a_turn_is_answered_its_spans_have_been_sent_strands_own_within_ours(
    client: httpx.Client, collector: Collector, path: str
) -> None:
    collector.spans.clear()
    answer = client.post(path, json={"prompt": "Hello", "session_id": f"spans{path[8:]}"})
    assert answer.status_code == 200, answer.text
    assert set(collector.paths) == {"/v1/traces"}
    turn, agent = collector.spans["turn"], next(s for n, s in collector.spans.items() if n.startswith("invoke_agent"))
    assert (agent.trace_id, agent.parent_span_id) == (turn.trace_id, turn.span_id)
    attributes = {each.key: each.value.string_value for each in turn.attributes}
    assert attributes["gen_ai.conversation.id"] == f"spans{path[8:]}"
    assert attributes["run.id"]


def test_a_failed_turn_has_its_kind_of_error_and_no_words(client: httpx.Client, collector: Collector) -> None:
    collector.spans.clear()
    assert client.post("/process", json={"prompt": "fail: secret words", "session_id": "fails"}).status_code == 502
    status = collector.spans["turn"].status
    assert (status.code, status.message) == (2, "ModelFailedError")


def test_without_a_collector_nothing_of_the_export_is_imported() -> None:
    program = (
        "import sys; from api.observability import Observability; from api.settings import Settings;"
        "Observability(Settings()).turn_span().end(); import api.operations.process_streaming;"
        "print([name for name in sys.modules if 'opentelemetry.exporter' in name or 'span_export' in name])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
