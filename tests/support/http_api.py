"""A function called as API Gateway calls it: with a recorded REST proxy event, changed to the request at hand.

Or its operations called as an ASGI server calls them, with the same request.
"""

import copy
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, quote

from response_streaming.response import find_stream
from tests.support.asgi_api import call_over_asgi

ROOT = Path(__file__).resolve().parents[2]
RECORDED = json.loads((ROOT / "tests/support/events/rest_api.json").read_text())
Edge = Literal["api_gateway", "asgi"]
ALICE, BOB = "AIDAALICE", "AIDABOB"
FUNCTIONS = {
    "/process": "process",
    "/agent": "process",
    "/process-streaming": "process_streaming",
    "/ag-ui": "process_streaming",
    "/chat": "process_streaming",
    "/chat/{chat_id}/stream": "run_events",
    "/runs/{run_id}/events": "run_events",
    "/sessions/{session_id}/attachments/{attachment_id}": "run_events",
}


class Context:
    """What a handler reads of Lambda's context."""

    function_name = "test"
    aws_request_id = "00000000-0000-0000-0000-00000000aaaa"

    def __init__(self, remaining_seconds: float = 29) -> None:
        self.remaining_seconds = remaining_seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining_seconds * 1000)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["code"]


class HttpApi:
    """The deployed API in this process: its routes, each leading to the handler of its function."""

    def __init__(self, edge: Edge = "api_gateway", **handlers: Any) -> None:
        self.edge, self.handlers = edge, handlers

    def call(
        self,
        method: str,
        resource: str,
        *,
        user: str | None = ALICE,
        body: Any = None,
        text: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        **path_parameters: str,
    ) -> Answer:
        """`body` goes as JSON, `text` as it is."""
        event = event_of(method, resource, user, query, path_parameters)
        event["headers"] |= {"Content-Type": "application/json", **(headers or {})}
        event["body"] = json.dumps(body) if body is not None else text
        return self.send(event)

    def send(self, event: dict[str, Any]) -> Answer:
        handler = self.handlers[FUNCTIONS.get(event["resource"], "sessions")]
        response = call_over_asgi(handler, event) if self.edge == "asgi" else handler(event, Context())
        if stream := find_stream(response):
            response = stream.joined()
        headers = {name: values[0] for name, values in response["multiValueHeaders"].items()}
        return Answer(response["statusCode"], headers, response["body"])


def event_of(
    method: str, resource: str, user: str | None, query: str, path_parameters: Mapping[str, str]
) -> dict[str, Any]:
    """Path parameters go percent-encoded, as a REST API hands them over."""
    event = copy.deepcopy(RECORDED)
    encoded = {name: quote(value, safe="") for name, value in path_parameters.items()}
    values = parse_qs(query, keep_blank_values=True)
    event |= {
        "httpMethod": method,
        "resource": resource,
        "path": resource.format(**encoded),
        "pathParameters": encoded or None,
        "multiValueQueryStringParameters": values or None,
        "queryStringParameters": {name: given[-1] for name, given in values.items()} or None,
    }
    event["requestContext"]["path"] = f"/prod{event['path']}"
    event["requestContext"]["identity"] |= {"user": user, "caller": user}
    return event


def load_handler(function: str) -> Any:
    """The function's handler as a fresh Lambda environment has it: settings read, nothing connected."""
    path = ROOT / "functions" / function / "handler.py"
    spec = importlib.util.spec_from_file_location(f"fresh_{function}_handler", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler
